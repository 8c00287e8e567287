# SPDX-License-Identifier: GPL-2.0-or-later
"""The real drmgrd, drmgr and libdr on this machine, with sanitizers, and nothing of the machine's own.

Each test has a mount, process and network namespace: /run is empty, no module can be loaded or reached, the bus is
private, and /sys/kernel/mobility/migration is a FIFO. drmgrd writes the stream ID to it, and is in
that write, as in a migration, until the test reads the FIFO: finish(). Everyone who is told something is one line in SEEN.
"""
import array
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(os.environ.get("O") or os.path.join(TOP, "build"), "san")
FIFO = "/sys/kernel/mobility/migration"
DEVICE_TREE = "/sys/firmware/devicetree/base"
LOCK = "/run/lock/dr_config_lock"
DIR = "/run/test"
SEEN = DIR + "/seen"
CONF = DIR + "/drmgr.conf"
SCRIPTS = "/run/scripts"
HOOKS = "/run/hooks"
ORIGINAL = DIR + "/sbin/drmgr.powerpc-utils"
BUS_PROCESS = None
# Seconds: nothing is concluded from them, but that something does not happen at all.
PATIENCE = min(60, float(os.environ.get("HOST_PATIENCE", 60)))

BUS_SOCKET = "/run/dbus/system_bus_socket"
BUS = """<busconfig><type>custom</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<limit name="max_connections_per_user">100</limit><policy context="default">
<allow user="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"""


class Failed(Exception):
    """What a test waits for does not come."""


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(4)


