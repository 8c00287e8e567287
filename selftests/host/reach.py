# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the ways to the daemon: the private socket, with a bus or without one, and the bus when it comes and goes."""
import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import host
from host import BUS_SOCKET, Daemon, Member, Migration, check, drmgr, hook, script, seen, status, wait

PRIVATE = "/run/drmgr/private"
HELLO = (b"\0AUTH EXTERNAL 30\r\n", b"BEGIN\r\nl\1\0\1\0\0\0\0\1\0\0\0n\0\0\0\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0\6\1s\0"
         b"\x14\0\0\0org.freedesktop.DBus\0\0\0\0\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\3\1s\0\5\0\0\0Hello\0\0\0")


# In D-Bus, and prints what is answered
SPEAK = """try:
    s.settimeout(60)
    s.sendall(b"\\0AUTH EXTERNAL 3635353334\\r\\n")
    print(s.recv(1))
except ConnectionError:
    print(b"")"""


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(host.PATIENCE)
    s.connect(path)
    return s


def connections():
    """How many have called on the private socket."""
    with open("/proc/net/unix") as f:
        return sum(x.split()[5] == "03" and x.rstrip().endswith(PRIVATE) for x in f)


def answer(stream):
    """The answer to a check. That nobody could be asked is a warning, and does not change the status."""
    r = check(stream)
    return r.returncode, r.stderr


def take_all_of_roots(limit=1000):
    """As a program of root's that leaks its connections to the bus."""
    held = []
    for _ in range(limit):
        s = connect(BUS_SOCKET)
        try:
            for part in HELLO:
                s.sendall(part)
                answer = s.recv(300)
                if not answer or b"LimitsExceeded" in answer:
                    return held
        except ConnectionError:
            return held
        held.append(s)
    raise host.Failed("the bus has no bound")


def send_away(listening):
    with contextlib.suppress(OSError):
        while True:
            listening.accept()[0].close()


def as_nobody(program):
    """What that Python program, with a connected socket s, prints, as nobody."""
    code = f"import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('{PRIVATE}')\n{program}"
    r = subprocess.run(["python3", "-c", code], user=65534, group=65534, extra_groups=(), capture_output=True, text=True)
    return r.stdout.strip() or r.stderr.strip().splitlines()[-1]


def private(t):
    """Root needs no bus: not one that has no connection left, nor one that hangs, nor any. Nobody else gets in there."""
    daemon = Daemon()
    script("10-one")
    held = take_all_of_roots()
    t.result(len(held) > 10, f"the bus has no connection left for root, after {len(held)}")
    t.same("a check ends with 0", (0, ""), answer("0x7001"))
    t.same("a migration, too", 0, Migration("0x7001").finish())
    for s in held:
        s.close()
    t.same("the socket is root's alone", 0o140600, os.stat(PRIVATE).st_mode)
    t.result("PermissionError" in as_nobody(""), "others can't connect")
    os.chmod(PRIVATE, 0o777)
    t.same("nor would they be heard", "b''", as_nobody(SPEAK))
    host.stop_bus()
    t.same("a bus that hangs: a check ends with 0", (0, ""), answer("0x7002"))
    t.same("a migration, too", 0, Migration("0x7002").finish())
    Member("late")
    t.same("an application of root's registers", 1, host.applications())
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    daemon.process.terminate()
    t.same("and the daemon ends when it is told to", 0, daemon.process.wait(host.PATIENCE))


def private_is_bounded(t):
    """Connections to the private socket have a bound, and who says nothing is sent away; root is heard all the same."""
    daemon = Daemon()
    silent = [connect(PRIVATE) for _ in range(64)]
    t.same("one too many is sent away", b"", connect(PRIVATE).recv(1))
    t.same("a check goes over the bus then", (0, ""), answer("0x7001"))
    t.same("who says nothing is sent away", {b""}, {s.recv(1) for s in silent})
    wait(lambda: daemon.log().count("said nothing") == 64, "the daemon to say so")
    host.end_bus()
    t.same("then the next one is served", (0, ""), answer("0x7001"))


