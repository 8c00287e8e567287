#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does the lab see what it must see? TAP; the first test of every run, without a guest unless asked for.

selfcheck.py          the readers: TAP, kernel log, list of tests, requests, device-tree updates
selfcheck.py servers  also that no server outlives the lab (boots a guest with 6.1)
"""
import asyncio
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from harness import agent, hmc, identity, judge, tap, testlist  # noqa: E402

CLEAN_LOG = """
[    0.000000] Linux version 6.1.0-50-powerpc64le
[    0.276697] WARNING: nvram corruption detected: 0-length partition
[   12.000000] pmig: loading out-of-tree module taints kernel.
[   12.000001] pmig: module verification failed: signature and/or required key missing - tainting kernel
[   20.000000] mobility: premature return from H_JOIN on CPU 1, retrying
[   20.000001] random: crng init done, BUGS bunny debug BUGfix
[   20.000002] mobility: ibm,suspend-me error: -9005
"""

# One line each that must be found by itself, as kernels print them
BAD_LINES = (
    "[   10.1] WARNING: CPU: 0 PID: 300 at kernel/workqueue.c:3066 __flush_work+0x1/0x2",
    "[   10.1] WARNING: possible circular locking dependency detected",
    "[   10.1] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580",
    "[   10.1] BUG: Kernel NULL pointer dereference on read at 0x00000000",
    "[   10.1] BUG: KASAN: use-after-free in f+0x1/0x2 [pmig]",
    "[   10.1] UBSAN: array-index-out-of-bounds in kernel/chain.c:1:2",
    "[   10.1] Oops: Kernel access of bad area, sig: 11 [#1]",
    "[   10.1] INFO: task drmgrd:123 blocked for more than 120 seconds.",
    "[   10.1] rcu: INFO: rcu_sched self-detected stall on CPU",
    "[   10.1] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
    "[   10.1] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:2:55]",
    "[   10.1] watchdog: CPU 1 self-detected hard LOCKUP @ f+0x1/0x2",
    "[   10.1] Call Trace:",
    "[   10.1] WARNING: suspicious RCU usage",
    "[   10.1] refcount_t: underflow; use-after-free.",
    "[   10.1] list_add corruption. prev->next should be next",
    "[   10.1] Kernel panic - not syncing: Fatal exception",
    "[   10.1] CPU: 0 PID: 1 Comm: x Tainted: G        W  OE      6.1.0",
    "[   10.1] drmgrd[312]: segfault (11) at 0 nip 1 lr 2 code 1 in drmgrd[1+2]",
    "[   10.1] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "[   10.1] BUG: workqueue lockup - pool cpus=0 node=0",
)

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@check
def kernel_log_without_a_complaint():
    assert not judge.complaints(CLEAN_LOG)


@check
def kernel_log_each_complaint_is_found():
    for line in BAD_LINES:
        found = judge.complaints(CLEAN_LOG + line + "\nnext\n")
        assert found and found[0][0] == line, f"not found: {line}"


@check
def kernel_log_excerpt_goes_on():
    found = judge.complaints("a\n" + BAD_LINES[0] + "\n" + "\n".join(f"x{i}" for i in range(5)))
    assert len(found) == 1 and found[0][-1] == "x4"


@check
def kernel_log_through_a_console():
    assert judge.complaints("\x1b[0m[ 1.0] BUG: x\r\n")


@check
def kernel_log_own_lines_are_expected():
    warning, info, others = (4, "pmig: test: error -5"), (6, "pmig: ready"), (4, "mobility: error -9005")
    tainted = (4, "pmig: loading out-of-tree module taints kernel.")
    assert judge.unexpected([info, others, tainted], []) == []
    assert judge.unexpected([warning, info], []) == ["the kernel said: pmig: test: error -5"]
    assert judge.unexpected([warning, warning], ["test: error -\\d"]) == []
    assert judge.unexpected([(5, "pmig_sim: x")], ["error"]) == ["the kernel said: pmig_sim: x", "the kernel never said: error"]
    assert judge.unexpected([others], ["error"]) == ["the kernel never said: error"]
    assert judge.unexpected([(3, "lab: lines of the kernel's log are lost")], [])


@check
def kernel_log_expectations_in_tap():
    t = tap.Tap()
    for line in ("1..1", "# expect-kernel: a.b", "#  expect-kernel: (", "ok 1"):
        t.line(line)
    assert t.expected == ["a.b"] and t.verdict(0).failed == 1
    t.mistakes = []
    assert t.verdict(0).ok and t.verdict(0, ["the kernel said: x"]).reasons == ["the kernel said: x"]


class FakeGuest:
    """A guest that answers marks when it likes: every second one is lost."""

    def __init__(self):
        self.agent_line = self
        self.ended = asyncio.get_running_loop().create_future()
        self.marks = 0

    def write_line(self, text):
        self.marks += 1
        if self.marks % 2 == 0:
            self.on_agent("log 4 pmig: before the mark")
            self.on_agent("log 4 lab: " + text[len("mark "):])


@check
def kernel_log_is_divided_by_marks():
    async def go():
        guest = FakeGuest()
        a = agent.Agent(guest)
        await a.mark("x begins")
        guest.on_agent("log 4 lab: x begins")  # a mark that comes twice
        before = a.take_log()
        guest.ended.set_result(None)
        try:
            await a.mark("x ends")
        except agent.GuestLost:
            return before
        raise AssertionError("a guest that ended has made a mark")

    agent.REPEAT, repeat = 0.01, agent.REPEAT
    try:
        assert asyncio.run(go()) == [(4, "pmig: before the mark")]
    finally:
        agent.REPEAT = repeat


def verdict(text, status):
    t = tap.Tap()
    for line in text.splitlines():
        t.line(line)
    v = t.verdict(status)
    return v.passed, v.failed, v.skipped


@check
def tap_counts():
    assert verdict("1..2\nok 1 - a\nok 2 - b", 0) == (2, 0, 0)
    assert verdict("ok 1\nok 2\n1..2", 0) == (2, 0, 0)
    assert verdict("1..2\nok 1 a\nnot ok 2 b", 1) == (1, 1, 0)
    assert verdict("TAP version 13\n1..1\n#  RUN  x\nok 1 x", 0) == (1, 0, 0)


@check
def tap_a_failure_that_exits_0_is_one():
    assert verdict("1..2\nok 1 a\nnot ok 2 b", 0) == (1, 1, 0)


@check
def tap_no_plan_or_a_wrong_one():
    assert verdict("ok 1", 0)[1] == 1
    assert verdict("1..3\nok 1\nok 2", 0)[1] == 1
    assert verdict("1..1\nok 1\nok 2", 0)[1] == 1
    assert verdict("", 0)[1] == 1
    assert verdict("1..0", 0)[1] == 1


@check
def tap_exit_status_and_signal():
    assert verdict("1..1\nok 1", 1)[1] == 1
    assert verdict("1..1\nok 1", 139)[1] == 1
    assert verdict("", 127)[1] == 1


@check
def tap_time_out():
    assert verdict("1..1\nok 1", None)[1] == 1
    assert verdict("", None)[1] == 1


@check
def tap_skip_is_never_a_pass():
    assert verdict("1..1\nok 1 - x # SKIP no module", 0) == (0, 0, 1)
    assert verdict("1..0 # SKIP no module", 0) == (0, 0, 1)
    assert verdict("1..0 # SKIP no module", 4) == (0, 0, 1)
    assert verdict("1..2\nok 1 - x # skip why\nok 2", 0) == (1, 0, 1)
    assert verdict("1..0 # SKIP why", 1)[1] == 1
    t = tap.Tap()
    t.line("1..1")
    t.line("ok 1 # SKIP no module")
    assert t.verdict(0).reasons == ["no module"]


@check
def tap_bail_out():
    assert verdict("1..2\nok 1\nBail out! no daemon", 1)[1] >= 1


@check
def list_of_tests():
    tests = testlist.parse("# x\na quick all 10 prog arg\nb systemd:own ppc 20 prog\nc quick x86 5 prog\n")
    assert [(t.name, t.timeout) for t in testlist.for_kernel(tests, "6.12")] == [("a", 10), ("b", 20)]
    assert [(t.name, t.timeout) for t in testlist.for_kernel(tests, "x86-6.1")] == [("a", 10), ("c", 5)]
    assert [(t.name, t.timeout) for t in testlist.for_kernel(tests, "debug")] == [("a", 40), ("b", 80)]
    assert tests[0].command == "prog arg" and tests[1].own
    assert [[t.name for t in g] for _, g in testlist.boots(tests)] == [["a", "c"], ["b"]]


@check
def list_of_tests_with_mistakes():
    for text in ("a quick all 10", "a slow all 10 x", "a quick all ten x", "a quick:mine all 10 x",
                 "a quick all 1 x\na quick all 1 x"):
        try:
            testlist.parse(text)
        except testlist.BadList:
            continue
        raise AssertionError(f"taken: {text}")
    with open(os.path.join(HERE, "tests.list"), encoding="utf-8") as f:
        assert testlist.parse(f.read())


@check
def device_tree_updates():
    a, b = identity.nth(0), identity.nth(1)
    assert identity.updates(a, a, 2) == []
    got = {(path, name): value for path, name, value in identity.updates(a, b, 2)}
    assert got["/cpus/PowerPC,POWER9@0", "d-cache-size"] == "00010000"
    assert got["/cpus/l2-cache@2001", "d-cache-size"] == "00100000"
    assert bytes.fromhex(got["/", "system-id"]) == b"IBM,0210LAB0B\0"
    assert a != dict(identity.nth(2)) and identity.nth(2)["d-cache-size"] == a["d-cache-size"]


@check
def the_next_server_differs_in_everything():
    for n in range(3):
        for now in (identity.nth(0), identity.nth(1), dict(identity.nth(0), **{"d-cache-size": 0x10000}),
                    dict(identity.nth(1), **{"l2-size": 5}), identity.nth(n)):
            new = identity.after(now, n)
            assert all(new[key] != now[key] for key in identity.FIRST), (n, now, new)


@check
def identity_of_a_request():
    wanted, further = identity.parse(["l2=1024", "serial=X", "update=/:foo:00ff", "fill=/:x:3"])
    assert wanted == {"l2-size": 1024, "host-serial": "X"} and further == [("/", "foo", "00ff"), ("/", "x", "000102")]
    for bad in ("x", "d-cache=abc", "nothing=1", "d-cache=99999999999", "update=x"):
        try:
            identity.parse([bad])
        except identity.BadIdentity:
            continue
        raise AssertionError(f"taken: {bad}")


class FakePartition:
    """Enough of one for requests that do not reach a server."""

    class Machine:
        ppc = False

    class Line:
        def __init__(self):
            self.sent = []

        def write_line(self, text):
            self.sent.append(text)

    def __init__(self):
        self.machine = self.Machine()
        self.hmc_line = self.Line()
        self.tasks = []

    def spawn(self, coroutine):
        self.tasks.append(asyncio.ensure_future(coroutine))


def requests(*lines, ppc=False):
    async def go():
        partition = FakePartition()
        partition.machine.ppc = ppc
        h = hmc.Hmc(partition, lambda text: None)
        for line in lines:
            h.line(line)
            await asyncio.gather(*partition.tasks)
        return partition.hmc_line.sent

    return asyncio.run(go())


@check
def requests_are_answered_once():
    sent = requests("7 time", "7 time", "", "8 time")
    assert sent[0] == sent[1] and re.match(r"7 ok \d{16}$", sent[0]) and sent[2].startswith("8 ok"), sent


@check
def requests_with_mistakes():
    for text, answer in (("junk", "no request"), ("1 nonsense", "unknown request"), ("1", "empty request"),
                         ("1 stream 1 enabled", "no hypervisor calls"), ("1 after x time", "no number"),
                         ("1 time 5", "number of arguments"), ("1 after 5 nonsense", "unknown request")):
        sent = requests(text)
        assert len(sent) == 1 and " error " in sent[0] and answer in sent[0], (text, sent)
    sent = requests("1 stream 0x12345678123456789 enabled", ppc=True)
    assert "64 bits" in sent[0], sent


def qemu_children(of):
    """Process IDs of servers that a process started, or that are left over from it."""
    out = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in out.splitlines()[1:] if of in line and "qemu-system" in line]


def lab_killed_with(number):
    mark = f"pmig-selfcheck-{os.getpid()}-{number}"
    env = dict(os.environ, O=os.path.join("/tmp", mark), LAB_ONLY="1")
    lab = subprocess.Popen([os.path.join(HERE, "lab"), "run", "--only", "lab-channel"], env=env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not qemu_children(mark):
            assert time.monotonic() < until and lab.poll() is None, "no server was started"
            time.sleep(0.1)
        lab.send_signal(number)
        lab.wait(timeout=30)
        until = time.monotonic() + 10
        while qemu_children(mark):
            assert time.monotonic() < until, "a server is left"
            time.sleep(0.1)
    finally:
        lab.kill()
        subprocess.run(["rm", "-rf", os.path.join("/tmp", mark)], check=False)


def no_server_left_after_sigkill():
    lab_killed_with(signal.SIGKILL)


def no_server_left_after_sigterm():
    lab_killed_with(signal.SIGTERM)


def no_server_left_after_sigint():
    lab_killed_with(signal.SIGINT)


SERVER_CHECKS = (no_server_left_after_sigkill, no_server_left_after_sigterm, no_server_left_after_sigint)


def main(args):
    checks = CHECKS + (list(SERVER_CHECKS) if "servers" in args else [])
    print(f"1..{len(checks)}")
    failed = 0
    for n, function in enumerate(checks, 1):
        try:
            function()
            print(f"ok {n} - {function.__name__}")
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"# {type(e).__name__}: {e}\nnot ok {n} - {function.__name__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
