#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the figures' statistics with numbers that are known, and of what is said of them. Prints TAP."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import figures  # noqa: E402

RATIO = next(f for f in figures.FIGURES if f.name == "blackout-ratio")
IDLE = next(f for f in figures.FIGURES if f.name == "idle-wakeups")
LATENCY = next(f for f in figures.FIGURES if f.name == "suspend-latency")
MODULE = next(f for f in figures.FIGURES if f.name == "module-bytes")


class Results:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, ok, name, text=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}")
        for words in [] if ok else str(text).splitlines():
            print(f"# {words}")

    def equal(self, is_, ought, name):
        self.check(is_ == ought, name, f"{is_!r}, not {ought!r}")


def check_statistics(t):
    t.equal(figures.sample("    # sample blackout-ratio 303/300"), ("blackout-ratio", 1.01), "a sample that is a ratio")
    t.equal(figures.sample("# sample daemon-rss 4711"), ("daemon-rss", 4711.0), "a sample that is a number")
    t.equal(figures.sample("# sample snapshot-64 9"), ("snapshot-64", 9.0), "a figure with a number in its name")
    t.equal(figures.sample("# sample quiesced -4711"), ("quiesced", -4711.0), "a sample below zero")
    t.equal(figures.sample("# sample blackout-ratio -1/2"), ("blackout-ratio", -0.5), "a ratio below zero")
    t.equal(figures.sample("# sample daemon-rss "), None, "a line without a value is no sample")
    t.equal(figures.interval([5.0] * 30), (5.0, 5.0), "what is always the same has no interval")
    # The order statistics that bound the median of 30 with 95 % are the 10th and the 21st.
    low, high = figures.interval([float(n) for n in range(1, 31)])
    t.check(9 <= low <= 11.5 and 19.5 <= high <= 22, "the interval of the median of 1 to 30", f"{low} to {high}")
    t.equal(figures.middle_half([1, 2, 3, 4, 5]), (2, 4), "the middle half of 1 to 5")
    t.equal(figures.middle_half([7]), (7, 7), "the middle half of one")


def check_lines(t):
    text = figures.line(LATENCY, [30000, 10000, 20000])
    t.check(text.startswith("bench suspend-latency 20.0 ms: median of 3, 95 % 10.0 to 30.0, "
                            "half of them within 15.0 to 25.0, all within 10.0 to 30.0; "), "a whole line", text)
    for figure, values, ending in (
            (LATENCY, [10000] * 9, "; aim <= 50"),
            (LATENCY, [90000] * 9, "; aim <= 50 MISSES"),
            (RATIO, [0.99] * 30, "; aim <= 1.01"),
            (RATIO, [1.2] * 30, "; aim <= 1.01 MISSES"),
            (RATIO, [0.9, 1.0, 1.1] * 10, "; aim <= 1.01 inconclusive"),
            (RATIO, [0.9, 1.02, 1.1] * 3, "; aim <= 1.01 inconclusive MISSES"),
            (IDLE, [0, 0, 0], "; aim <= 0"),
            (IDLE, [0, 1, 0], "; aim <= 0 MISSES"),
            (MODULE, [100], "pmig.ko as loaded")):
        text = figures.line(figure, values)
        t.check(text.endswith(ending), f"{figure.name} of {values[:3]}...: '{ending}'", text)


def check_report(t):
    """A figure that was not measured is never left out in silence."""
    loader = importlib.machinery.SourceFileLoader("bench", os.path.join(HERE, "bench"))
    bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(bench)
    for what, passed, output, good in (("all", True, ["# sample module-bytes 4"] * 3, True),
                                       ("fewer than it wants", True, ["# sample module-bytes 4"] * 2, False),
                                       ("none", True, ["# sample daemon-rss 4"], False),
                                       ("one of them below zero", True,
                                        ["# sample module-bytes 4"] * 3 + ["# sample module-bytes -4"], False),
                                       ("all, but the test failed", False, ["# sample module-bytes 4"] * 3, False)):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            result = bench.report([MODULE], passed, output)
        t.check(result == good and ("could not be measured" in err.getvalue()) == (not good),
                f"samples: {what}", out.getvalue() + err.getvalue())


def main():
    t = Results()
    check_statistics(t)
    check_lines(t)
    check_report(t)
    print(f"1..{t.count}")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
