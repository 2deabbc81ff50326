#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""covered.py - every function whose comment says that it suspends has a row in the table.

usage: covered.py SOURCE-ROOT
A comment belongs to the declarations that follow it without an empty line, one behind a
declaration to that alone, and "/* --- ... All suspend ... --- */" to all until the next such line.
"next suspends" speaks of the function whose name ends so. A function without a code to return
cannot suspend, and one whose name ends with _nowait does not.
"""

import re
import sys
from pathlib import Path

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/)
  | \#define\ (?P<macro>eddy_\w+)\(
  | (?:EDDY_API|static\ inline)\ (?P<type>[^;{(]*?)\**(?P<function>eddy_\w+)\([^;{]*?\)[^;{)]*[;{]
  | (?P<gap>\n[ \t]*\n)
""", re.VERBOSE | re.DOTALL)
ROW = re.compile(r'^    \{"(eddy_\w+)"', re.MULTILINE)
SECTION = re.compile(r"/\* --- ")
SUSPENDS = re.compile(r"\bSuspends\b|\(suspends\)|^/\* suspends \*/")
ONE_SUSPENDS = re.compile(r"\b(\w+)\s+suspends\b")


class Comment:
    """What a comment says of the functions that it belongs to."""

    def __init__(self, text=""):
        text = re.sub(r"\s*\n \*\s*", " ", text)
        self.all = bool(SUSPENDS.search(text))
        self.names = ONE_SUSPENDS.findall(text)

    def speaks_of(self, function):
        return self.all or any(function.endswith("_" + name) for name in self.names)


def plain(name):
    """The name that users write: eddy_open_connection_sized and _at are behind macros."""
    return re.sub(r"_(sized|at)$", "", name)


def suspending(text):
    """The names of the functions of a header that suspend."""
    section, comment, last = False, Comment(), None
    for token in TOKEN.finditer(text):
        if token["comment"]:
            behind = text.rfind("\n", 0, token.start()) + 1
            if SECTION.match(token["comment"]):
                section, comment = "All suspend" in token["comment"], Comment()
            elif text[behind:token.start()].strip() and last:
                if Comment(token["comment"]).all:
                    yield plain(last)
            else:
                comment = Comment(token["comment"])
        elif token["gap"]:
            comment = Comment()
        else:
            last = token["macro"] or token["function"]
            has_code = token["macro"] or token["type"].strip() in ("int", "ssize_t")
            if has_code and (section or comment.speaks_of(last)) and not last.endswith("_nowait"):
                yield plain(last)


def main():
    root = Path(sys.argv[1])
    rows = set()
    for table in sorted((root / "tests" / "cancel").glob("rows_*.c")):
        rows |= set(ROW.findall(table.read_text()))
    wanted = {(name, header.name) for header in sorted((root / "include" / "eddy").rglob("*.h"))
              for name in suspending(header.read_text())}
    missing = sorted((name, header) for name, header in wanted if name not in rows)
    for name, header in missing:
        print(f"{name} suspends, as <eddy/{header}> says, and has no row in tests/cancel/rows_*.c")
    if not wanted:
        print("no header says of any function that it suspends: is this check still right?")
    print(f"{len(wanted)} functions suspend, {len(rows)} have rows")
    return bool(missing) or not wanted


if __name__ == "__main__":
    sys.exit(main())
