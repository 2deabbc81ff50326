# SPDX-License-Identifier: MIT
"""Running one measuring program: on one core, under a time limit, with its CPU time."""

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

TIME_LIMIT_SECONDS = 120


class Failed(Exception):
    """A program did not do its work; the text says what it said."""


@dataclass
class Outcome:
    output: str
    cpu_seconds: float
    user_seconds: float
    system_seconds: float
    wall_seconds: float


def environment():
    """Ours without proxies: the clients are to talk to the server on this machine."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def run(command, cpu=None):
    """Runs a command to its end, pinned to a processor, and returns an Outcome; or raises Failed."""
    pin = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
    name = os.path.basename(command[0])
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                   env=environment(), preexec_fn=pin)
        alarm = threading.Timer(TIME_LIMIT_SECONDS, process.kill)
        alarm.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start

        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            said = errors.read().strip().splitlines()[-1:] or [f"status {process.returncode}"]
            raise Failed(f"{name}: {said[0]}")
        return Outcome(output.read(), usage.ru_utime + usage.ru_stime, usage.ru_utime,
                       usage.ru_stime, wall)


def lines(outcome, name):
    """The JSON objects that a program printed, one a line."""
    try:
        return [json.loads(line) for line in outcome.output.splitlines()]
    except ValueError as error:
        raise Failed(f"{name}: printed no JSON: {error}") from error
