#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""exports.py - a shared library exports what its headers declare, no more and no less.

usage: exports.py LIBRARY HEADER...
"""

import re
import subprocess
import sys
from pathlib import Path

DECLARATION = re.compile(r"^EDDY_API[^;]*?\b(eddy_\w+)\(", re.MULTILINE)


def declared(headers):
    return {name for header in headers for name in DECLARATION.findall(Path(header).read_text())}


def exported(library):
    table = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                           check=True, capture_output=True, text=True).stdout
    return {line.split()[0].split("@")[0] for line in table.splitlines()}


def main():
    library, *headers = sys.argv[1:]
    promised, there = declared(headers), exported(library)
    for name in sorted(promised - there):
        print(f"declared, but not exported: {name}")
    for name in sorted(there - promised):
        print(f"exported, but not declared: {name}")
    return promised != there


if __name__ == "__main__":
    sys.exit(main())
