# SPDX-License-Identifier: GPL-2.0-only
"""What a server tells a partition about itself, and how that is said in the device tree."""
import string
import struct

# The first server: what QEMU's POWER9 has, and names of a machine that could be.
FIRST = {
    "d-cache-size": 0x8000, "i-cache-size": 0x8000, "l2-size": 0x80000, "l3-size": 0, "l4-size": 0,
    "clock-frequency": 1000000000, "pvr": 0, "home-nodes": "0,1", "lmb-associativity": "own",
    "model": "IBM,9009-42A", "system-id": "IBM,0210LAB0A", "host-serial": "LAB0A", "partition-no": 1,
}
# The other kind. Servers take turns, so that each differs from the one before in all of it.
OTHER = {
    "d-cache-size": 0x10000, "i-cache-size": 0x10000, "l2-size": 0x100000, "clock-frequency": 4000000000,
    "model": "IBM,9080-HEX", "partition-no": 7,
}
ALIASES = {"d-cache": "d-cache-size", "i-cache": "i-cache-size", "l2": "l2-size", "l2-cache": "l2-size",
           "l3": "l3-size", "l4": "l4-size", "clock": "clock-frequency", "serial": "host-serial"}
# "swap" is for guests with two nodes: processors, or memory blocks, that the first server has in the one are in the other
WORDS = {"home-nodes": {"own": "0,1", "swap": "1,0", "0,1": "0,1", "1,0": "1,0", "0,0": "0,0", "1,1": "1,1",
                        "0,1,0,1": "0,1,0,1", "1,0,1,0": "1,0,1,0"},
         "lmb-associativity": {"own": "own", "swap": "swap"}}
LMBS = [("/ibm,dynamic-reconfiguration-memory", name) for name in ("ibm,dynamic-memory-v2", "ibm,dynamic-memory")]
WORK_AREA, CONNECTOR_HEAD = 4096, 20
CACHES = (2, 3, 4)  # levels that have a node of their own, and can be missing


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


def _filled(text):
    """PATH:NAME:LENGTH: so many bytes 0, 1, 2... 255, 0..., more than fits into one answer if need be"""
    path, _, rest = text.partition(":")
    name, _, length = rest.partition(":")
    if not name or not length.isdigit() or int(length) > 16384:
        raise BadIdentity("fill=PATH:NAME:LENGTH is wanted, at most 16384")
    return _property(path, name, bytes(i & 255 for i in range(int(length))).hex())


def _hex(text):
    if len(text) % 2 or set(text) - set(string.hexdigits):
        raise BadIdentity(f"not hexadecimal: '{text}'")
    return text


def _property(path, name, value):
    if not path.startswith("/") or not 0 < len(name) < 32:
        raise BadIdentity(f"no path of a node, or no name of a property: '{path}' '{name}'")
    return f"update {path} {name} {value}"


def _update(text):
    """PATH:NAME:HEX"""
    if text.count(":") != 2:
        raise BadIdentity("update=PATH:NAME:HEX is wanted")
    path, name, value = text.split(":")
    return _property(path, name, value if value == "-" else _hex(value))


def _path(text):
    if not text.startswith("/") or len(text) < 2:
        raise BadIdentity(f"no path of a node: '{text}'")
    return text


def _add(text):
    """PATH[:NAME:HEX]...: a node and its properties"""
    path, *rest = text.split(":")
    if len(rest) % 2 or "@" not in path:
        raise BadIdentity("add=PATH@ADDRESS[:NAME:HEX]... is wanted")
    return added(_path(path), {name: _hex(value) for name, value in zip(rest[::2], rest[1::2])})


def added(path, properties):
    """Commands for a node that is new. Its address is its phandle, too."""
    name, _, address = path.rpartition("/")[2].partition("@")
    try:
        phandle = int(address, 16)
        if not 0 < phandle < 1 << 28:
            raise ValueError(address)
    except ValueError as e:
        raise BadIdentity(f"no address below 0x10000000 in '{path}'") from e
    properties = {"name": _string(name), "phandle": _cell(phandle), **properties}
    return [f"add {path}"] + [_property(path, key, value) for key, value in properties.items()]


FURTHER = {
    "update": lambda value: [_update(value)],
    "fill": lambda value: [_filled(value)],
    "delete": lambda value: ["delete " + _path(value)],
    "add": _add,
}


def _number(key, value):
    if key.startswith("l") and value == "gone":
        return 0
    try:
        number = int(value, 0)
    except ValueError as e:
        raise BadIdentity(f"{key}: no number: {value}") from e
    if not 0 <= number < 1 << 32:
        raise BadIdentity(f"{key}: {value} does not fit into a cell")
    return number


def parse(words):
    """key=value... of a request: (identity keys, further commands for the hypervisor)"""
    wanted, further = {}, []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadIdentity(f"no value in '{word}'")
        key = ALIASES.get(key, key)
        if key in FURTHER:
            further += FURTHER[key](value)
        elif key not in FIRST:
            raise BadIdentity(f"unknown key '{key}': {' '.join([*FIRST, *FURTHER])}")
        elif isinstance(FIRST[key], int):
            wanted[key] = _number(key, value)
        elif key in WORDS:
            if value not in WORDS[key]:
                raise BadIdentity(f"{key}: '{value}' is none of: {' '.join(WORDS[key])}")
            wanted[key] = WORDS[key][value]
        else:
            wanted[key] = value
    _check_added(further)
    return wanted, further


