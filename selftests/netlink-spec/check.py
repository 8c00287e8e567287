#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the family's YAML spec, the uapi header and the policy tables of the module. Prints TAP.

The spec's form is checked against the kernel's own schema, from Debian's linux-source-6.12, which is kept in the
lab's cache ($LAB_CACHE). Without it, or without python3-jsonschema, that one check is skipped and says so.

`check.py DIR` looks at another tree. `check.py --self-test` changes each of the three in turn, in a copy, and
sees that the comparison fails.
"""
import functools
import glob
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("LAB_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pmig-lab")
SCHEMA_IN = "linux-source-6.12/Documentation/netlink/genetlink.yaml"
SPEC = "Documentation/netlink/specs/pmig.yaml"
UAPI = "include/uapi/linux/pmig.h"
POLICY = "kernel/netlink.c"

# What the spec calls a type, and the kernel's policy.
NLA = {"u32": "NLA_U32", "u64": "NLA_U64", "string": "NLA_NUL_STRING"}


class Tap:
    def __init__(self, stream=None):
        self.n = self.failed = 0
        self.stream = stream or sys.stdout

    def result(self, name, problems):
        self.n += 1
        self.failed += bool(problems)
        print(f"{'not ' if problems else ''}ok {self.n} {name}", file=self.stream)
        for p in problems:
            print(f"# {p}", file=self.stream)

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} {name} # SKIP {why}", file=self.stream)

    def end(self):
        print(f"1..{self.n}", file=self.stream)
        return 1 if self.failed else 0


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def bare(text):
    """C without its comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def upper(name):
    return name.upper().replace("-", "_")


class Header:
    """Enums and #defines of the uapi header."""

    def __init__(self, text):
        text = bare(text)
        self.enums = {m[1]: self._entries(m[2]) for m in re.finditer(r"enum (\w+) \{(.*?)\};", text, re.S)}
        self.defines = dict(re.findall(r"^#define[ \t]+(\w+)[ \t]+(.+?)[ \t]*$", text, re.M))

    @staticmethod
    def _entries(body):
        out, value = {}, 0
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, given = (p.strip() for p in entry.partition("="))
            if given and not given.isdigit():
                break  # X_MAX = __X_MAX - 1: nothing of its own
            value = int(given) if given else value
            out[name] = value
            value += 1
        return out

    def number(self, name):
        m = re.fullmatch(r"\(?(\d+)U?(?: << (\d+))?\)?", self.defines.get(name, ""))
        return None if not m else int(m[1]) << int(m[2] or 0)


class Policies:
    """The tables and the ops of kernel/netlink.c, as text."""

    def __init__(self, text):
        text = bare(text)
        self.tables = {m[1]: dict(self._rows(m[2])) for m in
                       re.finditer(r"struct nla_policy (\w+)\[.*?\] = \{(.*?)\n\};", text, re.S)}
        self.ranges = {m[1]: (int(m[2], 0), int(m[3], 0)) for m in re.finditer(
            r"netlink_range_validation (\w+) = \{ \.min = (\w+), \.max = (\w+) \}", text)}
        self.flags = re.search(r"#define USER_FLAGS \(([^)]*)\)", text)[1].split(" | ")
        body = re.search(r"struct genl_ops ops\[\] = \{\n(.*?)\n\};", text, re.S)[1]
        self.family = re.search(r"^\t\.policy = (\w+),\n\t\.maxattr = ARRAY_SIZE\(\1\) - 1,$", text, re.M)
        self.ops, self.dumps = {}, {}
        for block in re.findall(r"\t\{\n(.*?)\n\t\}", body, re.S):
            op = dict(re.findall(r"\.(\w+) = ([^,\n]+)", block))
            name = op["cmd"].removeprefix("PMIG_CMD_")
            self.ops[name] = (op.get("policy"), op.get("flags", "0"))
            self.dumps[name] = "dumpit" in op

    @staticmethod
    def _rows(body):
        return re.findall(r"\[(\w+)\] = (.*?),?\n", body + "\n")


