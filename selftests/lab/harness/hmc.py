# SPDX-License-Identifier: GPL-2.0-only
"""The machine's HMC, as a guest's test reaches it: one line is a request, the answer is one line."""
import asyncio
import collections
import time

from . import identity
from .partition import SKIP, VASI
from .server import ServerError
from .transfer import BANDWIDTH, POLL

HELP = ("stream ID STATE | found ID STATE | gone ID | after MS REQUEST | when-converged REQUEST | reject STATUS COUNT | "
        "fail-cancel STATUS COUNT | fail-state STATUS COUNT | cancel-delay MS | destination [KEY=VALUE] | "
        "bandwidth BYTES | in-place [blackout-ms=N] [KEY=VALUE] | home-nodes NODES | stat ID | identity | "
        "wire | time | validate | log TEXT")


class Refused(Exception):
    """The answer is "error" and this text."""


def number(text, what):
    try:
        return int(text, 0)
    except ValueError:
        raise Refused(f"{what}: no number: '{text}'") from None


def stream_id(text):
    value = number(text, "stream ID")
    if not 0 <= value < 1 << 64:
        raise Refused(f"stream ID: more than 64 bits: {text}")
    return value


def milliseconds(text, what):
    value = number(text, what)
    if not 0 <= value <= 3600000:
        raise Refused(f"{what}: not between 0 and an hour: {text}")
    return value


def bandwidth(text):
    """Bytes a second; K and M are taken."""
    factor = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
    value = number(text if factor == 1 else text[:-1], "bandwidth") * factor
    if not 4096 <= value <= 1 << 40:
        raise Refused(f"bandwidth: not between 4K and 1048576M: {text}")
    return value


