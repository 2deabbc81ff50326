#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""includes.py - includes go downwards only: checks every #include line of src/ against one table.

usage: includes.py SOURCE-ROOT
"""

import re
import sys
from pathlib import Path

# A folder of src/, and the folders right below it. What they may use, it may use.
LAYERS = {
    "base": [],
    "loop": ["base"],
    "coro": ["base"],
    "future": ["loop"],
    "op": ["future"],
    "task": ["future", "coro", "op"],
    "sync": ["task"],
    "io": ["sync"],
    "inspect": ["io"],
}

# Headers of which a layer has one in each of its own folders: the build picks the folder.
PICKED = {"switch.h": "coro"}

# The public headers, and the layer that they belong to.
PUBLIC = {
    "eddy/base.h": "base",
    "eddy/error.h": "base",
    "eddy/loop.h": "loop",
    "eddy/executor.h": "loop",
    "eddy/future.h": "future",
    "eddy/task.h": "task",
    "eddy/task_group.h": "task",
    "eddy/task_local.h": "task",
    "eddy/sync.h": "sync",
    "eddy/channel.h": "sync",
    "eddy/threads.h": "task",
    "eddy/address.h": "op",
    "eddy/datagram.h": "io",
    "eddy/descriptor.h": "io",
    "eddy/stream.h": "io",
    "eddy/ext/stream.h": "io",
    "eddy/pipe.h": "io",
    "eddy/process.h": "io",
    "eddy/server.h": "io",
    "eddy/name.h": "io",
    "eddy/file.h": "io",
    "eddy/inspect.h": "inspect",
    "eddy.h": "inspect",
}

# Users of the public headers alone: their quoted includes stay in their own folder. So does each
# folder of src/proto.
OUTSIDE = ["tools", "examples"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(eddy[^>]*)>)', re.MULTILINE)


def visible(layer):
    """The layer and all below it."""
    return {layer}.union(*(visible(below) for below in LAYERS[layer]))


def sources(folder):
    return sorted(file for file in folder.iterdir() if file.suffix in (".c", ".h", ".S"))


def sources_of_layer(folder):
    """Its own, and those of the folders that the build picks from."""
    picked = [inner for inner in folder.iterdir() if inner.is_dir()]
    return [file for part in [folder, *sorted(picked)] for file in sources(part)]


def includes(file):
    """(quoted, public) for each line: one of the two is empty."""
    return INCLUDE.findall(file.read_text())


def check_layer(src, layer):
    allowed = visible(layer)
    for file in sources_of_layer(src / layer):
        for quoted, public in includes(file):
            if public and PUBLIC.get(public) not in allowed:
                yield f"{file}: <{public}> is not below {layer}"
            if quoted:
                homes = [name for name in allowed
                         if (src / name / quoted).exists() or PICKED.get(quoted) == name]
                if not homes:
                    yield f'{file}: "{quoted}" is not in {layer} or below it'
                if len(homes) > 1:
                    yield f'{file}: "{quoted}" is in {" and in ".join(sorted(homes))}'


def check_outside(folder):
    for file in sources(folder):
        for quoted, _ in includes(file):
            if not (folder / quoted).exists():
                yield f'{file}: "{quoted}" is not of this folder; <eddy...> is what it may use'


def check_table(root):
    """A new folder or header has a place in the tables, and headers are installed from one place."""
    for folder in (root / "src").iterdir():
        if folder.is_dir() and folder.name not in [*LAYERS, "proto"]:
            yield f"{folder} is no layer of this table"
    for header in (root / "include" / "eddy").glob("*.h"):
        if f"eddy/{header.name}" not in (root / "include" / "meson.build").read_text():
            yield f"{header} is not installed"
    for build in (root / "src").rglob("meson.build"):
        if "install_headers" in build.read_text():
            yield f"{build} installs headers: only include/ is public"


def check(root):
    src = root / "src"
    yield from check_table(root)
    for layer in LAYERS:
        if (src / layer).is_dir():
            yield from check_layer(src, layer)
    for folder in [*(src / "proto").iterdir(), *(root / name for name in OUTSIDE)]:
        yield from check_outside(folder)


def main():
    wrongs = list(check(Path(sys.argv[1])))
    print("\n".join(wrongs))
    return bool(wrongs)


if __name__ == "__main__":
    sys.exit(main())
