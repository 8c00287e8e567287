#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does the lab see what it must see? TAP.

selfcheck.py                 the readers: TAP, kernel log, list of tests, requests, device-tree updates
selfcheck.py servers KERNEL  no server outlives the lab, however it ends (starts guests)
"""
import asyncio
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from harness import agent, hmc, identity, judge, partition, places, run, server, tap, testlist, transfer  # noqa: E402

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
def tap_todo_is_never_a_pass():
    assert verdict("1..2\nok 1 - x # TODO later\nok 2", 0) == (1, 1, 0)
    assert verdict("1..1\nnot ok 1 - x # TODO later", 0) == (0, 1, 0)


@check
def tap_skips_are_told():
    t = tap.Tap()
    for line in ("1..3", "ok 1 - x # SKIP no module", "ok 2", "ok 3 # SKIP no name"):
        t.line(line)
    assert t.verdict(0).skips == ["x: no module", "no name"]


@check
def tap_bail_out():
    assert verdict("1..2\nok 1\nBail out! no daemon", 1)[1] >= 1


@check
def list_of_tests():
    tests = testlist.parse("# x\na quick all 10 prog arg\nb systemd:own ppc 20 prog\nc quick x86 5 prog\n"
                            "d quick:own,numa none 5 prog\n")
    assert [(t.name, t.timeout) for t in testlist.for_kernel(tests, "6.12")] == [("a", 10), ("b", 20)]
    assert [(t.name, t.timeout) for t in testlist.for_kernel(tests, "x86-6.1")] == [("a", 10), ("c", 5)]
    assert [(t.name, t.timeout) for t in testlist.for_kernel(tests, "debug")] == [("a", 100), ("b", 200)]
    assert (testlist.slowdown("debug"), testlist.slowdown("6.12")) == (10, 1)
    but_one = testlist.parse("a quick all,!newest 10 prog\n")
    assert [len(testlist.for_kernel(but_one, kernel)) for kernel in ("6.1", "newest")] == [1, 0]
    assert tests[0].command == "prog arg" and tests[1].own and tests[3].hardware == ("numa",)
    del tests[3]
    assert [[t.name for t in g] for _, g in testlist.boots(tests)] == [["b"], ["a", "c"]]


@check
def list_of_tests_is_shared_out():
    tests = testlist.parse("".join(f"{n} {'quick' if n < 'g' else 'systemd'} all {t} x\n"
                                   for n, t in zip("abcdefgh", (10, 10, 50, 10, 10, 10, 90, 90))))
    groups = testlist.boots(tests, share=50)
    assert [["".join(t.name for t in g)] for _, g in groups] == [["g"], ["h"], ["abc"], ["def"]], groups
    assert sorted(t.name for _, g in groups for t in g) == list("abcdefgh")
    assert [len(g) for _, g in testlist.boots(tests, share=10000)] == [2, 6]


@check
def guests_speak_one_after_the_other():
    class Here:
        dir = tempfile.mkdtemp()

    stream = io.StringIO()
    output = run.Output(Here, stream)
    first, second = run.Report(output, False), run.Report(output, False)
    for report, name in ((first, "a"), (second, "b"), (first, "c")):
        report.say(f"# Subtest: {name}")
        report.result(name, tap.Verdict(passed=1, skipped=1, skips=["x: why"]))
    second.flush()
    first.flush()
    shutil.rmtree(Here.dir)
    assert stream.getvalue().splitlines() == ["# Subtest: b", "ok 1 - b", "# Subtest: a", "ok 2 - a", "# Subtest: c",
                                              "ok 3 - c"]
    assert (output.totals.passed, output.totals.skipped, output.skips[0]) == (3, 3, "b: x: why")


@check
def guests_wait_for_a_place():
    async def go(top):
        holding, most = 0, 0

        async def guest():
            nonlocal holding, most
            async with places.place(top, 2):
                holding += 1
                most = max(most, holding)
                await asyncio.sleep(0.01)
                holding -= 1

        await asyncio.gather(*(guest() for _ in range(5)))
        return most

    async def one(top):
        async with places.place(top):
            pass

    with tempfile.TemporaryDirectory() as top:
        assert asyncio.run(go(top)) == 2
        os.environ["LAB_GUESTS"], before = "0", os.environ.get("LAB_GUESTS", "")
        try:
            asyncio.run(asyncio.wait_for(one(top), 10))
        finally:
            os.environ["LAB_GUESTS"] = before


@check
def list_of_tests_with_mistakes():
    for text in ("a quick all 10", "a slow all 10 x", "a quick all ten x", "a quick:mine all 10 x",
                 "a quick:own,gpu all 10 x", "a quick:,numa all 10 x",
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
    assert identity.commands(a, a, 2) == ["pvr 0x0"]
    got = {tuple(words[1:3]): words[3] for words in map(str.split, identity.commands(a, b, 2))
           if words[0] == "update"}
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
            assert all(new[key] != now[key] for key in [*identity.OTHER, "system-id", "host-serial"]), (n, now, new)


@check
def identity_of_a_request():
    wanted, further = identity.parse(["l2=1024", "serial=X", "update=/:foo:00ff", "fill=/:x:3"])
    assert wanted == {"l2-size": 1024, "host-serial": "X"}, wanted
    assert further == ["update / foo 00ff", "update / x 000102"], further
    assert identity.parse(["l2=gone", "l4=0x10", "delete=/a/b@1"]) == ({"l2-size": 0, "l4-size": 16}, ["delete /a/b@1"])
    assert identity.parse(["add=/cpus/x@12:y:00ff:z:"])[1] == [
        "add /cpus/x@12", "update /cpus/x@12 name 7800", "update /cpus/x@12 phandle 00000012",
        "update /cpus/x@12 y 00ff", "update /cpus/x@12 z "]
    assert identity.parse(["add=/x@1", "fill=/x@1:long:4071", "fill=/:long:9999"])
    for bad in ("x", "d-cache=abc", "nothing=1", "d-cache=99999999999", "update=x", "update=/:x:0", "update=/:x:0g",
                "update=x:y:00", "delete=x", "delete=/", "add=/x", "add=/x@0", "add=/x@z", "add=/x@1:y", "fill=/:x", "add=/x@1 fill=/x@1:long:4072"):
        try:
            identity.parse(bad.split())
        except identity.BadIdentity:
            continue
        raise AssertionError(f"taken: {bad}")


@check
def caches_that_come_and_go():
    two = identity.nth(0)
    four = dict(two, **{"l3-size": 0x800000, "l4-size": 0x2000000})
    none = dict(two, **{"l2-size": 0})
    come, go = identity.commands(two, four, 1), identity.commands(four, none, 1)
    assert [c for c in come if c.startswith("add")] == ["add /cpus/l3-cache@3000", "add /cpus/l4-cache@4000"], come
    for link in ("update /cpus/l2-cache@2000 l2-cache 00003000", "update /cpus/l3-cache@3000 l2-cache 00004000"):
        assert link in come, come
    assert go == ["pvr 0x0", "delete /cpus/l2-cache@2000", "delete /cpus/l3-cache@3000", "delete /cpus/l4-cache@4000",
                  "update /cpus/PowerPC,POWER9@0 l2-cache -"], go
    for who in (two, four, none, dict(two, **{"l3-size": 1})):
        identity.check(who)
    try:
        identity.check(dict(four, **{"l3-size": 0}))
    except identity.BadIdentity:
        return
    raise AssertionError("taken: a fourth level without a third")


@check
def nodes_that_are_swapped():
    lmbs = ("/m", "ibm,dynamic-memory-v2", "00000002" + "00000004" + "0" * 24 + "ffffffff" + "00000080" +
            "00000001" + "0" * 24 + "00000001" + "00000008")
    here = identity.nth(0)
    wanted, _ = identity.parse(["home-nodes=swap", "lmb-associativity=swap"])
    got = identity.commands(here, dict(here, **wanted), 2, lmbs)
    assert got[:3] == ["pvr 0x0", "home 0 1", "home 1 0"], got
    words = got[3].split()
    assert words[:3] == ["update", "/m", "ibm,dynamic-memory-v2"] and len(words[3]) == len(lmbs[2]), words
    assert words[3] == lmbs[2][:-16] + "00000000" + "00000008", words
    for bad in (lambda: identity.parse(["home-nodes=2"]), lambda: identity.check(dict(here, **wanted), 1)):
        try:
            bad()
        except identity.BadIdentity:
            continue
        raise AssertionError("taken")
    identity.check(dict(here, **wanted), 2)


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
        self.ended = asyncio.get_running_loop().create_future()
        self.wire = None
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
    for text, answer in (("stream 0x12345678123456789 enabled", "64 bits"), ("cancel-delay 99999999", "an hour"),
                         ("cancel-delay x", "no number"), ("fail-state 0 1", "no failure"),
                         ("fail-state -1", "number of"),
                         ("fail-state -1 -1", "out of range"), ("reject x 1", "no number"),
                         ("in-place blackout-ms=never", "no number"), ("in-place resumed-ms=soon", "no number"),
                         ("wire", "no adapters")):
        sent = requests("1 " + text, ppc=True)
        assert " error " in sent[0] and answer in sent[0], (text, sent)


class FakeServer:
    """Enough of one for streams and for a copy that goes on, whose status can be set."""

    def __init__(self, name):
        self.name = name
        self.streams = {}
        self.status = "active"
        self.killed = False
        self.refuses = None  # a command of QEMU's

    async def lpm(self, commands):
        for verb, *rest in (command.split() for command in commands.split(";")):
            if verb in ("stream", "found"):
                self.streams[int(rest[0], 0)] = rest[1]
            elif verb == "gone":
                self.streams.pop(int(rest[0], 0), None)

    async def lpm_status(self):
        return {stream: {"state": state} for stream, state in self.streams.items()}, {"converged": "0"}

    async def qmp(self, command, **_):
        if command == self.refuses:
            raise server.ServerError("Postcopy is not supported")
        if command == "migrate_cancel":
            self.status = "cancelled"
        return {"status": self.status, "error-desc": "the line is cut"} if command == "query-migrate" else {}

    async def kill(self):
        self.killed = True

    def last_words(self):
        return "last words"


def with_a_destination(what):
    """Runs what(partition), whose stream 1 is Enabled: its memory is being copied."""
    async def go():
        p = partition.Partition({"QEMU": "", "GUEST_ARCH": "ppc64el", "KERNEL_DIR": ""}, "", "quick", "", lambda text: None)
        p.current, there = FakeServer("here"), FakeServer("there")
        p.servers = [p.current, there]
        p.destination = partition.Destination(there, transfer.Transfer(p.current, there, p.log), [], 300)
        p.destination.transfer.uri = "unix:x"
        await p.set_stream(1, "enabled")
        try:
            return await what(p)
        finally:
            await p.close()

    return asyncio.run(go())


def kind(p, stream):
    return p._kind(stream).get("kind")  # pylint: disable=protected-access


@check
def a_move_in_place_behind_a_destination_is_in_place():
    async def what(p):
        before = kind(p, 1)
        await p.drop_destination()
        await p.set_stream(1, "suspending")
        await p._stay(1)  # pylint: disable=protected-access
        return before, kind(p, 1)

    assert with_a_destination(what) == ("move", "in-place")


@check
def a_stream_that_ends_takes_its_destination_along():
    for end in (lambda p: p.set_stream(1, "aborted"), lambda p: p.set_stream(1, "completed", verb="found"),
                lambda p: p.gone(1)):
        async def what(p, end=end):
            there = p.destination.server
            await end(p)
            await p.set_stream(2, "enabled")
            return p.destination, there.killed, kind(p, 2)

        assert with_a_destination(what) == (None, True, None)


@check
def a_stream_that_is_found_has_its_memory_copied():
    async def what(p):
        p.transfers.clear()
        await p.set_stream(1, "suspending", verb="found")
        return kind(p, 1)

    assert with_a_destination(what) == "move"


@check
def a_copy_that_fails_is_the_reason_why_the_guest_ended():
    async def what(p):
        p.current.status = "failed"
        return await asyncio.wait_for(p.ended, 10)

    assert "the line is cut" in with_a_destination(what)


@check
def memory_that_does_not_come_is_not_waited_for():
    async def what(p):
        p.destination.transfer.switched = True
        try:
            await asyncio.wait_for(p.memory_arrived(1), 10)
        except server.ServerError as e:
            return str(e)
        return None

    partition.MOVE_TIMEOUT, timeout = 0.1, partition.MOVE_TIMEOUT
    try:
        assert "no memory has come" in with_a_destination(what)
    finally:
        partition.MOVE_TIMEOUT = timeout


def setup(script, **env):
    """Runs lines that have the functions of setup/, in a cache of its own. Returns (status, stdout, stderr)."""
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "LAB_CACHE": cache, "CACHE": cache, **env}
        done = subprocess.run(["bash", "-c", f". {HERE}/setup/all.sh\n{script}"], env=env, capture_output=True,
                              text=True, check=False)
    return done.returncode, done.stdout.replace(cache, "CACHE"), done.stderr.replace(cache, "CACHE")


@check
def a_product_is_made_once():
    made = setup("maker() { echo made >&2; echo $2 > $1/what; }\n"
                 "product x 123456789012 maker A; product x 123456789012 maker B; cat $CACHE/x-*/what; ls $CACHE")
    assert made[:2] == (0, "CACHE/x-123456789012\n" * 2 + "A\nlock\nx-123456789012\n"), made


@check
def a_product_without_a_directory_is_not_made():
    for broken in ("mktemp", "chmod", "mv"):
        status, out, err = setup(f"chmod() {{ :; }}\n{broken}() {{ return 1; }}\nmaker() {{ echo made in $1 >&2; }}\n"
                                 "product x 123456789012 maker")
        assert status == 1 and not out and "could not make x" in err, (broken, status, out, err)
        assert (broken == "mv") == ("made in" in err), (broken, err)


@check
def a_product_of_another_user_serves():
    found = setup("touch() { return 1; }\nmkdir $CACHE/x-123456789012; product x 123456789012 false")
    assert found[:2] == (0, "CACHE/x-123456789012\n"), found


@check
def paths_that_would_mean_something_else_are_refused():
    for name in ("LAB_CACHE", "O", "TMPDIR"):
        for letter in " ,&#":
            status, _, err = setup("echo went on >&2", **{name: f"/nowhere/a{letter}b"})
            assert status == 1 and err.startswith("lab: no directory") and "\n" not in err.strip(), (name, letter, err)
    assert setup("echo $O", O="/nowhere/a-b_c.d+e") == (0, "/nowhere/a-b_c.d+e\n", "")


@check
def a_stream_is_completed_when_its_memory_is_there():
    """By itself, and when somebody asks for it."""
    for complete in (lambda p: p.complete_later(p.current, 1, 0), lambda p: p.spawn(p.set_stream(1, "completed"))):
        async def what(p, complete=complete):
            p.destination.transfer.switched = True
            p.current.streams[1] = "5"
            task = complete(p)
            await asyncio.wait({task}, timeout=0.1)
            before = p.current.streams[1]
            p.destination.transfer.arrived.set()
            await asyncio.wait_for(task, 10)
            return before, p.current.streams[1]

        assert with_a_destination(what) == ("5", "6")


@check
def nothing_of_a_test_is_left_for_the_next():
    async def what(p):
        h = hmc.Hmc(p, p.log)
        p.destination.transfer.switched = True
        p.destination.transfer.arrived.set()
        p.destination = None  # as when it has moved there
        p.past[1] = {"polls": 7}
        p.stayed.add(2)
        completed = p.complete_later(p.current, 1, 3600000)
        await h.reset()
        await asyncio.wait({completed}, timeout=10)
        return completed.cancelled(), p.past, kind(p, 1), kind(p, 2), p.current.streams

    assert with_a_destination(what) == (True, {}, None, None, {})


@check
def without_post_copy_the_reason_is_told():
    async def go():
        here, there = FakeServer("here"), FakeServer("there")
        there.refuses = "migrate-set-capabilities"
        copy = transfer.Transfer(here, there, lambda text: None)
        return await copy.listen("x", 1, True), copy.mode

    assert asyncio.run(go()) == ("Postcopy is not supported: last words", "precopy")


class FakeBoot:
    """A partition whose guest runs each test well, but for one that is called "cut"."""

    def __init__(self, *_):
        self.current, self.servers = self, []
        self.agent_line = self
        self.ended = asyncio.get_running_loop().create_future()

    async def boot(self):
        self.on_agent("ready")

    def write_line(self, text):
        verb, _, rest = text.partition(" ")
        number, _, command = rest.partition(" ")
        if verb == "mark":
            self.on_agent(f"log 4 lab: {rest}")
        elif command == "cut":
            self.ended.set_result("the line is cut")
        else:
            for line in (f"start {number}", f"out {number} 1..1", f"out {number} ok 1", f"exit {number} 0"):
                self.on_agent(line)

    def cpu_seconds(self):
        return 0.0

    async def close(self):
        pass


class FakeHmc:
    """Cannot put back what the second test did."""

    def __init__(self, *_):
        self.resets = 0

    async def reset(self):
        self.resets += 1
        if self.resets == 2:
            raise server.ServerError("no answer")


class FakeLogs:
    def __call__(self, text):
        pass

    def boot(self, name):
        return name


def boot_of(tests, boot=FakeBoot):
    """Runs tests in fakes. Returns what is reported: {name: reasons}."""
    class Runner:
        products, out, verbose, logs, boot_timeout = {}, "", False, FakeLogs(), 0.1

    class Reported:
        totals = run.Totals()
        results = {}

        def say(self, text):
            pass

        def result(self, name, verdict, detail=()):
            self.results[name] = verdict.reasons

    reported = Reported()
    real = run.Partition, run.Hmc
    run.Partition, run.Hmc = boot, FakeHmc
    try:
        asyncio.run(run.Group(Runner, "guest", "quick", testlist.parse(tests), reported).run())
    finally:
        run.Partition, run.Hmc = real
    return reported.results


@check
def what_cannot_be_put_back_is_the_fault_of_its_test():
    got = boot_of("a quick all 9 x\nb quick all 9 x\nc quick all 9 x\n")
    assert got == {"a": [], "b": ["no answer"], "guest kernel log": [], "c": [], "guest.1 kernel log": []}, got


@check
def a_guest_that_is_lost_says_why():
    class Lost(FakeBoot):
        async def boot(self):
            self.ended.set_result("the line is cut")

    got = boot_of("a quick all 9 cut\n")
    assert got["a"] == ["the line is cut"], got
    assert boot_of("a quick all 9 x\n", Lost)["guest starts"] == ["the line is cut"]


@check
def a_server_that_does_not_start_is_not_waited_for():
    class Slow(FakeBoot):
        async def boot(self):
            await asyncio.Event().wait()

    assert "not started" in boot_of("a quick all 9 x\n", Slow)["guest starts"][0]


@check
def who_waits_is_told_how_much_is_left():
    told = setup("JOBS_DIR=$CACHE; printf '[1/960] x\\n[431/960] Compiling y\\n' > $CACHE/log\n"
                 "printf '%s\\n' qemu $CACHE/log > $CACHE/qemu.doing; echo kernel > $CACHE/kernel.doing; what_is_done")
    assert told == (0, "kernel; qemu, 529 of 960 objects left\n", ""), told


def qemu_children(of):
    """Process IDs of servers that a process started, or that are left over from it."""
    out = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in out.splitlines()[1:] if of in line and "qemu-system" in line]


class Lab:
    """The lab without the project, built once, in a directory whose name is in its servers' arguments."""

    def __init__(self, kernel, out):
        self.kernel = kernel
        self.out = out
        self.env = dict(os.environ, O=self.out, LAB_ONLY="1")
        subprocess.run([os.path.join(HERE, "lab"), "build", kernel], env=self.env, check=True,
                       stdout=sys.stderr, stderr=sys.stderr)

    def killed_with(self, number):
        # A shell ignores SIGINT for what it starts in the background; so would the lab.
        lab = subprocess.Popen([os.path.join(HERE, "lab"), "run", "--no-build", "--kernel", self.kernel, "--only",
                                "lab-channel", "lab-systemd"], env=self.env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        try:
            self._wait(lambda: len(qemu_children(self.out)) == 2 or lab.poll() is not None, "two servers were not started")
            assert lab.poll() is None, "the lab ended by itself"
            lab.send_signal(number)
            lab.wait(timeout=60)
            self._wait(lambda: not qemu_children(self.out), "a server is left")
        finally:
            lab.kill()
            lab.wait()
            for pid in qemu_children(self.out):
                os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _wait(state, otherwise):
        until = time.monotonic() + 60
        while not state():
            assert time.monotonic() < until, otherwise
            time.sleep(0.1)


def server_checks(lab):
    def no_server_left_after(number):
        def run_it():
            lab.killed_with(number)
        run_it.__name__ = f"no_server_left_after_{number.name.lower()}"
        return run_it

    return [no_server_left_after(n) for n in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)]


def report(checks):
    print(f"1..{len(checks)}")
    failed = 0
    for n, function in enumerate(checks, 1):
        try:
            function()
            print(f"ok {n} - {function.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"# {type(e).__name__}: {e}\nnot ok {n} - {function.__name__}", flush=True)
    return 1 if failed else 0


def main(args):
    if not args:
        return report(CHECKS)
    if args[0] != "servers":
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix=f"pmig-selfcheck-{os.getpid()}-", ignore_cleanup_errors=True) as out:
        return report(server_checks(Lab(args[1] if len(args) > 1 else "6.1", out)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
