#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the mutants' runner, with a checkout of three files and a guest that is none. Prints TAP."""
import asyncio
import collections
import glob
import importlib.machinery
import importlib.util
import os
import select
import subprocess
import sys
import tempfile
from unittest import mock

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lab")]
sys.dont_write_bytecode = True

import guest  # noqa: E402
import host  # noqa: E402
import table  # noqa: E402
import tree  # noqa: E402
from table import Mutant  # noqa: E402
from tree import Tree  # noqa: E402

PRODUCT = "# the product\nvalue=1\nother=1\nagain=1\nagain=1\n"
UNIT = """echo 1..1
if [ "$value" = 1 ]; then echo "ok 1 - value"; else echo "not ok 1 - value"; fi
"""
MAKEFILE = """$(O)/unit/%: FORCE
	@mkdir -p $(@D)
	@(echo '#!/bin/sh'; cat ../product.sh unit/$*.sh) > $@ && sh -n $@ && chmod +x $@
FORCE:
"""
FILES = {"product.sh": PRODUCT, "selftests/Makefile": MAKEFILE, "selftests/unit/good.sh": UNIT,
         "selftests/unit/red.sh": "echo 1..1; echo not ok 1\n", "selftests/unit/empty.sh": "echo 1..0 '# SKIP no'\n",
         "selftests/lab/tests.list": "guest-test quick all 5 true\n"}

# name: old, new, the test, the fate
CASES = {
    "noticed": ("value=1", "value=2", "good", "killed"),
    "crashes": ("value=1", "kill -SEGV $$", "good", "killed"),
    "comment": ("# the product", "# THE product", "good", "survived"),
    "not-compared": ("other=1", "other=2", "good", "survived"),
    "skips": ("value=1", "echo '1..0 # SKIP not here'; exit 0", "good", "survived"),
    "gone": ("not there", "x", "good", "error"),
    "twice": ("again=1", "again=2", "good", "error"),
    "not-built": ("value=1", "(", "good", "error"),
    "red-before": ("value=1", "value=2", "red", "error"),
    "tests-nothing": ("value=1", "value=2", "empty", "error"),
}


class Results:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, ok, name, text=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", flush=True)
        for line in [] if ok else str(text).splitlines():
            print(f"# {line}")


def make_checkout(top):
    for name, text in FILES.items():
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
        with open(os.path.join(top, name), "w", encoding="utf-8") as f:
            f.write(text)
    subprocess.run(["git", "init", "-q", top], check=True)


def write_table(path, cases):
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "area.toml"), "w", encoding="utf-8") as f:
        for name, (old, new, test, _) in cases.items():
            f.write(f'[[mutant]]\nname = "{name}"\nwhy = "-"\nfile = "product.sh"\nold = "{old}"\nnew = "{new}"\n'
                    f'test = "unit:{test}"\n')


