#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""names.py - the pages name what there is: every name of eddy, and all of asyncio's.

usage: names.py SOURCE-ROOT
docs/asyncio-to-eddy.md is held against the asyncio of the Python that runs this: each public name
has a row, and no cell is empty. Names of a Python that is newer than the page are told, and no error.
"""

import asyncio
import asyncio.subprocess
import inspect
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(sys.argv[1]).resolve()
TABLE = ROOT / "docs" / "asyncio-to-eddy.md"
WRITTEN_FOR = (3, 14)

# The classes whose methods a program calls or writes. A subclass lists what it adds.
CLASSES = ["AbstractEventLoop", "AbstractServer", "BaseProtocol", "BaseTransport", "Barrier",
           "BufferedProtocol",
           "Condition", "DatagramProtocol", "DatagramTransport", "Event", "Future", "Handle", "Lock",
           "Protocol", "Queue", "ReadTransport", "Runner", "Semaphore", "Server", "StreamReader",
           "StreamWriter", "SubprocessProtocol", "SubprocessTransport", "Task", "TaskGroup",
           "Timeout", "TimerHandle", "Transport", "WriteTransport"]

NAME = re.compile(r"\b(?:eddy|EDDY)_\w*\w\b")


def is_public(name):
    return not name.startswith("_")


def asyncio_names():
    names = {name for name in asyncio.__all__ if is_public(name)}
    for name in CLASSES:
        known = getattr(asyncio, name, None)
        if known is None:  # an older Python
            continue
        inherited = {one for base in known.__mro__[1:] for one in dir(base)}
        own = {one for one in vars(known) if is_public(one) and one not in inherited}
        names |= {f"{name}.{one}" for one in own}
    names |= {f"subprocess.{one}" for one in ("PIPE", "STDOUT", "DEVNULL")}
    names |= {f"Process.{one}" for one in dir(asyncio.subprocess.Process) if is_public(one)}
    names |= {"Process.stdin", "Process.stdout", "Process.stderr", "Process.pid"}
    names |= {f"{name}.{one}" for name in ("IncompleteReadError", "LimitOverrunError")
              for one in inspect.signature(getattr(asyncio, name).__init__).parameters
              if one not in ("self", "message")}
    shorter = {"AbstractEventLoop.": "loop.", "AbstractServer.": "Server."}
    for long, short in shorter.items():
        names = {name.replace(long, short) for name in names}
    return names


def rows():
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if line.startswith("|") and not re.match(r"\|[ :-]+\|", line):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if cells[0] != "asyncio":
                yield number, cells


def table_names():
    """What stands in backquotes in the first column, each name whole."""
    return {re.sub(r"\(.*", "", name) for _, cells in rows()
            for name in re.findall(r"`([^`]+)`", cells[0])}


def environment():
    """The variables that the library looks at."""
    text = "".join(path.read_text() for path in (ROOT / "src").rglob("*.c"))
    return set(re.findall(r'getenv\("(EDDY_\w+)"\)', text))


def headers_text():
    return "\n".join(path.read_text() for path in sorted((ROOT / "include").rglob("*.h")))


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Names(unittest.TestCase):
    def test_every_public_name_of_asyncio_has_a_row(self):
        missing = sorted(asyncio_names() - table_names())
        if sys.version_info[:2] > WRITTEN_FOR:
            print("newer than the page:", ", ".join(missing))
        else:
            self.assertEqual(missing, [])

    def test_the_list_of_asyncio_has_what_everybody_knows(self):
        known = {"gather", "Future.cancel", "loop.call_soon", "Queue.put", "Server.close",
                 "StreamReader.readline", "Process.wait", "Lock.acquire", "Condition.notify"}
        self.assertEqual(known - asyncio_names(), set())

    def test_every_row_is_filled(self):
        for number, cells in rows():
            self.assertEqual(len(cells), 3, f"line {number}")
            for cell in cells:
                self.assertNotIn(cell, ("", "-", "?", "todo"), f"line {number}")

    def test_no_name_has_two_rows(self):
        seen = [name for _, cells in rows() for name in re.findall(r"`([^`]+)`", cells[0])]
        self.assertEqual(sorted({name for name in seen if seen.count(name) > 1}), [])

    def test_what_a_row_calls_missing_is_missing(self):
        """ "not yet" beside a name of ours would be one of the two too many."""
        for number, cells in rows():
            if cells[1].startswith("not yet"):
                self.assertEqual(NAME.findall(cells[1]), [], f"line {number}")

    def test_every_name_of_eddy_in_the_pages_is_declared(self):
        declared = set(NAME.findall(headers_text())) | environment()
        for page in pages():
            if "internals" in page.parts:
                continue  # they name what lies below the headers, too
            text = page.read_text()
            for name in NAME.findall(text):
                if name.endswith("_") or name.startswith("eddy__"):
                    continue
                self.assertIn(name, declared, page.relative_to(ROOT))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
