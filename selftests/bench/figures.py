# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures: what each is, which of the guest's measurements it comes from, and what its samples say."""
import random
import re
import statistics
from typing import NamedTuple

SAMPLE = re.compile(r"^[\s#]*sample ([a-z0-9-]+) (-?\d+)(?:/(-?\d+))?$")
DRAWS = 10000
# How many samples of each figure a measurement takes (bench.sh): fewer would say less than they seem to.
SAMPLES = {"module-bytes": 3, "daemon-rss": 5, "idle-wakeups": 3, "suspend-latency": 15, "quiesced": 5,
           "blackout-ratio": 30, "move-bytes": 5, "snapshot": 15}
SIZES = (2, 8, 64, 2048)  # processors, as in snapshot.c


class Figure(NamedTuple):
    name: str
    test: str  # in tests.list
    unit: str
    divisor: float  # of what the guest says
    digits: int
    aim: float  # at most so much; None: there is none
    what: str
    worst: bool = False  # the aim is for each sample, not for the median


FIGURES = (
    Figure("module-bytes", "module-bytes", "bytes", 1, 0, None, "pmig.ko as loaded"),
    Figure("daemon-rss", "daemon-rss", "KiB", 1, 0, None, "the daemon's memory, nobody registered"),
    Figure("daemon-private", "daemon-rss", "KiB", 1, 0, None, "of it shared with nobody"),
    Figure("idle-wakeups", "idle-wakeups", "wake-ups", 1, 0, 0, "of daemon and module in 60 s, nobody registered", True),
    Figure("idle-wakeups-after", "idle-wakeups", "wake-ups", 1, 0, 0,
           "of daemon, module and 100 applications in 60 s, after ten migrations", True),
    Figure("suspend-latency", "suspend-latency", "ms", 1000, 1, 50,
           "Suspending to ibm,suspend-me, nobody registered; the module polls every 20 ms"),
    Figure("suspend-latency-mainline", "suspend-latency", "ms", 1000, 1, None,
           "the same with a bare echo; mainline polls every second"),
    Figure("quiesced", "quiesced", "ms", 1000, 0, 500,
           "a hook's PRE to the start of the blackout, Enabled for 10 s, HooksAt=pre: told when the platform asks to stop"),
    Figure("quiesced-script", "quiesced", "ms", 1000, 0, 500,
           "the same for an AIX script; by default told when the platform asks to stop, as applications are"),
    Figure("quiesced-default", "quiesced", "ms", 1000, 0, None,
           "the hook with the default HooksAt=begin: told when the copy begins, as powerpc-utils tells it"),
    Figure("quiesced-powerpc-utils", "quiesced", "ms", 1000, 0, None,
           "the hook under powerpc-utils, which tells it when the copy begins, and knows no other way"),
    Figure("blackout-ratio", "blackout-ratio", "ratio", 1, 3, 1.01,
           "of pairs in random order, with drmgrd and pmig to a bare echo: first H_JOIN to ibm,suspend-me "
           "and resumption to the last processor back"),
    Figure("blackout-module", "blackout-ratio", "ms", 1000, 2, None, "that time with drmgrd and pmig"),
    Figure("blackout-bare", "blackout-ratio", "ms", 1000, 2, None, "that time with a bare echo"),
    Figure("move-bytes", "move-bytes", "MiB", 1 << 20, 1, None, "copied by a move to another process, with drmgrd and pmig"),
    Figure("move-bytes-bare", "move-bytes", "MiB", 1 << 20, 1, None, "the same with a bare echo"),
    Figure("move-pulled", "move-bytes", "pages", 1, 0, None, "pulled by the partition after Resumed, with drmgrd and pmig"),
    Figure("move-pulled-bare", "move-bytes", "pages", 1, 0, None, "the same with a bare echo"),
    *(Figure(f"snapshot-{n}", "snapshot", "us", 1000, 1, None, f"to take a snapshot of {n} processors with pmig_sim")
      for n in SIZES),
    *(Figure(f"diff-{n}", "snapshot", "us", 1000, 1, None,
             f"to compare two snapshots of {n} processors, of which each has another home node") for n in SIZES),
    *(Figure(f"snapshot-bytes-per-cpu-{n}", "snapshot", "bytes", 1, 0, None,
             f"of a snapshot, for each of {n} processors") for n in SIZES),
    Figure("snapshot-ratio", "snapshot", "ratio", 1, 2, 1.5,
           "the time that a snapshot takes for each processor: of 2048 to of 64, in the same round"),
    Figure("diff-ratio", "snapshot", "ratio", 1, 2, 1.5,
           "the time that a comparison takes for each processor: of 2048 to of 64, in the same round"),
    Figure("snapshot-in-blackout", "snapshot", "snapshots", 1, 0, 0,
           "between the tracepoints of the suspension's begin and end, in each of these moves", True),
    Figure("event-bytes", "snapshot", "bytes", 1, 0, 512, "the largest event of each of these moves", True),
)


def sample(line):
    """(figure, value) of a line of the guest's, or None."""
    m = SAMPLE.match(line)
    if not m:
        return None
    if m[3] is None:
        return m[1], float(m[2])
    return m[1], float(m[2]) / float(m[3])


def interval(values, draws=DRAWS):
    """Where the median lies with 95 % confidence: bootstrap, always with the same draws."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws) - 1]


def middle_half(values):
    """Where the middle half of them lies."""
    if len(values) < 2:
        return values[0], values[0]
    quarters = statistics.quantiles(values, n=4, method="inclusive")
    return quarters[0], quarters[2]


def verdict(figure, values, low, high):
    """What is said of the aim: "inconclusive" when the interval spans it."""
    if figure.aim is None:
        return ""
    words = [f"; aim <= {figure.aim:g}"]
    if figure.worst:
        return words[0] + (" MISSES" if max(values) > figure.aim else "")
    if low <= figure.aim < high:
        words.append("inconclusive")
    if statistics.median(values) > figure.aim:
        words.append("MISSES")
    return " ".join(words)


def line(figure, samples):
    """The figure as it is printed; there is at least one sample."""
    values = [v / figure.divisor for v in samples]
    low, high = interval(values)

    def text(value):
        return f"{value:.{figure.digits}f}"

    first, last = middle_half(values)
    return (f"bench {figure.name} {text(statistics.median(values))} {figure.unit}: median of {len(values)}, "
            f"95 % {text(low)} to {text(high)}, half of them within {text(first)} to {text(last)}, "
            f"all within {text(min(values))} to {text(max(values))}; {figure.what}"
            f"{verdict(figure, values, low, high)}")