def private_sends_away(t):
    """Who is sent away from the private socket, or finds a stranger there, uses the bus: commands and applications."""
    Daemon()
    os.unlink(PRIVATE)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(PRIVATE)
        stranger.listen()
        threading.Thread(target=send_away, args=(stranger,), daemon=True).start()
        t.same("a check ends with 0", (0, ""), answer("0x7001"))
        Member("app")
        t.same("an application registers", 1, host.applications())


def bus_restarts(t):
    """The daemon starts without a bus, finds one that comes later, outlives it, and goes on with what it does."""
    host.end_bus()
    daemon = Daemon()
    script("10-one")
    t.same("without a bus it is there", "absent", status("bus"))
    t.same("a check ends with 0", (0, ""), answer("0x7001"))
    host.start_bus()
    wait(lambda: status("bus") == "connected", "the daemon on the bus")
    Member("app")
    m = Migration("0x7001").moving()
    host.end_bus()
    wait(lambda: status("bus") == "absent", "the daemon to see that the bus is gone")
    t.same("a migration goes on", 0, m.finish())
    host.start_bus()
    wait(lambda: status("bus") == "connected", "the daemon on the new bus")
    t.same("who has registered was told all of it", ["10-one checkmigrate", "10-one premigrate", "app pre", "app post",
                                                    "10-one postmigrate"], seen())
    Member("other")
    t.same("and the next one registers there", 2, host.applications())
    t.same("it is the same daemon", None, daemon.process.poll())


def socket_of_systemd(t):
    """A socket that systemd listens on is used, and who has waited there before the daemon ran is heard."""
    host.end_bus()
    listening = socket.socket(socket.AF_UNIX)
    os.makedirs("/run/drmgr")
    listening.bind(PRIVATE)
    listening.listen()
    systemds = os.stat(PRIVATE).st_ino
    m = Migration("0x7001")
    Daemon(store=[("private", listening.fileno())])
    listening.close()
    # Who has waited on the wrong socket would ask again on the right one.
    t.same("the daemon puts none of its own in its place", systemds, os.stat(PRIVATE).st_ino)
    t.same("who has waited is heard", (0, ""), (m.finish(), m.err))
    t.same("so is the next one", (0, ""), answer("0x7001"))


def daemon_restarts(t):
    """A daemon that ends with nobody told yet: whoever has asked it, or waits for the DLPAR lock, is heard by the next one."""
    host.end_bus()
    listening = socket.socket(socket.AF_UNIX)
    os.makedirs("/run/drmgr")
    listening.bind(PRIVATE)
    listening.listen()
    store = [("private", listening.fileno())]
    daemon = Daemon(store=store)
    go = host.DIR + "/go"
    script("10-one", f"[ $1 != checkmigrate ] || while [ ! -e {go} ]; do sleep 0.05; done")

    def ask():
        host.clear_seen()
        p = subprocess.Popen([host.BUILD + "/drmgr", "-m", "-p", "check", "-s", "0x7001"], stderr=subprocess.PIPE, text=True)
        wait(lambda: seen() == ["10-one checkmigrate"], "the check")
        return p

    def restart():
        daemon.kill()
        daemon.systemd.store = list(store)
        daemon.start()

    p = ask()
    restart()
    wait(lambda: seen() == ["10-one checkmigrate"] * 2, "the next daemon to be asked")
    restart()
    err = p.communicate(timeout=host.PATIENCE)[1]
    t.result("drmgrd ended before it answered" in err, "where that ends, too, it is said", err)
    t.same("and stops no check", 0, p.returncode)
    host.clear_seen()
    lock = host.try_lock()
    m = Migration("0x7002", "-w", "1")
    wait(lambda: connections() == 1, "the migration to wait for the DLPAR lock")
    restart()
    os.close(lock)
    t.same("a migration goes well", (0, ""), (m.moving().finish(), m.err))
    t.same("and everyone is told", ["10-one premigrate", "10-one postmigrate"], seen())
    p = ask()
    with open(go, "w"):
        restart()
    t.same("so does a check", (0, ""), (p.wait(host.PATIENCE), p.stderr.read()))


