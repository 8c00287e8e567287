# SPDX-License-Identifier: GPL-2.0-or-later
"""Mode=observe: nothing is changed, nobody is told anything, and the log says what would have been."""
import os
import re

import host
from host import SEEN, Daemon, Member, Migration, check, drmgr, status, text, wait


def everyone():
    """Each writes down whatever it is run or told for, be it scriptinfo."""
    for path in (host.SCRIPTS + "/10-one", host.SCRIPTS + "/20-two", host.HOOKS + "/50-hook"):
        host.put(path, f"#!/bin/sh\necho run $0 $* >> {SEEN}\nexit 1\n")
    Member("app", "may-refuse", "required", "refuse=not today")
    Member("guest", "refuse=not today", uid=65534)


def lines(daemon):
    """What has been logged of our own since, without the parts that differ from run to run."""
    out = []
    for line in daemon.log().splitlines()[lines.read:]:
        lines.read += 1
        m = re.match(r"<\d>DRMGR: (.*)", line)
        if m:
            out.append(re.sub(r"process \d+, ", "", m[1]))
    return out


lines.read = 0

CHECK = """\
would have asked script 10-one checkmigrate, if it registers for pmig (its DR_TIMEOUT, or 10 s); it may refuse
would have asked script 20-two checkmigrate, if it registers for pmig (its DR_TIMEOUT, or 10 s); it may refuse
would have asked hook 50-hook check (300 s); it may refuse
would have asked no driver check, unless pmig.ko can be loaded
would have asked application app (user 0) check (10 s); it may refuse
would have asked application guest (user 65534) check; it can't stop the migration""".splitlines()
PRE = """\
would have told application app (user 0) begin
would have told application guest (user 65534) begin
would have told hook 50-hook pre (300 s)
would have told script 10-one premigrate, if it registers for pmig (its DR_TIMEOUT, or 10 s); its failure would stop the migration
would have told script 20-two premigrate, if it registers for pmig (its DR_TIMEOUT, or 10 s); its failure would stop the migration
would have told application app (user 0) pre (10 s); it may refuse
would have told application guest (user 65534) pre; it can't stop the migration
would have told no driver pre, unless pmig.ko can be loaded""".splitlines()
POST = """\
would have told application app (user 0) post
would have told application guest (user 65534) post
would have told script 10-one postmigrate, if it registers for pmig (its DR_TIMEOUT, or 10 s)
would have told script 20-two postmigrate, if it registers for pmig (its DR_TIMEOUT, or 10 s)
would have told hook 50-hook post (300 s)""".splitlines()
CHANGED = 'identity.system-id: was "IBM,02LAB0A", is "IBM,02LAB0B"'


def would(said):
    return [x for x in said if x.startswith("would")]


def observe(t):
    """A migration of others is logged as it would have gone with us, and what it changed; nobody hears of it."""
    host.machine("LAB0A")
    daemon = Daemon("Mode=observe", "CheckState=veto")
    everyone()
    t.same("status says so", "observe", status("mode"))
    t.result("does not load it" in status("degraded"), "no module is loaded", status("degraded"))
    check("0x7001")
    t.same("a check: who would have been asked", CHECK, would(lines(daemon)))
    host.fill_run()
    check("0x7001")
    os.unlink("/run/full")
    t.result("builtin state would have refused: /run is almost full" in "\n".join(lines(daemon)), "and what of ours would have refused")
    host.others_write("0x7001", "LAB0B")
    wait(lambda: daemon.log().endswith("End: DR PMIG operation ~~~~\n"), "the end of the migration")
    said = lines(daemon)
    t.same("a migration: who would have been told", CHECK + PRE + POST, would(said))
    t.result(CHANGED in said, "what it changed", "\n".join(said))
    t.result(not os.path.exists(host.LOCK), "the DLPAR lock is not touched")
    r = drmgr("migrate", "--simulate")
    t.same("a simulation, which would tell everyone, is refused", True, r.returncode != 0 and "Mode=observe" in r.stderr)
    t.same("nobody has been run or told anything", "", text(SEEN))
    daemon.configure()
    daemon.reload()
    t.result("there is no pmig.ko for" in status("degraded"), "once it is active the module is looked for", status("degraded"))
    t.same("and Mode= can be changed at any time", ("active", 1), (status("mode"), check("0x7002").returncode))
    t.result("app: check" in text(SEEN), "then everyone is asked", text(SEEN))


