#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""counterparts.py - each test that an asyncio.md names exists, and each case has an answer.

usage: counterparts.py SOURCE-ROOT
"""

import re
import sys
from pathlib import Path

DEFINED = re.compile(r"^(?:[A-Z]+_)?TEST(?:_[A-Z]+)*\((?:\w+, )?(\w+)", re.MULTILINE)
ROW = re.compile(r"^\| (test\w+) \| (.*?) *\|$", re.MULTILINE)


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


def main():
    tests_folder = Path(sys.argv[1]) / "tests"
    tests = {name for file in tests_folder.rglob("*.c")
             for name in DEFINED.findall(file.read_text())}
    lists = sorted(tests_folder.rglob("asyncio.md"))
    found = [f"{file.relative_to(sys.argv[1])}: {complaint}"
             for file in lists for complaint in complaints(file, tests)]
    print("\n".join(found or [f"{len(lists)} lists, {len(tests)} tests"]))
    return bool(found or not lists)


if __name__ == "__main__":
    sys.exit(main())
