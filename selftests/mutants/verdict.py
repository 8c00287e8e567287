# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test's output says: whether it failed, and by which check. And what that means for a mutant."""
import re

# kselftest's harness ends a case that takes too long, and lists it as failed.
CASE_TIMEOUT = re.compile(r"terminated by timeout", re.IGNORECASE)
SANITIZER = re.compile(r"runtime error:|ERROR: (Address|Leak)Sanitizer")
FAILED_CASE = re.compile(r"^\s*not ok\b\s*\d*\s*-?\s*(.*)$")


class Fate:
    def __init__(self, word, why="", late=False):
        self.word = word
        self.why = why
        self.late = late  # killed by a time-out, not by what a test compared

    @classmethod
    def killed(cls, why, late=False):
        return cls("killed", why, late)

    @classmethod
    def survived(cls):
        return cls("survived")

    @classmethod
    def error(cls, why):
        return cls("error", why)


def failure(lines, tap, status, stopped=False):
    """(why the test failed or None, whether it was a time-out). `status` is None when the test's time was up,
    `stopped` that it was ended after its first failure, so that its plan and status mean nothing."""
    if status is None:
        return "the test took too long", True
    for line in lines:
        if SANITIZER.search(line):
            return line.strip(), False
        if CASE_TIMEOUT.search(line):
            return line.strip("# "), True
        if m := FAILED_CASE.match(line):
            return f"not ok {m[1]}".strip(), False
    verdict = tap.verdict(status)
    if not stopped and not verdict.ok:
        return "; ".join(verdict.reasons) or f"exit status {status}", False
    return None, False


def unfit(result, tap):
    """What is wrong with a test that was run without a mutant: None, or why it cannot prove anything."""
    if result[0]:
        return f"the test fails without the mutant: {result[0]}"
    return None if tap.passed else "the test tests nothing without the mutant"
