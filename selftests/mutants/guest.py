# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests that run in a guest. All mutants of a kernel are built first and go into one guest, which runs the tests
without a mutant and then with one after the other, the modules loaded anew. A guest that a mutant has taken with
it, or that is not as it was, is booted again for the rest."""
import asyncio
import collections
import filecmp
import os
import shutil
import time

from harness import judge, testlist
from harness.agent import Agent, GuestLost
from harness.hmc import Hmc
from harness.partition import Partition
from harness.server import ServerError
from harness.tap import Tap

from table import BadTable
from tree import BuildError
from verdict import Fate, failure, unfit

BOOT_TIMEOUT = 900  # beside builds on an emulated processor, and a boot that fails costs every mutant behind it
IN_GUEST = "/usr/libexec/pmig/mutants"
BASE = "unchanged"  # what is put back in place of a mutant's files
MODULES = ("kernel/", "Documentation/examples/driver/")  # mutants of these need no payload but the modules
SWAP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "swap.sh")
QUICKEST = "x86-6.1"
PPC = "6.1"

# What a guest is: as in the lab, a test that wants its own has no other beside it, and may have hardware of its own.
GuestKind = collections.namedtuple("GuestKind", "profile kernel own hardware")


def read_tests(top):
    with open(os.path.join(top, "selftests/lab/tests.list"), encoding="utf-8") as f:
        return {test.name: test for test in testlist.parse(f.read())}


def kind_for(mutant, test):
    kernel = mutant.kernel or (QUICKEST if testlist.fits(test, QUICKEST) else PPC)
    return GuestKind(test.profile, kernel, test.name if test.own else "", test.hardware)


class Session:
    """A guest that runs. What is said of a guest that is lost is raised as GuestLost."""

    def __init__(self, products, out, kind, logs, log):
        self.partition = Partition(products, out, kind.profile, logs, log, kind.hardware)
        self.hmc = Hmc(self.partition, log)
        self.agent = Agent(self.partition)
        self.complained = False

    async def boot(self):
        try:
            await self.partition.boot()
        except ServerError as e:
            raise GuestLost(str(e)) from e
        await self.agent.wait_ready(BOOT_TIMEOUT)

    async def swap(self, name):
        """Puts a mutant's files into place, the modules unloaded. False: it could not be done here."""
        try:
            await self.hmc.reset()
        except ServerError as e:
            raise GuestLost(str(e)) from e
        return await self.agent.run(f"sh {IN_GUEST}/swap.sh {name}", 120, lambda _: None) == 0

    def _console(self):
        text = ""
        for server in self.partition.servers:
            if os.path.exists(server.console_log):
                with open(server.console_log, encoding="utf-8", errors="replace") as f:
                    text += f.read()
        return text

    async def run(self, test, limit, first_failure_ends):
        """(why it failed or None, whether that was a time-out), and its TAP"""
        tap, lines, stopped = Tap(), [], False

        def line(text):
            nonlocal stopped
            lines.append(text)
            tap.line(text)
            if tap.failed and first_failure_ends and not stopped:
                stopped = True
                self.partition.agent_line.write_line(f"kill {self.agent.number}")

        seen = len(self._console())
        await self.agent.mark(f"{test.name} begins")
        self.agent.take_log()
        status = await self.agent.run(test.command, limit, line)
        await self.agent.mark(f"{test.name} ends")
        why, late = failure(lines, tap, status, stopped)
        problems = judge.unexpected(self.agent.take_log(), tap.expected)
        complaints = judge.complaints(self._console()[seen:])
        self.complained |= bool(complaints)
        problems += [f"the kernel complained: {c[0]}" for c in complaints]
        if problems and not why:
            why = problems[0]
        return (why, late), tap

    async def close(self):
        await self.partition.close()


class GuestBatch:
    """The mutants of one kind of guest. `session()` makes a guest, `fate(mutant, fate)` hears each fate."""

    def __init__(self, tests, mutants, session, fate):
        self.tests = tests
        self.mutants = mutants
        self.session = session
        self.report = fate
        self.guest = None
        self.limits = {}

    async def run(self):
        bad = {name: await self._reference(self.tests[name]) for name in sorted({m.target for m in self.mutants})}
        for mutant in self.mutants:
            if bad[mutant.target]:
                self.report(mutant, Fate.error(bad[mutant.target]))
            else:
                self.report(mutant, await self._fate(mutant))
        await self._end()

    async def _reference(self, test):
        """Runs a test without a mutant; says why it proves nothing, or None."""
        started = time.monotonic()
        try:
            await self._ready(BASE)
            problem = unfit(*await self.guest.run(test, test.timeout, False))
        except GuestLost as e:
            await self._end()
            return f"the test cannot be run without the mutant: {e}"
        # A mutant gets a multiple of what the test needs.
        self.limits[test.name] = min(test.timeout, 60 + 5 * (time.monotonic() - started))
        return problem

    async def _fate(self, mutant):
        test = self.tests[mutant.target]
        try:
            await self._ready(mutant.name)
        except GuestLost as e:
            await self._end()
            return Fate.error(f"the guest is lost before the test: {e}")  # no module is loaded: no mutant's doing
        try:
            (why, late), _ = await self.guest.run(test, self.limits[test.name], True)
        except GuestLost as e:
            await self._end()
            return Fate.killed(f"it took the guest with it: {e}")
        # What such a test leaves when it is stopped half-way is all over the system: services, or a processor offline.
        if self.guest.complained or (why and (test.profile == "systemd" or test.own)):
            await self._end()
        return Fate.killed(why, late) if why else Fate.survived()

    async def _end(self):
        if self.guest:
            await self.guest.close()
        self.guest = None

    async def _ready(self, name):
        """A guest in which `name` is in place: the present one, else a new one."""
        if self.guest:
            try:
                if await self.guest.swap(name):
                    return
            except GuestLost:
                pass
            await self._end()
        self.guest = self.session()
        await self.guest.boot()
        if not await self.guest.swap(name):
            raise GuestLost(f"{name} could not be put into a new guest")