def left_alone(t):
    """drmgr leaves checks and migrations to powerpc-utils' drmgr, arguments untouched, or writes the stream ID itself."""
    Daemon("Mode=observe", "Fallback=refuse")
    everyone()
    t.same("without powerpc-utils a check passes", 0, check("0x7001").returncode)
    m = Migration("0x7001")
    t.same("and a migration is a plain write", (0, "0x7001\n"), (m.finish(), m.written))
    t.result("without drmgrd" not in m.err, "nothing is wrong, so nothing else is said", m.err)
    ran = host.DIR + "/ran"
    host.put(host.ORIGINAL, f"#!/bin/sh\nprintf '%s|' \"$@\" >> {ran}\nexit 7\n")
    form = ["-m", "-c", "pmig", "-d", "14", "a  b", "-s", "0x7002", "-p"]
    for phase in ("check", "pre"):
        t.same(f"-p {phase} has the status of powerpc-utils' drmgr", 7, drmgr(*form, phase).returncode)
        t.same("and its arguments are untouched", "|".join(form + [phase, ""]), text(ran))
        os.unlink(ran)
    t.same("nobody has been run or told anything", "", text(SEEN))


def ends_what_was_begun(t):
    """Those that an earlier daemon has told to get ready are told the end, once, in spite of Mode=observe."""
    daemon = Daemon()
    host.script("10-one")
    Member("app", "required", f"hold=pre:{host.DIR}/go")
    m = Migration("0x7001")
    wait(lambda: "app pre" in host.seen(), "the application")
    daemon.kill()
    m.end()
    daemon.configure("Mode=observe")
    daemon.start()
    open(host.DIR + "/go", "w").close()
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.same("the mode is the new one", "observe", status("mode"))
    t.same("everyone is undone", ["10-one premigrate", "app pre", "app post-error", "10-one undopremigrate"], host.seen())


def pre_is_logged_once(t):
    """PRE is logged when drmgr is called, or when a migration is seen; also after a drmgr that has moved nothing."""
    host.machine("LAB0A")
    daemon = Daemon("Mode=observe")
    everyone()

    def logged(serial):
        wait(lambda: daemon.log().endswith("End: DR PMIG operation ~~~~\n"), "the end of the migration")
        t.result(f"IBM,02{serial}" in daemon.log(), f"it has moved to {serial}")
        return would(lines(daemon))

    host.put(host.ORIGINAL, "#!/bin/sh\nexit 7\n")
    t.same("powerpc-utils' drmgr moves nothing", 7, Migration("0x7001").end())
    wait(lambda: "has not been seen to move" in daemon.log(), "its end")
    t.same("PRE is logged before it", PRE, would(lines(daemon)))
    host.others_write("0x7002", "LAB0B")
    t.same("of the next migration PRE is logged, too", CHECK + PRE + POST, logged("LAB0B"))
    host.put(host.ORIGINAL, f"""#!/bin/bash
[[ "$*" != *check* ]] || exit 0
exec 3> {host.FIFO}
echo 0x7003 >&3
while [ ! -e {host.DIR}/go ]; do sleep 0.05; done""")
    m = Migration("0x7003")
    with open(host.FIFO) as f:
        f.readline()
        check("0x7003")
        host.machine("LAB0C")
        host.put(host.DIR + "/go", "")
        t.same("powerpc-utils' drmgr moves it", 0, m.end())
    t.same("PRE is logged once, also when a check comes meanwhile", PRE + CHECK + POST, logged("LAB0C"))


TESTS = (observe, pre_is_logged_once, left_alone, ends_what_was_begun)
