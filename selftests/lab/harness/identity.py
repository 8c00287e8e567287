# SPDX-License-Identifier: GPL-2.0-only
"""What a server tells a partition about itself, and how that is said in the device tree."""
import struct

# The first server: what QEMU's POWER9 has, and names of a machine that could be.
FIRST = {
    "d-cache-size": 0x8000, "i-cache-size": 0x8000, "l2-size": 0x80000, "clock-frequency": 1000000000,
    "model": "IBM,9009-42A", "system-id": "IBM,0210LAB0A", "host-serial": "LAB0A", "partition-no": 1,
}
# The other kind. Servers take turns, so that each differs from the one before in all of it.
OTHER = {
    "d-cache-size": 0x10000, "i-cache-size": 0x10000, "l2-size": 0x100000, "clock-frequency": 4000000000,
    "model": "IBM,9080-HEX", "partition-no": 7,
}
ALIASES = {"d-cache": "d-cache-size", "i-cache": "i-cache-size", "l2": "l2-size", "l2-cache": "l2-size",
           "clock": "clock-frequency", "serial": "host-serial"}


def after(current, n):
    """The identity of the n-th server, which differs from the one before in everything, whatever that one is."""
    new = nth(n)
    for key in OTHER:
        new[key] = OTHER[key] if current[key] == FIRST[key] else FIRST[key]
    for key in ("system-id", "host-serial"):
        if new[key] == current[key]:
            new[key] += "X"
    return new


class BadIdentity(ValueError):
    pass


def nth(n):
    """The identity of the n-th server, from 0, unless a test wants another."""
    identity = dict(FIRST, **(OTHER if n % 2 else {}))
    letter = chr(ord("A") + n % 26)
    identity["system-id"] = f"IBM,0210LAB{n // 26}{letter}"
    identity["host-serial"] = f"LAB{n // 26}{letter}"
    return identity


def unlike(current):
    """The kind that differs from this one in all of it, whatever tests have asked for before."""
    return {key: value if current[key] != value else FIRST[key] for key, value in OTHER.items()}


def _filled(text):
    """PATH:NAME:LENGTH: so many bytes 0, 1, 2... 255, 0..., more than fits into one answer if need be"""
    path, _, rest = text.partition(":")
    name, _, length = rest.partition(":")
    if not name or not length.isdigit() or int(length) > 16384:
        raise BadIdentity("fill=PATH:NAME:LENGTH is wanted, at most 16384")
    return path, name, bytes(i & 255 for i in range(int(length))).hex()


def parse(words):
    """key=value... of a request: (identity keys, further updates as (path, name, hex or -))"""
    wanted, further = {}, []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadIdentity(f"no value in '{word}'")
        key = ALIASES.get(key, key)
        if key == "update":
            if value.count(":") != 2:
                raise BadIdentity("update=PATH:NAME:HEX is wanted")
            further.append(tuple(value.split(":")))
        elif key == "fill":
            further.append(_filled(value))
        elif key not in FIRST:
            raise BadIdentity(f"unknown key '{key}': {' '.join(FIRST)} update fill")
        elif isinstance(FIRST[key], int):
            try:
                wanted[key] = int(value, 0)
            except ValueError as e:
                raise BadIdentity(f"{key}: no number: {value}") from e
            if not 0 <= wanted[key] < 1 << 32:
                raise BadIdentity(f"{key}: {value} does not fit into a cell")
        else:
            wanted[key] = value
    return wanted, further


def _cell(value):
    return struct.pack(">I", value).hex()


def _string(value):
    return value.encode().hex() + "00"


def updates(old, new, cpus):
    """What ibm,update-properties has to report: (path, name, hex)"""
    out = []

    def put(path, name, key, code):
        if old[key] != new[key]:
            out.append((path, name, code(new[key])))

    put("/", "model", "model", _string)
    put("/", "system-id", "system-id", _string)
    put("/", "host-serial", "host-serial", _string)
    put("/", "ibm,partition-no", "partition-no", _cell)
    for cpu in range(cpus):
        node, l2 = f"/cpus/PowerPC,POWER9@{cpu:x}", f"/cpus/l2-cache@{0x2000 + cpu:x}"
        put(node, "d-cache-size", "d-cache-size", _cell)
        put(node, "i-cache-size", "i-cache-size", _cell)
        put(node, "clock-frequency", "clock-frequency", _cell)
        put(l2, "d-cache-size", "l2-size", _cell)
        put(l2, "i-cache-size", "l2-size", _cell)
    return out
