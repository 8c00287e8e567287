# SPDX-License-Identifier: GPL-2.0-only
"""A guest's memory on its way to another server: QEMU's own migration, which the partition's stream leads.

Pre-copy runs while the guest runs, round after round, until the guest stands still: it never completes by itself
(copy-on of spapr_lpm.c). What is left then is copied during the stand-still, or follows by post-copy while the guest
runs at the destination already.
"""
import asyncio

from .server import VASI, ServerError

POLL = 0.02
BANDWIDTH = 128 << 20  # bytes a second
UNLIMITED = 0
MOVING = (VASI["enabled"], VASI["suspending"], VASI["suspended"])  # a stream whose memory is copied
FAILED = ("failed", "cancelled", "postcopy-paused")


class TransferFailed(Exception):
    """The mover's error. The guest may be gone with it."""


class Transfer:
    """listen(), start(), then switch_over() or cancel(). `figures` are those of the last look."""

    def __init__(self, source, server, log):
        self.source = source
        self.server = server
        self.log = log
        self.stream = None  # whose memory it is; None: not begun
        self.postcopy = False
        self.bandwidth = BANDWIDTH
        self.converged = False
        self.switched = False
        self.dropped = False
        self.arrived = asyncio.Event()
        self.task = None  # who follows it
        self.figures = {"rounds": 0, "bytes": 0, "remaining": 0, "pulled": 0}

    @property
    def mode(self):
        return "postcopy" if self.postcopy else "precopy"

    async def listen(self, path, bandwidth, postcopy):
        """The destination waits for the memory. Returns why it cannot take the rest of it while it runs, or ""."""
        self.uri = f"unix:{path}"
        why_not = "" if postcopy else "not wanted"
        if postcopy:
            why_not = await self._without_postcopy()
        self.postcopy = not why_not
        await self._capability(self.source, self.postcopy)
        await self.set_bandwidth(bandwidth)
        await self.server.qmp("migrate-incoming", uri=self.uri)
        return why_not

    async def set_bandwidth(self, bandwidth):
        self.bandwidth = bandwidth
        await self.source.qmp("migrate-set-parameters", **{"max-bandwidth": bandwidth,
                                                           "max-postcopy-bandwidth": bandwidth})

    @staticmethod
    async def _capability(server, on):
        await server.qmp("migrate-set-capabilities", capabilities=[{"capability": "postcopy-ram", "state": on}])

    async def _without_postcopy(self):
        """QEMU tries the host's userfaultfd, which an ordinary user and a container may not have."""
        try:
            await self._capability(self.server, True)
        except ServerError as e:
            return f"{e}: {self.server.last_words()}"
        return ""

    async def start(self, stream):
        self.stream = stream
        self.log(f"server {self.source.name}: pre-copy to server {self.server.name} begins, "
                 f"{self.bandwidth >> 20} MiB/s")
        await self.source.lpm("copy-on 1")
        await self.source.qmp("migrate", uri=self.uri)

    async def look(self):
        """Takes the figures. Returns QEMU's status of the migration."""
        answer = await self.source.qmp("query-migrate")
        ram = answer.get("ram")
        if ram:
            self.figures = {"rounds": ram["dirty-sync-count"], "bytes": ram["transferred"],
                            "remaining": ram["remaining"], "pulled": ram["postcopy-requests"]}
        status = answer.get("status")
        if status in FAILED and not self.dropped:
            raise TransferFailed(f"the move from server {self.source.name} to {self.server.name}: {status} "
                                 f"{answer.get('error-desc', '')} ({self.server.last_words()})")
        return status

    async def copying(self):
        """Returns True when the guest has been switched over, False when its stream is not to move any more."""
        while not self.switched and not self.dropped:
            streams, calls = await self.source.lpm_status()
            self.converged = self.converged or bool(int(calls["converged"]))
            if self.stream not in streams or int(streams[self.stream]["state"]) not in MOVING:
                return False
            await self.look()
            await asyncio.sleep(POLL)
        return self.switched

    async def switch_over(self):
        """The guest stands still: the rest of the memory, or the guest before its memory."""
        self.switched = True
        if self.postcopy:
            await self.source.qmp("migrate-start-postcopy")
        else:
            await self.source.qmp("migrate-set-parameters", **{"max-bandwidth": UNLIMITED})
        await self.source.lpm("copy-on 0")

    async def arriving(self):
        """Returns when all of the memory has arrived."""
        while await self.look() != "completed":
            await asyncio.sleep(POLL)
        self.figures["remaining"] = 0
        self.arrived.set()

    async def cancel(self):
        """The guest stays where it is."""
        self.dropped = True
        await self.source.qmp("migrate_cancel")
        while (await self.source.qmp("query-migrate")).get("status") in ("setup", "active", "cancelling"):
            await asyncio.sleep(POLL)
        await self.source.lpm("copy-on 0")
        self.log(f"server {self.source.name}: the copy to server {self.server.name} is cancelled")
