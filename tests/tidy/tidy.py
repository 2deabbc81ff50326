#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tidy.py - clang-tidy finds nothing in src/; what it looks for is in .clang-tidy.

usage: tidy.py SOURCE-ROOT BUILD-DIRECTORY
The checks of other versions differ: it is version 14 that has to be content.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77


def find():
    for name in ("clang-tidy-14", "clang-tidy"):
        program = shutil.which(name)
        if program and " version 14." in subprocess.run(
                [program, "--version"], capture_output=True, text=True).stdout:
            return program
    return None


def compiled_sources(root, build):
    """The C files of src/ that this build compiles."""
    commands = json.loads((build / "compile_commands.json").read_text())
    files = {Path(command["directory"], command["file"]).resolve() for command in commands}
    return sorted(file for file in files if file.suffix == ".c" and root / "src" in file.parents)


def main():
    root, build = (Path(argument).resolve() for argument in sys.argv[1:])
    program = find()
    if not program:
        print("skipped: the sources are checked by clang-tidy 14")
        return SKIPPED

    def look_at(file):
        return subprocess.run([program, "--quiet", "-p", str(build), str(file)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(look_at, compiled_sources(root, build)))
    for result in results:
        print(result.stdout, end="")
    return any(result.returncode != 0 for result in results)


if __name__ == "__main__":
    sys.exit(main())
