# SPDX-License-Identifier: GPL-2.0-or-later
"""One migration under attack by all that somebody without any right may do, daemon/attack.c; daemon/attack.sh has the
module and a real bus besides, and compares the log's times with those of a migration that nobody attacks."""
import os
import subprocess

from host import DIR, SEEN, Daemon, Member, Migration, applications, check, hook, put, script, seen, spawn, text, wait

USERS, EACH = 32, 4
LOG = DIR + "/attack.log"


def know_users():
    """The bus accepts only users that it can look up."""
    put("/run/passwd", text("/etc/passwd") + "".join(f"a{i}:x:{20000 + i}:65534::/:/bin/false\n" for i in range(USERS)))
    subprocess.run(["mount", "--bind", "/run/passwd", "/etc/passwd"], check=True)


def attack(t):
    """32 users at their quota ask for an hour in each phase, and the user nobody tries every way in: the migration goes on."""
    know_users()
    daemon = Daemon(f"MaxApplicationsPerUser={EACH}", "ApplicationTimeoutMaxSec=3600", "PreTimeoutSec=3600", "GraceSec=2")
    script("10-one", timeout=300)
    hook("50-hook")
    Member("app", "may-refuse")
    attackers = spawn([DIR + "/attack", str(USERS), str(EACH)], "attack")
    wait(lambda: "ready\n" in text(LOG) or attackers.poll() is not None, "the attackers")
    wait(lambda: applications() == USERS * EACH + 1, "their applications")
    r = check("0x7001")
    t.same("a check goes on", 0, r.returncode)
    t.result(r.stderr.count("\n") <= 20 and "\033" not in r.stderr, "the operator can read what it says", r.stderr)
    m = Migration("0x7001").moving()
    t.same("a migration goes on", 0, m.finish())
    t.same("who counts is told, in order",
           ["10-one checkmigrate", "50-hook check", "app check", "50-hook pre", "10-one premigrate", "app pre", "app post",
            "10-one postmigrate", "50-hook post"], seen())
    Member("late", "may-refuse")
    t.result("registration lost" not in text(SEEN), "root has room for one more", text(SEEN))
    t.same("nothing was open that should be closed", ["ready"], text(LOG).splitlines())
    t.result(daemon.process.poll() is None, "the daemon is still the same")
    os.killpg(attackers.pid, 9)
    wait(lambda: applications() == 2, "the attackers' end")


TESTS = (attack,)
