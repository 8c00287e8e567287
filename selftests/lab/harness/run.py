# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests in guests and prints TAP: a test is a subtest, a guest's kernel log is a test of its own. Several guests
run at a time; what one has to say is printed in one piece."""
import asyncio
import os
import sys
import time

from . import judge, places, testlist
from .agent import Agent, GuestLost
from .hmc import Hmc
from .partition import Partition
from .server import ServerError
from .tap import Tap, Verdict

BOOT_TIMEOUT = 240  # an emulated CPU that shares the host with builds is slow
RESET_TIMEOUT = 240


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, verdict):
        self.passed += verdict.passed
        self.failed += verdict.failed
        self.skipped += verdict.skipped

    def __str__(self):
        tail = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{tail}"


class Logs:
    """A directory for each run, and lab.log in it: what the lab did, with the host's time."""

    def __init__(self, top, name):
        self.dir = os.path.join(top, f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{name}")
        os.makedirs(self.dir)
        latest = os.path.join(top, f".latest.{os.getpid()}")
        os.symlink(os.path.basename(self.dir), latest)
        os.replace(latest, os.path.join(top, "latest"))
        self.file = open(os.path.join(self.dir, "lab.log"), "w", encoding="utf-8", buffering=1)

    def __call__(self, text):
        self.file.write(f"{time.time():.6f} {text}\n")

    def boot(self, name):
        path = os.path.join(self.dir, name)
        os.makedirs(path, exist_ok=True)
        return path


class Output:
    """What is printed and kept: the guests' reports one after the other, with one numbering."""

    def __init__(self, logs, stream=sys.stdout):
        self.stream = stream
        self.totals = Totals()
        self.count = 0
        self.skips = []
        self.file = open(os.path.join(logs.dir, "output.tap"), "w", encoding="utf-8", buffering=1)

    def say(self, text):
        print(text, file=self.stream, flush=True)
        self.file.write(text + "\n")

    def result(self, name, verdict, detail=()):
        self.count += 1
        self.totals.add(verdict)
        self.skips += [f"{name}: {skip}" for skip in verdict.skips]
        for line in detail:
            self.say(f"    # {line}")
        skipped = verdict.ok and not verdict.passed and verdict.skipped
        for reason in verdict.reasons if not skipped else ():
            self.say(f"    # {reason}")
        tail = f" # SKIP {'; '.join(verdict.reasons)}" if skipped else ""
        self.say(f"{'ok' if verdict.ok else 'not ok'} {self.count} - {name}{tail}")


class Report:
    """What one guest's tests have to say. It is handed on at once when nobody else speaks, else by flush()."""

    def __init__(self, output, live):
        self.output = output
        self.live = live
        self.totals = Totals()
        self.kept = []

    def say(self, text):
        self._do(self.output.say, text)

    def result(self, name, verdict, detail=()):
        self.totals.add(verdict)
        self._do(self.output.result, name, verdict, detail)

    def _do(self, what, *args):
        if self.live:
            what(*args)
        else:
            self.kept.append((what, args))

    def flush(self):
        for what, args in self.kept:
            what(*args)
        self.kept = []


class Group:
    """Tests that share a guest, in their order; another guest for the rest when a test took the guest with it."""

    def __init__(self, runner, name, profile, tests, report):
        self.runner = runner
        self.name = name
        self.profile = profile
        self.tests = tests
        self.report = report
        self.cpu = 0.0

    def log(self, text):
        self.runner.logs(f"{self.name}: {text}")

    async def run(self):
        started = time.monotonic()
        boots = 0
        left = list(self.tests)
        while left:
            left = await self._boot(f"{self.name}.{boots}" if boots else self.name, left)
            boots += 1
        self.report.say(f"# {self.name}: {self.report.totals} in {time.monotonic() - started:.0f} s "
                        f"({self.cpu:.0f} s of CPU)")

    async def _boot(self, name, tests):
        """Runs tests in one guest. Returns those that are left because a test took the guest with it."""
        partition = Partition(self.runner.products, self.runner.out, self.profile, self.runner.logs.boot(name), self.log,
                              self.tests[0].hardware)
        hmc = Hmc(partition, self.log)
        agent = Agent(partition)
        left = list(tests)
        unowned = []  # what the kernel logged while no test ran
        started = time.monotonic()
        try:
            await self._within(self.runner.boot_timeout, partition.boot(), "the guest's server was not started")
            await agent.wait_ready(self.runner.boot_timeout)
            ready = f"ready after {time.monotonic() - started:.1f} s ({partition.cpu_seconds():.1f} s of CPU)"
            self.report.say(f"# {name}: {ready}")
            self.log(ready)
            while left:
                await self._test(agent, hmc, partition, left[0], unowned)
                left.pop(0)
        except (GuestLost, ServerError) as e:
            # When the guest never was there no test is to blame, and the next attempt would not go better.
            what = left.pop(0).name if agent.ready.is_set() else f"{name} starts"
            left = left if agent.ready.is_set() else []
            self.report.result(what, Verdict(failed=1, reasons=[str(e)]), self._console_tail(partition))
        finally:
            self.cpu += self._cpu(partition)
            await partition.close()
        self._judge(name, partition, unowned + agent.take_log())
        return left

    @staticmethod
    async def _within(timeout, coroutine, otherwise):
        try:
            await asyncio.wait_for(coroutine, timeout)
        except asyncio.TimeoutError:
            raise GuestLost(f"{otherwise} after {timeout} s") from None

    @staticmethod
    def _cpu(partition):
        try:
            return partition.cpu_seconds()
        except (OSError, AttributeError):
            return 0.0  # it has ended, or never began

    async def _test(self, agent, hmc, partition, test, unowned):
        tap = Tap()

        def line(text):
            tap.line(text)
            self.report.say(text if self.runner.verbose else f"    {text}")

        self.log(f"test {test.name}: {test.command}")
        started, server, cpu = time.monotonic(), partition.current, self._cpu(partition)
        self.report.say(f"# Subtest: {test.name}")
        await agent.mark(f"{test.name} begins")
        unowned += agent.take_log()
        status = await agent.run(test.command, test.timeout, line)
        await agent.mark(f"{test.name} ends")
        took = f"{time.monotonic() - started:.1f} s"
        if partition.current is server:  # what a server has used that is gone now is not known
            took += f" ({self._cpu(partition) - cpu:.1f} s of CPU)"
        self.log(f"test {test.name}: status {status} after {took}")
        self.report.say(f"    # {took}")
        # What cannot be put back is this test's fault, not the next one's.
        await self._within(RESET_TIMEOUT, hmc.reset(), "the lab did not forget the test")
        self.report.result(test.name, tap.verdict(status, judge.unexpected(agent.take_log(), tap.expected)))

    def _consoles(self, partition):
        for server in partition.servers:
            if os.path.exists(server.console_log):
                with open(server.console_log, encoding="utf-8", errors="replace") as f:
                    yield server, f.read()

    def _console_tail(self, partition):
        lines = []
        for server, text in self._consoles(partition):
            lines += [f"console {server.name}: {judge.clean(x)}" for x in text.splitlines()[-15:]]
        return lines

    def _judge(self, name, partition, unowned):
        """All servers' consoles: the guest went on writing where it went on running."""
        detail = judge.unexpected(unowned, ())
        for server, text in self._consoles(partition):
            for excerpt in judge.complaints(text):
                detail += [f"server {server.name}: {line}" for line in excerpt]
        bad = bool(detail)
        self.report.result(f"{name} kernel log",
                           Verdict(failed=1, reasons=["the kernel complained"]) if bad else Verdict(passed=1), detail)


class Runner:
    def __init__(self, products, out, logs, verbose=False, stream=sys.stdout, slowdown=1):
        self.products = products
        self.out = out
        self.logs = logs
        self.boot_timeout = BOOT_TIMEOUT * slowdown
        self.share = testlist.SHARE * slowdown
        self.verbose = verbose
        self.output = Output(logs, stream)

    async def run(self, tests):
        output = self.output
        output.say("TAP version 14")
        if not tests:
            output.say("# no test fits")
            output.totals.failed += 1
        groups = list(enumerate(testlist.boots(tests, self.share)))
        await asyncio.gather(*(self._group(f"boot{n}-{profile}", profile, group, len(groups) == 1)
                               for n, (profile, group) in groups))
        output.say(f"1..{output.count}")
        for skip in dict.fromkeys(output.skips):
            output.say(f"# skipped: {skip}")
        output.say(f"# logs: {self.logs.dir}")
        output.say(str(output.totals))
        return 0 if output.totals.passed and not output.totals.failed else 1

    async def _group(self, name, profile, tests, alone):
        report = Report(self.output, live=alone or self.verbose)
        async with places.place(os.path.join(os.path.dirname(self.out), "places")):
            self.output.say(f"# {name}: begins with {' '.join(t.name for t in tests)}")
            try:
                await Group(self, name, profile, tests, report).run()
            except Exception as e:  # pylint: disable=broad-except
                # The others go on, and their reports are not lost.
                report.result(name, Verdict(failed=1, reasons=[f"the lab itself failed: {e!r}"]))
            report.flush()


def run(products, out, logs, tests, verbose=False, slowdown=1):
    runner = Runner(products, out, logs, verbose, slowdown=slowdown)
    return asyncio.run(runner.run(tests))
