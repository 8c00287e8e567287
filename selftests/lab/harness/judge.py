# SPDX-License-Identifier: GPL-2.0-only
"""Reads the kernel's log and finds what must not be in it.

`python3 judge.py FILE...` does it for files, e.g. a console's log, and exits 1 if there is something.
"""
import re
import sys

# What the kernel says when something is wrong. Each is searched for in every line.
COMPLAINTS = [re.compile(p) for p in (
    r"\bWARNING:",
    r"\bBUG\b[:: ]",
    r"\bOops\b",
    r"kernel BUG at",
    r"\bKernel panic\b",
    r"\bUBSAN:",
    r"\bKASAN:|\bKFENCE:|\bKCSAN:|\bKMSAN:",
    r"possible circular locking dependency|possible recursive locking|inconsistent lock state|"
    r"possible irq lock inversion|suspicious RCU usage|INFO: lockdep|INFO: possible|held lock freed|"
    r"lock held when returning to user space|INFO: trying to register non-static key|bad unlock balance",
    r"INFO: task .* blocked for more than",
    r"rcu: INFO: rcu\w* (self-)?detected|rcu\w* detected (expedited )?stalls?|rcu\w*.*\bstall",
    r"(soft|hard) lockup|\bLOCKUP\b|Watchdog CPU:\d+ (detected|TB)",
    r"\bCall Trace:",
    r"general protection fault|Unable to handle|unable to handle|Kernel access of bad area|stack segment",
    r"refcount_t: |list_(add|del) corruption|slab .* corruption|Object already free|double free",
    r"kmemleak: \d+ new suspected",
    r"sleeping function called from invalid context|scheduling while atomic|Invalid wait context",
    r"\bTainted: [A-Z ]*\b[DLMBW]\b",
    r"Out of memory:|oom-kill:",
    r"\bsegfault\b|: unhandled signal|\btraps: .* trap ",
)]

# Exceptions: a pattern and why it is no fault of ours. Keep this short.
ALLOWED = [(re.compile(p), why) for p, why in (
    (r"loading out-of-tree module taints kernel", "the module is out of tree"),
    (r"module verification failed: signature and/or required key missing", "and not signed"),
    (r"WARNING: nvram corruption detected: 0-length partition", "QEMU starts with an empty NVRAM"),
    (r"premature return from H_JOIN", "mainline's own retry, normal at every migration"),
)]

CONTEXT = 25  # lines shown after a complaint

# What our modules themselves say: information is welcome, all else a test has to expect.
OWN = re.compile(r"pmig\w*: ")
NOTICE = 5


def clean(line):
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).rstrip("\r\n")


def is_complaint(line):
    if any(pattern.search(line) for pattern, _ in ALLOWED):
        return False
    return any(pattern.search(line) for pattern in COMPLAINTS)


def complaints(text, context=CONTEXT):
    """Excerpts, each a list of lines that begins with a complaint; one excerpt for what belongs together."""
    lines = [clean(line) for line in text.split("\n")]
    found, i = [], 0
    while i < len(lines):
        if is_complaint(lines[i]):
            found.append(lines[i:i + context])
            i += context
        else:
            i += 1
    return found


def is_own(level, text):
    return level <= NOTICE and OWN.match(text) and not any(p.search(text) for p, _ in ALLOWED)


def unexpected(log, expected):
    """Problems with what the kernel logged during a test that expects these patterns: (level, text) each."""
    problems, came = [], set()
    for level, text in log:
        hits = [p for p in expected if is_own(level, text) and re.search(p, text)]
        came.update(hits)
        if (is_own(level, text) and not hits) or text.startswith("lab: "):
            problems.append(f"the kernel said: {text}")
    return problems + [f"the kernel never said: {p}" for p in expected if p not in came]


def main(paths):
    bad = 0
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as f:
            for excerpt in complaints(f.read()):
                bad += 1
                print("\n".join(f"{path}: {line}" for line in excerpt))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
