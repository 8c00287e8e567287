# SPDX-License-Identifier: GPL-2.0-only
"""How many guests run at a time, whoever starts them: a place is a file that is locked, so it is free again when its
holder dies."""
import asyncio
import contextlib
import fcntl
import os

GUESTS = 5  # most of a guest's time is spent waiting: more than there are processors


@contextlib.asynccontextmanager
async def place(directory, count=None):
    """Waits for one of the places and holds it."""
    count = count or max(1, int(os.environ.get("LAB_GUESTS") or GUESTS))
    os.makedirs(directory, exist_ok=True)
    files = [open(os.path.join(directory, f"{n}"), "w", encoding="utf-8") for n in range(count)]
    try:
        while not any(_locked(f) for f in files):
            await asyncio.sleep(0.2)
        yield
    finally:
        for f in files:
            f.close()


def _locked(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
