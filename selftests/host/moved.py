# SPDX-License-Identifier: GPL-2.0-or-later
"""drmgr platform --moved: has the partition moved since it was booted, and who knows?"""
import os
import struct

import host
from host import Daemon, drmgr, wait

BOOT_TREE = "/sys/firmware/fdt"


def booted_on(serial):
    """The flat device tree that the kernel keeps: a root with two properties."""
    names = b"system-id\0model\0"

    def prop(name, value):
        data = value.encode() + b"\0"
        return struct.pack(">III", 3, len(data), names.index(name)) + data + bytes(-len(data) % 4)

    structure = struct.pack(">II", 1, 0) + prop(b"system-id", f"IBM,02{serial}") + prop(b"model", "IBM,9009-42A")
    structure += struct.pack(">II", 2, 9)
    header = struct.pack(">10I", 0xd00dfeed, 40 + len(names) + len(structure), 40 + len(names), 40, 0, 17, 16, 0, len(names),
                         len(structure))
    with open(BOOT_TREE, "wb") as f:
        f.write(header + names + structure)


def asked():
    """(exit status, what it says of servers, how many migrations were seen)"""
    r = drmgr("platform", "--moved")
    lines = r.stdout.splitlines()
    return r.returncode, lines[0], int(lines[1].rsplit(": ")[-1])


def since():
    return drmgr("platform", "--get", "boot.moves-since").stdout


def moved(t):
    """The tree of the boot and the daemon's own count say it together; neither alone knows of all moves."""
    here = "it runs on IBM,02LAB0A (IBM,9009-42A), and was booted there"
    host.machine("LAB0A")
    daemon = Daemon()
    t.same("without either nothing is known", (81, "not known: on which server it was booted is not known", 0), asked())
    booted_on("LAB0A")
    t.same("it has not moved", (80, "no: " + here, 0), asked())
    host.others_write("0x7001", "LAB0B")
    wait(lambda: asked()[2] == 1, "the move to be seen")
    t.same("it has", (0, "yes: it was booted on IBM,02LAB0A (IBM,9009-42A)", 1), asked())
    host.others_write("0x7002", "LAB0A")
    wait(lambda: asked()[2] == 2, "the move to be seen")
    t.same("there and back is known from the count", (0, "yes: " + here, 2), asked())
    before = since()
    t.result(before.strip().isdigit(), "from when on they are counted is known", before)
    daemon.kill()
    daemon.start()
    t.same("which outlives the daemon", (2, before), (asked()[2], since()))
    os.unlink(BOOT_TREE)
    t.same("and does without the tree", (0, 2), asked()[::2])
    daemon.kill()
    os.unlink("/run/drmgr/results")
    booted_on("LAB0C")
    daemon.start()
    t.same("a move that nobody saw is known from the tree", (0, "yes: it was booted on IBM,02LAB0C (IBM,9009-42A)", 0), asked())


TESTS = (moved,)
