# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of mutants: AREA.toml, an entry for each small wrong change and the test that must notice it."""
import glob
import os
import re
import tomllib

REQUIRED = ("name", "why", "file", "old", "new", "test")
OPTIONAL = ("kernel",)
KINDS = ("unit", "host", "guest")


class BadTable(ValueError):
    pass


class Mutant:
    def __init__(self, area, entry):
        self.area = area
        for key in REQUIRED:
            setattr(self, key, entry[key])
        self.kernel = entry.get("kernel")
        self.kind, _, self.target = self.test.partition(":")

    def change(self, text):
        """The file's text with the mutant in it. What is not there exactly once no longer applies."""
        found = text.count(self.old)
        if found != 1:
            raise BadTable(f"no longer applies: its text is {found} times in {self.file}")
        return text.replace(self.old, self.new)


def check_entry(entry, where):
    name = entry.get("name", "without a name")
    for key in REQUIRED:
        if not isinstance(entry.get(key), str):
            raise BadTable(f"{where}: mutant {name}: '{key}' is missing")
    unknown = set(entry) - set(REQUIRED) - set(OPTIONAL)
    if unknown:
        raise BadTable(f"{where}: mutant {name}: there is no key '{unknown.pop()}'")
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise BadTable(f"{where}: mutant {name}: a name is made of small letters, digits and '-'")
    if not re.fullmatch(rf"({'|'.join(KINDS)}):[\w-]+", entry["test"]):
        raise BadTable(f"{where}: mutant {name}: a test is unit:NAME, host:NAME or guest:NAME")
    if entry["old"] == entry["new"] or not entry["old"]:
        raise BadTable(f"{where}: mutant {name} changes nothing")


def read(directory):
    mutants = []
    for path in sorted(glob.glob(os.path.join(directory, "*.toml"))):
        with open(path, "rb") as f:
            try:
                entries = tomllib.load(f).get("mutant", [])
            except tomllib.TOMLDecodeError as e:
                raise BadTable(f"{path}: {e}") from e
        for entry in entries:
            check_entry(entry, path)
            mutants.append(Mutant(os.path.basename(path)[:-len(".toml")], entry))
    names = [m.name for m in mutants]
    for name in names:
        if names.count(name) > 1:
            raise BadTable(f"{directory}: two mutants are called {name}")
    return mutants
