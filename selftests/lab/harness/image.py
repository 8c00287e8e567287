#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Initial RAM disks: cpio archives ("newc"), not compressed, since unpacking is what an emulated CPU is slow at.

image.py PAYLOAD INIT QUICK RELEASE OUT writes OUT/initrd-quick and OUT/initrd-systemd. Both hold the payload;
"quick" also holds the libraries and tools of a guest that has no other file system. Everything belongs to root.
"""
import os
import stat
import sys


class Cpio:
    def __init__(self):
        self.parts = []
        self.seen = set()
        self.inode = 0

    def _pad(self, data):
        return data + b"\0" * (-len(data) % 4)

    def add(self, name, mode, data=b"", rdev=(0, 0)):
        """A name that is there already is kept: the first one wins."""
        if name in self.seen:
            return
        self.seen.add(name)
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        self.parts.append(self._pad(head) + self._pad(data))

    def parents(self, name):
        for i, c in enumerate(name):
            if c == "/":
                self.add(name[:i], stat.S_IFDIR | 0o755)

    def add_path(self, path, name):
        st = os.lstat(path)
        self.parents(name)
        if stat.S_ISLNK(st.st_mode):
            self.add(name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
        elif stat.S_ISDIR(st.st_mode):
            self.add(name, stat.S_IFDIR | 0o755)
        elif stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                self.add(name, stat.S_IFREG | (0o755 if st.st_mode & 0o100 else 0o644), f.read())

    def add_tree(self, top):
        names = []
        for where, dirs, files in os.walk(top):
            for n in sorted(dirs) + sorted(files):
                path = os.path.join(where, n)
                name = os.path.relpath(path, top)
                self.add_path(path, name)
                names.append(name)
        return names

    def write(self, path):
        self.add("TRAILER!!!", 0)
        tmp = f"{path}.{os.getpid()}.tmp"
        with open(tmp, "wb") as f:
            f.write(b"".join(self.parts))
        os.rename(tmp, path)



def skeleton(init, quick):
    cpio = Cpio()
    for d in ("usr", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "proc", "sys", "run", "tmp", "mnt", "root", "etc"):
        cpio.add(d, stat.S_IFDIR | 0o755)
    for link in ("bin", "sbin", "lib", "lib64"):
        cpio.add(link, stat.S_IFLNK | 0o777, f"usr/{link}".encode())
    cpio.add("dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1))
    with open(init, "rb") as f:
        cpio.add("init", stat.S_IFREG | 0o755, f.read())
    cpio.add_path(os.path.join(quick, "usr/bin/busybox"), "usr/bin/busybox")
    return cpio


def main(payload, init, quick, release, out):
    tops = ("bin", "sbin", "lib", "lib64")
    for profile in ("quick", "systemd"):
        cpio = skeleton(init, quick)
        if profile == "quick":
            cpio.add_tree(quick)
        names = [n for n in cpio.add_tree(payload) if n not in tops and not os.path.isdir(os.path.join(payload, n))]
        cpio.add(".payload", stat.S_IFREG | 0o644, "".join(f"{n}\n" for n in sorted(names)).encode())
        cpio.write(os.path.join(out, f"initrd-{profile}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
