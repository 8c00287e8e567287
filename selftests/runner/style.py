# SPDX-License-Identifier: GPL-2.0-or-later
"""The style stage: what can be said of the sources without building them. A new step is a function and its name in
STEPS."""
import glob
import os
import re

import arrows
from jobs import TOP, call

CACHE = os.environ.get("LAB_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pmig-lab")


def sources(*patterns):
    """Relative to the checkout, wherever that is; a pattern for nothing would be a step that cannot fail."""
    found = {f for p in patterns for f in glob.glob(p, root_dir=TOP, recursive=True)}
    files = sorted(f for f in found if "/build/" not in f and os.path.isfile(os.path.join(TOP, f)))
    if not files:
        raise FileNotFoundError(f"no sources: {' '.join(patterns)}")
    return files


KERNEL_HALF = ("kernel/**/*.[ch]", "include/linux/*.h", "include/uapi/**/*.h", "selftests/drivers/*.[ch]",
               "Documentation/examples/driver/*.c")
USER_HALF = ("drmgr/**/*.[ch]", "include/dr.h", "selftests/*/*.[ch]", "selftests/lab/**/*.[ch]")


def style_clang_format(report):
    """Both halves; not what follows another project's style: the patch to QEMU."""
    files = [f for f in sources(*KERNEL_HALF, *USER_HALF) if not f.startswith("selftests/lab/qemu/")]
    status, out = call(["clang-format", "--dry-run", "--Werror", *files])
    report.result(status == 0, f"clang-format, {len(files)} files", out)


def style_checkpatch(report):
    tool = os.path.join(CACHE, "kselftest", "checkpatch.pl")
    if not os.path.exists(tool):
        tool = next(iter(glob.glob(os.path.join(CACHE, "**/checkpatch.pl"), recursive=True)), tool)
    files = sources(*KERNEL_HALF)
    # A file of an out-of-tree module has no entry in MAINTAINERS; FILE_PATH_CHANGES is about patches.
    status, out = call([tool, "--no-tree", "--strict", "--terse", "--no-summary", "--max-line-length=100",
                        "--ignore", "FILE_PATH_CHANGES", "-f", *files])
    report.result(status == 0 and not out.strip(), f"checkpatch --strict, {len(files)} files of the kernel half", out)


def is_shell(path):
    with open(os.path.join(TOP, path), "rb") as f:
        first = f.readline(80)
    return re.match(rb"#!.*\b(ba|da)?sh\b", first) is not None


def style_shellcheck(report):
    files = [f for f in sources("drmgr/**/*.sh", "scripts.d/**/*", "selftests/**/*", ".ci/*") if is_shell(f)]
    status, out = call(["shellcheck", "-S", "warning", *files])
    report.result(status == 0, f"shellcheck, {len(files)} scripts", out)


def style_arrows(report):
    files = arrows.Files(TOP, sources("kernel/**/*.[ch]", "drmgr/**/*.[ch]", "include/**/*.h"))
    with open(os.path.join(TOP, "Kbuild"), encoding="utf-8") as f:
        up, circles = files.against() + list(files.above(f.read())), files.circles()
    report.result(not up, "includes and calls go one way", "\n".join(up))
    report.result(not circles, "no circle of files", "\n".join(circles))


def not_in_the_map(text, files):
    return [f for f in files if f"`{os.path.basename(f)}`" not in text]


def style_map(report):
    """Whoever looks for something finds its file from Documentation/architecture.md."""
    with open(os.path.join(TOP, "Documentation/architecture.md"), encoding="utf-8") as file:
        missing = not_in_the_map(file.read(), sources("drmgr/*/*.c", "drmgr/daemon/*/*.c", "kernel/**/*.c"))
    missing = [f for f in missing if not f.startswith("drmgr/examples/")]
    report.result(not missing, "each file has a line in architecture.md", "\n".join(missing))


def style_teardowns(report):
    """kselftest's ASSERT_ jumps back to before the teardown: one in it that fails is tried for ever."""
    bad = []
    for f in sources("selftests/*/*_test.c"):
        with open(os.path.join(TOP, f), encoding="utf-8") as file:
            text = file.read()
        for m in re.finditer(r"^FIXTURE_TEARDOWN\(.*?^}", text, re.MULTILINE | re.DOTALL):
            bad += [f"{f}: {m[0].splitlines()[0]}: EXPECT_, not {name}" for name in re.findall(r"\bASSERT_\w+", m[0])]
    report.result(not bad, "no ASSERT_ in a teardown", "\n".join(bad))


STEPS = {"clang-format": style_clang_format, "checkpatch": style_checkpatch, "shellcheck": style_shellcheck,
         "arrows": style_arrows, "map": style_map, "teardowns": style_teardowns}