def asked_again(t):
    """The same command again waits for the migration that runs; later its result can be asked for, also of the next daemon."""
    daemon = Daemon()
    script("10-one")
    first = Migration("0x7001").moving()
    first.process.kill()
    first.process.wait()
    wait(lambda: status("waiting") == "0", "it to be forgotten")
    again = [Migration("0x7001") for _ in range(2)]
    other = Migration("0x7002")
    t.same("another one is refused", 75, other.end())
    r = drmgr("status", "-s", "0x7001")
    t.result(r.returncode == 75 and "is being migrated" in r.stderr, "there is no result yet", r.stderr)
    wait(lambda: status("waiting") == "2", "both to wait")
    host.move()
    t.same("the same command again ends with the result", [0, 0], [m.end() for m in again])
    t.same("and everyone was told once", ["10-one premigrate", "10-one postmigrate"], seen())
    t.result("moved: stream 0x7001" in again[0].out, "both have its text", again[0].out)
    script("10-one", "[ $1 != premigrate ] || { echo DR_ERROR=not today; exit 1; }")
    m = Migration("0x7003")
    t.same("one is stopped", 2, m.end())
    for what in ("this daemon", "the next one"):
        r = drmgr("status", "--stream", "0x7001")
        t.same(f"{what} has the result of one that moved", (0, again[0].out, ""), (r.returncode, r.stdout, r.stderr))
        r = drmgr("status", "-s", "7003")
        t.same(f"{what} has that of one that was stopped", (2, "", m.err), (r.returncode, r.stdout, r.stderr))
        t.same(f"{what} knows nothing of another", 66, drmgr("status", "-s", "0x7004").returncode)
        daemon.kill()
        daemon.start()
    script("10-one")
    m = Migration("0x7005").moving()
    daemon.kill()
    t.same("drmgr says that the daemon was lost", 71, m.end())
    daemon.start()
    m = Migration("0x7005")
    wait(lambda: status("waiting") == "1", "it to wait")
    host.move()
    t.same("the same command again has the result of one that was taken over", 0, m.end())
    t.same("and so has status", 0, drmgr("status", "-s", "0x7005").returncode)


@contextlib.contextmanager
def over_the_bus():
    """What is started here uses the system bus, as if there were no private socket."""
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=" + BUS_SOCKET
    try:
        yield
    finally:
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]


def gone_from_the_bus(t):
    """The daemon forgets a caller that waits for its answer over the bus and then ends, or loses the bus."""
    Daemon()
    hook("50-hook", "[ $PHASE != check ] || exec sleep 1000")
    with over_the_bus():
        first = Migration("0x7001", "-p", "check")
    wait(lambda: seen() == ["50-hook check"], "the check")
    first.process.kill()
    wait(lambda: "50-hook undocheck" in seen(), "the check to be dropped")
    t.result(True, "a check that nobody waits for is dropped")
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    for i in range(20):  # more than may wait
        with over_the_bus():
            m = Migration("0x7001")
        wait(lambda: status("waiting") == "1", f"caller {i}")
        m.process.kill()
        m.process.wait()
        wait(lambda: status("waiting") == "0", "it to be forgotten")
    with over_the_bus():
        m = Migration("0x7001")
    wait(lambda: status("waiting") == "1", "the last one")
    m.process.send_signal(signal.SIGSTOP)  # it would try again
    host.end_bus()
    wait(lambda: status("waiting") == "0", "it to be forgotten with the bus")
    m.process.kill()
    m = Migration("0x7001")
    t.same("the next one has the result", 0, m.moving().finish())


