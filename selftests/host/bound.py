# SPDX-License-Identifier: GPL-2.0-or-later
"""What is bound to processors, around a move without pmig.ko: nobody knows the true map, so it is restored."""
import os

import host
from host import Daemon, Member, Migration, seen, status, wait


def bound_restored(t):
    """An application is bound again as it was at PRE, before it hears of POST; also if drmgrd was killed meanwhile."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        host.skip("needs two processors")
    daemon = Daemon("Affinity=db.service:restore")
    app = Member("app", "restore").process.pid
    other = Member("other").process.pid

    def begin(stream):
        host.clear_seen()
        for pid in (app, other):
            os.sched_setaffinity(pid, {cpus[0]})
        m = Migration(stream).moving()
        for pid in (app, other):
            os.sched_setaffinity(pid, {cpus[1]})
        return m

    m = begin("0x7001")
    t.result(os.path.exists("/run/drmgr/affinity"), "it is written down for the next daemon")
    host.move()
    wait(lambda: "app post" in seen(), "the application to be told POST")
    t.same("when it is told POST it is bound as before", {cpus[0]}, os.sched_getaffinity(app))
    t.same("the migration goes well", 0, m.end())
    t.same("who does not ask for it is left alone", {cpus[1]}, os.sched_getaffinity(other))
    t.result(f"application app is bound to processors {cpus[0]}, as before" in daemon.log(), "the log says so")
    t.result("unit db.service stays as it is: systemd says" in daemon.log(), "no systemd is one line, and stops nothing",
             daemon.log())
    t.result(not os.path.exists("/run/drmgr/affinity"), "nothing is left of it")
    m = begin("0x7002")
    daemon.kill()
    m.end()
    daemon.start()
    host.move()
    wait(lambda: status("phase") == "none" and "app post" in seen(), "the next daemon to be idle")
    t.same("the next daemon binds it as before", {cpus[0]}, os.sched_getaffinity(app))


TESTS = (bound_restored,)
