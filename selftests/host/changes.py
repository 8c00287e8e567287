# SPDX-License-Identifier: GPL-2.0-or-later
"""What a migration has changed: everyone is told the same. Without pmig.ko: identity, and what /proc and /sys show."""
import json
import os
import re
import subprocess

import host
from host import Daemon, Journal, Member, Migration, drmgr, script, text

CHANGED, UNEXPECTED = (f"7c1d5a0e4f7b4b62a3d1c09e6f21b5f{n}" for n in (2, 3))
END = "~~~~ End: DR PMIG operation ~~~~"


def server(serial, lmb_bytes, *functions):
    """The partition is on this server now. The size of a memory block is nothing that a move should change."""
    host.machine(serial)
    for path, value in (("ibm,dynamic-reconfiguration-memory/ibm,lmb-size", lmb_bytes.to_bytes(8, "big")),
                        ("rtas/ibm,hypertas-functions", b"".join(f.encode() + b"\0" for f in functions))):
        path = os.path.join(host.DEVICE_TREE, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(value)


def printed(out):
    """What the operator reads: "  NAME: OLD -> NEW, flags"."""
    found = set()
    for line in out.splitlines():
        m = re.fullmatch(r"  (\S+): (.*) -> (.*?)(, the kernel still shows the old value)?(, unexpected)?", line)
        if m:
            old, new = (("" if x == "(none)" else x) for x in m.group(2, 3))
            found.add((m[1], old, new, bool(m[4]), bool(m[5])))
    return found


def diff():
    """drmgr platform --diff --json, and D-Bus with it."""
    found = set()
    for row in json.loads(drmgr("platform", "--diff", "--json").stdout):
        name = ".".join(filter(None, (row["section"], row["key"], row["field"])))
        old, new = (("" if row[x] is None else str(row[x])) for x in ("old", "new"))
        found.add((name, old, new, row["stale"], row["unexpected"]))
    return found


def logged(stream):
    """What the journal has in its fields; a warning is what has the message ID of one."""
    out = subprocess.run(["journalctl", "--no-pager", "-o", "json", f"PMIG_STREAM={stream}", f"MESSAGE_ID={CHANGED}",
                          f"MESSAGE_ID={UNEXPECTED}"], capture_output=True, text=True, check=True).stdout
    entries = [json.loads(line) for line in out.splitlines()]
    return {(x["PMIG_NAME"], x["PMIG_OLD"], x["PMIG_NEW"], "kernel still has" in x["MESSAGE"],
             x["MESSAGE_ID"] == UNEXPECTED and x["PRIORITY"] == "4") for x in entries}


def heard():
    """What applications are told."""
    return {(m[1], m[2], m[3], "stale" in m[4], "unexpected" in m[4])
            for m in re.finditer(r"^app: change (\S+?)\|(.*?)\|(.*?)\|(.*)$", text(host.SEEN), re.M)}


def told_alike(t):
    """One list of what differs: for the operator, later, on D-Bus, in the log, for applications and scripts."""
    journal = Journal()
    server("LAB0A", 256 << 20, "hcall-splpar", "hcall-vphn")
    Daemon()
    script("10-one", f"[ $1 != postmigrate ] || echo $DR_CHANGED > {host.DIR}/changed")
    Member("app", "changes")
    m = Migration("0x7001").moving()
    server("LAB0B", 512 << 20, "hcall-splpar", "hcall-best-energy")
    t.same("it moves", 0, m.finish())
    journal.take_until(END)
    expected = {("identity.system-id", "IBM,02LAB0A", "IBM,02LAB0B", False, False),
                ("platform.hcall-vphn.function", "yes", "", False, False),
                ("platform.hcall-best-energy.function", "", "yes", False, False),
                ("platform.lmb-size", str(256 << 20), str(512 << 20), False, True)}
    t.same("the operator reads what differs", expected, printed(m.out))
    t.same("later, too", m.out, drmgr("status", "-s", "0x7001").stdout)
    t.same("drmgr platform has it from D-Bus", expected, diff())
    t.same("so does the journal, in fields, with an ID for what should have stayed", expected, logged("0x7001"))
    t.same("applications are told", expected, heard())
    t.same("scripts have the names", {x[0] for x in expected}, set(text(host.DIR + "/changed").split()))
    m = Migration("0x7002").moving()
    t.same("a move that changes nothing", 0, m.finish())
    journal.take_until(END)
    t.same("is said to have changed nothing", (set(), set(), set()), (printed(m.out), diff(), logged("0x7002")))


TESTS = (told_alike,)
