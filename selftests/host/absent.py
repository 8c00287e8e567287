# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of what drmgr does where drmgrd is not there, or does not answer: run NAME runs them."""
import os
import signal
import subprocess

import host
from host import SEEN, Daemon, Journal, Migration, check, drmgr, script, seen, status, text, wait


def without_daemon(t):
    """drmgrd cannot be started: a check passes, and a migration goes to powerpc-utils' drmgr, or is a plain write."""
    journal = Journal()
    r = check("0x7001")
    t.same("a check ends with 0", 0, r.returncode)
    t.result("drmgrd is not running" in r.stderr and "warning: nobody here was asked" in r.stderr, "with a warning", r.stderr)
    wait(lambda: [x for x in journal.lines if "nobody here was asked" in x[2]], "it in the log")
    t.same("which is critical", [2], [x[0] & 7 for x in journal.lines if "nobody here was asked" in x[2]])
    host.original(7)
    m = Migration("0x7001", "-d", "14", "a b")
    t.same("a migration ends with the status of powerpc-utils' drmgr", 7, m.finish())
    t.same("which does the write itself", "0x7fff\n", m.written)
    t.same("and has its arguments untouched", "original: -m -c pmig -p pre -s 0x7001 -d 14 a b\n", text(SEEN))
    t.result(f"going on without drmgrd, nobody here is told: {host.ORIGINAL}" in m.err, "the operator sees it", m.err)
    wait(lambda: [x for x in journal.lines if "going on without" in x[2] and x[0] & 7 == 2], "LOG_CRIT")
    os.unlink(host.ORIGINAL)
    os.symlink(host.BUILD + "/drmgr", host.ORIGINAL)
    m = Migration("0x7002")
    t.same("where there is only ourselves, too, it moves", 0, m.finish())
    t.same("by a plain write", "0x7002\n", m.written)
    os.makedirs("/run/drmgr")
    with open("/run/drmgr/session", "w") as f:
        f.write("12345678 open 1 7003 0 - - -\n12345678 tell scripts 3 1 0 0 10-one\n")
    t.same("whom drmgrd has told, only drmgrd can tell the end", 71, Migration("0x7003").end())
    t.same("a migration before it stops nothing", 0, Migration("0x7004").finish())
    Daemon.configure("Fallback=refuse")
    t.same("Fallback=refuse: a check fails", 69, check("0x7001").returncode)
    t.same("and so does a migration", 69, Migration("0x7005").end())
    Daemon.configure()
    host.stop_bus()
    t.same("a bus that hangs is the same", 0, Migration("0x7006").finish())
    t.same("for a check, too", 0, check("0x7006").returncode)


def no_way_in(t):
    """Neither drmgrd nor a bus is there: one line says what to do."""
    host.end_bus()
    r = drmgr("status")
    t.same("drmgr status ends with 69", (69, 1), (r.returncode, r.stderr.count("\n")))
    t.result("systemctl start drmgrd.service" in r.stderr and "journalctl -u drmgrd" in r.stderr, "and says what to do", r.stderr)


def nobody_reads(t):
    """Without drmgrd, too, a caller that does not read what drmgr says stops nothing."""
    pipe = host.full_pipe()
    for phase in ("check", "pre"):
        p = subprocess.Popen([host.BUILD + "/drmgr", "-m", "-p", phase, "-s", "0x7001"], stdout=pipe, stderr=pipe)
        if phase == "pre":
            t.same("it is written", "0x7001\n", host.move())
        t.same(f"-p {phase} ends with 0", 0, p.wait(host.PATIENCE))


def original_has_signals(t):
    """powerpc-utils' drmgr has signals and environment as usual, and one that has come meanwhile does not end it."""
    daemon = Daemon()
    daemon.stop()
    host.put(host.ORIGINAL, "#!/bin/sh\ngrep -E 'SigBlk|SigIgn' /proc/self/status; env | grep DRMGR_FALLBACK\nexit 7\n")
    m = Migration("0x7001")
    mask = f"SigBlk:\t{1 << 0 | 1 << 1 | 1 << 14:016x}\n"
    wait(lambda: mask in text(f"/proc/{m.process.pid}/status"), "it to block them")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        m.process.send_signal(number)
    t.same("it is run", 7, m.end())
    masks = [int(x.split()[1], 16) for x in m.out.splitlines() if x.startswith("Sig")]
    t.same("with no signal blocked", 0, masks[0])
    t.same("nor SIGPIPE ignored", 0, masks[1] & 1 << 12)
    t.result("DRMGR_FALLBACK" not in m.out, "and nothing in its environment", m.out)


def daemon_hangs(t):
    """A drmgrd that is stopped: where nobody has been told it goes on without it, and drmgrd finds out when it wakes up."""
    daemon = Daemon()
    script("10-one")
    script("20-two", f"[ $1 != premigrate ] || while [ ! -e {host.DIR}/go ]; do sleep 0.05; done", 60)
    daemon.stop()
    m = Migration("0x7001")
    t.same("a check ends with 0", 0, check("0x7001").returncode)
    t.same("the partition moves without it", 0, m.finish())
    t.same("by a plain write", "0x7001\n", m.written)
    daemon.process.send_signal(signal.SIGCONT)
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.same("and nobody is told when it wakes up", [], [x for x in seen() if "checkmigrate" not in x])
    host.clear_seen()
    m = Migration("0x7002")
    wait(lambda: seen() == ["10-one premigrate", "20-two premigrate"], "20-two")
    daemon.stop()
    t.result(host.is_there_for(m.process, 15), "where somebody has been told drmgr has more patience")
    t.same("then it is an error", 71, m.end())
    t.result("had begun to tell" in m.err, "that says so", m.err)
    daemon.process.send_signal(signal.SIGCONT)
    open(host.DIR + "/go", "w").close()
    wait(lambda: status("phase") == "kernel", "the suspension")
    t.same("and the daemon goes on when it wakes up", "0x7002\n", host.move())
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.same("with everyone", ["10-one premigrate", "20-two premigrate", "10-one postmigrate", "20-two postmigrate"], seen())
    os.unlink(host.DIR + "/go")
    host.clear_seen()
    m = Migration("0x7003")
    wait(lambda: seen() == ["10-one premigrate", "20-two premigrate"], "20-two")
    daemon.kill()
    t.same("nor does it go on where the daemon is killed", 71, m.end())
    t.same("nor does the same command again, while no other one is there", 71, Migration("0x7003").end())
    open(host.DIR + "/go", "w").close()
    daemon.start()
    wait(lambda: status("phase") == "none", "the next daemon to undo")
    t.same("which undoes it", ["10-one premigrate", "20-two premigrate", "20-two undopremigrate", "10-one undopremigrate"], seen())


def no_room_to_begin(t):
    """A drmgrd that was started with /run/drmgr full has no journal and tells nobody: powerpc-utils' drmgr goes on."""
    os.mkdir("/run/drmgr")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", "/run/drmgr"], check=True)
    host.fill_run("/run/drmgr", left=0)
    host.original()
    Daemon()
    script("10-one")
    m = Migration("0x7001")
    t.same("the migration ends with its status", 0, m.finish())
    t.same("it does the write", "0x7fff\n", m.written)
    t.result("the journal in /run/drmgr can't be written" in m.err and host.ORIGINAL in m.err, "the operator sees why", m.err)
    t.same("and nobody was told", ["original: -m -c pmig -p pre -s 0x7001"], seen())


TESTS = (without_daemon, no_way_in, nobody_reads, original_has_signals, daemon_hangs, no_room_to_begin)
