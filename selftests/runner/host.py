# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps that need no guest, and are not of the style stage. A new one is a function and a line in jobs()."""
import os
import re
import sys

from jobs import OUT, Job, call
from style import sources

SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


def tap_step(name, argv, env=None, limit=15 * 60):
    """A program that prints TAP"""
    def run(report):
        status, out = call(argv, limit=limit, env=dict(os.environ, **(env or {})))
        noise = ["a sanitizer complains"] if re.search(r"runtime error:|ERROR: \w+Sanitizer", out) else []
        report.tap(name, status, out, noise)
    return run


def programs(units, hosts):
    """Builds what has sanitizers, then each unit program and each test of the real programs is a job of its own."""
    def run(report):
        targets = [name for name, some in (("unit", units), ("host", hosts)) if some]
        status, out = call(["make", "-s", f"-j{os.cpu_count()}", "-C", "selftests", *targets, f"O={OUT}", "WERROR=1"])
        report.result(status == 0, f"build of the {' and '.join(targets)} tests", out)
        if status != 0:  # None: it took too long
            return []
        argv = {f"host {name}": ["selftests/host/run", name] for name in hosts}
        argv.update({f"unit {name}": [os.path.join(OUT, "unit", name)] for name in units})
        return [Job(name, tap_step(name, words, SANITIZERS, 120), name.partition(" ")[0]) for name, words in argv.items()]
    return run


def unit_names():
    return [os.path.basename(f)[:-2] for f in sources("selftests/unit/*_test.c")]


def host_names():
    """The tests of the real daemon, command and library on this machine, in namespaces of their own"""
    status, out = call(["selftests/host/run", "--list"])
    if status != 0 or not out.split():
        raise RuntimeError(f"selftests/host/run --list ended with {status}: {out}")
    return out.split()


def strict(kernel):
    """The modules build for that kernel, with its release's compiler, W=1 and sparse, without a word."""
    def run(report):
        status, out = call(["selftests/lab/lab", "build-strict", kernel])
        noise = [x for x in out.splitlines() if re.search(r"\b(warning|error):", x)]
        report.result(status == 0 and not noise, f"modules for {kernel} build with W=1 C=2 and no warning", out)
    return run


def servers(kernel):
    """No emulator outlives the lab, however it ends."""
    return tap_step("lab-servers", [sys.executable, "selftests/lab/selfcheck.py", "servers", kernel])


# NAME: (area, what runs). The longest first.
STEPS = {
    "install": ("install", tap_step("install", ["selftests/install/install.sh"], {"O": OUT})),
    "lab-selfcheck": ("lab", tap_step("lab-selfcheck", [sys.executable, "selftests/lab/selfcheck.py"])),
    "runner-selfcheck": ("runner", tap_step("runner-selfcheck", [sys.executable, "selftests/runner/selfcheck.py"])),
    "mutants-selfcheck": ("mutants", tap_step("mutants-selfcheck", [sys.executable, "selftests/mutants/selfcheck.py"])),
    "bench-selfcheck": ("bench", tap_step("bench-selfcheck", [sys.executable, "selftests/bench/selfcheck.py"])),
    "netlink-spec": ("netlink-spec", tap_step("netlink-spec", [sys.executable, "selftests/netlink-spec/check.py"])),
}


def jobs(wanted, kernels):
    """The host's jobs that are wanted; the modules are built for each kernel."""
    units = [name for name in unit_names() if wanted(name, "unit")]
    hosts = [name for name in host_names() if wanted(name, "host")]
    found = [Job("sanitizers", programs(units, hosts), "build")] if units or hosts else []
    steps = {f"modules-{kernel}": ("build", strict(kernel)) for kernel in kernels}
    steps["lab-servers"] = ("lab", servers(kernels[0]))
    steps.update(STEPS)
    return found + [Job(name, run, name) for name, (area, run) in steps.items() if wanted(name, area)]


def old_userland(wanted):
    run = tap_step("old-userland", ["selftests/lab/old-userland.sh"])
    return [Job("old-userland", run, "old-userland")] if wanted("old-userland", "install") else []
