# SPDX-License-Identifier: GPL-2.0-only
"""`lab shell`: a root shell in a guest with systemd. `lab migrate`, from another terminal, moves that guest."""
import asyncio
import contextlib
import fcntl
import json
import os
import re
import secrets
import socket
import sys
import termios
import tty

from .agent import Agent, GuestLost
from .hmc import Hmc
from .partition import VASI, Partition
from .run import BOOT_TIMEOUT
from .server import ServerError

ESCAPE = b"\x1d"  # Ctrl-]
ENABLED_SECONDS = 5  # the copy of the memory, before the platform asks to stop
PATIENCE = 300  # what a platform has without limit
SHELL_COMMAND = (
    "stty -F /dev/{tty} sane rows {rows} cols {cols}; "
    "setsid -c /bin/bash -lc 'export TERM={term} PS1=\"lab# \"; cd /root; exec bash --norc -i' "
    "< /dev/{tty} > /dev/{tty} 2>&1")


def socket_path():
    top = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
    return os.path.join(top, f"pmig-lab-shell-{os.getuid()}.sock")


@contextlib.contextmanager
def raw_terminal():
    """Keys go to the guest as they are; the terminal is as it was afterwards."""
    if not os.isatty(0):
        yield
        return
    saved = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


class Shell:
    def __init__(self, products, out, logs):
        self.partition = Partition(products, out, "systemd", logs.boot("shell"), logs)
        self.hmc = Hmc(self.partition, logs)
        self.agent = Agent(self.partition)
        self.leave = asyncio.Event()

    def say(self, text):
        sys.stdout.write(f"\r\n-- lab: {text}\r\n")
        sys.stdout.flush()

    async def run(self):
        server = None
        try:
            await self.partition.boot()
            print("-- lab: the guest boots", flush=True)
            await self.agent.wait_ready(BOOT_TIMEOUT)
            server = await self._listen()
            print(f"-- lab: Ctrl-] or 'poweroff' leaves; 'lab migrate' in another terminal moves it; consoles are in "
                  f"{self.partition.logs}", flush=True)
            with raw_terminal():
                await self._converse()
        except (GuestLost, ServerError) as e:
            self.say(str(e))
            return 1
        finally:
            if server:
                server.close()
                os.unlink(socket_path())
            await self.partition.close()
        return 0

    async def _converse(self):
        loop = asyncio.get_running_loop()
        self.partition.on_terminal = self._to_terminal
        loop.add_reader(0, self._from_terminal)
        try:
            size = os.get_terminal_size() if os.isatty(0) else os.terminal_size((80, 24))
            line = "hvc3" if self.partition.machine.ppc else "ttyS3"
            command = SHELL_COMMAND.format(tty=line, rows=size.lines, cols=size.columns,
                                           term=re.sub(r"[^\w.+-]", "", os.environ.get("TERM", "vt100")))
            shell = asyncio.create_task(self.agent.run(f"systemd-run --quiet --collect sh -c {quote(command)}", 30,
                                                       lambda text: self.say(text)))
            leave = asyncio.create_task(self.leave.wait())
            await asyncio.wait({leave, self.partition.ended}, return_when=asyncio.FIRST_COMPLETED)
            for task in (shell, leave):
                task.cancel()
            if self._lost():
                raise GuestLost(self._lost())
        finally:
            loop.remove_reader(0)

    def _lost(self):
        """Why the lab cannot go on with this guest; None also where the guest itself ended."""
        return self.partition.ended.result() if self.partition.ended.done() else None

    def _to_terminal(self, data):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    def _from_terminal(self):
        data = os.read(0, 1024)
        if not data or ESCAPE in data:
            asyncio.get_running_loop().remove_reader(0)
            self.leave.set()
            return
        self.partition.terminal.write(data)

    # the other terminal

    async def _listen(self):
        path = socket_path()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        old = os.umask(0o077)
        try:
            return await asyncio.start_unix_server(self._serve, path)
        finally:
            os.umask(old)

    async def _serve(self, reader, writer):
        def say(text):
            writer.write((text + "\n").encode())

        try:
            request = json.loads(await asyncio.wait_for(reader.readline(), 10))
            await self._migrate(say, request["words"], request["drmgr"])
        except (ServerError, GuestLost, ValueError, KeyError, asyncio.TimeoutError, asyncio.CancelledError) as e:
            say(f"error: {self._lost() or str(e) or 'the guest ended'}")
        finally:
            writer.close()

    async def _ask(self, request):
        answer = await self.hmc.ask(request)
        if not answer.startswith("ok"):
            raise ServerError(answer)
        return answer

    async def _migrate(self, say, words, drmgr):
        stream = secrets.randbits(63) | 1 << 63
        before = dict(self.partition.identity)
        await self._ask(f"destination {' '.join(words)}".strip())
        await self._ask(f"stream {stream:#x} enabled")
        say(f"stream {stream:#x} is Enabled: memory is being copied for {ENABLED_SECONDS} s")
        if drmgr:
            say(f"in the guest: drmgr -m -c pmig -p pre -s {stream:#x}")
            self.partition.spawn(self.agent.run(f"drmgr -m -c pmig -p pre -s {stream:#x}", 600,
                                                lambda text: say(f"  {text}")))
        else:
            say(f"in the guest:  drmgr -m -c pmig -p pre -s {stream:#x}   (or: echo {stream:#x} > "
                f"/sys/kernel/mobility/migration)")
        await asyncio.sleep(ENABLED_SECONDS)
        await self._ask(f"stream {stream:#x} suspending")
        say("the stream is Suspending: the platform waits for the partition to stop")
        await self._follow(say, stream)
        for key, value in self.partition.identity.items():
            if before[key] != value:
                say(f"  {key}: {before[key]} -> {value}")
        # the last lines of drmgr come after the stream has ended
        await asyncio.sleep(2 if drmgr else 0)

    async def _follow(self, say, stream):
        names = {v: k for k, v in VASI.items()}
        last = None
        until = asyncio.get_running_loop().time() + PATIENCE
        while True:
            if self.partition.ended.done():
                raise GuestLost(self._lost() or "the guest ended")
            if asyncio.get_running_loop().time() > until:
                await self._ask(f"stream {stream:#x} aborted")
                say(f"nobody in the guest stopped it within {PATIENCE} s: aborted")
                return
            stat = await self.partition.stat(stream)
            state = names[stat["state"]] if stat else "gone"
            if state != last:
                say(f"stream {stream:#x}: {state}")
                last = state
            if state == "completed":
                say(f"it stood still for {(stat['t_resume_us'] - stat['t_suspend_us']) / 1000:.0f} ms")
            if state in ("completed", "aborted", "invalid", "gone"):
                return
            await asyncio.sleep(0.1)


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def shell(products, out, logs):
    async def main():
        return await Shell(products, out, logs).run()

    # One at a time: `lab migrate` would not know which is meant.
    lock = open(socket_path() + ".lock", "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("lab: a shell is running already")
    return asyncio.run(main())


def migrate(drmgr, words):
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(socket_path())
    except OSError:
        sys.exit("lab: no guest is running: start one with 'make lab-shell' in another terminal")
    line.sendall(json.dumps({"drmgr": drmgr, "words": words}).encode() + b"\n")
    status = 0
    for text in line.makefile(encoding="utf-8"):
        print(text, end="", flush=True)
        status |= text.startswith("error")
    return status
