# SPDX-License-Identifier: MIT
"""Running measuring programs: pinned, under a time limit, with their CPU time; and servers."""

import json
import os
import selectors
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

TIME_LIMIT_SECONDS = 60
START_SECONDS = 10  # until a server listens


class Failed(Exception):
    """A program did not do its work; the text says what it said."""


@dataclass
class Outcome:
    output: str
    cpu_seconds: float
    user_seconds: float
    system_seconds: float
    wall_seconds: float


def environment(more=()):
    """Ours without proxies: the clients are to talk to the server on this machine."""
    ours = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**ours, **dict(more)}


def start(command, cpus, more=(), **streams):
    """A process, pinned to the processors of a set (None: wherever)."""
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    return subprocess.Popen(command, env=environment(more), preexec_fn=pin, **streams)


def last_words(errors, returncode):
    """The last line of what it said, or how it ended."""
    errors.seek(0)
    said = [line for line in errors.read().splitlines() if line.strip()]
    if said:
        return said[-1].strip()
    return f"killed by signal {-returncode}" if returncode < 0 else f"status {returncode}"


def run(command, cpus=None, more=(), seconds=TIME_LIMIT_SECONDS):
    """Runs a command to its end and returns an Outcome; or raises Failed."""
    name = command_name(command)
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.monotonic()
        process = start(command, cpus, more, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        alarm = threading.Timer(seconds, process.kill)
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
        wall = time.monotonic() - begin

        if process.returncode != 0:
            late = f"took more than {seconds} s" if wall >= seconds else None
            raise Failed(f"{name}: {late or last_words(errors, process.returncode)}")
        output.seek(0)
        return Outcome(output.read(), usage.ru_utime + usage.ru_stime, usage.ru_utime,
                       usage.ru_stime, wall)


def command_name(command):
    """limit_switch, or go/bench yield."""
    path = command[0].split(os.sep)
    return f"{path[-2]} {command[1]}" if path[-1] == "bench" else path[-1]


def lines(text, name):
    """The JSON objects that a program printed, one a line."""
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        raise Failed(f"{name}: printed no JSON: {error}") from error


class Running:
    """with Running(command, cpus): a program that goes on beside others, killed at the end."""

    def __init__(self, command, cpus, more=()):
        self.command, self.cpus, self.more = command, cpus, more

    def __enter__(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = start(self.command, self.cpus, self.more, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=self.errors)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = b""
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()

    def fail(self, why=None):
        if self.process.poll() is None and why is None:
            why = "said nothing"
        raise Failed(f"{command_name(self.command)}: "
                     f"{why or last_words(self.errors, self.process.wait())}")

    def read_lines(self, count, seconds):
        """The first lines that it prints."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while self.text.count(b"\n") < count:
                left = end - time.monotonic()
                if left <= 0:
                    self.fail(f"took more than {seconds} s")
                if not selector.select(left):
                    continue
                more = self.process.stdout.read()
                if more == b"":
                    self.process.wait()
                    self.fail()
                self.text += more or b""
        return lines(self.text.decode(), command_name(self.command))

    def port(self):
        return self.read_lines(1, START_SECONDS)[0]["port"]