class PaperBus:
    """A bus that never says who is calling."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(BUS_SOCKET)
        self.listener.listen()
        self.serial = 0
        self.said = []  # member or error of each message

    def greet(self):
        """Waits until the daemon has its name."""
        self.accept()
        head = b""
        while b"RequestName" not in head:
            serial, head = self.read()
            if b"Hello" in head:
                self.answer(serial, b"s", struct.pack("<I", 4) + b":1.1\0")
            elif b"RequestName" in head:
                self.answer(serial, b"u", struct.pack("<I", 1))
            else:
                self.answer(serial)
        wait(lambda: status("bus") == "connected", "the daemon on the bus")

    def accept(self):
        self.peer, _ = self.listener.accept()
        self.peer.settimeout(host.PATIENCE)
        data = b""
        while not data.endswith(b"BEGIN\r\n"):
            data += self.peer.recv(4096)
        answers = {b"DATA": b"OK " + b"0" * 32, b"AUTH": b"DATA", b"NEGO": b"AGREE_UNIX_FD"}
        for line in data.lstrip(b"\0").split(b"\r\n"):
            if line[:4] in answers:
                self.peer.sendall(answers[line[:4]] + b"\r\n")
        self.file = self.peer.makefile("rb")

    def send(self, kind, fields, signature=b"", body=b""):
        """fields: (number, type, value), a string or a number."""
        self.serial += 1
        head = b""
        for number, code, value in fields + [(8, b"g", signature)]:
            head += b"\0" * (-len(head) % 8) + bytes([number, 1]) + code + b"\0"
            if code == b"u":
                head += struct.pack("<I", value)
            elif code == b"g":
                head += bytes([len(value)]) + value + b"\0"
            else:
                head += struct.pack("<I", len(value)) + value + b"\0"
        start = struct.pack("<BBBBIII", ord("l"), kind, 0, 1, len(body), self.serial, len(head))
        self.peer.sendall(start + head + b"\0" * (-len(head) % 8) + body)

    def read(self):
        """The next message: its serial, and the names in its header."""
        start = self.file.read(16)
        body, serial, fields = struct.unpack("<III", start[4:])
        head = self.file.read(fields + -fields % 8)
        self.file.read(body)
        return serial, head

    def answer(self, serial, signature=b"", body=b""):
        self.send(2, [(5, b"u", serial), (7, b"s", b"org.freedesktop.DBus")], signature, body)

    def register(self, sender):
        self.send(1, [(1, b"o", b"/org/drmgr"), (2, b"s", b"org.drmgr.Manager1"), (3, b"s", b"Register"),
                      (6, b"s", b"org.drmgr"), (7, b"s", sender)], b"shuuiu",
                  struct.pack("<I2s2xIIIiI", 1, b"x\0", 0, 0, 0, 0, 0))

    def asked(self, number):
        """How many of these registrations the daemon goes on with (it asks the bus for the caller), and how many it refuses."""
        heads = [self.read()[1] for _ in range(number)]
        return sum(b"GetConnectionCredentials" in x for x in heads), sum(b"org.drmgr.Error.TooMany" in x for x in heads)

    def end(self):
        self.file.close()
        self.peer.close()
        self.listener.close()
        os.unlink(BUS_SOCKET)


def registering_is_bounded(t):
    """Registrations that the bus does not go on with are bounded, also for each caller, and go with the bus."""
    host.end_bus()
    bus = PaperBus()
    daemon = Daemon()
    bus.greet()
    for _ in range(20):
        bus.register(b":1.7")
    t.same("one caller has 4 at once", (4, 16), bus.asked(20))
    for i in range(300):
        bus.register(f":1.{100 + i}".encode())
    t.same("all together 256", (252, 48), bus.asked(300))
    bus.end()
    wait(lambda: status("bus") == "absent", "the daemon to see that the bus is gone")
    bus = PaperBus()
    bus.greet()
    for _ in range(4):
        bus.register(b":1.7")
    t.same("on the next bus there is room again", (4, 0), bus.asked(4))
    daemon.process.terminate()
    t.same("and nothing is left of them", 0, daemon.process.wait(host.PATIENCE))


def restarts_while_it_moves(t):
    """The daemon is killed while drmgr waits: the partition moves once, and the same command again has the result."""
    daemon = Daemon()
    script("10-one")
    Member("app")
    m = Migration("0x7001").moving()
    other = Migration("0x7001")
    wait(lambda: status("waiting") == "2", "both to wait")
    daemon.kill()
    t.same("who waits is told that the daemon was lost", [71, 71], [m.end(), other.end()])
    t.result("a migration under way goes on: see drmgr status" in m.err, "and what to do", m.err)
    daemon.start()
    m = Migration("0x7001")
    wait(lambda: status("waiting") == "1", "it to wait")
    t.same("the stream ID is written once", "0x7001\n", host.move())
    t.same("the same command again has the result", (0, "moved: stream 0x7001\n", ""), (m.end(), m.out, m.err))
    t.same("everyone is told once", ["10-one premigrate", "app pre", "app post", "10-one postmigrate"], seen())
    m = Migration("0x7002").moving()
    t.same("and the next migration is as any other", (0, "0x7002\n"), (m.finish(), m.written))


def what_differs_survives(t):
    """The daemon is killed while the partition moves: the next one tells what differs in /proc and /sys, or that it cannot."""
    daemon = Daemon()
    os.mkdir("/run/lun")
    m = Migration("0x7001").moving()
    daemon.kill()
    m.end()
    subprocess.run(["mount", "-t", "tmpfs", "/dev/lun", "/run/lun"], check=True)
    daemon.start()
    host.move()
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    r = drmgr("platform", "--diff")
    t.result(re.search(r"^mount\./run/lun\.device +none -> /dev/lun$", r.stdout, re.M), "the next one has what differs", r.stdout)
    t.result('mount./run/lun.device: was "", is "/dev/lun"' in daemon.log(), "so has the log", daemon.log())
    m = Migration("0x7002").moving()
    daemon.kill()
    m.end()
    subprocess.run(["umount", "/run/lun"], check=True)
    os.unlink("/run/drmgr/machine")
    daemon.start()
    host.move()
    wait(lambda: status("phase") == "none", "the daemon to be idle")
    t.same("without the facts of before nothing differs", "", drmgr("platform", "--diff").stdout)
    t.result("What differs in /proc and /sys is not told" in daemon.log(), "and the log says why", daemon.log())


def result_survives(t):
    """The daemon is killed while it keeps the result: the next one has it all the same."""
    daemon = Daemon()
    script("10-one")
    m = Migration("0x7001").moving()
    os.mkfifo("/run/drmgr/results.new")  # to write to it the daemon would wait for a reader
    host.move()
    wait(host.lock_is_free, "everything else to be over")
    daemon.kill()
    os.unlink("/run/drmgr/results.new")
    t.same("drmgr says that the daemon was lost", 71, m.end())
    daemon.start()
    wait(lambda: drmgr("status", "-s", "0x7001").returncode != 75, "the next one to be done")
    t.same("and the next one knows that it has moved", 0, drmgr("status", "-s", "0x7001").returncode)
    t.same("whoever was told is not told again", ["10-one premigrate", "10-one postmigrate"], seen())


def ends_without_bus(t):
    """A bus that hangs does not keep the daemon from ending: else systemctl restart would take two minutes."""
    host.stop_bus()
    daemon = Daemon()
    daemon.process.terminate()
    t.same("SIGTERM ends it well", 0, daemon.process.wait(host.PATIENCE))


TESTS = (restarts_while_it_moves, what_differs_survives, gone_from_the_bus, registering_is_bounded, private, private_is_bounded,
         private_sends_away, bus_restarts, socket_of_systemd, daemon_restarts, asked_again, result_survives, ends_without_bus)
