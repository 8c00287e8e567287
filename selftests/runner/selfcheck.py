#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the runner of `make check` count what it must count? TAP. No guest, nothing is built."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from unittest import mock

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[1:1] = [os.path.join(os.path.dirname(HERE), "lab"), HERE]
sys.dont_write_bytecode = True

import arrows  # noqa: E402
import guests  # noqa: E402
import jobs  # noqa: E402
import style  # noqa: E402
from harness import testlist  # noqa: E402

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def ran(*todo, places=None):
    """(what was printed, the reports)"""
    said = []
    scheduler = jobs.Scheduler(places or {"guest": 1, "host": 2}, said.append)
    scheduler.run(list(todo))
    return said, [report for _, report, _ in scheduler.reports]


def counts(report):
    return report.passed, report.failed, report.skipped


def tap(status, *lines, further=()):
    report = jobs.Report()
    report.tap("x", status, "\n".join(lines), further)
    return report


@check
def cases_count():
    assert counts(tap(0, "1..2", "ok 1", "ok 2")) == (2, 0, 0)
    assert counts(tap(1, "1..2", "ok 1", "not ok 2")) == (1, 1, 0)


@check
def a_skipped_unit_case_counts_as_skipped():
    r = tap(0, "1..2", "ok 1 a.b # SKIP no such call", "ok 2")
    assert counts(r) == (1, 0, 1) and r.skips == ["x: a.b: no such call"]
    r = tap(4, "1..0 # SKIP unshare: Operation not permitted")
    assert counts(r) == (0, 0, 1) and r.lines[0].startswith("ok - x # SKIP unshare")


@check
def todo_no_plan_and_a_sanitizer_are_failures():
    assert counts(tap(0, "1..1", "ok 1 # TODO"))[1] == 1
    assert counts(tap(0, "ok 1"))[1] == 1
    assert counts(tap(0, "1..1", "ok 1", further=["a sanitizer complains"]))[1] == 1
    assert counts(tap(-11, "1..1", "ok 1"))[1] == 1
    assert counts(tap(None, "1..1", "ok 1"))[1] == 1


@check
def a_job_that_dies_is_a_failure():
    def die(report):
        report.result(True, "before")
        raise OSError("gone")

    said, reports = ran(jobs.Job("bad", die, "p"), jobs.Job("good", lambda r: r.result(True, "g"), "p"))
    assert sorted(counts(r) for r in reports) == [(1, 0, 0), (1, 1, 0)]
    assert any("not ok - bad" in text and "gone" in text for text in said), said


@check
def a_step_that_hangs_is_killed_with_all_it_started():
    status, out = jobs.call(["sh", "-c", "sleep 1000 & echo $!; sleep 1000"], limit=1)
    assert status is None and "timed out" in out
    assert not os.path.exists(f"/proc/{out.split()[0]}/exe"), "what it started is still there"


def hangs(script):
    """What is left of the process whose ID the script prints: its command, or nothing"""
    with mock.patch.object(jobs, "GRACE", 1):
        status, out = jobs.call(["bash", "-c", script], limit=3)
    pid = int(out.split()[0])
    try:
        assert status is None and "timed out" in out, (status, out)
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@check
def a_step_that_hangs_is_killed_in_each_of_its_process_groups():
    assert not hangs("set -m; sleep 1000 & echo $!; wait")
    assert not hangs("trap '' TERM; set -m; sleep 1000 & echo $!; wait")


@check
def a_step_that_hangs_is_told_first():
    _, out = jobs.call(["bash", "-c", "trap 'echo ends; exit' TERM; sleep 1000 & wait"], limit=3)
    assert "ends" in out.split(), out


@check
def what_runs_ends_with_us_even_if_it_does_not_want_to():
    """As the first process of a namespace does, which no SIGTERM reaches."""
    children = jobs.Children()
    scripts = ("trap 'echo ends; exit' TERM; echo up; sleep 1000 & wait", "trap '' TERM; echo up; sleep 1000")
    running = [children.start(["bash", "-c", script]) for script in scripts]
    try:
        assert [p.stdout.readline() for p in running] == [b"up\n", b"up\n"]
        with mock.patch.object(jobs, "GRACE", 3):
            children.end()
        assert running[0].stdout.readline() == b"ends\n", "nobody has told it"
        assert [p.wait(20) for p in running] == [0, -signal.SIGKILL]
    finally:
        for p in running:
            jobs.kill_session(p.pid)


@check
def nobody_is_waited_for_who_has_left_the_session():
    assert hangs("setsid sleep 1000 & echo $!; wait")