class Hmc:
    """Verbs are the methods do_VERB; each returns what follows "ok "."""

    REMEMBERED = 64  # answers kept for requests that come again
    ANYWHERE = ("help", "time", "log", "after")  # what needs no hypervisor calls
    WORDS = {"never": None, "skip": SKIP}  # for resumed-ms
    FORGET = ["reject 0 0", "fail-cancel 0 0", "fail-state 0 0", "cancel-delay 0", "clear-updates"]

    def __init__(self, partition, log):
        self.partition = partition
        self.log = log
        self.answers = collections.OrderedDict()
        self.scheduled = set()
        partition.on_request = self.line

    def line(self, text):
        """A line from the guest, "NUMBER REQUEST"."""
        text = text.strip("\0 \t\r")
        if not text:
            return
        head, _, request = text.partition(" ")
        if not head.isdigit():
            self.log(f"hmc: junk: {text[:200]!r}")
            self.partition.hmc_line.write_line(f"0 error no request: {text[:80]}")
            return
        if head in self.answers:
            # Sent again: its answer was lost on the way, or is not there yet.
            if self.answers[head] is not None:
                self.partition.hmc_line.write_line(f"{head} {self.answers[head]}")
            return
        self.answers[head] = None
        while len(self.answers) > self.REMEMBERED:
            self.answers.popitem(last=False)
        self.partition.spawn(self._answer(head, request))

    async def _answer(self, head, request):
        answer = await self.ask(request)
        self.answers[head] = answer
        self.partition.hmc_line.write_line(f"{head} {answer}")

    async def ask(self, request):
        try:
            text = await self._run(request.split())
            answer = f"ok {text}" if text else "ok"
        except (Refused, ServerError, identity.BadIdentity) as e:
            answer = f"error {e}"
        answer = answer.replace("\n", " ")[:1000]
        self.log(f"hmc: {request} -> {answer}")
        return answer

    async def _run(self, words):
        if not words:
            raise Refused("empty request")
        method = getattr(self, "do_" + words[0].replace("-", "_"), None)
        if not method:
            raise Refused(f"unknown request '{words[0]}'; there are: {HELP}")
        if not self.partition.machine.ppc and words[0] not in self.ANYWHERE:
            raise Refused("no hypervisor calls on this machine")
        if self.partition.ended.done():
            raise Refused(self.partition.ended.result() or "the guest ended")
        try:
            return await method(*words[1:])
        except TypeError as e:
            if "argument" not in str(e) or "do_" not in str(e):
                raise
            raise Refused(f"{words[0]}: wrong number of arguments; there are: {HELP}") from None

    async def do_help(self):
        return HELP

    async def do_time(self):
        return str(time.time_ns() // 1000)

    async def do_log(self, *words):
        self.log("guest: " + " ".join(words))

    async def do_validate(self):
        streams, _ = await self.partition.current.lpm_status()
        destination = self.partition.destination.server.name if self.partition.destination else "none"
        return (f"server={self.partition.current.name} streams={len(streams)} moves={self.partition.moves} "
                f"destination={destination}")

    async def do_stream(self, stream, state):
        if state not in VASI:
            raise Refused(f"no VASI state '{state}': {' '.join(VASI)}")
        value = stream_id(stream)
        await self.partition.set_stream(value, state)

    async def do_found(self, stream, state):
        if state not in VASI:
            raise Refused(f"no VASI state '{state}': {' '.join(VASI)}")
        await self.partition.set_stream(stream_id(stream), state, verb="found")

    async def do_gone(self, stream):
        await self.partition.gone(stream_id(stream))

    async def do_after(self, delay, *words):
        seconds = milliseconds(delay, "after") / 1000
        if not words or not hasattr(self, "do_" + words[0].replace("-", "_")):
            raise Refused(f"after: unknown request '{' '.join(words)}'")

        async def later():
            await asyncio.sleep(seconds)
            await self.ask(" ".join(words))

        self._schedule(later())

    def _schedule(self, coroutine):
        task = self.partition.spawn(coroutine)
        self.scheduled.add(task)
        task.add_done_callback(self.scheduled.discard)

    async def do_when_converged(self, *words):
        destination = self.partition.destination
        if not destination:
            raise Refused("when-converged: no destination")
        if not words or not hasattr(self, "do_" + words[0].replace("-", "_")):
            raise Refused(f"when-converged: unknown request '{' '.join(words)}'")

        async def then():
            while not destination.transfer.converged:
                await asyncio.sleep(POLL)
            await self.ask(" ".join(words))

        self._schedule(then())

    async def _fault(self, what, status, count):
        status, count = number(status, "status"), number(count, "count")
        if not -1 << 31 <= status < 1 << 31 or not 0 <= count < 1 << 32:
            raise Refused(f"{what}: out of range: {status} {count}")
        if not status and count:
            raise Refused(f"{what}: status 0 is no failure")
        await self.partition.lpm(f"{what} {status} {count}")

    async def do_reject(self, status, count):
        await self._fault("reject", status, count)

    async def do_fail_cancel(self, status, count):
        await self._fault("fail-cancel", status, count)

    async def do_fail_state(self, status, count):
        await self._fault("fail-state", status, count)

    async def do_cancel_delay(self, delay):
        ms = milliseconds(delay, "cancel-delay")
        await self.partition.lpm(f"cancel-delay {ms}")

    async def reset(self):
        """Between tests: nothing that one asked for happens to the next."""
        for task in self.scheduled:
            task.cancel()
        self.scheduled.clear()
        if not self.partition.machine.ppc:
            return
        await self.partition.hurry()
        await self.partition.drop_destination()
        self.partition.in_place = self.partition.in_place_default()
        streams, _ = await self.partition.current.lpm_status()
        await self.partition.lpm(";".join([f"gone {s:#x}" for s in streams] + self.FORGET))
        self.partition.forget_all()

    def _options(self, words):
        """(what the move itself takes, the rest)"""
        options, rest = {"resumed-ms": 300}, []
        for word in words:
            key, _, value = word.partition("=")
            if key in ("blackout-ms", "resumed-ms"):
                word = key == "resumed-ms" and value in self.WORDS
                options[key] = self.WORDS[value] if word else milliseconds(value, key)
            elif key == "bandwidth":
                options[key] = bandwidth(value)
            elif key == "postcopy":
                options[key] = value != "no"
            else:
                rest.append(word)
        return options, rest

    async def do_destination(self, *words):
        options, rest = self._options(words)
        wanted, further = identity.parse(rest)
        # Completed at once is not true while memory is in transit.
        postcopy = options.get("postcopy", True) and options["resumed-ms"] != SKIP
        why_not = await self.partition.prepare(wanted, further, options["resumed-ms"],
                                               options.get("bandwidth", BANDWIDTH), postcopy)
        answer = f"kind=move server={self.partition.destination.server.name}"
        return f"{answer} mode=precopy ({why_not})" if why_not else f"{answer} mode=postcopy"

    async def do_bandwidth(self, text):
        await self.partition.set_bandwidth(bandwidth(text))

    async def do_in_place(self, *words):
        options, rest = self._options(words)
        wanted, further = identity.parse(rest)
        await self.partition.next_identity(wanted)  # to refuse what it refuses
        await self.partition.drop_destination()
        self.partition.in_place = {"blackout-ms": options.get("blackout-ms") or 0, "resumed-ms": options["resumed-ms"],
                                   "identity": wanted, "further": further}
        return "kind=in-place"

    async def do_home_nodes(self, nodes):
        """The hypervisor places the processors anew, and says nothing."""
        wanted, _ = identity.parse([f"home-nodes={nodes}"])
        who = dict(self.partition.identity, **wanted)
        identity.check(who, self.partition.machine.nodes)
        await self.partition.lpm(";".join(identity.homes(who, self.partition.machine.cpus)))
        self.partition.identity = who

    async def do_stat(self, stream):
        value = await self.partition.stat(stream_id(stream))
        if value is None:
            raise Refused("no such stream")
        return " ".join(f"{k}={v:#x}" if k == "cancel-reason" else f"{k}={v}" for k, v in value.items())

    async def do_wire(self):
        if not self.partition.wire:
            raise Refused("wire: this guest has no adapters (its test wants :own,vio)")
        return str(self.partition.wire)

    async def do_identity(self):
        return " ".join(f"{k}={v}" for k, v in self.partition.identity.items())
