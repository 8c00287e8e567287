# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest stages: `lab run`, one for each kernel. It prints a guest's report in one piece, and so do we."""
import os
import re

from harness import testlist

from jobs import TOP, Job, call

STAGE_LIMIT = 75 * 60
LIST = os.path.join(TOP, "selftests/lab/tests.list")
REPORT = re.compile(r"# boot\S+: ")  # what begins and ends a guest's report


def tests():
    with open(LIST, encoding="utf-8") as f:
        return testlist.parse(f.read(), LIST)


def area(test):
    return test.name.partition("-")[0]


class Reader:
    """Takes what `lab run` prints, line by line."""

    def __init__(self, kernel, report, say):
        self.kernel = kernel
        self.report = report
        self.say = say
        self.kept = []
        self.total = None

    def line(self, text):
        self.kept.append(text)
        if text.startswith("TAP version"):
            self.kept = []  # what was built before it
        if re.match(r"\s*not ok ", text):
            self.report.failures.append(f"{self.kernel}: {text.strip()}")
        elif m := re.match(r"# skipped: (.*)", text):
            self.report.skips.append(f"{self.kernel}: {m[1]}")
            self.kept.pop()
        elif m := re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", text):
            self.total = [int(n or 0) for n in m.groups()]
            self.kept[-1] = f"# {self.kernel}: {text}"
        if REPORT.match(text):
            self.flush()

    def flush(self):
        if self.kept:
            self.say(self.kept)
        self.kept = []

    def end(self, status):
        self.flush()
        if not self.total:
            self.report.result(False, f"guests with {self.kernel} ended with status {status} and no total")
            return
        self.report.passed, self.report.failed, self.report.skipped = self.total
        if status != 0 and not self.report.failed:
            self.report.result(False, f"guests with {self.kernel} ended with status {status}")


def run_kernel(kernel, names, say):
    def run(report):
        reader = Reader(kernel, report, say)
        argv = ["selftests/lab/lab", "run", "--kernel", kernel, *(["--only", *names] if names else [])]
        status, _ = call(argv, STAGE_LIMIT, reader.line)
        reader.end(status)
    return run


def jobs(wanted, everything, kernels, say):
    found = []
    for kernel in kernels:
        names = [t.name for t in testlist.for_kernel(tests(), kernel) if wanted(t.name, area(t))]
        if names:
            found.append(Job(f"guests with {kernel}", run_kernel(kernel, () if everything else names, say),
                             f"guest:{kernel}"))
    return found
