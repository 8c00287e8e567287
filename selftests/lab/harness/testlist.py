# SPDX-License-Identifier: GPL-2.0-only
"""The list of tests: one a line, NAME PROFILE[:own[,HARDWARE]] KERNELS TIMEOUT COMMAND..."""
import collections

Test = collections.namedtuple("Test", "name profile own hardware kernels timeout command")
HARDWARE = ("numa", "cpus4", "vio")  # what a guest of its own can have beside what all have


class BadList(ValueError):
    pass


def parse_line(line, where):
    words = line.split(None, 4)
    if len(words) < 5:
        raise BadList(f"{where}: NAME PROFILE KERNELS TIMEOUT COMMAND... is wanted")
    name, profile, kernels, timeout, command = words
    profile, _, own = profile.partition(":")
    own, *hardware = own.split(",")
    if profile not in ("quick", "systemd") or own not in ("", "own"):
        raise BadList(f"{where}: the profile is quick or systemd, with :own or not")
    if set(hardware) - set(HARDWARE) or hardware and not own:
        raise BadList(f"{where}: behind :own may be {' '.join(HARDWARE)}")
    if not timeout.isdigit():
        raise BadList(f"{where}: the time-out is in seconds")
    return Test(name, profile, bool(own), tuple(hardware), kernels.split(","), int(timeout), command)


def parse(text, where="tests.list"):
    tests = []
    for n, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            tests.append(parse_line(line, f"{where}:{n}"))
    names = [t.name for t in tests]
    for name in names:
        if names.count(name) > 1:
            raise BadList(f"{where}: two tests are called {name}")
    return tests


def fits(test, kernel):
    kind = "x86" if kernel.startswith("x86-") else "ppc"
    return f"!{kernel}" not in test.kernels and any(k in ("all", kind, kernel) for k in test.kernels)


SLOWDOWN = {"debug": 10}  # KASAN and lockdep under emulation


def slowdown(kernel):
    return SLOWDOWN.get(kernel, 1)


def for_kernel(tests, kernel):
    """Those that fit, with the time that they have there."""
    factor = slowdown(kernel)
    return [t._replace(timeout=t.timeout * factor) for t in tests if fits(t, kernel)]


# A guest's tests may take that long by their time-outs; more are shared out to several guests. What a test takes is a
# fifth of its time-out or less.
SHARE = 900
START = {"quick": 100, "systemd": 300}  # what a guest takes until it is ready, on the same scale


def shares(tests, share):
    """Cuts a list into pieces of about the same weight, in its order: each test is in the same company every time."""
    total = sum(t.timeout for t in tests)
    count = max(1, round(total / share))
    pieces, before = [[] for _ in range(count)], 0
    for t in tests:
        pieces[min(count - 1, int((before + t.timeout / 2) * count / total))].append(t)
        before += t.timeout
    return [p for p in pieces if p]


def boots(tests, share=SHARE):
    """Groups of tests that share a guest, the longest first: pieces of a profile's list, and each that wants its own."""
    groups = []
    for profile in ("quick", "systemd"):
        shared = [t for t in tests if t.profile == profile and not t.own]
        groups += [(profile, piece) for piece in shares(shared, share)] if shared else []
        groups += [(profile, [t]) for t in tests if t.profile == profile and t.own]
    return sorted(groups, key=lambda group: -START[group[0]] - sum(t.timeout for t in group[1]))
