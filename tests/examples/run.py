#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py - runs an example and compares what it prints, line by line and in order.

usage: run.py PROGRAM EXPECTED SLOW_SERVER [EMULATOR...]
An example that fetches gets three pages of the slow server; in what is expected of it stands SERVER
for the address. Answers come in any order, so only for that one the lines are sorted. The echo
server gets clients, whose answers stand before what it says itself, and then SIGTERM. The copying
one gets a folder, and SIGINT when it has told of its progress to a terminal.
"""

import contextlib
import difflib
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_SECONDS = 60


@contextlib.contextmanager
def slow_server(command, **options):
    """The address of a slow server, which runs meanwhile."""
    process = subprocess.Popen([*command, "--port", "0", "--seconds", "0.1"],
                               stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process.stdout.readline().removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_SECONDS)


def output_of(command, **options):
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=LIMIT_SECONDS, **options)
    if run.returncode != 0:
        sys.stdout.write(run.stderr)
        raise RuntimeError(f"{command[0]} ended with status {run.returncode}")
    return run.stdout.splitlines()


def echoed(port, line):
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as client:
        client.sendall(f"{line}\n".encode())
        return client.makefile().readline().rstrip()


def lines_of_echo(command, **options):
    """What four clients get back, and what the server says after SIGTERM (SIGINT is ignored in what
    a shell starts in the background)."""
    process = subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, text=True, **options)
    try:
        port = int(process.stdout.readline().rpartition(":")[2])
        lines = [echoed(port, f"hello {i}") for i in range(4)]
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=LIMIT_SECONDS)
    finally:
        process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
    return lines + rest.splitlines()


def status_of_copy(command, *arguments, **options):
    run = subprocess.run([*command, *arguments], capture_output=True, text=True,
                         timeout=LIMIT_SECONDS, **options)
    yield from run.stdout.splitlines()
    said = [line.replace(command[-1], "copy") for line in run.stderr.splitlines()[-1:]]
    yield ": ".join([f"status {run.returncode}", *said])


def heed_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in what runs in the background


def interrupted_copy(command, **options):
    """Its status when it is interrupted at the first sign of progress."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*command, "large", "target"], stdout=subprocess.DEVNULL,
                               stderr=theirs, preexec_fn=heed_interrupts, **options)
    try:
        os.read(ours, 1)
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=LIMIT_SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def lines_of_copy(command, **options):
    """A copy, two that fail, and one that is interrupted, in a folder of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder, options = Path(name), {**options, "cwd": name}
        (folder / "source").write_bytes(bytes(range(250)) * 4000)
        (folder / "source").chmod(0o750)
        yield from status_of_copy(command, "source", "target", **options)
        mode = (folder / "target").stat().st_mode & 0o777
        if (folder / "target").read_bytes() == (folder / "source").read_bytes():
            yield f"the same bytes, mode {mode:o}"
        yield from status_of_copy(command, "nothing", "target", **options)
        yield from status_of_copy(command, "source", **options)
        with open(folder / "large", "wb") as large:
            large.truncate(2 << 30)
        status = interrupted_copy(command, **options)
        kept = (folder / "target").stat().st_size == 1000000
        alone = sorted(os.listdir(folder)) == ["large", "source", "target"]
        yield (f"interrupted: status {status}, target {'as before' if kept else 'torn'}, "
               f"{'nothing' if alone else 'something'} beside it")


def lines_of(program, server, emulator, **options):
    command = [*emulator, program]
    if Path(program).name == "echo_cores":
        return lines_of_echo(command, **options)
    if Path(program).name == "copy":
        return list(lines_of_copy([*emulator, str(Path(program).resolve())], **options))
    if Path(program).name != "fetch":
        return output_of(command, **options)
    with slow_server([*emulator, server], **options) as address:
        urls = [address + page for page in ("a", "b", "c")]
        lines = output_of([*command, *urls], **options)
    return sorted(line.replace(address, "SERVER/") for line in lines)


def differences(program, expected, server, emulator=(), **options):
    """Lines of a diff; none if the example prints what it should. `options` are subprocess's."""
    printed = lines_of(program, server, emulator, **options)
    return list(difflib.unified_diff(Path(expected).read_text().splitlines(), printed,
                                     str(expected), f"{program} printed", lineterm=""))


def main():
    program, expected, server, *emulator = sys.argv[1:]
    found = differences(program, expected, server, emulator)
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
