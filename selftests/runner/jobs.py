# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs side by side: what each has to say is printed in one piece when it ends, and the total at the end."""
import codecs
import io
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time

from harness.tap import Tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.environ.get("O") or os.path.join(TOP, "build")
STEP_LIMIT = 15 * 60  # seconds: a step that hangs is a failure, not a wait
GRACE = 10  # seconds for its end

# What a harness program says of the cases that pass: beside a failure it only hides it.
PASSING = re.compile(r"\s*(#\s+(RUN|OK)\s|ok \d+ )")


class Children:
    """The process groups that run now: they end with us."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.ending = False

    def start(self, argv, **kw):
        with self.lock:
            if self.ending:
                raise KeyboardInterrupt
            p = subprocess.Popen(argv, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, start_new_session=True, **kw)
            self.running.add(p)
            return p

    def done(self, p):
        with self.lock:
            self.running.discard(p)

    def end(self):
        """They are told to end; what is left after a while is killed with all that it started."""
        with self.lock:
            self.ending = True
            told = list(self.running)
        for p in told:
            send(p, signal.SIGTERM)
        end = time.monotonic() + GRACE
        while time.monotonic() < end and any(p.poll() is None for p in told):
            time.sleep(0.05)
        for p in told:
            kill_session(p.pid)


def send(p, number):
    try:
        os.killpg(p.pid, number)
    except ProcessLookupError:
        pass


CHILDREN = Children()


def kill_session(leader):
    """All that the leader has started, in whichever process group it is now."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                if int(f.read().rpartition(")")[2].split()[3]) == leader:
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass  # it has ended


def lines_until(end, pipe):
    """The lines as they come, and TimeoutError at the time `end`."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    rest, data = "", None
    while data != b"":
        left = end - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            yield rest
            raise TimeoutError
        data = os.read(pipe.fileno(), 65536)
        *lines, rest = (rest + decoder.decode(data, not data)).split("\n")
        yield from (text + "\n" for text in lines)
    yield rest


def call(argv, limit=STEP_LIMIT, line=None, **kw):
    """Returns (exit status, output). After the time it is told to end, then all that it started in its session is
    killed, and the status is None. `line` gets the lines as they come."""
    p = CHILDREN.start(argv, **kw)
    lines = []

    def ends_within(seconds):
        end = time.monotonic() + seconds
        try:
            for text in filter(None, lines_until(end, p.stdout)):
                lines.append(text)
                if line:
                    line(text.rstrip("\n"))
            p.wait(max(0, end - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            return False
        return True

    try:
        late = not ends_within(limit)
        if late:
            send(p, signal.SIGTERM)
            ends_within(GRACE)
            kill_session(p.pid)
            ends_within(GRACE)  # who has left the session may keep the pipe open for ever
        p.stdout.close()
        status = p.wait()
    finally:
        CHILDREN.done(p)
    if late:
        return None, "".join(lines) + f"\ntimed out after {limit} s"
    return status, "".join(lines)


class Report:
    """What one job has found."""

    def __init__(self):
        self.lines = []
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.skips = []

    def result(self, ok, name, text=""):
        self.lines.append(f"{'ok' if ok else 'not ok'} - {name}")
        if ok:
            self.passed += 1
            return
        self.failed += 1
        self.failures.append(name)
        self.lines += [f"# {x}" for x in text.splitlines() if not PASSING.match(x)][-60:]

    def tap(self, name, status, out, further=()):
        """A program that prints TAP: its cases count, each skipped one as skipped."""
        tap = Tap()
        for line in out.splitlines():
            tap.line(line)
        v = tap.verdict(status, further)
        self.passed += v.passed
        self.skipped += v.skipped
        self.skips += [f"{name}: {skip}" for skip in dict.fromkeys(v.skips)]
        if v.failed:
            self.result(False, name, out + "\n" + "\n".join(v.reasons))
            self.failed += v.failed - 1
        elif v.passed:
            self.lines.append(f"ok - {name} ({v.passed} passed{f', {v.skipped} skipped' if v.skipped else ''})")
        else:
            self.lines.append(f"ok - {name} # SKIP {'; '.join(v.reasons)}")


class Job:
    """`run(report)` does it; what it returns are jobs that can begin now. `part` is where its seconds count."""

    def __init__(self, name, run, part):
        self.name = name
        self.run = run
        self.part = part


class Scheduler:
    """Jobs wait in two queues, those that boot guests and all others, each with so many at a time."""

    def __init__(self, places, say=None):
        self.say = say or (lambda text: print(text, flush=True))
        self.lock = threading.Condition()
        self.free = dict(places)
        self.waiting = []
        self.active = 0
        self.reports = []  # (job, report, seconds)

    def add(self, jobs):
        with self.lock:
            self.waiting += jobs
            self.lock.notify_all()

    def run(self, jobs):
        """Returns when no job is left."""
        self.add(jobs)
        with self.lock:
            while self.waiting or self.active:
                for job in [j for j in self.waiting if self.free[self._queue(j)] > 0]:
                    if self.free[self._queue(job)] > 0:
                        self._start(job)
                self.lock.wait(1)

    @staticmethod
    def _queue(job):
        return "guest" if job.part.startswith("guest") else "host"

    def _start(self, job):
        self.waiting.remove(job)
        self.free[self._queue(job)] -= 1
        self.active += 1
        threading.Thread(target=self._thread, args=(job,), daemon=True).start()

    def _thread(self, job):
        report, started, further = Report(), time.monotonic(), None
        try:
            further = job.run(report)
        except BaseException as e:  # pylint: disable=broad-except
            report.result(False, job.name, f"the job died: {e!r}")
        seconds = time.monotonic() - started
        with self.lock:
            self.reports.append((job, report, seconds))
            self.print(report.lines)
            self.waiting += further or []
            self.free[self._queue(job)] += 1
            self.active -= 1
            self.lock.notify_all()

    def print(self, lines):
        """In one piece, whoever else speaks"""
        if lines:
            with self.lock:
                self.say("\n".join(lines))


def total(scheduler, seconds):
    """The last lines: seconds and results of each part, what failed and what was skipped; returns the exit status."""
    print("# ---- total")
    parts = {}
    for job, report, took in scheduler.reports:
        part = parts.setdefault(job.part, [0, 0, 0, 0.0])
        for i, n in enumerate((report.passed, report.failed, report.skipped, took)):
            part[i] += n
    for name, (passed, failed, skipped, took) in parts.items():
        print(f"# {name}: {passed} passed, {failed} failed, {skipped} skipped; {took:.0f} s")
    print(f"# all of it: {seconds:.0f} s, several parts at a time")
    reports = [report for _, report, _ in scheduler.reports]
    for name in [f for report in reports for f in report.failures]:
        print(f"# failed: {name}")
    for skip in [s for report in reports for s in report.skips]:
        print(f"# skipped: {skip}")
    passed, failed, skipped = (sum(getattr(r, what) for r in reports) for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.stdout.flush()
    return 1 if failed or not passed else 0
