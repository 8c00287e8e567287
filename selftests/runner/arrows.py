# SPDX-License-Identifier: GPL-2.0-or-later
"""Which file stands on which: what it includes, and whose functions and variables it names. All of it is read from the
sources, so nothing has to be built. NAME.c and NAME.h are one file here."""
import os
import re

# (part, what it may not see): each may see the parts that it stands on. A part begins with its path.
ARROWS = (
    ("kernel/", r"drmgr/"),
    ("kernel/sim/", r"kernel/(?!(sim|machine)/|engine\.)"),
    ("kernel/pseries/", r"kernel/(?!(pseries|machine)/|engine\.)"),
    ("drmgr/shared/", r"drmgr/(?!shared/)"),
    ("drmgr/libdr/", r"drmgr/(?!(shared|libdr)/)"),
    ("drmgr/cmd/", r"drmgr/(?!(shared|cmd)/)"),
    ("drmgr/daemon/", r"drmgr/(?!(shared|daemon)/)"),
    ("drmgr/daemon/base/", r"drmgr/daemon/(?!base/)"),
    ("drmgr/daemon/platform/", r"drmgr/daemon/(?!(base|platform)/)"),
    ("drmgr/daemon/session/", r"drmgr/daemon/(?!(base|platform|session)/)"),
    ("drmgr/daemon/scripts/", r"drmgr/daemon/(?!(base|session|scripts)/)"),
    ("drmgr/daemon/apps/", r"drmgr/daemon/(?!(base|session|apps)/)"),
    ("drmgr/daemon/affinity/", r"drmgr/daemon/(?!(base|platform|session|apps|affinity)/)"),
)
# Parts in which no files may stand on one another in a circle.
NO_CIRCLE = ("drmgr/", "kernel/")

SEARCHED = ("drmgr", "include")  # as the compiler does, after the file's own folder

COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
FUNCTION = re.compile(r"^([A-Za-z_][^;{}()=#]*?)\b(\w+)\((?:[^;{}])*\)\s*\n\{", re.MULTILINE)
VARIABLE = re.compile(r"^(?!struct \w+;|typedef\b|extern\b|static\b|return\b|goto\b)"
                      r"[A-Za-z_][\w \t*]*?\b(\w+)(?:\[[^\]]*\])*\s*[=;]", re.MULTILINE)
MADE_BY_MACRO = re.compile(r"^DEFINE_\w+\((\w+)[,)]", re.MULTILINE)
NAME = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")


def listed(kbuild):
    """{module: its files in their order, without an ending}"""
    found = {}
    for module, files in re.findall(r"^([\w-]+)-y\s*[:+]=(.*)$", kbuild.replace("\\\n", " "), re.MULTILINE):
        found.setdefault(module, []).extend(stem(f) for f in files.split())
    return found


def stem(path):
    return os.path.splitext(path)[0]


class Files:
    """The sources, each by its path relative to @top, and the edges between them."""

    def __init__(self, top, paths):
        self.text = {}
        for path in paths:
            with open(os.path.join(top, path), encoding="utf-8", errors="replace") as f:
                self.text[path] = f.read()
        self.code = {p: DIRECTIVE.sub("", COMMENT_OR_STRING.sub(" ", t)) for p, t in self.text.items()}
        self.edges = {*self.included(), *self.named()}  # (from, to, how)

    def included(self):
        for path, text in self.text.items():
            for name in INCLUDE.findall(text):
                for folder in (os.path.dirname(path), *SEARCHED):
                    target = os.path.normpath(os.path.join(folder, name))
                    if target in self.text:
                        yield path, target, f'#include "{name}"'
                        break

    def named(self):
        owner, own = {}, {}
        for path, code in self.code.items():
            own[path] = {m[2] for m in FUNCTION.finditer(code)}
            if path.endswith(".c"):
                names = {m[2] for m in FUNCTION.finditer(code) if not re.search(r"\b(static|DR_EXPORT)\b", m[1])}
                names |= set(VARIABLE.findall(code)) | set(MADE_BY_MACRO.findall(code))
                # main() and what several halves have under one name lead nowhere
                owner.update({n: None if n in owner or n == "main" else path for n in names})
        for path, code in self.code.items():
            for name in set(NAME.findall(code)) - own[path]:
                if owner.get(name) and stem(owner[name]) != stem(path) and not path.endswith(".h"):
                    yield path, owner[name], name

    def against(self, arrows=ARROWS):
        """One line for each edge that goes against the arrows."""
        return sorted(f"{a}: {how} goes up, to {b}" for a, b, how in self.edges
                      for part, forbidden in arrows if a.startswith(part) and re.match(forbidden, b))

    def above(self, kbuild):
        """One line for each edge to a file that Kbuild lists later: it has a module's files from the bottom up."""
        place = {f: (module, n) for module, files in listed(kbuild).items() for n, f in enumerate(files)}
        for a, b, how in sorted(self.edges):
            if stem(a) in place and stem(b) in place:
                (module, n), (other, m) = place[stem(a)], place[stem(b)]
                if module == other and m > n:
                    yield f"{a}: {how} goes up, to {b}, which Kbuild lists later"

    def circles(self, parts=NO_CIRCLE):
        """One line for each set of files that stand on one another, with an edge from each of them."""
        graph = {}
        for a, b, how in sorted(self.edges):
            if stem(a) != stem(b) and a.startswith(parts) and b.startswith(parts):
                graph.setdefault(stem(a), {}).setdefault(stem(b), how)
        return sorted("a circle: " + "; ".join(f"{a} -> {b} by {graph[a][b]}" for a in sorted(circle)
                                               for b in sorted(graph[a]) if b in circle) for circle in strong(graph))


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for node in graph.get(todo.pop(), ()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return seen


def strong(graph):
    """The sets of nodes of which each is reached from each other."""
    below = {node: reachable(graph, node) for node in graph}
    return {frozenset(n for n in below[node] if node in below.get(n, ())) for node in graph if node in below[node]}
