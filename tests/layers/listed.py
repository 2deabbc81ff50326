#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""listed.py - every C file is compiled: none is forgotten in a meson.build.

usage: listed.py SOURCE-ROOT BUILD-DIRECTORY
"""

import json
import sys
from pathlib import Path

# Of another machine, compiled by a test or by bench/peers/build, or in need of liburing.
ELSEWHERE = ["src/coro/ucontext/", "src/loop/lease_ring.c", "src/loop/poller_uring",
             "src/loop/uring", "tests/support/runner_", "tests/support/uring_check.c",
             "tests/loop/test_uring.c", "tests/headers/usage.c", "bench/peers/",
             "bench/echo_load.c", "bench/limit_echo_uring.c"]


def main():
    root, build = (Path(argument).resolve() for argument in sys.argv[1:])
    commands = json.loads((build / "compile_commands.json").read_text())
    compiled = {Path(command["directory"], command["file"]).resolve() for command in commands}
    forgotten = [file for folder in ("src", "tools", "examples", "bench", "tests")
                 for file in sorted((root / folder).rglob("*.c")) if file not in compiled
                 and not str(file.relative_to(root)).startswith(tuple(ELSEWHERE))]
    for file in forgotten:
        print(f"{file.relative_to(root)} is in no meson.build")
    return bool(forgotten)


if __name__ == "__main__":
    sys.exit(main())
