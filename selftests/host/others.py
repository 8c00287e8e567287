# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of users who have no right to refuse: what they cost a migration, and what the operator sees of them."""
import os
import signal
import threading

import host
from host import DIR, SEEN, Daemon, Member, Migration, check, hook, script, seen, text, wait

SEC = 1000  # of Member.left_ms()
NOBODY = 65534


def grace(t):
    """Programs of users, silent in each phase: check, PRE and POST go on after one grace, and POST's scripts run."""
    Daemon("ApplicationTimeoutSec=3600", "ApplicationTimeoutMaxSec=3600", "PreTimeoutSec=3600", "GraceSec=3")
    script("10-one")
    hook("50-hook")
    app = Member("app", "timeout-ms=900000", uid=NOBODY)
    root = Member("root", "may-refuse")
    for name in ("silent-1", "silent-2", "silent-3"):
        Member(name, "required", "timeout-ms=900000", uid=NOBODY).process.send_signal(signal.SIGSTOP)
    r = check("0x7001")
    t.same("silence does not stop a check", 0, r.returncode)
    t.same("each is advice", 3, r.stderr.count("advice by application silent-"))
    t.same("nor a migration", 0, Migration("0x7001").finish())
    t.same("those that answer are told all, and so are scripts and hooks after them",
           ["10-one postmigrate", "50-hook post"], seen()[-2:])
    for phase in ("check", "pre", "post"):
        # Less than 0 on a slow machine, and 0 if there is no deadline.
        t.result(0 != app.left_ms(phase) <= 3 * SEC, f"{phase}: who has no right to refuse is told the grace", text(SEEN))
        t.result(root.left_ms(phase) > 900 * SEC, f"{phase}: who has it has its own time", text(SEEN))


def advice(t):
    """What users' applications say is shown up to a bound, behind the refusals that stop the migration."""
    Daemon()
    for i in range(11):
        Member(f"user-{i}", "may-refuse", "refuse=" + "I would rather not " * 20, uid=NOBODY)
    last = Member("root", "may-refuse", "refuse=not today", f"hold=check:{DIR}/go")
    asked = threading.Thread(target=lambda: setattr(t, "check", check("0x7001")))
    asked.start()
    wait(lambda: last.name + " check" in seen() and len(seen()) == 12, "all to be asked")
    open(DIR + "/go", "w").close()
    asked.join()
    lines = t.check.stderr.splitlines()
    t.same("the check ends with 1", 1, t.check.returncode)
    t.same("who stops it comes first, though it was the last", "drmgr: refused by application root: not today", lines[0])
    t.same("8 of the others are shown", 8, sum(x.startswith("drmgr: advice by application user-") for x in lines))
    t.same("and the rest is counted", ["drmgr: and 3 more: see drmgr log"], lines[9:])
    t.result(max(map(len, lines)) < 350, "no line is longer than a reason may be", t.check.stderr)


def registering_leaves_room(t):
    """What is kept of users' registrations, a page each, leaves a quarter of /run to all others; root's is kept in any case."""
    daemon = Daemon()
    before = Member("before", uid=NOBODY)
    size = os.statvfs("/run")
    host.fill_run(left=size.f_blocks * size.f_frsize // 8)
    Member("user", uid=NOBODY)
    t.same("that of a user is not kept any more", 1, len(os.listdir("/run/drmgr/apps")))
    Member("root")
    t.same("root's is", 2, len(os.listdir("/run/drmgr/apps")))
    t.result("Application user " in daemon.log() and "has to register again" in daemon.log(), "which is said", daemon.log())
    t.same("it is told all the same", 0, Migration("0x7001").finish())
    t.same("as the others are", {f"{x} {y}" for x in ("before", "user", "root") for y in ("pre", "post")}, set(seen()))
    t.same("and nobody is gone", None, before.process.poll())


TESTS = (grace, advice, registering_leaves_room)
