# SPDX-License-Identifier: GPL-2.0-or-later
"""What is left where pmig.ko can't be used. No host test has it, so these look at what is said, and at WithoutModule=post."""
import os
import subprocess
import zlib

import host
from host import SEEN, Daemon, Member, Migration, check, drmgr, hook, script, seen, status, text, wait

KERNEL = os.uname().release


def everyone(*options):
    script("10-one")
    hook("50-hook")
    return Member("app", *options)


def warnings(daemon):
    """What is said about it for each request."""
    return [x for x in daemon.log().splitlines() if x.startswith("<4>DRMGR: Degraded: ")]


def modprobe_d(line):
    os.makedirs("/run/modprobe.d", exist_ok=True)
    with open("/run/modprobe.d/test.conf", "w") as f:
        f.write(line + "\n")


def why_no_module(t):
    """Whatever the module's trouble is, a check goes on, and status and log say what it is."""
    daemon = Daemon()
    everyone()

    def says(what, part):
        host.clear_seen()
        before = len(warnings(daemon))
        t.same(f"{what}: a check goes on", (0, ["10-one checkmigrate", "50-hook check", "app check"]),
               (check("0x7001").returncode, seen()))
        t.result(part in status("degraded"), f"{what}: status says so", status("degraded"))
        said = warnings(daemon)[before:]
        t.result(len(said) == 1 and part in said[0], f"{what}: the log says so, once", str(said))

    says("no module", f"there is no pmig.ko for kernel {KERNEL}")
    where = f"/lib/modules/{KERNEL}"
    os.makedirs(where)
    with open(where + "/pmig.ko", "w") as f:
        f.write("no module at all")
    subprocess.run(["depmod"], check=True, capture_output=True)
    says("a damaged one", "pmig.ko can't be loaded: ")
    modprobe_d("install pmig /bin/false")
    says("an install line", "its install line in modprobe.d fails")
    modprobe_d("blacklist pmig")
    says("a blacklist", "pmig.ko is blacklisted in modprobe.d")
    r = drmgr("migrate", "--simulate")
    t.same("a simulation can't do without it", 72, r.returncode)
    t.result("blacklisted" in r.stderr, "and says why", r.stderr)


def without_module(t):
    """WithoutModule=sysfs, the default: all but drivers are told around the write, or undone once if that fails."""
    daemon = Daemon()
    everyone()
    before = ["50-hook pre", "10-one premigrate", "app pre"]
    m = Migration("0x7001").moving()
    t.same("everyone is told before the write", before, seen())
    shown = [x.split(":")[0] for x in drmgr("status").stdout.splitlines()]
    t.result("mode module degraded others-seen-by" in " ".join(shown), "status has all of it in one place", str(shown))
    t.same("which goes well", 0, m.finish())
    t.same("the operator is told nothing that nobody knows", "moved: stream 0x7001\n", m.out)
    t.same("and after it", before + ["app post", "10-one postmigrate", "50-hook post"], seen())
    said = warnings(daemon)
    t.result(len(said) == 1 and "may be quiet for minutes; with WithoutModule=post" in said[0],
             "a warning says that PRE comes early, and what the choice is", str(said))
    host.clear_seen()
    script("20-full", f"[ $1 != premigrate ] || ln -sf /dev/full {host.FIFO}")
    t.same("a write that fails: drmgr -p pre ends with 4", 4, Migration("0x7002").end())
    t.same("everyone told is undone, once", ["50-hook pre", "10-one premigrate", "20-full premigrate", "app pre", "app post-error",
                                             "20-full undopremigrate", "10-one undopremigrate", "50-hook post"], seen())


def nobody_was_told(t):
    """The daemon was killed before it told anybody: the same command again begins anew, unless the write is under way."""
    os.makedirs("/run/drmgr")
    record = f"open 1 7001 0 sysfs - {text('/proc/sys/kernel/random/boot_id').strip()}"
    with open("/run/drmgr/session", "w") as f:
        f.write(f"{zlib.crc32(record.encode()):08x} {record}\n")
    daemon = Daemon()
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.same("it has no end", 66, drmgr("status", "-s", "0x7001").returncode)
    script("10-one")
    m = Migration("0x7001")
    t.same("with nobody told the same command again goes well", (0, "0x7001\n"), (m.moving().finish(), m.written))
    t.same("everyone is told", ["10-one premigrate", "10-one postmigrate"], seen())
    os.unlink(host.SCRIPTS + "/10-one")
    m = Migration("0x7002").moving()
    daemon.kill()
    m.end()
    daemon.start()
    m = Migration("0x7002")
    wait(lambda: status("waiting") == "1", "it to wait")
    t.same("one whose write is under way is written once", "0x7002\n", host.move())
    t.same("and the same command again has its result", 0, m.end())


