# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests in guests and prints TAP: a test is a subtest, a boot's kernel log is a test of its own."""
import asyncio
import os
import subprocess
import sys
import time

from . import judge, testlist
from .agent import Agent, GuestLost
from .hmc import Hmc
from .partition import Partition
from .server import ServerError
from .tap import Tap, Verdict

BOOT_TIMEOUT = 240  # an emulated CPU that shares the host with builds is slow


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


class Runner:
    def __init__(self, products, out, logs, verbose=False, stream=sys.stdout):
        self.products = products
        self.out = out
        self.logs = logs
        self.verbose = verbose
        self.stream = stream
        self.totals = Totals()
        self.count = 0
        self.output = open(os.path.join(logs.dir, "output.tap"), "w", encoding="utf-8", buffering=1)

    def say(self, text):
        print(text, file=self.stream, flush=True)
        self.output.write(text + "\n")

    async def run(self, tests, selfcheck):
        self.say("TAP version 14")
        if selfcheck:
            self._selfcheck(selfcheck)
        if not tests:
            self.say("# no test fits")
            self.totals.failed += 1
        boots = 0
        for profile, group in testlist.boots(tests):
            while group:
                group = await self._boot(f"boot{boots}-{profile}", profile, group)
                boots += 1
        self.say(f"1..{self.count}")
        self.say(f"# logs: {self.logs.dir}")
        self.say(str(self.totals))
        return 0 if self.totals.passed and not self.totals.failed else 1

    def _selfcheck(self, program):
        """The lab's own eyes first: what they miss is missed in every guest."""
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
        tap = Tap()
        self.say("# Subtest: lab-selfcheck")
        for line in done.stdout.splitlines():
            tap.line(line)
            self.say(f"    {line}")
        self.result("lab-selfcheck", tap.verdict(done.returncode))

    def result(self, name, verdict, detail=()):
        self.count += 1
        self.totals.add(verdict)
        for line in detail:
            self.say(f"    # {line}")
        skipped = verdict.ok and not verdict.passed and verdict.skipped
        for reason in verdict.reasons if not skipped else ():
            self.say(f"    # {reason}")
        tail = f" # SKIP {'; '.join(verdict.reasons)}" if skipped else ""
        self.say(f"{'ok' if verdict.ok else 'not ok'} {self.count} - {name}{tail}")

    async def _boot(self, name, profile, tests):
        """Runs tests in one guest. Returns those that are left because a test took the guest with it."""
        partition = Partition(self.products, self.out, profile, self.logs.boot(name), self.logs)
        hmc = Hmc(partition, self.logs)
        agent = Agent(partition)
        left = list(tests)
        unowned = []  # what the kernel logged while no test ran
        started = time.monotonic()
        try:
            await partition.boot()
            await agent.wait_ready(BOOT_TIMEOUT)
            ready = f"{name}: ready after {time.monotonic() - started:.1f} s ({partition.cpu_seconds():.1f} s of CPU)"
            self.say(f"# {ready}")
            self.logs(ready)
            while left:
                await hmc.reset()
                await self._test(agent, left[0], unowned)
                left.pop(0)
        except (GuestLost, ServerError) as e:
            if not agent.ready.is_set():
                # No test is to blame, and the next attempt would not go better.
                self.result(f"{name} starts", Verdict(failed=1, reasons=[str(e)]), self._console_tail(partition))
                left = []
            else:
                self.result(left.pop(0).name, Verdict(failed=1, reasons=[str(e)]), self._console_tail(partition))
        finally:
            await partition.close()
        self._judge(name, partition, unowned + agent.take_log())
        return left

    async def _test(self, agent, test, unowned):
        tap = Tap()

        def line(text):
            tap.line(text)
            self.say(text if self.verbose else f"    {text}")

        self.logs(f"test {test.name}: {test.command}")
        started = time.monotonic()
        self.say(f"# Subtest: {test.name}")
        await agent.mark(f"{test.name} begins")
        unowned += agent.take_log()
        status = await agent.run(test.command, test.timeout, line)
        await agent.mark(f"{test.name} ends")
        self.logs(f"test {test.name}: status {status} after {time.monotonic() - started:.1f} s")
        self.result(test.name, tap.verdict(status, judge.unexpected(agent.take_log(), tap.expected)))

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
        self.result(f"{name} kernel log", Verdict(failed=1, reasons=["the kernel complained"]) if bad else Verdict(passed=1),
                    detail)


def run(products, out, logs, tests, verbose=False, selfcheck=None):
    runner = Runner(products, out, logs, verbose)
    return asyncio.run(runner.run(tests, selfcheck))