def enter():
    """Runs this program again inside its namespaces, and prepares what it finds there."""
    if os.environ.get("HOST_INSIDE") != "1":
        if os.geteuid() != 0:
            skip("needs root")
        ns = ["unshare", "-m", "-p", "-n", "-f", "--kill-child", "--mount-proc", "--propagation", "private"]
        p = subprocess.run(ns + ["true"], capture_output=True, text=True)
        if p.returncode:
            skip("no namespaces here: " + p.stderr.strip())
        os.environ["HOST_INSIDE"] = "1"
        os.execvp("unshare", ns + [sys.executable] + sys.argv)
    for path in ("/run", "/sys/kernel", "/sys/firmware", "/lib/modules", "/tmp"):
        if os.path.isdir(path):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=16m", "tmpfs", path], check=True)
    for path in (DIR, "/run/dbus", os.path.dirname(ORIGINAL), SCRIPTS, HOOKS, "/run/lock", "/run/log", "/run/systemd/journal",
                 os.path.dirname(FIFO), DEVICE_TREE):
        os.makedirs(path)
    os.chmod("/tmp", 0o1777)
    os.mkfifo(FIFO)
    for name in ("member", "attack", "libdr.so.1"):  # where a user may read them, wherever the checkout is
        shutil.copy(f"{BUILD}/{name}", DIR)
    open(SEEN, "w").close()
    os.chmod(SEEN, 0o666)
    os.environ.pop("DBUS_SYSTEM_BUS_ADDRESS", None)
    os.environ.update(LD_LIBRARY_PATH=DIR,
                      ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    with open(DIR + "/bus.conf", "w") as f:
        f.write(BUS)
    start_bus()


def start_bus():
    global BUS_PROCESS
    BUS_PROCESS = spawn(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={DIR}/bus.conf"], "bus")
    wait(lambda: os.path.exists(BUS_SOCKET), "the bus")


def end_bus():
    global BUS_PROCESS
    BUS_PROCESS.kill()
    BUS_PROCESS.wait()
    BUS_PROCESS = None
    os.unlink(BUS_SOCKET)


def stop_bus():
    global BUS_PROCESS
    BUS_PROCESS.send_signal(signal.SIGSTOP)
    wait(lambda: "\nState:\tT" in text(f"/proc/{BUS_PROCESS.pid}/status"), "the bus to stop")
    BUS_PROCESS = None


def bus_is_there():
    return BUS_PROCESS is not None


def wait(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited in vain for {what}")
        time.sleep(0.02)


def text(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def until_blocked(call):
    """Makes the call until it would block, and returns how often it did not."""
    n = 0
    try:
        while True:
            call()
            n += 1
    except BlockingIOError:
        return n


def full_pipe():
    """A pipe whose reader does not read, and which is full: a write to it would never return."""
    _, pipe = os.pipe()
    os.set_blocking(pipe, False)
    until_blocked(lambda: os.write(pipe, b"x" * 4096))
    os.set_blocking(pipe, True)
    return pipe


def is_there_for(process, seconds):
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        return True


def spawn(argv, log, **kw):
    with open(f"{DIR}/{log}.log", "ab", 0) as f:
        return subprocess.Popen(argv, stdout=f, stderr=f, stdin=subprocess.DEVNULL, start_new_session=True, **kw)


# ---- the daemon, and what systemd is to it


class Systemd:
    """Its notify socket: remembers what it was told, and keeps descriptors for the next daemon."""

    def __init__(self):
        self.said = []
        self.store = []  # (name, descriptor)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.sock.bind(DIR + "/notify")
        self.listens = threading.Event()
        self.listens.set()
        threading.Thread(target=self.listen, daemon=True).start()

    def freeze(self):
        """It no longer reads, and its socket is full."""
        self.listens.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.setblocking(False)
            while until_blocked(lambda: s.sendto(b"FILLER=1", DIR + "/notify")):
                pass

    def listen(self):
        while self.listens.wait():
            data, control, _, _ = self.sock.recvmsg(65536, socket.CMSG_SPACE(64))
            fds = array.array("i")
            for _, _, raw in control:
                fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
            lines = data.decode().splitlines()
            name = next((x[7:] for x in lines if x.startswith("FDNAME=")), "stored")
            if "FDSTORE=1" in lines:
                self.store += [(name, fd) for fd in fds]
            elif "FDSTOREREMOVE=1" in lines:
                self.store = [(n, fd) for n, fd in self.store if n != name]
            self.said += lines

    def count(self, line):
        return self.said.count(line)


class Daemon:
    def __init__(self, *settings, store=()):
        self.systemd = Systemd()
        self.systemd.store += store
        self.configure(*settings)
        self.start()

    @staticmethod
    def configure(*settings):
        with open(CONF, "w") as f:
            f.write("\n".join(["[drmgr]", f"ScriptDirectory={SCRIPTS}", f"HookDirectory={HOOKS}",
                               *settings, ""]))

    def start(self):
        """systemd's way: the descriptors that it kept begin at 3, and their names are in the environment."""
        store = list(self.systemd.store)
        env = dict(os.environ, NOTIFY_SOCKET=DIR + "/notify", LISTEN_FDS=str(len(store)),
                   LISTEN_FDNAMES=":".join(n for n, _ in store))
        ready = self.systemd.count("READY=1")
        moves = "".join(f"exec {50 + i}<&{fd} {fd}<&-; " for i, (_, fd) in enumerate(store))
        moves += "".join(f"exec {3 + i}<&{50 + i} {50 + i}<&-; " for i in range(len(store)))
        self.process = spawn(["bash", "-c", f"{moves}LISTEN_PID=$$ exec {BUILD}/drmgrd --config {CONF} --run-dir /run/drmgr"],
                             "drmgrd", env=env, pass_fds=[fd for _, fd in store])
        wait(lambda: self.systemd.count("READY=1") > ready or self.process.poll() is not None, "the daemon")
        if self.process.poll() is not None:
            raise Failed("the daemon does not start")
        if bus_is_there():
            wait(lambda: status("bus") == "connected", "the daemon to be on the bus")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def reload(self):
        """SIGHUP, until the daemon has said what became of it."""
        said = "has been read again|settings remain in force"
        before = len(re.findall(said, self.log()))
        self.process.send_signal(signal.SIGHUP)
        wait(lambda: len(re.findall(said, self.log())) > before, "the settings to be read")

    def stop(self):
        """It answers nothing until SIGCONT, and the bus does not notice."""
        self.process.send_signal(signal.SIGSTOP)
        wait(lambda: "\nState:\tT" in text(f"/proc/{self.process.pid}/status"), "the daemon to stop")

    def watches(self, pid):
        """It has a pidfd of this process, as of each script that it waits for."""
        fds = f"/proc/{self.process.pid}/fdinfo"
        return any(f"\nPid:\t{pid}\n" in text(f"{fds}/{fd}") for fd in os.listdir(fds))

    def log(self):
        return text(DIR + "/drmgrd.log")


# ---- members


def put(path, body):
    with open(path, "w") as f:
        f.write(body)
    os.chmod(path, 0o755)


def script(name, body=":", timeout=10):
    put(f"{SCRIPTS}/{name}", f"""#!/bin/sh
case $1 in
scriptinfo) echo DR_VERSION=1; echo DR_TIMEOUT={timeout}; exit ;;
register) echo DR_RESOURCE=pmig; exit ;;
esac
echo "{name} $1" >> {SEEN}
{body}
""")


def hook(name, body=":"):
    put(f"{HOOKS}/{name}", f'#!/bin/sh\necho "{name} $PHASE" >> {SEEN}\n{body}\n')


class Member:
    """An application, selftests/daemon/member.c, which writes to SEEN itself, before it answers."""

    def __init__(self, name, *options, uid=None, groups=()):
        self.name = name
        before = applications()
        with open(SEEN, "ab", 0) as f:
            self.process = subprocess.Popen([DIR + "/member", name, *options], stdout=f, stdin=subprocess.DEVNULL,
                                            start_new_session=True, user=uid, group=uid, extra_groups=groups)
        wait(lambda: applications() == before + 1 or self.process.poll() is not None, f"{name}'s registration")
        if self.process.poll() is not None:
            raise Failed(f"{name} ended: {text(SEEN)}")

    def left_ms(self, phase):
        """How long it had for its answer when it was last told @phase."""
        line = re.compile(rf"^{self.name}: {phase} stream \S+ left-ms (-?\d+)$", re.M)
        wait(lambda: line.search(text(SEEN)), f"{self.name} to be told {phase}")
        return int(line.findall(text(SEEN))[-1])


def fill_run(path="/run", left=65536):
    with open(path + "/full", "wb") as f:
        os.posix_fallocate(f.fileno(), 0, os.statvfs(path).f_bavail * os.statvfs(path).f_frsize - left)


def seen():
    """Who was told what, in order. BEGIN to an application is apart: nobody waits until it has written that down."""
    lines = [re.sub(r"^(\S+): (\S+) stream .*", r"\1 \2", x) for x in text(SEEN).splitlines()]
    return [x for x in lines if not x.endswith(" begin")]


def clear_seen():
    open(SEEN, "w").close()


def original(status=0):
    """powerpc-utils' drmgr: writes its command line to SEEN, then the stream ID."""
    put(ORIGINAL, f'''#!/bin/bash
echo "original: $*" >> {SEEN}
echo 0x7fff > {FIFO}
exit {status}
''')


# ---- the HMC


def drmgr(*args):
    return subprocess.run([BUILD + "/drmgr", *args], capture_output=True, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)


def status(key):
    m = re.search(f"^{key}: (.*)$", drmgr("status").stdout, re.M)
    return m[1] if m else None


def applications():
    """How many are registered. drmgr gives up after some seconds, so a slow machine's daemon is asked again."""
    answers = []
    wait(lambda: answers.append(status("applications")) or answers[-1], "the number of applications")
    return int(answers[-1])


def check(stream, *args):
    return drmgr("-m", "-c", "pmig", "-p", "check", "-s", stream, *args)


def move():
    """Ends the write of the stream ID, and returns what was written. Without a writer the read is at its end at once."""
    fd = os.open(FIFO, os.O_RDONLY | os.O_NONBLOCK)
    written = b""

    def is_over():
        nonlocal written
        try:
            data = os.read(fd, 4096)
        except BlockingIOError:
            return False
        written += data
        return written and not data

    try:
        wait(is_over, "the suspension")
    finally:
        os.close(fd)
    return written.decode()


class Migration:
    """drmgr -p pre in the background; after PRE it is in the write until finish()."""

    def __init__(self, stream, *args):
        self.process = subprocess.Popen([BUILD + "/drmgr", "-m", "-c", "pmig", "-p", "pre", "-s", stream, *args],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def moving(self):
        wait(lambda: status("phase") == "kernel" or self.process.poll() is not None, "the suspension")
        return self

    def finish(self):
        """The partition has moved."""
        self.written = move()
        return self.end()

    def end(self):
        self.out, self.err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


def machine(serial):
    """The partition is on this machine now."""
    for name, value in (("system-id", f"IBM,02{serial}"), ("model", "IBM,9009-42A")):
        with open(f"{DEVICE_TREE}/{name}", "w") as f:
            f.write(value + "\0")


def others_write(stream, serial=None):
    """Somebody else's drmgr -p pre, or echo; with @serial the partition has moved when the write ends."""
    def mover():
        with open(FIFO) as f:
            f.readline()
            if serial:
                machine(serial)

    reader = threading.Thread(target=mover)
    reader.start()
    with open(FIFO, "w") as f:
        f.write(stream + "\n")
        f.flush()
        reader.join()


def try_lock():
    """The DLPAR lock, as another process takes it: a descriptor, or None."""
    fd = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return fd
    except OSError:
        os.close(fd)
        return None


def lock_is_free():
    fd = try_lock()
    if fd is not None:
        os.close(fd)
    return fd is not None


# ---- the log

JOURNALD = "/lib/systemd/systemd-journald"


class Journal:
    """systemd's own journal in /run, which forwards to a syslog that is ours."""

    def __init__(self):
        if not os.path.exists(JOURNALD) or not os.path.exists("/etc/machine-id"):
            skip("no systemd-journald or no machine ID here")
        os.makedirs("/run/systemd/journald.conf.d")
        with open("/run/systemd/journald.conf.d/test.conf", "w") as f:
            f.write("[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=yes\nRateLimitIntervalSec=0\n")
        # The journal drops what finds no room at syslog, which is 10 lines; the setting is of this namespace alone.
        with open("/proc/sys/net/unix/max_dgram_qlen", "w") as f:
            f.write("1000")
        self.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.syslog.bind("/run/systemd/journal/syslog")
        self.lines = []  # (priority and facility, tag, text)
        threading.Thread(target=self.listen, daemon=True).start()
        self.process = spawn([JOURNALD], "journald")
        wait(lambda: os.path.exists("/run/systemd/journal/socket"), "the journal")

    def listen(self):
        while True:
            m = re.match(r"<(\d+)>(?:... .. ..:..:.. )?([^\[:]+)(?:\[\d+\])?: (.*)", self.syslog.recv(8192).decode())
            if m:
                self.lines.append((int(m[1]), m[2], m[3]))

    def write(self, tag, line):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect("/run/systemd/journal/socket")
            s.send(f"MESSAGE={line}\nPRIORITY=6\nSYSLOG_IDENTIFIER={tag}\n".encode())
        wait(lambda: line in [x[2] for x in self.lines], f"\"{line}\" in syslog")

    def freeze(self):
        """It is stopped, and its socket is full."""
        self.process.send_signal(signal.SIGSTOP)
        while self.fill():  # what one sender may have on its way is bounded, too
            pass

    @staticmethod
    def fill():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.setblocking(False)
            s.connect("/run/systemd/journal/socket")
            return until_blocked(lambda: s.send(b"MESSAGE=filler\n"))

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.write("host", "there is room again")

    def take_until(self, line):
        wait(lambda: line in [x[2] for x in self.lines], f"\"{line}\" in syslog")
        taken, self.lines = self.lines, []
        return taken


# ---- results


class Tap:
    nr = failed = 0

    def result(self, ok, what, detail=""):
        self.nr += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.nr} - {what}", flush=True)
        for line in detail.splitlines() if not ok else []:
            print(f"#   {line}", flush=True)

    def same(self, what, expected, found):
        self.result(expected == found, what, f"expected: {expected}\nis:       {found}")

    def end(self, error=None):
        if error:
            known = isinstance(error, (Failed, subprocess.TimeoutExpired))
            self.result(False, str(error) if known else repr(error), "seen: " + ", ".join(seen()))
        log = text(DIR + "/drmgrd.log")
        bad = re.search(r"runtime error|AddressSanitizer", log)
        self.result(not bad, "the sanitizers have nothing to say", log[-3000:])
        if self.failed:
            print("# drmgrd.log: " + log[-3000:].replace("\n", "\n# "))
        print(f"1..{self.nr}", flush=True)
        return self.failed > 0


def run(function):
    tap = Tap()
    error = None
    try:
        enter()
        function(tap)
    except Exception as e:  # pylint: disable=broad-except
        error = e
    bad = tap.end(error)
    sys.stdout.flush()
    os._exit(bad)  # the first process of the namespace: the others end with it
