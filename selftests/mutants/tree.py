# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of the checkout, in which mutants are applied and built. Its objects stay there for the next run."""
import contextlib
import filecmp
import os
import shutil
import subprocess

# A mutant may leave something unused; that is no reason not to build it.
FLAGS = {"CFLAGS": "-O1 -g -Wno-error", "KCFLAGS": "-Wno-error"}

LIMIT = 30 * 60  # seconds for one build, of a kernel's modules and payload, too

# A build has a process group of its own, so that it can be timed out. timeout passes SIGTERM on to it.
ENDS_WITH_US = ["setpriv", "--pdeathsig", "TERM"]


class BuildError(Exception):
    pass


def same_file(one, other):
    """Whether both are there with the same text and mode."""
    return (os.path.exists(other) and os.stat(one).st_mode == os.stat(other).st_mode and
            filecmp.cmp(one, other, shallow=False))


class Tree:
    def __init__(self, top, path):
        self.top = top
        self.path = path
        self.out = os.path.join(path, "build")

    def file(self, name):
        return os.path.join(self.path, name)

    def sync(self):
        """Brings the copy up to date. Only what differs is written, so that only that is built again."""
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.top,
                                check=True, stdout=subprocess.PIPE, text=True).stdout
        wanted = {name for name in listed.split("\0") if name and os.path.isfile(os.path.join(self.top, name))}
        for name in self._present() - wanted:
            os.remove(self.file(name))
        for name in wanted:
            source = os.path.join(self.top, name)
            if not same_file(source, self.file(name)):
                os.makedirs(os.path.dirname(self.file(name)), exist_ok=True)
                shutil.copy(source, self.file(name))

    def _present(self):
        found = set()
        for where, dirs, files in os.walk(self.path):
            if where == self.path:
                dirs[:] = [d for d in dirs if d != "build"]
            found |= {os.path.relpath(os.path.join(where, name), self.path) for name in files}
        return found

    @contextlib.contextmanager
    def mutated(self, mutant):
        path = self.file(mutant.file)
        try:
            with open(path, encoding="utf-8") as f:
                text = f.read()
        except OSError as e:
            raise BuildError(f"no longer applies: {mutant.file}: {e.strerror}") from e
        self._write(path, mutant.change(text))
        try:
            yield
        finally:
            self._write(path, text)

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, *argv, **environment):
        """Builds something here; what the build says is worth reading only when it fails."""
        env = dict(os.environ, O=self.out, **FLAGS, **environment)
        # A make above this one would hand on its own flags and the checkout's directories.
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
            env.pop(name, None)
        done = subprocess.run([*ENDS_WITH_US, "timeout", "-k", "10", str(LIMIT), *argv], cwd=self.path, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        if done.returncode in (124, 137):
            raise BuildError(f"does not build within {LIMIT} s")
        if done.returncode:
            lines = done.stdout.splitlines()
            said = [line for line in lines if "error:" in line] or lines[-3:]
            raise BuildError("does not build: " + " | ".join(said[:3]))
        return done.stdout