@check
def jobs_of_jobs_and_their_places():
    lock, now, most = threading.Lock(), [0], [0]
    gate = threading.Barrier(2, timeout=20)

    def one(report):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.wait()
        with lock:
            now[0] -= 1
        report.result(True, "one")

    def all_of_them(report):
        report.result(True, "built")
        return [jobs.Job(f"j{n}", one, "p") for n in range(4)]

    said, reports = ran(jobs.Job("first", all_of_them, "p"))
    assert most[0] == 2 and sum(r.passed for r in reports) == 5 and len(said) == 5


@check
def a_guests_report_is_one_piece():
    said = []
    report = jobs.Report()
    reader = guests.Reader("k", report, said.append)
    for line in ("  CC      x.o", "TAP version 14", "# boot0-quick: begins with a b", "# Subtest: a", "    not ok 1 x", "not ok 1 - a",
                 "# boot0-quick: 1 passed, 1 failed in 3 s (2 s of CPU)", "# skipped: a: x: why", "1 passed, 1 failed, 1 skipped"):
        reader.line(line)
    reader.end(1)
    assert [len(piece) for piece in said] == [1, 4, 1], said
    assert counts(report) == (1, 1, 1) and report.skips == ["k: a: x: why"] and len(report.failures) == 2


@check
def guests_get_what_was_chosen():
    chosen = ["kernel-state", "kernel-poll"]
    for everything, words in ((False, ["--only", *chosen]), (True, [])):
        with mock.patch.object(guests, "call", return_value=(1, "")) as call:
            ran(*guests.jobs(lambda name, area: name in chosen, everything, ["x86-6.1"], print))
        (argv, *_), _ = call.call_args
        assert argv[1:] == ["run", "--kernel", "x86-6.1", *words], argv


@check
def guests_without_a_total_are_a_failure():
    whole = ["3 passed, 0 failed"]
    for status, lines, failed in ((0, [], 1), (None, whole, 1), (1, whole, 1), (0, whole, 0)):
        report = jobs.Report()
        reader = guests.Reader("k", report, lambda piece: None)
        for line in lines:
            reader.line(line)
        reader.end(status)
        assert report.failed == failed, (status, lines)


def refused(*args):
    status, out = jobs.call([sys.executable, os.path.join(os.path.dirname(HERE), "check"), *args])
    return out if status == 1 else None


@check
def unknown_names_are_one_clear_line():
    for args, what in ((("host", "AREA=nothing"), "no area 'nothing'; there are: "),
                       (("host", "guest:6.1", "TEST=daemon-stop nothing"), "no test 'nothing'; there are: "),
                       (("nothing",), "no stage 'nothing'")):
        out = refused(*args)
        assert out and what in out and out.count("\n") == 1, out
    assert "daemon-stop" in refused("guest:6.1", "TEST=nothing")


@check
def the_total_is_the_last_line():
    _, out = jobs.call([sys.executable, os.path.join(os.path.dirname(HERE), "check"), "style", "TEST=arrows"])
    lines = out.splitlines()
    assert re.fullmatch(r"\d+ passed, \d+ failed(, \d+ skipped)?", lines[-1]), lines[-1]
    assert any(re.match(r"# style: 2 passed, 0 failed, 0 skipped; \d+ s", line) for line in lines), out


@check
def another_make_above_is_not_heard():
    """Its jobserver would be a warning in each build, its O= kbuild's."""
    env = dict(os.environ, MAKEFLAGS="j2 -- O=/nowhere", MFLAGS="-j2", MAKELEVEL="1")
    common = os.path.join(os.path.dirname(HERE), "lab/setup/common.sh")
    _, out = jobs.call(["bash", "-c", f". {common}; env"], env=env)
    assert "PATH=" in out and not re.search("^(MAKE|MFLAGS)", out, re.MULTILINE), out


@check
def the_checks_know_where_things_are_built():
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for target in ("check", "demo", "mutants", "bench", "soak", "lab-shell"):
        out = subprocess.run(["make", "-n", target, "O=/else/where"], cwd=jobs.TOP, env=env, stdout=subprocess.PIPE,
                             text=True, check=True).stdout
        assert re.search(r"^O=/else/where selftests/", out, re.MULTILINE), out


@check
def sources_are_found_wherever_the_checkout_is():
    with tempfile.TemporaryDirectory() as top:
        checkout = os.path.join(top, "build", "pmig")
        os.makedirs(os.path.join(checkout, "kernel/build"))
        for name in ("main.c", "build/made.c"):
            open(os.path.join(checkout, "kernel", name), "wb").close()
        with mock.patch.object(style, "TOP", checkout):
            assert style.sources("kernel/**/*.c") == ["kernel/main.c"]
            try:
                found = style.sources("nothing/*.c")
            except FileNotFoundError:
                return
            raise AssertionError(f"a step would have passed with no files: {found}")


