#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""blocks.py - every block of C in the pages compiles, and what a page says a program prints it does.

usage: blocks.py SOURCE-ROOT BUILD-DIRECTORY COMPILER...
What a block of ```c is taken for, and what it gets around it:

- with `int main(`, a whole program: compiled and linked as it stands (the usual headers come before
  one that includes nothing). If the next block of its page
  is ```text, before any heading, it is run, and prints that on standard output;
- with a function's body at the left margin, a file of a program: the usual headers before it;
- else statements: those headers, and a coroutine function around them, in which the nouns of eddy
  that a reader knows are declared: `r`, `task`, `loop`, `stream`, `future`.

What a block takes for granted from the text around it stands before it in the page, in a comment
that readers do not see: <!-- given: declarations -->. A program with one is compiled only.
A block that a reader is to recognize as wrong, or as a sketch, is ```C, and left alone.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT, BUILD = (Path(argument).resolve() for argument in sys.argv[1:3])
COMPILER = sys.argv[3:]
FLAGS = ["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
         "-I", str(ROOT / "include")]
LIBRARIES = ["-L", str(BUILD / "src"), f"-Wl,-rpath,{BUILD / 'src'}"]
LIMIT_SECONDS = 60

PIECE = re.compile(r"^```(\w*)\n(.*?)^```$|^(#+ [^\n]*)$|<!-- given: (.*?) -->", re.DOTALL | re.MULTILINE)
HEADERS = "".join(f"#include <{name}>\n" for name in (
    "eddy.h", "eddy/http.h", "math.h", "signal.h", "stdio.h", "stdlib.h", "string.h", "unistd.h"))
STATEMENTS = """int statements(eddy_task *task, eddy_loop *loop, eddy_stream *stream);
int statements(eddy_task *task, eddy_loop *loop, eddy_stream *stream) {
eddy_future *future = task;
int r = 0;
(void)loop;
(void)stream;
(void)future;
{
"""
BODY = re.compile(r"^[a-z][^\n;=]*\) \{$|^(typedef|struct|enum|#define|static) ", re.MULTILINE)


@dataclass
class Block:
    place: str  # "docs/errors.md:12"
    code: str
    given: str
    printed: str = None

    @property
    def is_program(self):
        return "int main(" in self.code

    @property
    def is_run(self):
        return self.printed is not None

    @property
    def name(self):
        return re.sub(r"\W", "-", self.place)

    @property
    def source(self):
        page, line = self.place.split(":")
        here = f'#line {int(line) + 1} "{page}"\n'
        if "#include" in self.code:
            return f"{self.given}\n{here}{self.code}"
        before = f"{HEADERS}{self.given}\n"
        if self.is_program or BODY.search(self.code):
            return before + here + self.code
        return f"{before}{STATEMENTS}{here}{self.code}\n}}\nreturn r;\n}}\n"


def blocks_of(page):
    text = page.read_text()
    blocks, given, last = [], "", None
    for piece in PIECE.finditer(text):
        language, code, heading, declared = piece.groups()
        if declared:
            given = declared
            continue
        if language == "c":
            line = text.count("\n", 0, piece.start()) + 1
            last = Block(f"{page.relative_to(ROOT)}:{line}", code, given)
            blocks.append(last)
        elif language == "text" and last and last.is_program:
            last.printed, last = code, None
        else:
            last = None
        given = ""
    return blocks


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def libraries(block):
    return ["-leddy", "-lpthread", *(["-leddy-http"] if "eddy/http.h" in block.source else []),
            *(["-leddy-tls"] if "eddy/tls.h" in block.source else [])]


def compiled(block, folder):
    """Returns what the compiler says."""
    source, program = folder / f"{block.name}.c", folder / block.name
    source.write_text(block.source)
    only = [] if block.is_program and not block.given else ["-c"]
    done = subprocess.run([*COMPILER, *FLAGS, *only, source, "-o", program,
                           *([] if only else [*LIBRARIES, *libraries(block)])],
                          capture_output=True, text=True)
    return done.stderr or ("" if done.returncode == 0 else "the compiler failed")


def ran(block, folder):
    """Returns how what it prints differs from the page."""
    done = subprocess.run([folder / block.name], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=LIMIT_SECONDS)
    return "\n".join(difflib.unified_diff(block.printed.splitlines(), done.stdout.splitlines(),
                                          block.place, "printed", lineterm=""))


class Pages(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="eddy-docs-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.blocks = [block for page in pages() for block in blocks_of(page)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            cls.said = list(pool.map(lambda block: compiled(block, cls.folder), cls.blocks))

    def test_there_are_programs_fragments_and_programs_that_run(self):
        self.assertGreater(len(self.blocks), 20)
        self.assertGreater(sum(block.is_run for block in self.blocks), 5)

    def test_every_block_compiles_without_a_warning(self):
        trouble = [f"{block.place}\n{said}" for block, said in zip(self.blocks, self.said) if said]
        self.assertEqual("\n".join(trouble), "")

    def test_programs_print_what_the_page_says(self):
        chosen = [block for block, said in zip(self.blocks, self.said) if block.is_run and not said]
        with ThreadPoolExecutor(len(chosen)) as pool:  # most of them only sleep
            differences = list(pool.map(lambda block: ran(block, self.folder), chosen))
        self.assertEqual("\n".join(filter(None, differences)), "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