def post_alone(t):
    """WithoutModule=post: nobody is told PRE. All but hooks are told that it has moved, and nothing if it has not."""
    daemon = Daemon("WithoutModule=post")
    everyone()
    after = ["app post", "10-one postmigrate"]
    t.same("a check asks all", (0, 3), (check("0x7001").returncode, len(seen())))
    host.clear_seen()
    m = Migration("0x7001").moving()
    t.same("nobody is told before the move", "", text(SEEN))
    t.same("which goes well", 0, m.finish())
    t.same("all but hooks are told after it", after, seen())
    t.result("Nobody else is told before the move, either" in warnings(daemon)[-1], "a warning says so", str(warnings(daemon)))
    host.clear_seen()
    m = Migration("0x7002").moving()
    daemon.kill()
    m.end()
    daemon.start()
    host.move()
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.same("so they are by the next daemon", after, seen())
    host.clear_seen()
    os.unlink(host.FIFO)
    os.symlink("/dev/full", host.FIFO)
    t.same("a write that fails: drmgr -p pre ends with 4", 4, Migration("0x7003").end())
    t.same("nobody hears of it", "", text(SEEN))


def others_move(t):
    """Without the module, too, all but hooks hear that somebody else has moved the partition, and what changed."""
    host.machine("LAB0A")
    daemon = Daemon()
    everyone()
    script("20-changed", f"echo $DR_CHANGED > {host.DIR}/changed")
    after = ["app post", "10-one postmigrate", "20-changed postmigrate"]
    t.same("status says how it is noticed", "sysfs", status("others-seen-by"))
    host.others_write("0x7001")
    t.same("a write that moves nothing is not taken for a move", ("none", []), (status("phase"), seen()))
    host.others_write("0x7001", "LAB0B")
    wait(lambda: set(after) <= set(seen()) and status("phase") == "none", "POST")
    t.same("one that does: everyone is told once", after, seen())
    t.same("and what changed", "identity.system-id\n", text(host.DIR + "/changed"))
    t.result("identity.system-id: was \"IBM,02LAB0A\", is \"IBM,02LAB0B\"" in daemon.log(), "so does the log", daemon.log())
    r = host.drmgr("platform", "--diff")
    t.result("identity.system-id" in r.stdout and "IBM,02LAB0A -> IBM,02LAB0B" in r.stdout, "and drmgr platform", r.stdout)
    t.result("only what /proc and /sys tell: " in r.stderr, "which says that the module is not there", r.stderr)
    host.clear_seen()
    m = Migration("0x7002").moving()
    host.machine("LAB0C")
    t.same("a migration of ours goes well", 0, m.finish())
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.result("identity.system-id: IBM,02LAB0B -> IBM,02LAB0C" in m.out, "the operator sees what changed", m.out)
    check("0x7003")
    t.same("and nobody is told twice", 1, seen().count("app post"))


def others_post(t):
    """While everyone is told that somebody else has moved the partition, drmgr waits, as for the DLPAR lock."""
    host.machine("LAB0A")
    daemon = Daemon()
    script("10-one", f"[ $1 != postmigrate ] || while [ ! -e {host.DIR}/go ]; do sleep 0.05; done", timeout=60)
    host.others_write("0x7001", "LAB0B")
    wait(lambda: seen() == ["10-one postmigrate"], "POST")
    t.same("systemd hears of it", ["STATUS=In progress: somebody else migrates the partition."],
           [x for x in daemon.systemd.said if x.startswith("STATUS=In")])
    r = drmgr("-m", "-c", "pmig", "-p", "pre", "-s", "0x7002")
    t.same("without -w not for long", 75, r.returncode)
    t.same("the operator sees what is going on", "drmgr: the migration of somebody else has ended, and everyone is being "
           "told how: wait until that is over, see drmgr status\n", r.stderr)
    m = Migration("0x7002", "-w", "1")
    t.result(host.is_there_for(m.process, 6), "with it, longer")
    host.put(host.DIR + "/go", "")
    t.same("then the migration goes well", (0, ""), (m.moving().finish(), m.err))
    t.same("after the other's end", ["10-one postmigrate", "10-one premigrate", "10-one postmigrate"], seen())


def nobody_to_ask(t):
    """Where no hypervisor moves partitions a check says so, and who refuses is heard all the same."""
    os.unlink(host.FIFO)
    Daemon("CheckEngine=advice")
    script("10-one", "[ $1 != checkmigrate ] || { echo DR_ERROR=the backup is running; exit 1; }")
    r = check("0x7001")
    t.same("a script that refuses stops it", 1, r.returncode)
    t.same("the operator sees both", ["drmgr: refused by script 10-one: the backup is running",
                                      f"drmgr: advice by kernel pmig: there is no {host.FIFO}"],
           [x for x in r.stderr.splitlines() if "builtin" not in x])
    script("10-one")
    r = check("0x7001")
    t.same("where nobody refuses nothing stops it", 0, r.returncode)
    t.result(f"there is no {host.FIFO}" in r.stderr and "warning: not everyone here was asked" in r.stderr, "with a warning",
             r.stderr)
    Daemon.configure("Fallback=refuse")
    t.same("but Fallback=refuse", 72, check("0x7001").returncode)


TESTS = (why_no_module, without_module, nobody_was_told, post_alone, others_move, others_post, nobody_to_ask)