def differing(base, other):
    """Files of `other` that `base` has not, or has otherwise."""
    found = []
    for where, _, files in os.walk(other):
        for name in files:
            path = os.path.join(where, name)
            relative = os.path.relpath(path, other)
            mine = os.path.join(base, relative)
            if os.path.islink(path):
                continue
            if not os.path.exists(mine) or not filecmp.cmp(mine, path, shallow=False):
                found.append(relative)
    return found


class GuestBuild:
    """Builds mutants for a kernel and lays them out for the guest: a directory each, with the files that differ."""

    def __init__(self, tree, kernel):
        self.tree = tree
        self.kernel = kernel
        self.out = os.path.join(tree.out, "lab", kernel)
        self.payload = os.path.join(self.out, "payload")
        self.base = os.path.join(tree.out, f"mutants-base-{kernel}")
        self.extra = os.path.join(tree.out, f"mutants-{kernel}")

    def lab_build(self, **environment):
        self.tree.run("selftests/lab/lab", "build", self.kernel, **environment)

    def prepare(self):
        for path in (self.base, self.extra):
            shutil.rmtree(path, ignore_errors=True)
        self.lab_build()
        shutil.copytree(self.payload, self.base, symlinks=True)
        os.makedirs(os.path.join(self.extra, BASE))
        shutil.copy(SWAP, self.extra)

    def _copy(self, source, name, files):
        for relative in files:
            to = os.path.join(self.extra, name, relative)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy(os.path.join(source, relative), to)

    def _in_program(self, mutant):
        """Whether the test's own program is built with files of the module's, and so with the mutant."""
        name = mutant.target.removeprefix("kernel-").replace("-", "_")
        path = self.tree.file(f"selftests/kernel/{name}_test.c")
        if not os.path.exists(path):
            return False
        with open(path, encoding="utf-8") as f:
            return '#include "../../kernel/' in f.read()

    def add(self, mutant):
        """None, or the mutant's fate when there is nothing to run."""
        try:
            with self.tree.mutated(mutant):
                alone = mutant.file.startswith(MODULES) and not self._in_program(mutant)
                self.lab_build(**({"LAB_MODULES": "1"} if alone else {}))
        except (BuildError, BadTable) as e:
            return Fate.error(str(e))
        files = differing(self.base, self.payload)
        if not files:
            return Fate.survived()  # nothing that runs has changed
        self._copy(self.payload, mutant.name, files)
        self._copy(self.base, BASE, files)
        return None

    def finish(self):
        self.lab_build(LAB_EXTRA=f"{self.extra}:{IN_GUEST}")
        with open(os.path.join(self.out, "products"), encoding="utf-8") as f:
            return dict(line.strip().split("=", 1) for line in f if "=" in line)


def run_batch(tree, tests, kind, mutants, logs, report):
    """All of it: builds, boots, reports each mutant's fate once."""
    build, left = GuestBuild(tree, kind.kernel), list(mutants)

    def fate(mutant, outcome):
        left.remove(mutant)
        report(mutant, outcome)

    try:
        build.prepare()
        for mutant in mutants:
            outcome = build.add(mutant)
            if outcome:
                fate(mutant, outcome)
        products = build.finish()
        boots = iter(range(1, 1000))

        def session():
            name = "-".join(word for word in (kind.kernel, kind.profile, kind.own, mutants[0].name) if word)
            directory = os.path.join(logs, f"{name}-{next(boots)}")
            os.makedirs(directory)
            log = open(os.path.join(directory, "lab.log"), "w", encoding="utf-8", buffering=1)
            return Session(products, build.out, kind, directory, lambda text: log.write(f"{time.time():.6f} {text}\n"))

        if left:
            asyncio.run(GuestBatch(tests, list(left), session, fate).run())
    except (BuildError, GuestLost) as e:
        for mutant in list(left):
            fate(mutant, Fate.error(f"{kind.kernel}: {e}"))
