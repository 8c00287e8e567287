# SPDX-License-Identifier: GPL-2.0-only
"""The list of tests: one a line, NAME PROFILE[:own] KERNELS TIMEOUT COMMAND..."""
import collections

Test = collections.namedtuple("Test", "name profile own kernels timeout command")


class BadList(ValueError):
    pass


def parse_line(line, where):
    words = line.split(None, 4)
    if len(words) < 5:
        raise BadList(f"{where}: NAME PROFILE KERNELS TIMEOUT COMMAND... is wanted")
    name, profile, kernels, timeout, command = words
    profile, _, own = profile.partition(":")
    if profile not in ("quick", "systemd") or own not in ("", "own"):
        raise BadList(f"{where}: the profile is quick or systemd, with :own or not")
    if not timeout.isdigit():
        raise BadList(f"{where}: the time-out is in seconds")
    return Test(name, profile, bool(own), kernels.split(","), int(timeout), command)


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
    return any(k in ("all", kind, kernel) for k in test.kernels)


SLOWDOWN = {"debug": 4}  # KASAN and lockdep under emulation


def for_kernel(tests, kernel):
    """Those that fit, with the time that they have there."""
    factor = SLOWDOWN.get(kernel, 1)
    return [t._replace(timeout=t.timeout * factor) for t in tests if fits(t, kernel)]


def boots(tests):
    """Groups of tests that share a guest: those of one profile, and each that wants its own."""
    groups = []
    for profile in ("quick", "systemd"):
        shared = [t for t in tests if t.profile == profile and not t.own]
        if shared:
            groups.append((profile, shared))
        groups += [(profile, [t]) for t in tests if t.profile == profile and t.own]
    return groups