def run_tool(top, cases):
    tables = os.path.join(top, "tables")
    write_table(tables, cases)
    env = dict(os.environ, O=os.path.join(top, "build"))
    return subprocess.run([os.path.join(HERE, "mutants"), "--top", top, "--tables", tables], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def check_program(t, top):
    done = run_tool(top, CASES)
    said = {line.split("(unit:")[0].split()[-1]: line for line in done.stdout.splitlines() if "(unit:" in line}
    words = {"killed": "killed", "survived": "SURVIVED", "error": "ERROR"}
    for name, (*_, fate) in CASES.items():
        t.check(words[fate] in said.get(name, ""), f"{name}: {fate}", done.stdout)
    for name in ("gone", "twice"):
        t.check("no longer applies" in said.get(name, ""), f"{name}: says that it no longer applies", said.get(name))
    count = collections.Counter(case[3] for case in CASES.values())
    total = f"{count['killed']} killed, {count['survived']} survived, {count['error']} errors"
    t.check(done.stdout.splitlines()[-1:] == [total], f"ends with '{total}'", done.stdout)
    t.check("survivor: not-compared" in done.stdout, "lists the survivors", done.stdout)
    t.check(done.returncode == 1, "fails when one survives", done.returncode)
    done = run_tool(top, {"noticed": CASES["noticed"]})
    t.check(done.returncode == 0, "succeeds when all die", done.stdout)
    with open(os.path.join(top, "product.sh"), encoding="utf-8") as f:
        t.check(f.read() == PRODUCT, "the checkout is as it was")


def check_worker_that_dies(t):
    """Here by a checkout that git does not know."""
    with tempfile.TemporaryDirectory(prefix="pmig-mutants.") as top:
        os.makedirs(os.path.join(top, "selftests/lab"))
        with open(os.path.join(top, "selftests/lab/tests.list"), "w", encoding="utf-8") as f:
            f.write(FILES["selftests/lab/tests.list"])
        done = run_tool(top, {"noticed": CASES["noticed"]})
        t.check(done.stdout.splitlines()[-1:] == ["0 killed, 0 survived, 1 errors"] and done.returncode,
                "a mutant whose worker dies is an error", done.stdout)


def mutant(name, old="value=1", new="value=2", test="unit:good"):
    return Mutant("area", {"name": name, "why": "-", "file": "product.sh", "old": old, "new": new, "test": test})


def check_timeout(t, top):
    host.LIMIT = 2
    copy = Tree(top, os.path.join(top, "build", "copy"))
    copy.sync()
    test = host.HostTest(copy, "unit", "good")
    t.check(test.reference() is None, "the test passes without a mutant")
    fate = test.fate(mutant("hangs", new="sleep 1000"))
    t.check(fate.word == "killed" and fate.late, "a mutant that hangs is killed, by the time-out", vars(fate))
    fate = test.fate(mutant("waits", new="value=1; [ ${HOST_PATIENCE%.*} -lt 2 ] && value=2"))
    t.check(fate.word == "killed" and not fate.late, "a wait of a host test ends before the test's time is up", vars(fate))
    with mock.patch.object(tree, "LIMIT", 1):
        try:
            copy.run("sh", "-c", "sleep 1000 & sleep 1000")
            t.check(False, "a build that hangs is an error")
        except tree.BuildError as e:
            t.check("within 1 s" in str(e), "a build that hangs is an error", e)


def check_build_is_ended(t, top):
    """When this program is killed, as by who has had enough of it."""
    copy = Tree(top, os.path.join(top, "build", "copy"))
    copy.sync()
    pipe, other = os.pipe()
    # timeout passes nothing on before it waits.
    script = (f"until grep -q State:.S /proc/$PPID/status; do :; done; echo $$ > /proc/{os.getpid()}/fd/{other};"
              "exec sleep 1000")
    code = f"import tree; tree.Tree({top!r}, {copy.path!r}).run('sh', '-c', {script!r})"
    runner = subprocess.Popen([sys.executable, "-B", "-c", code], cwd=HERE)
    build = os.pidfd_open(int(os.read(pipe, 20)))
    runner.kill()
    runner.wait()
    t.check(select.select([build], [], [], 20)[0], "a build ends with the program that has begun it")
    for fd in (pipe, other, build):
        os.close(fd)


def check_copy(t, top):
    """What only its mode tells from the checkout's file is copied anew."""
    path = os.path.join(top, "product.sh")
    os.chmod(path, 0o755)
    copy = Tree(top, os.path.join(top, "build", "copy"))
    copy.sync()
    t.check(os.access(copy.file("product.sh"), os.X_OK), "a changed mode reaches the copy")
    os.chmod(path, 0o644)


def check_what_is_left(t, top):
    """A process with an empty environment, in a session of its own, which has the pipe that is read."""
    copy = Tree(top, os.path.join(top, "build", "copy"))
    copy.sync()
    test = host.HostTest(copy, "unit", "good")
    test.limit = 20
    if not host.namespace():
        print("# no namespaces here")
        return
    fate = test.fate(mutant("leaves", new="env -i setsid sleep 60 & value=1"))
    t.check(fate.word == "survived", "what a unit program leaves is killed with it", vars(fate))


def check_step_that_is_not_built(t, top):
    copy = Tree(top, os.path.join(top, "build", "copy"))
    copy.sync()
    with mock.patch.dict(host.STEPS, install=["sh", "product.sh"]):
        test = host.HostTest(copy, "host", "install")
        for name, text, word in (("warns", f"the userland {host.NOT_BUILT}", "error"), ("noticed", "it is there", "killed")):
            fate = test.fate(mutant(name, new=f"echo 1..1; echo 'not ok 1 - {text}'"))
            t.check(fate.word == word, f"installing, not ok - {text}: {word}", vars(fate))
    with open(os.path.join(os.path.dirname(HERE), "install/install.sh"), encoding="utf-8") as f:
        t.check(host.NOT_BUILT in f.read(), "there is such a check")


class NoGuest:
    """Does what the mutant's name says."""

    boots = 0

    async def boot(self):
        NoGuest.boots += 1
        self.name = None
        self.complained = False

    async def swap(self, name):
        # A module that is stuck can be got rid of only with its guest.
        stuck = self.name == "noticed-and-stuck"
        self.name = name
        return not stuck

    async def run(self, test, limit, first_failure_ends):
        tap = guest.Tap()
        for line in ("1..1", "ok 1"):
            tap.line(line)
        if self.name == "takes-the-guest":
            raise guest.GuestLost("the guest ended")
        self.complained = self.name.endswith("complains")
        why = "not ok 1" if self.name.startswith("noticed") or test.name == "red" else None
        return (why, False), tap

    async def close(self):
        pass


def check_guests(t):
    tests = {test.name: test for test in guest.testlist.parse("good quick all 5 true\nred quick all 5 true\n"
                                                              "alone quick:own all 5 true\n")}
    wanted = [("comment", "good", "survived"), ("takes-the-guest", "good", "killed"),
              ("noticed-and-stuck", "good", "killed"), ("comment-2", "good", "survived"),
              ("noticed-and-complains", "good", "killed"),
              ("noticed", "good", "killed"), ("noticed-alone", "alone", "killed"), ("comment-3", "alone", "survived"),
              ("noticed-2", "red", "error")]
    fates = []
    batch = guest.GuestBatch(tests, [mutant(name, test=f"guest:{test}") for name, test, _ in wanted], NoGuest,
                             lambda m, fate: fates.append((m.name, m.target, fate.word)))
    asyncio.run(batch.run())
    t.check(fates == wanted, "in guests: who is noticed dies, who takes the guest, too", fates)
    t.check(NoGuest.boots == 5, "a guest that is lost or stuck, or complains, or was a test's own, is booted again, no other",
            NoGuest.boots)


def program():
    """The program itself, as a module."""
    loader = importlib.machinery.SourceFileLoader("program", os.path.join(HERE, "mutants"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("program", loader))
    loader.exec_module(module)
    return module


def check_guests_of_their_own(t):
    """What a test wants of its guest is in tests.list. Nothing is built here, and no server starts."""
    tests = {test.name: test for test in guest.testlist.parse(
        "shared quick all 5 true\nalone quick:own all 5 true\nnodes quick:own,numa ppc 5 true\n")}
    fates = {}
    with (mock.patch.object(guest, "GuestBuild") as build, mock.patch.object(guest, "Partition") as partition,
          tempfile.TemporaryDirectory(prefix="pmig-mutants.") as logs):
        build.return_value.add.return_value = None
        partition.return_value.boot = mock.AsyncMock(side_effect=guest.ServerError("no server here"))
        partition.return_value.close = mock.AsyncMock()
        report = lambda m, fate: fates.setdefault(m.name, fate.why)  # noqa: E731
        for run in program().jobs_for([mutant(name, test=f"guest:{name}") for name in tests], tests, logs, report):
            run(mock.Mock(), report)
        guests = sorted(call.args[5:] for call in partition.call_args_list)
        partition.reset_mock()
        many = [mutant(f"many-{i}", test="guest:shared") for i in range(60)]
        for run in program().jobs_for(many, tests, logs, report):
            build.return_value.add.reset_mock()
            run(mock.Mock(), report)
            t.check(0 < build.return_value.add.call_count <= 25, "no guest has to hold more mutants than fit into it")
        t.check(all(m.name in fates for m in many), "and each of them has a fate")
        fates = {name: why for name, why in fates.items() if name in tests}
    t.check(guests == [((),), ((),), (("numa",),)], "a test has a guest of its own, with the hardware that it wants", guests)
    t.check(set(fates) == set(tests) and all("no server here" in why for why in fates.values()), "and its mutant a fate", fates)


def known_tests(top):
    units = glob.glob(os.path.join(top, "selftests/unit/*_test.c"))
    hosts = subprocess.run([os.path.join(top, "selftests/host/run"), "--list"], text=True, stdout=subprocess.PIPE, check=True)
    return ({f"unit:{os.path.basename(path)[:-2]}" for path in units} | {f"guest:{name}" for name in guest.read_tests(top)} |
            {f"host:{name}" for name in [*host.STEPS, *hosts.stdout.split()]})


def check_tables(t):
    """Without building anything: the tables' mutants apply to this checkout, and name tests that there are."""
    top = os.path.dirname(os.path.dirname(HERE))
    known, problems = known_tests(top), []
    mutants = table.read(HERE)
    for m in mutants:
        try:
            with open(os.path.join(top, m.file), encoding="utf-8") as f:
                m.change(f.read())
        except (OSError, table.BadTable) as e:
            problems.append(f"{m.name}: {e}")
        if m.test not in known:
            problems.append(f"{m.name}: there is no test '{m.test}'")
    t.check(mutants and not problems, f"each of the {len(mutants)} mutants applies, and its test exists", "\n".join(problems))


def main():
    t = Results()
    check_tables(t)
    with tempfile.TemporaryDirectory(prefix="pmig-mutants.") as top:
        make_checkout(top)
        check_program(t, top)
        check_timeout(t, top)
        check_build_is_ended(t, top)
        check_copy(t, top)
        check_what_is_left(t, top)
        check_step_that_is_not_built(t, top)
    check_worker_that_dies(t)
    check_guests(t)
    check_guests_of_their_own(t)
    print(f"1..{t.count}")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
