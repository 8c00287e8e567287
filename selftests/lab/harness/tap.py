# SPDX-License-Identifier: GPL-2.0-only
"""Reads the TAP of one test, line by line as it comes, and says at its end what it was worth."""
import re

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*SKIP\b\s*(.*))?$", re.IGNORECASE)
DIRECTIVE = re.compile(r"(?:^|\s)#\s*(SKIP|TODO)\b\s*(.*)$", re.IGNORECASE)
# kselftest's own exit status for "skipped"
EXIT_SKIP = 4
EXPECT_KERNEL = re.compile(r"^#\s*expect-kernel:\s*(.+)$")


class Verdict:
    """`reasons` say why it failed or was skipped altogether, `skips` what was skipped and why."""

    def __init__(self, passed=0, failed=0, skipped=0, reasons=(), skips=()):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.reasons = list(reasons)
        self.skips = list(skips)

    @property
    def ok(self):
        return not self.failed


class Tap:
    def __init__(self):
        self.plan = None
        self.skip_all = None
        self.passed = self.failed = 0
        self.skips = []
        self.seen = 0
        self.bail = None
        self.last_comment = ""
        self.expected = []  # what the kernel will say, as patterns
        self.mistakes = []

    def line(self, text):
        text = text.rstrip()
        if m := PLAN.match(text):
            self.plan = int(m[1])
            if m[2] is not None:
                self.skip_all = m[2] or "no reason given"
        elif m := RESULT.match(text):
            self._result(m[1] is not None, m[3])
        elif text.startswith("Bail out!"):
            self.bail = text[len("Bail out!"):].strip() or "no reason given"
        elif m := EXPECT_KERNEL.match(text):
            self._expect(m[1])
        elif text.startswith("#"):
            self.last_comment = text[1:].strip()

    def _expect(self, pattern):
        try:
            re.compile(pattern)
            self.expected.append(pattern)
        except re.error as e:
            self.mistakes.append(f"expect-kernel: {pattern}: {e}")

    def _result(self, failed, rest):
        """What is still to be done is not a pass, and a test that fails is a failure whatever it calls itself."""
        self.seen += 1
        directive = DIRECTIVE.search(rest)
        kind = directive[1].upper() if directive else ""
        if kind == "SKIP" and not failed:
            name = rest[:directive.start()].strip(" -")
            self.skips.append((name, directive[2] or "no reason given"))
        elif failed or kind == "TODO":
            self.failed += 1
        else:
            self.passed += 1

    def verdict(self, status, further=()):
        """`status` is the exit status, None after a time-out; `further` are problems that others saw."""
        problems = [*self.mistakes, *further]
        if status is None:
            problems.append("timed out")
        if self.bail:
            problems.append(f"bailed out: {self.bail}")
        if self._all_skipped(status) and not problems:
            reasons = self._skip_reasons()
            return Verdict(skipped=max(1, len(self.skips)), reasons=reasons, skips=reasons)
        problems += self._plan_problems(status)
        # What failed by itself explains the exit status.
        if status and not self.failed and not problems and not (status == EXIT_SKIP and self.skips):
            problems.append(f"exit status {status}" if 0 < status < 128 else f"killed by signal {abs(status) % 128}")
        return Verdict(self.passed, self.failed + bool(problems), len(self.skips), problems,
                       [f"{name}: {reason}" if name else reason for name, reason in self.skips])

    def _all_skipped(self, status):
        if self.failed or self.passed or status not in (0, EXIT_SKIP):
            return False
        return status == EXIT_SKIP or self.skip_all is not None or (self.skips and self.plan == self.seen)

    def _skip_reasons(self):
        if self.skip_all is not None:
            return [self.skip_all]
        reasons = list(dict.fromkeys(reason for _, reason in self.skips))
        return reasons or [self.last_comment or "no reason given"]

    def _plan_problems(self, status):
        if status is None:
            return []  # a test that was killed has no plan to keep
        if self.plan is None:
            return ["no plan (1..N)"]
        if self.seen != self.plan:
            return [f"{self.plan} planned, {self.seen} ran"]
        return ["nothing was tested"] if self.plan == 0 else []
