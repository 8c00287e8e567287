# SPDX-License-Identifier: GPL-2.0-only
"""Runs commands in a guest, one at a time, through labd, and takes what its kernel logs."""
import asyncio

REPEAT = 5  # seconds after which a request that was not answered is sent again
MARK_TIMEOUT = 60


class GuestLost(Exception):
    """The guest ended, or does not react."""


class Agent:
    def __init__(self, partition):
        self.partition = partition
        self.ready = asyncio.Event()
        self.number = 0
        self.events = asyncio.Queue()
        self.log = []  # (level, text): what the kernel said since take_log()
        self.marked = asyncio.Event()
        self.wanted_mark = None
        partition.on_agent = self._line

    def _line(self, text):
        word, _, rest = text.partition(" ")
        if word in ("ready", "pong"):
            self.ready.set()
        elif word in ("start", "out", "exit"):
            number, _, rest = rest.partition(" ")
            if number == str(self.number):
                self.events.put_nowait((word, rest))
        elif word == "log":
            self._log(rest)

    def _log(self, text):
        level, _, text = text.partition(" ")
        if text == f"lab: {self.wanted_mark}":
            self.marked.set()
        elif level.isdigit():
            self.log.append((int(level), text))

    def take_log(self):
        """What the kernel logged since the last call, notices and worse, as (level, text)."""
        log, self.log = self.log, []
        return [(level, text) for level, text in log if not (level >= 4 and text.startswith("lab: "))]

    async def mark(self, text):
        """A line in the kernel's log. Returns when it has come back, and with it all that was logged before."""
        self.wanted_mark = text
        self.marked.clear()
        until = asyncio.get_running_loop().time() + MARK_TIMEOUT
        while not self.marked.is_set():
            if asyncio.get_running_loop().time() > until:
                raise GuestLost("a mark in the kernel's log does not come back: the guest does not react")
            self.partition.agent_line.write_line(f"mark {text}")
            await self._until(self.marked.wait(), REPEAT)

    async def _until(self, coroutine, timeout):
        """The task when it came to an end within the time, else None."""
        task = asyncio.create_task(coroutine)
        await asyncio.wait({task, self.partition.ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task
        task.cancel()
        if self.partition.ended.done():
            raise GuestLost(self.partition.ended.result() or "the guest ended")
        return None

    async def wait_ready(self, timeout):
        """Returns when the guest can run commands."""
        ready = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait({ready, self.partition.ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                if not self.partition.ended.done():
                    raise GuestLost(f"the guest was not ready after {timeout} s")
                raise GuestLost(self.partition.ended.result() or "the guest ended while it started")
        finally:
            ready.cancel()

    async def _event(self, timeout):
        """The next thing the guest says; None after the time."""
        task = await self._until(self.events.get(), timeout)
        return task.result() if task else None

    async def run(self, command, timeout, on_output):
        """Exit status of a command, None when it took too long and was killed."""
        loop = asyncio.get_running_loop()
        self.number += 1
        self.events = asyncio.Queue()
        until = loop.time() + timeout
        started = False
        while True:
            if not started:
                self.partition.agent_line.write_line(f"run {self.number} {command}")
            left = until - loop.time()
            event = await self._event(max(0, min(left, left if started else REPEAT)))
            if event is None:
                if loop.time() < until:
                    continue
                return await self._kill(on_output)
            started = True
            if event[0] == "out":
                on_output(event[1])
            elif event[0] == "exit":
                return int(event[1])

    async def _kill(self, on_output):
        for _ in range(3):
            self.partition.agent_line.write_line(f"kill {self.number}")
            while event := await self._event(5):
                if event[0] == "out":
                    on_output(event[1])
                elif event[0] == "exit":
                    return None
        raise GuestLost("the command could not be killed: the guest does not react")
