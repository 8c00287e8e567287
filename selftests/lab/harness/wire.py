# SPDX-License-Identifier: GPL-2.0-only
"""The Ethernet that a guest's adapter is plugged into wherever the guest runs, and somebody to talk to behind it.

A process of its own is switch and outside world (QEMU's user network): a connection would not survive in the server that
the guest leaves. A server that the guest moves to waits at the socket until the other one has gone.
"""
import asyncio
import os

HOST = "10.0.2.2"  # the lab, as the guest sees it


class Wire:
    """start(), arguments() for each server, close()."""

    def __init__(self, qemu, directory):
        self.qemu = qemu
        self.path = os.path.join(directory, "wire")
        self.connections = 0
        self.bytes = 0
        self.process = None
        self.echo = None

    async def start(self):
        self.echo = await asyncio.start_server(self._echo, "127.0.0.1", 0)
        netdevs = [f"stream,id=guest,server=on,addr.type=unix,addr.path={self.path}", "user,id=world",
                   "hubport,id=port0,hubid=0,netdev=guest", "hubport,id=port1,hubid=0,netdev=world"]
        argv = ["setpriv", "--pdeathsig", "KILL", self.qemu, "-M", "none", "-nodefaults", "-display", "none",
                "-monitor", "none", "-serial", "none"]
        for netdev in netdevs:
            argv += ["-netdev", netdev]
        self.process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True)
        while not os.path.exists(self.path) and self.process.returncode is None:
            await asyncio.sleep(0.01)

    def arguments(self):
        return ["-netdev", f"stream,id=net,server=off,addr.type=unix,addr.path={self.path}",
                "-device", "spapr-vlan,netdev=net,mac=52:54:00:12:34:56"]

    def __str__(self):
        port = self.echo.sockets[0].getsockname()[1]
        return f"address={HOST} port={port} connections={self.connections} bytes={self.bytes}"

    async def _echo(self, reader, writer):
        self.connections += 1
        while data := await reader.read(4096):
            self.bytes += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def close(self):
        if self.echo:
            self.echo.close()
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
