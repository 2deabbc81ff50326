#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""counterparts.py - each test that an asyncio.md or the checklist names exists, and no cell is empty.

usage: counterparts.py SOURCE-ROOT
An asyncio.md answers each case of asyncio's tests. tests/checklist.md answers each of its features:
with names of the public headers, and with tests or programs.
"""

import re
import sys
from pathlib import Path

DEFINED = re.compile(r"^(?:[A-Z]+_)?TEST(?:_[A-Z]+)*\((\w+)", re.MULTILINE)
ROW = re.compile(r"^\| (test\w+) \| (.*?) *\|$", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def complaints(file, tests):
    """What is wrong with one list. Its sections name a class each."""
    rows = 0
    for section in re.split(r"^## ", file.read_text(), flags=re.MULTILINE)[1:]:
        title, seen = section.splitlines()[0], set()
        for case, answer in ROW.findall(section):
            rows += 1
            if case in seen:
                yield f"{title}: {case} stands there twice"
            seen.add(case)
            if not answer:
                yield f"{title}: {case} has no answer"
            for name in re.findall(r"`(\w+)`", answer):
                if name not in tests:
                    yield f"{title}: {case}: there is no test {name}"
        lines = [line for line in section.splitlines() if line.startswith("| test")]
        if len(lines) != len(ROW.findall(section)):
            yield f"{title}: a row is malformed"
    if not rows:
        yield "it is empty"


def unshown(file, root, tests):
    """What is wrong with the checklist: feature, public names, tests or programs."""
    headers = (header.read_text() for header in (root / "include").rglob("*.h"))
    public = {word for text in headers for word in re.findall(r"\w+", COMMENT.sub("", text))}
    rows = re.findall(r"^\| (?!what asyncio has|---)(.*)\|$", file.read_text(), re.MULTILINE)
    for row in rows:
        feature, *cells = (cell.strip() for cell in row.split("|"))
        quoted = [re.findall(r"`([^`]+)`", cell) for cell in cells]
        if len(quoted) != 2 or not all(quoted):
            yield f"{feature}: a name and a test are wanted"
            continue
        names, shown = quoted
        yield from (f"{feature}: no header has {word}" for name in names
                    for word in name.split(".") if word not in public)
        yield from (f"{feature}: there is no {name}" for name in shown
                    if name not in tests and not ("/" in name and (root / name).is_file()))
    if not rows:
        yield "it is empty"


def main():
    root = Path(sys.argv[1])
    tests = {name for file in (root / "tests").rglob("*.c")
             for name in DEFINED.findall(file.read_text())}
    lists = {file: complaints(file, tests) for file in sorted((root / "tests").rglob("asyncio.md"))}
    checklist = root / "tests" / "checklist.md"
    found = [f"{file.relative_to(root)}: {complaint}"
             for file, wrong in {**lists, checklist: unshown(checklist, root, tests)}.items()
             for complaint in wrong]
    print("\n".join(found or [f"{len(lists)} lists, a checklist, {len(tests)} tests"]))
    return bool(found or not lists)


if __name__ == "__main__":
    sys.exit(main())
