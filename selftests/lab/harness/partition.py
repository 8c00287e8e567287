# SPDX-License-Identifier: GPL-2.0-only
"""A guest, wherever it runs: the server it is on, those it has been on, the one it will move to."""
import asyncio
import collections
import contextlib
import glob
import itertools
import os
import shutil
import tempfile

from . import identity
from .channel import Channel, LineChannel
from .server import VASI, Machine, Server, ServerError
from .transfer import MOVING, UNLIMITED, Transfer, TransferFailed
from .wire import Wire

MOVE_TIMEOUT = 120
SKIP = "skip"  # as resumed-ms: from Suspended to Completed at once
LINES = 3  # requests to the HMC, the agent, a terminal

# Where the next suspension goes: `further` are updates beside those of the server's identity
Destination = collections.namedtuple("Destination", "server transfer further resumed_ms")


def sweep():
    """Removes what labs left behind that were killed."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), "pmig-lab.*.*")):
        pid = path.split(".")[-2]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(path, ignore_errors=True)


class Partition:
    """`on_request(text)` gets the lines the guest writes to its HMC, `on_agent(text)` its agent's."""

    # what only the server knows that the guest has moved from
    BEFORE_THE_MOVE = ("t_suspending_us", "t_first_join_us", "t_suspend_us", "cancel-reason")

    def __init__(self, products, out, profile, logs, log, hardware=()):
        self.products = products
        self.out = out
        self.profile = profile
        self.logs = logs
        self.log = log
        self.machine = Machine(products, hardware)
        self.servers = []
        self.current = None
        self.destination = None
        self.in_place = self.in_place_default()
        self.past = {}  # what earlier servers counted for a stream
        self.transfers = {}  # the last move's copy of the memory, by stream
        self.stayed = set()  # streams whose last move was one in place
        self.names = itertools.count()
        self.moves = 0
        self.wire = None  # to the adapters of a guest that has them
        self.lmbs = None  # the guest's memory blocks, (path, name, hex), as they were when it started
        self.identity = identity.nth(0)
        self.hmc_line = LineChannel(lambda text: self.on_request(text))
        self.agent_line = LineChannel(lambda text: self.on_agent(text))
        self.terminal = Channel(lambda data: self.on_terminal(data))
        self.on_request = self.on_agent = lambda text: None
        self.on_terminal = lambda data: None
        self.tasks = set()
        self.completing = set()  # those of them that wait for the time of Completed
        self.ended = asyncio.get_running_loop().create_future()
        self._tmp = tempfile.TemporaryDirectory(prefix=f"pmig-lab.{os.getpid()}.")
        self._moving = asyncio.Lock()
        self._abandoning = asyncio.Lock()

    @staticmethod
    def in_place_default():
        return {"blackout-ms": 100, "resumed-ms": 300, "identity": {}, "further": []}

    # boot and end

    async def boot(self):
        sweep()
        if self.profile == "systemd":
            await self._make_overlay()
        # norandmaps: QEMU keeps the code that it has translated by virtual address, too. A program that is loaded
        # where it was before is not translated anew each time it is started, and that is most of what starting it costs.
        append = [f"console={self.machine.console} lab={self.profile} panic=-1 loglevel=7 printk.devkmsg=on norandmaps"]
        # A processor that waits for a page on a slow line, or for a busy host, is no fault of the kernel's. What hangs
        # for good is still found, and well within a test's time.
        append.append("rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30")
        if not self.machine.ppc:
            # Else the kernel tries its timer for ten ticks, and panics where a busy host gave it no time for them.
            append.append("no_timer_check")
        if self.profile == "systemd":
            append.append("systemd.show_status=0 systemd.log_target=kmsg systemd.log_level=notice audit=0")
            # The debug kernel takes longer than 90 s to start udev beside other work.
            append.append("systemd.default_timeout_start_sec=600")
        if self.machine.vio:
            await self._make_vio()
        self.boot_arguments = ["-initrd", os.path.join(self.out, f"initrd-{self.profile}"),
                               "-append", " ".join(append), *self._devices()]
        self.current = await self._start_server(self.identity)
        self._attach(self.current)

    async def next_identity(self, wanted):
        """Of the server that the partition comes to next. Raises BadIdentity."""
        who = dict(identity.after(self.identity, self.moves + 1), **wanted)
        identity.check(who, self.machine.nodes)
        if self.machine.nodes > 1 and not self.lmbs:
            self.lmbs = await self.current.look(identity.LMBS)
        return who

    async def _make_overlay(self):
        self.overlay = os.path.join(self._tmp.name, "disk.qcow2")
        image = os.path.join(self.products["ROOTFS"], "root.img")
        p = await asyncio.create_subprocess_exec("qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "raw",
                                                 self.overlay)
        if await p.wait():
            raise ServerError("qemu-img failed")

    async def _make_vio(self):
        self.wire = Wire(self.machine.qemu, self._tmp.name)
        await self.wire.start()
        self.vio_disk = os.path.join(self._tmp.name, "vio.img")
        with open(self.vio_disk, "wb") as f:
            f.truncate(64 << 20)

    def _devices(self):
        out = []
        if self.profile == "systemd":
            out += ["-drive", f"file={self.overlay},format=qcow2,if=virtio,cache=writeback"]
        if self.machine.vio:
            out += ["-drive", f"file={self.vio_disk},format=raw,if=none,id=vio,cache=writeback",
                    "-device", "spapr-vscsi", "-device", "scsi-hd,drive=vio", *self.wire.arguments()]
        return out

    async def _start_server(self, who, *extra):
        server = Server(f"{next(self.names)}", self.machine, self.logs, self._event)
        self.servers.append(server)
        await server.start(who, LINES, [*self.boot_arguments, *extra])
        server.identity = who
        return server

    def _attach(self, server):
        for channel, sock in zip((self.hmc_line, self.agent_line, self.terminal), server.lines):
            channel.attach(sock)
        self.spawn(self._watch(server))

    async def _watch(self, server):
        await server.ended
        if server is not self.current or self.ended.done():
            return
        if any(t.server is server and not t.arrived.is_set() for t in self.transfers.values()):
            self.fail(f"server {server.name} has ended in the middle of a move to it: {server.last_words()}")
        else:
            self.ended.set_result(None)

    def fail(self, reason):
        """The lab itself cannot go on with this guest: its test ends at once, and says why."""
        self.log(f"error: {reason}")
        if not self.ended.done():
            self.ended.set_result(reason)

    def cpu_seconds(self):
        """What the present server has used: comparable also when others load the host."""
        with open(f"/proc/{self.current.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def close(self):
        for task in list(self.tasks):
            task.cancel()
        for channel in (self.hmc_line, self.agent_line, self.terminal):
            channel.detach()
        for server in self.servers:
            await server.kill()
        if self.wire:
            await self.wire.close()
        self._tmp.cleanup()

    def spawn(self, coroutine):
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.log(f"error: {task.exception()!r}")

    # streams

    async def lpm(self, command):
        if not self.machine.ppc:
            raise ServerError("no hypervisor calls on this machine")
        await self.current.lpm(command)

    async def set_stream(self, stream, state, verb="stream"):
        """`verb` is "found" for a stream that has no past."""
        if verb == "found" or state == "completed":
            await self.memory_arrived(stream)
        if verb == "found" or state == "enabled":
            self.forget(stream)
        await self.lpm(f"{verb} {stream:#x} {VASI[state]}")
        if VASI[state] in MOVING:
            await self._begin_copy(stream)
        else:
            await self._does_not_move(stream)

    async def gone(self, stream):
        self.forget(stream)
        await self.lpm(f"gone {stream:#x}")
        await self._does_not_move(stream)

    async def _does_not_move(self, stream):
        """Not to the destination that its memory was copied to. The next stream has to ask for one of its own."""
        if self.destination and self.destination.transfer.stream == stream:
            await self._abandon(self.destination)

    async def stat(self, stream):
        """Numbers of a stream, those of earlier servers included; None if nobody knows it."""
        await self._look_in_transit(stream)
        streams, calls = await self.current.lpm_status()
        now = streams.get(stream)
        past = self.past.get(stream, {})
        if now is None:
            return None
        out = {k: int(v, 0) for k, v in now.items()}
        for key in ("polls", "suspends"):
            out[key] += past.get(key, 0)
        for key in self.BEFORE_THE_MOVE:
            out[key] = out[key] or past.get(key, 0)
        del calls["converged"]  # of any copy from this server; the stream's is in the transfer
        out.update({k: int(v) for k, v in calls.items()})
        out["moves"] = self.moves
        out.update(self._kind(stream))
        return out

    async def _look_in_transit(self, stream):
        """The figures of a copy whose guest runs at the destination already: those of the last poll may be older."""
        transfer = self.transfers.get(stream)
        if transfer and transfer.switched and not transfer.arrived.is_set():
            with contextlib.suppress(TransferFailed, ServerError):  # who accompanies it says so
                await transfer.look()

    def _kind(self, stream):
        """How the stream moves or has moved, and the figures of its copy."""
        transfer = self.transfers.get(stream)
        if transfer:
            return {"kind": "move", "mode": transfer.mode, "converged": int(transfer.converged), **transfer.figures}
        return {"kind": "in-place"} if stream in self.stayed else {}

    def forget(self, stream):
        self.past.pop(stream, None)
        self.transfers.pop(stream, None)
        self.stayed.discard(stream)

    def forget_all(self):
        """Every stream of the past, and that it was to be Completed."""
        for task in self.completing:
            task.cancel()
        self.past.clear()
        self.transfers.clear()
        self.stayed.clear()

    # moving

    async def prepare(self, wanted, further, resumed_ms, bandwidth, postcopy):
        """Starts the server that the next suspension moves to. Returns why there is no post-copy, or ""."""
        await self.drop_destination()
        server = await self._start_server(await self.next_identity(wanted), "-incoming", "defer")
        transfer = Transfer(self.current, server, self.log)
        self.destination = Destination(server, transfer, further, resumed_ms)
        try:
            why_not = await transfer.listen(os.path.join(self._tmp.name, f"move{server.name}"), bandwidth, postcopy)
        except ServerError:
            await self._abandon(self.destination)
            raise
        self.log(f"server {server.name}: waits for a move, mode={transfer.mode}" +
                 (f" (no post-copy: {why_not})" if why_not else ""))
        streams, _ = await self.current.lpm_status()
        for stream, values in streams.items():
            if int(values["state"]) in MOVING:
                await self._begin_copy(stream)
        return why_not

    async def _begin_copy(self, stream):
        """There is a destination, and a stream that is to move there: its memory is copied from now on."""
        if not self.destination:
            return
        transfer = self.destination.transfer
        if transfer.stream is None:
            await transfer.start(stream)
            transfer.task = self.spawn(self._accompany(self.destination))
        self.transfers[transfer.stream] = transfer

    async def _accompany(self, destination):
        transfer = destination.transfer
        try:
            if not await transfer.copying():
                await self._abandon(destination)
            if transfer.dropped:
                return
            await transfer.arriving()  # also where _move has taken the destination meanwhile
            self.log(f"all memory has arrived at server {transfer.server.name}: {transfer.figures}")
            await transfer.source.kill()
        except (TransferFailed, ServerError) as e:
            self.fail(str(e))

    async def set_bandwidth(self, bandwidth):
        """Of the copy that runs."""
        running = [t for t in self.transfers.values() if t.task and not t.task.done()]
        if not running:
            raise ServerError("no memory is being copied")
        for transfer in running:
            await transfer.set_bandwidth(bandwidth)

    async def memory_arrived(self, stream=None):
        """Returns when no memory (of this stream) is in transit."""
        for transfer in [t for s, t in self.transfers.items() if t.switched and stream in (None, s)]:
            arrived = asyncio.create_task(transfer.arrived.wait())
            while not arrived.done() and not self.ended.done():
                before = transfer.figures["bytes"]
                done, _ = await asyncio.wait({arrived, self.ended}, timeout=MOVE_TIMEOUT,
                                             return_when=asyncio.FIRST_COMPLETED)
                if not done and transfer.figures["bytes"] == before:
                    self.fail(f"no memory has come to server {transfer.server.name} for {MOVE_TIMEOUT} s")
            arrived.cancel()
            if self.ended.done():
                raise ServerError(self.ended.result() or "the guest ended")

    async def hurry(self):
        """What is in transit arrives as fast as it can."""
        for transfer in self.transfers.values():
            if transfer.switched and not transfer.arrived.is_set():
                with contextlib.suppress(ServerError):  # it has arrived this moment
                    await transfer.set_bandwidth(UNLIMITED)

    async def drop_destination(self):
        await self.memory_arrived()
        await self._abandon(self.destination)

    async def _abandon(self, destination):
        """The guest does not go there (any more)."""
        async with self._abandoning:
            if not destination or destination is not self.destination:
                return
            if destination.transfer.stream is not None:
                await destination.transfer.cancel()
            self.destination = None
            self.transfers = {s: t for s, t in self.transfers.items() if t is not destination.transfer}
            self.servers.remove(destination.server)
            await destination.server.kill()

    def _event(self, server, name, data):
        self.log(f"server {server.name}: {name} {data if data else ''}")
        if name == "SUSPEND" and server is self.current:
            self.spawn(self._suspended())
        if name == "RESUME":
            server.runs.set()

    async def _suspended(self):
        try:
            async with self._moving:
                streams, _ = await self.current.lpm_status()
                stream = next((i for i, s in streams.items() if int(s["state"]) == VASI["suspended"]), None)
                if stream is None:
                    raise ServerError("suspended without a stream")
                if self.destination:
                    resumed_ms = await asyncio.wait_for(self._move(stream, streams[stream]), MOVE_TIMEOUT)
                else:
                    resumed_ms = await self._stay(stream)
                self.moves += 1
        except (ServerError, asyncio.TimeoutError) as e:
            self.fail(f"the move of a partition that stands still: {e!r}")
            return
        self.complete_later(self.current, stream, resumed_ms)

    def complete_later(self, server, stream, resumed_ms):
        task = self.spawn(self._complete(server, stream, resumed_ms))
        self.completing.add(task)
        task.add_done_callback(self.completing.discard)
        return task

    async def _complete(self, server, stream, resumed_ms):
        if resumed_ms in (None, SKIP):
            return  # the test says itself when, or it is already
        await asyncio.sleep(resumed_ms / 1000)
        await self.memory_arrived(stream)
        streams, _ = await server.lpm_status()
        if stream in streams and int(streams[stream]["state"]) == VASI["resumed"]:
            await server.lpm(f"stream {stream:#x} {VASI['completed']}")

    def _update_commands(self, new, further):
        # Two nodes and two properties an answer: "call again" is always taken.
        return ["clear-updates", "chunk 2 2", *identity.commands(self.identity, new, self.machine.cpus, self.lmbs), *further]

    @staticmethod
    def _arrival(stream, resumed_ms):
        return f"stream {stream:#x} {VASI['completed' if resumed_ms == SKIP else 'resumed']}"

    async def _stay(self, stream):
        """The same process plays both servers."""
        how = self.in_place
        new = await self.next_identity(how["identity"])
        await asyncio.sleep(how["blackout-ms"] / 1000)
        await self.current.lpm(";".join(self._update_commands(new, how["further"]) +
                                        [self._arrival(stream, how["resumed-ms"])]))
        self.identity = new
        self.stayed.add(stream)
        await self.current.qmp("system_wakeup")
        return how["resumed-ms"]

    async def _move(self, stream, counted):
        source = self.current
        server, transfer, further, resumed_ms = self.destination
        self.destination = None
        transfer.stream = stream
        self.transfers[stream] = transfer
        past = self.past.setdefault(stream, {})
        for key in ("polls", "suspends"):
            past[key] = past.get(key, 0) + int(counted[key])
        for key in self.BEFORE_THE_MOVE:
            past[key] = int(counted[key], 0)

        await server.lpm(";".join(self._update_commands(server.identity, further) +
                                  [self._arrival(stream, resumed_ms)]))
        # What the guest wrote here before it stood still is taken before it writes there.
        self.current = server
        self._attach(server)
        await transfer.switch_over()
        await server.runs.wait()
        self.identity = server.identity
        self.log(f"moved from server {source.name} to {server.name}: mode={transfer.mode} {transfer.figures}")
        return resumed_ms
