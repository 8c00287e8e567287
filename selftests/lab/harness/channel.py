# SPDX-License-Identifier: GPL-2.0-only
"""A serial line of the guest that stays the same while the guest goes from server to server."""
import asyncio


class Channel:
    """`on_data(bytes)` is called with what the guest writes."""

    def __init__(self, on_data):
        self.on_data = on_data
        self.sock = None
        self._out = b""

    def attach(self, sock):
        """Goes over to another server's end. What the guest wrote on the old one is still taken."""
        loop = asyncio.get_running_loop()
        if self.sock:
            self._readable()
        if self.sock:
            loop.remove_reader(self.sock)
            loop.remove_writer(self.sock)
        self.sock = sock
        self._out = b""
        sock.setblocking(False)
        loop.add_reader(sock, self._readable)

    def detach(self):
        if self.sock:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.sock)
            loop.remove_writer(self.sock)
            self.sock = None

    def _readable(self):
        while self.sock:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.detach()
                return
            self.on_data(data)

    def write(self, data):
        self._out += data
        self._writable()

    def _writable(self):
        if not self.sock:
            return
        loop = asyncio.get_running_loop()
        try:
            while self._out:
                self._out = self._out[self.sock.send(self._out):]
        except BlockingIOError:
            loop.add_writer(self.sock, self._writable)
            return
        except OSError:
            self._out = b""
        loop.remove_writer(self.sock)


class LineChannel(Channel):
    """The same, line by line: `on_line(str)`."""

    LIMIT = 1 << 16

    def __init__(self, on_line):
        super().__init__(self._take)
        self.on_line = on_line
        self._in = b""

    def _take(self, data):
        *lines, self._in = (self._in + data).split(b"\n")
        if len(self._in) > self.LIMIT:
            self._in = b""
        for line in lines:
            self.on_line(line.rstrip(b"\r").decode("utf-8", "replace"))

    def write_line(self, text):
        self.write(text.encode() + b"\n")