def _check_added(further):
    """A property of a node that is new comes in one piece, which the work area of ibm,configure-connector holds."""
    commands = [command.split(" ") for command in further]
    new = {words[1] for words in commands if words[0] == "add"}
    for verb, path, *rest in commands:
        if verb == "update" and path in new and CONNECTOR_HEAD + len(rest[0]) + 1 + len(rest[1]) // 2 > WORK_AREA:
            raise BadIdentity(f"{rest[0]} of {path}, which is new, does not fit into {WORK_AREA} bytes")


def check(who, nodes=1):
    """A level of cache cannot be missing where there is one behind it, nor a node to live in."""
    for key in WORDS:
        if nodes == 1 and who[key] != FIRST[key]:
            raise BadIdentity(f"{key}: this guest has one node (its test wants :own,numa)")
    levels = [level for level in CACHES if who[f"l{level}-size"]]
    if levels != list(CACHES[:len(levels)]):
        raise BadIdentity(f"a cache of level {levels[-1]} without one before it")


def _cell(value):
    return struct.pack(">I", value).hex()


def _string(value):
    return value.encode().hex() + "00"


def _cache_path(level, cpu):
    return f"/cpus/l{level}-cache@{(level << 12) + cpu:x}"


def _link(who, level, cpu):
    """What the node of a level says of the next one; "-" if there is none."""
    following = level + 1
    return _cell((following << 12) + cpu) if following in CACHES and who[f"l{following}-size"] else "-"


def _cache_node(who, level, cpu):
    size = who[f"l{level}-size"]
    properties = {"device_type": _string("cache"), "reg": _cell((level << 12) + cpu), "cache-unified": ""}
    for side in ("d", "i"):
        properties.update({f"{side}-cache-size": _cell(size), f"{side}-cache-sets": _cell(size // 1024),
                           f"{side}-cache-line-size": _cell(128), f"{side}-cache-block-size": _cell(128)})
    if _link(who, level, cpu) != "-":
        properties["l2-cache"] = _link(who, level, cpu)
    return properties


def _cache_changes(old, new, cpu, node):
    """Caches of the second level and beyond: nodes that go, come or are different, and who points to them."""
    out = []
    for level in CACHES:
        key, path = f"l{level}-size", _cache_path(level, cpu)
        if old[key] and not new[key]:
            out.append(f"delete {path}")
        elif new[key] and not old[key]:
            out += added(path, _cache_node(new, level, cpu))
        elif old[key] != new[key]:
            out += [f"update {path} {side}-cache-size {_cell(new[key])}" for side in ("d", "i")]
    for level, path in [(1, node)] + [(level, _cache_path(level, cpu)) for level in CACHES]:
        there = level == 1 or old[f"l{level}-size"] and new[f"l{level}-size"]
        if there and _link(old, level, cpu) != _link(new, level, cpu):
            out.append(f"update {path} l2-cache {_link(new, level, cpu)}")
    return out


def _swapped(value):
    """Memory blocks with the node of each that has one, 0 or 1, exchanged: the fifth word of an entry in both forms."""
    data = bytearray.fromhex(value)
    for at in range(4 + 16, len(data), 24):
        node = struct.unpack_from(">I", data, at)[0]
        if node in (0, 1):
            struct.pack_into(">I", data, at, 1 - node)
    return data.hex()


def _lmb_changes(old, new, lmbs):
    if old["lmb-associativity"] == new["lmb-associativity"]:
        return []
    path, name, value = lmbs
    return [f"update {path} {name} {value if new['lmb-associativity'] == 'own' else _swapped(value)}"]


def homes(who, cpus):
    """Where the processors of a guest with two nodes are; each node that is named counts for as many of them"""
    nodes = who["home-nodes"].split(",")
    return [f"home {cpu} {nodes[cpu * len(nodes) // cpus]}" for cpu in range(cpus)]


def commands(old, new, cpus, lmbs=None):
    """What the hypervisor has to answer from now on, the device-tree updates above all. `lmbs`: of a guest with two nodes"""
    out = [f"pvr {new['pvr']:#x}"]
    if lmbs:
        out += homes(new, cpus)
        out += _lmb_changes(old, new, lmbs)

    def put(path, name, code):
        if old[name] != new[name]:
            out.append(f"update {path} {name} {code(new[name])}")

    for name in ("model", "system-id", "host-serial"):
        put("/", name, _string)
    if old["partition-no"] != new["partition-no"]:
        out.append(f"update / ibm,partition-no {_cell(new['partition-no'])}")
    for cpu in range(cpus):
        node = f"/cpus/PowerPC,POWER9@{cpu:x}"
        for name in ("d-cache-size", "i-cache-size", "clock-frequency"):
            put(node, name, _cell)
        out += _cache_changes(old, new, cpu, node)
    return out