def edges_of(**texts):
    """The arrows between files of drmgr/daemon/, of which the names have _ for /"""
    with tempfile.TemporaryDirectory() as top:
        paths = []
        for name, text in texts.items():
            paths.append(os.path.join("drmgr/daemon", re.sub("_([ch])$", r".\1", name).replace("_", "/")))
            os.makedirs(os.path.dirname(os.path.join(top, paths[-1])), exist_ok=True)
            with open(os.path.join(top, paths[-1]), "w", encoding="utf-8") as f:
                f.write(text)
        return arrows.Files(top, paths)


@check
def what_goes_up_is_refused():
    called = "int manager_start(struct manager *m,\n\t\t  int x)\n{\n\treturn 0;\n}\n"
    up = edges_of(manager_h="", base_util_c='#include "daemon/manager.h"\n').against()
    assert up == ['drmgr/daemon/base/util.c: #include "daemon/manager.h" goes up, to drmgr/daemon/manager.h'], up
    up = edges_of(manager_c=called, apps_peer_c="void f(void)\n{\n\tmanager_start(NULL, 1);\n}\n").against()
    assert up == ["drmgr/daemon/apps/peer.c: manager_start goes up, to drmgr/daemon/manager.c"], up
    # a function of its own, a member, a comment and a text of that name lead nowhere
    other = 'static void manager_start(void)\n{\n}\n'
    assert not edges_of(manager_c=called, apps_peer_c=other + "void f(void)\n{\n\tmanager_start();\n}\n").against()
    assert not edges_of(manager_c=called, apps_peer_c='int x = a->manager_start + sizeof("manager_start"); /* manager_start() */\n').against()
    assert not edges_of(manager_c="void f(void)\n{\n\tpeer();\n}\n", apps_peer_c="void peer(void)\n{\n}\n").against()


@check
def what_goes_up_in_the_module_is_refused():
    with open(os.path.join(jobs.TOP, "Kbuild"), encoding="utf-8") as f:
        files = {name for names in arrows.listed(f.read()).values() for name in names}
    assert files >= {f[:-2] for f in style.sources("kernel/**/*.c")}, "a file has no place in the order"
    kbuild = "pmig-y := drmgr/daemon/low.o \\\n\tdrmgr/daemon/mid.o\npmig-y += drmgr/daemon/high.o\n"
    low, high = "int low(void)\n{\n\treturn 0;\n}\n", "int high(void)\n{\n\treturn low();\n}\n"
    assert not list(edges_of(low_c=low, high_c=high).above(kbuild))
    up = list(edges_of(low_c=low.replace("0", "high()"), high_c=high).above(kbuild))
    assert up == ["drmgr/daemon/low.c: high goes up, to drmgr/daemon/high.c, which Kbuild lists later"], up
    assert len(list(edges_of(low_c=low, mid_c='#include "high.h"\n', high_h="").above(kbuild))) == 1


@check
def circles_of_files_are_refused():
    a, b = "int table[] = { 1 };\nvoid a(void)\n{\n\tb();\n}\n", "void b(void)\n{\n\ttable[0]++;\n}\n"
    found = edges_of(a_c=a, b_c=b).circles()
    assert found == ["a circle: drmgr/daemon/a -> drmgr/daemon/b by b; drmgr/daemon/b -> drmgr/daemon/a by table"], found
    assert len(edges_of(a_c=a, b_h='#include "a.h"\n', a_h="", b_c="void b(void)\n{\n}\n").circles()) == 1
    assert not edges_of(a_c=a, b_c="void b(void)\n{\n}\n").circles()


@check
def files_that_are_not_in_the_map_are_named():
    assert style.not_in_the_map("| `a.c`, `b.c` | x |", ["x/a.c", "x/b.c", "y/c.c", "y/ab.c"]) == ["y/c.c", "y/ab.c"]


@check
def every_test_has_an_area():
    assert {guests.area(t) for t in guests.tests()} >= {"kernel", "daemon", "lab", "cmd", "libdr"}
    assert testlist.fits(guests.tests()[0], "6.1")


def main():
    print(f"1..{len(CHECKS)}")
    failed = 0
    for n, function in enumerate(CHECKS, 1):
        try:
            function()
            print(f"ok {n} - {function.__name__}")
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"# {type(e).__name__}: {e}\nnot ok {n} - {function.__name__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
