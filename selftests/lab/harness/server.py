# SPDX-License-Identifier: GPL-2.0-only
"""One emulated server: a QEMU process, the line to its monitor (QMP), the guest's serial lines."""
import asyncio
import json
import os
import socket

QMP_TIMEOUT = 30
VASI = {"invalid": 0, "enabled": 1, "aborted": 2, "suspending": 3, "suspended": 4, "resumed": 5, "completed": 6}


class ServerError(Exception):
    pass


class Machine:
    """What distinguishes kinds of servers: how QEMU is started and what the guest's consoles are called."""

    def __init__(self, products, hardware=(), memory="1G", cpus=2):
        self.qemu = products["QEMU"]
        self.ppc = products["GUEST_ARCH"] == "ppc64el"
        self.kernel = os.path.join(products["KERNEL_DIR"], "vmlinux")
        self.memory = memory
        self.nodes = 2 if self.ppc and "numa" in hardware else 1
        self.vio = self.ppc and "vio" in hardware
        self.cpus = 4 if "cpus4" in hardware else cpus

    @property
    def console(self):
        return "hvc0" if self.ppc else "ttyS0"

    def _memory(self):
        """With two nodes: half of it in each, and a memory block more in the second that the device tree lists."""
        if self.nodes == 1:
            return ["-m", self.memory]
        out = ["-m", "1G,slots=1,maxmem=2G"]
        half = self.cpus // 2
        for node in range(2):
            first = node * half
            out += ["-object", f"memory-backend-ram,id=m{node},size=512M",
                    "-numa", f"node,nodeid={node},cpus={first}-{first + half - 1},memdev=m{node}"]
        return out + ["-object", "memory-backend-ram,id=m2,size=256M", "-device", "pc-dimm,id=dimm,memdev=m2,node=1"]

    def arguments(self, identity):
        common = ["-smp", str(self.cpus), "-kernel", self.kernel, *self._memory()]
        if not self.ppc:
            return ["-M", "q35,accel=tcg", "-cpu", "max", *common]

        def quoted(text):
            return text.replace(",", ",,")

        # These mitigations do not exist under emulation. Virtual Open Firmware instead of SLOF saves three
        # seconds and leaves the phandles of our own nodes alone.
        machine = ["pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken",
                   "lpm-model=" + quoted(identity["model"]), "lpm-system-id=" + quoted(identity["system-id"]),
                   "host-serial=" + quoted(identity["host-serial"])]
        return ["-L", "/usr/share/qemu", "-M", ",".join(machine), "-cpu", "POWER9", "-name", "lab", *common]


class Server:
    """Call start() first and kill() at last. `on_event(server, name, data)` is called for QMP events."""

    def __init__(self, name, machine, logs, on_event):
        self.name = name
        self.machine = machine
        self.logs = logs
        self.on_event = on_event
        self.process = None
        self.lines = []  # the guest's serial lines after the console, as sockets
        self.console_log = os.path.join(logs, f"console-{name}.log")
        self.qemu_log = os.path.join(logs, f"qemu-{name}.log")
        self.runs = asyncio.Event()  # a destination's guest runs there
        self._next_id = 0
        self._waiting = {}
        self._ended = asyncio.get_running_loop().create_future()

    async def start(self, identity, lines, extra=()):
        qmp_here, qmp_there = socket.socketpair()
        theirs = [qmp_there]
        # fds are kept in the child under the same numbers (pass_fds)
        args = ["-nographic", "-nodefaults", "-no-reboot",
                "-chardev", f"socket,id=qmp,fd={qmp_there.fileno()}", "-mon", "chardev=qmp,mode=control",
                "-chardev", f"file,id=console,path={self.console_log}", "-serial", "chardev:console"]
        for i in range(lines):
            here, there = socket.socketpair()
            self.lines.append(here)
            theirs.append(there)
            args += ["-chardev", f"socket,id=line{i},fd={there.fileno()}", "-serial", f"chardev:line{i}"]
        # The kernel ends QEMU when the lab dies, however it dies.
        argv = ["setpriv", "--pdeathsig", "KILL", self.machine.qemu, *self.machine.arguments(identity), *args, *extra]
        with open(self.qemu_log, "w", encoding="utf-8") as log:
            log.write(" ".join(argv) + "\n")
            log.flush()
            self.process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[s.fileno() for s in theirs], start_new_session=True)
        for s in theirs:
            s.close()
        reader, self._writer = await asyncio.open_connection(sock=qmp_here)
        try:
            await asyncio.wait_for(reader.readline(), QMP_TIMEOUT)  # the greeting
        except asyncio.TimeoutError as e:
            raise ServerError(f"{self.name}: QEMU does not answer") from e
        self._reader_task = asyncio.create_task(self._read(reader))
        await self.qmp("qmp_capabilities")

    async def _read(self, reader):
        try:
            while line := await reader.readline():
                message = json.loads(line)
                if "event" in message:
                    self.on_event(self, message["event"], message.get("data", {}))
                    continue
                waiting = self._waiting.pop(message.get("id"), None)
                if waiting and not waiting.done():
                    waiting.set_result(message)
        except (OSError, ValueError):
            pass
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ServerError(f"{self.name}: QEMU has ended"))
        if not self._ended.done():
            self._ended.set_result(None)

    async def qmp(self, command, **arguments):
        self._next_id += 1
        number = self._next_id
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        if self._ended.done():
            raise ServerError(f"{self.name}: QEMU has ended (see qemu-{self.name}.log)")
        self._writer.write(json.dumps({"execute": command, "arguments": arguments, "id": number}).encode() + b"\n")
        try:
            message = await asyncio.wait_for(answer, QMP_TIMEOUT)
        except asyncio.TimeoutError as e:
            raise ServerError(f"{self.name}: no answer to {command}") from e
        if "error" in message:
            raise ServerError(message["error"].get("desc", "?"))
        return message.get("return")

    async def lpm(self, commands):
        await self.qmp("qom-set", path="/machine", property="lpm", value=commands)

    async def look(self, properties):
        """The first of these, (path, name), that the guest's device tree has, with its value in hexadecimal."""
        for path, name in properties:
            try:
                await self.qmp("qom-set", path="/machine", property="lpm-look", value=f"{path} {name}")
            except ServerError:
                continue
            return path, name, await self.qmp("qom-get", path="/machine", property="lpm-look")
        raise ServerError(f"{self.name}: none of {properties}")

    async def lpm_status(self):
        """{stream ID: {key: text}} and the counters of the update calls"""
        text = await self.qmp("qom-get", path="/machine", property="lpm")
        streams, calls = {}, {}
        for line in text.splitlines():
            values = dict(word.split("=", 1) for word in line.split() if "=" in word)
            if "stream" in values:
                streams[int(values.pop("stream"), 0)] = values
            else:
                calls = values
        return streams, calls

    def last_words(self):
        """The last line that QEMU printed, its own command line apart."""
        with open(self.qemu_log, encoding="utf-8", errors="replace") as log:
            lines = log.read().splitlines()[1:]
        return lines[-1] if lines else "QEMU said nothing"

    @property
    def ended(self):
        return self._ended

    async def kill(self):
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        for s in self.lines:
            s.close()
