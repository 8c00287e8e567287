# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests that run on the host: unit programs, with sanitizers, and single steps of selftests/check."""
import functools
import os
import secrets
import signal
import subprocess
import threading
import time

from harness.tap import Tap

from tree import BuildError
from table import BadTable
from verdict import Fate, failure, unfit

TOKEN = "PMIG_MUTANT"  # in the environment of all that a test starts
STEPS = {"netlink-spec": ["selftests/netlink-spec/check.py"], "install": ["selftests/install/install.sh"]}
# A process that cleans its environment is not found by the token; a PID namespace ends with its first process, the shell.
NAMESPACE = ["unshare", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit', "sh"]
NOT_BUILT = "builds without a warning"  # a check of the step "install"
LIMIT = 300  # seconds for a test that is not mutated


@functools.cache
def namespace():
    """What a unit program is run under: nothing where namespaces are not allowed."""
    done = subprocess.run([*NAMESPACE, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return [] if done.returncode else NAMESPACE


def kill_all(token):
    """A test that is stopped half-way leaves programs behind, in process groups of their own."""
    mark = f"{TOKEN}={token}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if mark in f.read().split(b"\0"):
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass


def run_program(argv, cwd, limit, first_failure_ends):
    """Returns (why it failed or None, whether that was a time-out), and its TAP."""
    token = secrets.token_hex(8)
    # A wait ends before the test's time is up, so that it can be named. Each is more than the whole test has needed.
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1",
               HOST_PATIENCE=str(limit / 2), **{TOKEN: token})
    tap, lines = Tap(), []
    process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    late = threading.Event()
    timer = threading.Timer(limit, lambda: (late.set(), kill_all(token)))
    timer.start()
    stopped = False
    for line in process.stdout:
        lines.append(line.rstrip())
        tap.line(line)
        if tap.failed and first_failure_ends:
            stopped = True
            break
    timer.cancel()
    if stopped:
        kill_all(token)
    process.stdout.close()
    status = process.wait()
    kill_all(token)
    return failure(lines, tap, None if late.is_set() else status, stopped), tap


class HostTest:
    """One test in one tree, run with mutant after mutant."""

    def __init__(self, tree, kind, target):
        self.tree = tree
        self.kind = kind
        self.target = target
        self.limit = LIMIT

    def build(self):
        if self.kind == "unit":
            self.tree.run("make", "-s", "-C", "selftests", f"O={self.tree.out}", f"{self.tree.out}/unit/{self.target}")
        elif self.target not in STEPS:
            self.tree.run("make", "-s", "-C", "selftests", f"O={self.tree.out}", "host")

    def argv(self):
        if self.kind == "unit":
            return [*namespace(), os.path.join(self.tree.out, "unit", self.target)]
        # Each tree has its own directory, whatever O= this program was given.
        return ["env", f"O={self.tree.out}", *STEPS.get(self.target, ["selftests/host/run", self.target])]

    def reference(self):
        """Says what is wrong with the test where nothing is mutated; None if nothing is."""
        started = time.monotonic()
        try:
            self.build()
            problem = unfit(*run_program(self.argv(), self.tree.path, self.limit, False))
        except (BuildError, BadTable) as e:
            return str(e)
        # A mutant gets a multiple of what the test needs, and only says "time-out" after it.
        self.limit = min(LIMIT, 30 + 5 * (time.monotonic() - started))
        return problem

    def fate(self, mutant):
        try:
            with self.tree.mutated(mutant):
                self.build()
                (why, late), _ = run_program(self.argv(), self.tree.path, self.limit, True)
        except (BuildError, BadTable) as e:
            return Fate.error(str(e))
        if why and NOT_BUILT in why:
            return Fate.error("does not build without a warning, so nothing was tested")
        return Fate.killed(why, late) if why else Fate.survived()