def numbered(items):
    """Entries with their values, which count on from the last one that is given."""
    out, value = {}, 0
    for item in items:
        item = {"name": item} if isinstance(item, str) else item
        value = item.get("value", value)
        out[item["name"]] = value
        value += 1
    return out


def differ(what, spec, header):
    out = [f"{what}: {n} is {spec[n]} in the spec, {header[n]} in the header"
           for n in spec if n in header and spec[n] != header[n]]
    out += [f"{what}: {n} is only in the spec" for n in spec if n not in header]
    return out + [f"{what}: {n} is only in the header" for n in header if n not in spec]


def check_schema(tap, spec):
    path = os.path.join(CACHE, "netlink-schema", "genetlink.yaml")
    name = "the spec fits the kernel's schema"
    try:
        import jsonschema
    except ImportError:
        return tap.skip(name, "no python3-jsonschema")
    if not os.path.exists(path) and not fetch_schema(path):
        return tap.skip(name, "no linux-source-6.12 to be had")
    validator = jsonschema.Draft7Validator(schema_in(path))
    return tap.result(name, [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(spec)])


@functools.cache
def schema_in(path):
    with open(path, encoding="utf-8") as f:
        return yaml.safe_load(f)


def fetch_schema(path):
    """From Debian's source package, so that it is not copied into this tree."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as tmp:
        def call(*argv, **kw):
            return subprocess.run(argv, cwd=tmp, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  **kw).returncode == 0
        os.chmod(tmp, 0o777)
        if not call("apt-get", "download", "linux-source-6.12"):
            return False
        deb = next(iter(glob.glob(os.path.join(tmp, "*.deb"))), None)
        if not deb or not call("dpkg", "-x", deb, tmp):
            return False
        if not call("tar", "-xf", "usr/src/linux-source-6.12.tar.xz", SCHEMA_IN):
            return False
        shutil.copy(os.path.join(tmp, SCHEMA_IN), path + ".new")
    os.rename(path + ".new", path)
    return True


def check_family(spec, header):
    out = []
    for define, value in (("PMIG_GENL_NAME", spec["name"]), ("PMIG_MCGRP_EVENTS", spec["mcast-groups"]["list"][0]["name"])):
        if header.defines.get(define) != f'"{value}"':
            out.append(f"{define} is {header.defines.get(define)}, not \"{value}\"")
    if spec["uapi-header"] not in UAPI:
        out.append(f"uapi-header {spec['uapi-header']} is not {UAPI}")
    return out


def check_commands(spec, header):
    prefix = upper(spec["operations"]["name-prefix"])
    ops = {prefix + upper(n): v + 1 for n, v in numbered(spec["operations"]["list"]).items()}
    theirs = {n: v for n, v in header.enums["pmig_cmd"].items() if v and not n.startswith("__")}
    return differ("commands", ops, theirs)


def check_attributes(spec, header):
    out = []
    for s in spec["attribute-sets"]:
        prefix = upper(s["name-prefix"])
        enum = "pmig_attr" if s["name"] == "pmig" else f"pmig_{s['name']}_attr"
        ours = {prefix + upper(n): v + 1 for n, v in numbered(s["attributes"]).items()}
        theirs = {n: v for n, v in header.enums.get(enum, {}).items() if v and not n.startswith("__")}
        out += differ(f"attributes of {s['name']}", ours, theirs)
    return out


def check_definitions(spec, header):
    out = []
    for d in spec["definitions"]:
        name = "PMIG_" + upper(d["name"])
        if d.get("scope") == "kernel":
            continue
        if d["type"] == "const":
            if header.number(name) != d["value"]:
                out.append(f"{name} is {header.defines.get(name)} in the header, {d['value']} in the spec")
        elif d["type"] == "flags":
            ours = {f"{name}_{upper(n)}": 1 << v for n, v in numbered(d["entries"]).items()}
            theirs = {n: header.number(n) for n in header.defines if n.startswith(name + "_")}
            out += differ(f"flags {d['name']}", ours, theirs)
        else:
            ours = {f"{name}_{upper(n)}": v for n, v in numbered(d["entries"]).items()}
            theirs = {n: v for n, v in header.enums.get(f"pmig_{d['name']}", {}).items() if not n.startswith("__")}
            out += differ(f"enum {d['name']}", ours, theirs)
    return out


def check_ops(spec, policies):
    out = []
    events = {upper(o["name"]) for o in spec["operations"]["list"] if "notify" in o or "event" in o}
    ours = {upper(o["name"]): o for o in spec["operations"]["list"]}
    for name in set(policies.ops) - set(ours):
        out.append(f"command {name} is only in the module")
    for name in set(ours) - set(policies.ops) - events:
        out.append(f"command {name} is not in the module")
    for name in set(ours) & set(policies.ops):
        want = "GENL_ADMIN_PERM" if "admin-perm" in ours[name].get("flags", []) else "0"
        if policies.ops[name][1] != want:
            out.append(f"command {name}: flags {policies.ops[name][1]} in the module, {want} in the spec")
        table = policies.tables.get(policies.ops[name][0], {})
        call = "dump" if policies.dumps[name] else "do"
        if call not in ours[name]:
            out.append(f"command {name} is a {call} in the module, and not in the spec")
        wanted = {"PMIG_A_" + upper(a) for a in ours[name].get(call, {}).get("request", {}).get("attributes", [])}
        if wanted != set(table):
            out.append(f"command {name} takes {sorted(table)} in the module, {sorted(wanted)} in the spec")
    if not policies.family:
        out.append("the family has no policy: kernels before 6.1 let commands without one have any attribute")
    return out


def expected(attr, policies):
    """The row that the spec asks for."""
    checks, nla = attr.get("checks", {}), NLA[attr["type"]]
    if "flags-mask" in checks:
        return f"NLA_POLICY_MASK({nla}, {upper(checks['flags-mask'])})"
    if "max" in checks:
        wanted = (checks["min"], checks["max"])
        name = next((n for n, r in policies.ranges.items() if r == wanted), "?")
        return f"NLA_POLICY_FULL_RANGE({nla}, &{name})"
    if "max-len" in checks:
        return f"{{ .type = {nla}, .len = PMIG_{upper(checks['max-len'].replace(' - ', '@')).replace('@', ' - ')} }}"
    return f"{{ .type = {nla} }}"


def check_policies(spec, policies):
    out = []
    attrs = {"PMIG_A_" + upper(a["name"]): a for a in spec["attribute-sets"][0]["attributes"]}
    for table, rows in policies.tables.items():
        for name, row in rows.items():
            want = expected(attrs[name], policies) if name in attrs else "nothing"
            if row != want:
                out.append(f"{table}: {name} is {row} in the module, {want} in the spec")
    defs = {d["name"]: d for d in spec["definitions"]}
    mine = [f"PMIG_F_{upper(f['name'])}" for i, f in enumerate(defs["f"]["entries"])
            if defs["user-flags"]["value"] >> i & 1]
    if policies.flags != mine:
        out.append(f"USER_FLAGS is {policies.flags} in the module, {mine} in the spec")
    return out if policies.tables else ["no policy tables were found"]


def check(top, tap):
    spec = yaml.safe_load(read(top, SPEC))
    header, policies = Header(read(top, UAPI)), Policies(read(top, POLICY))
    tap.result("family, group and header", check_family(spec, header))
    tap.result("commands of spec and header", check_commands(spec, header))
    tap.result("attributes of spec and header", check_attributes(spec, header))
    tap.result("constants, enums and flags of spec and header", check_definitions(spec, header))
    tap.result("commands of spec and module", check_ops(spec, policies))
    tap.result("policies of spec and module", check_policies(spec, policies))
    check_schema(tap, spec)


# One change each: file, what is there, what is put in its place.
MUTATIONS = (
    (SPEC, "        name: errno\n        type: u32\n        doc: Why", "        name: errno\n        type: u64\n        doc: Why"),
    (SPEC, "name: suspend\n", "name: halt\n"),
    (SPEC, "          max: 16777215", "          max: 16777216"),
    (SPEC, "          max-len: name-len - 1", "          max-len: name-len"),
    (SPEC, "attributes: [ errno ]", "attributes: [ errno, flags ]"),
    (SPEC, "    value: 128", "    value: 127"),
    (SPEC, "    value: 3\n", "    value: 7\n"),
    (SPEC, "      - quiesce\n", ""),
    (SPEC, "        name: reason\n        type: string\n      -\n        name: owner", "        name: owner"),
    (UAPI, "\tPMIG_CMD_PRE,\n\tPMIG_CMD_SUSPEND,", "\tPMIG_CMD_SUSPEND,\n\tPMIG_CMD_PRE,"),
    (UAPI, "\tPMIG_A_SESSION_SEQ,\n", ""),
    (UAPI, "PMIG_REASON_LEN 256", "PMIG_REASON_LEN 255"),
    (UAPI, "PMIG_F_FOREIGN\t   (1U << 2)", "PMIG_F_FOREIGN\t   (1U << 3)"),
    (UAPI, "PMIG_VASI_ABORTED,\n\tPMIG_VASI_SUSPENDING", "PMIG_VASI_SUSPENDING,\n\tPMIG_VASI_ABORTED"),
    (POLICY, "[PMIG_A_STREAM] = { .type = NLA_U64 }", "[PMIG_A_STREAM] = { .type = NLA_U32 }"),
    (POLICY, ".max = 0xffffff", ".max = 0xfffff"),
    (POLICY, ".len = PMIG_NAME_LEN - 1", ".len = PMIG_NAME_LEN"),
    (POLICY, "\t\t.doit = do_end,\n", "\t\t.doit = do_end,\n\t\t.flags = GENL_ADMIN_PERM,\n"),
    (POLICY, "\t{\n\t\t.cmd = PMIG_CMD_PRE,\n\t\t.doit = do_pre,\n\t},\n", ""),
    (POLICY, "\t\t.policy = cancel_policy,\n\t\t.maxattr = ARRAY_SIZE(cancel_policy) - 1,\n", ""),
    (POLICY, "\t.policy = no_attributes,\n", ""),
    (SPEC, "attributes: [ rows, generation, engine ]", "attributes: [ rows, engine ]"),
    (SPEC, "      dump:\n", "      do:\n"),
    (SPEC, "[ migrate, hibernate ]", "[ hibernate, migrate ]"),
    (UAPI, "\tPMIG_A_ROW_OLD,\n\tPMIG_A_ROW_NEW,", "\tPMIG_A_ROW_NEW,\n\tPMIG_A_ROW_OLD,"),
    (POLICY, ".min = 0, .max = 2 }", ".min = 0, .max = 3 }"),
    (POLICY, "PMIG_F_FORCE | PMIG_F_QUIESCE_NOW)", "PMIG_F_FORCE | PMIG_F_FOREIGN)"),
)


def notices(path, text):
    """Whether the comparison is not content when that file reads so."""
    with tempfile.TemporaryDirectory() as tmp:
        for p in (SPEC, UAPI, POLICY):
            os.makedirs(os.path.join(tmp, os.path.dirname(p)), exist_ok=True)
            shutil.copy(os.path.join(TOP, p), os.path.join(tmp, p))
        with open(os.path.join(tmp, path), "w", encoding="utf-8") as f:
            f.write(text)
        tap = Tap(io.StringIO())
        check(tmp, tap)
    return tap.failed > 0


def self_test(tap):
    if notices(SPEC, read(TOP, SPEC)):
        return tap.result("the comparison is content with this tree", ["so changes would prove nothing"])
    for path, old, new in MUTATIONS:
        text = read(TOP, path)
        problems = [] if old in text else ["this is not in the file any more"]
        if not problems and not notices(path, text.replace(old, new, 1)):
            problems = ["the comparison is content"]
        tap.result(f"sees a change in {path}: {' '.join(old.split())[:40]}", problems)
    return None


def main():
    tap = Tap()
    if sys.argv[1:] == ["--self-test"]:
        self_test(tap)
    elif len(sys.argv) > 1:
        check(sys.argv[1], tap)
    else:
        check(TOP, tap)
        self_test(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
