# SPDX-License-Identifier: MIT
"""The rows of the comparison, and the programs that measure them. To add a row, begin here."""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Goal:
    """At most so many times what stands beside it; or, for bytes, at most so many of them."""

    most: float
    of: str = "ratio"  # or "value"
    later: bool = False  # a goal of a later issue: shown, and said to be one


@dataclass(frozen=True)
class Row:
    name: str  # as the programs print it
    title: str
    beside: str  # the side it is compared with
    goal: Optional[Goal] = None


@dataclass(frozen=True)
class Program:
    side: str
    command: tuple  # the first word is looked for in the build, {words} are filled in
    rows: tuple
    is_peer: bool = False  # a program of the system: it prints nothing, its CPU time is taken


@dataclass(frozen=True)
class Group:
    """Programs that run one directly after the other in each round."""

    name: str
    programs: tuple
    needs_server: bool = False


REQUESTS, CONCURRENCY, BODY_BYTES = 10_000, 100, 1024

ROWS = (
    Row("switch-same", "context switch, from one place", "limit", Goal(1.2, later=True)),
    Row("switch", "context switch, from two places", "limit", Goal(1.2, later=True)),
    Row("yield-2", "two tasks yield to each other", "limit"),
    Row("yield-10", "sleep(0), 10 tasks", "limit", Goal(2.5, later=True)),
    Row("yield-10000", "sleep(0), 10,000 tasks", "limit", Goal(2.5, later=True)),
    Row("spawn-1", "spawn + join, one at a time", "limit", Goal(3.0, later=True)),
    Row("spawn-10000", "spawn + join, 10,000 at once", "limit", Goal(5.0, later=True)),
    Row("sleepers-setup", "100,000 sleepers: set up, each", "limit"),
    Row("sleepers-wake", "100,000 sleepers: wake and end, each", "limit"),
    Row("sleepers-memory", "100,000 sleepers: memory, each", "limit",
        Goal(4.75 * 1024, of="value", later=True)),
    Row("http-get", "HTTP GET, client's CPU per request", "libcurl + epoll", Goal(1.1)),
    Row("http-get", "HTTP GET, client's CPU per request", "curl --parallel"),
)

SIDES = ("eddy", "limit", "libcurl + epoll", "curl --parallel")


def pair(name, program, rows, *arguments):
    """The eddy program and its limit program, with the same arguments."""
    return Group(name, tuple(Program(side, (f"{side}_{program}", *arguments), rows)
                             for side in ("limit", "eddy")))


HTTP_ARGUMENTS = ("{url}", str(REQUESTS), str(CONCURRENCY), str(BODY_BYTES))
CURL = ("curl", "--disable", "--silent", "--show-error", "--fail", "--parallel",
        "--parallel-max", str(CONCURRENCY), "--output", "/dev/null", "{url}?[1-%d]" % REQUESTS)

GROUPS = (
    pair("switch", "switch", ("switch", "switch-same")),
    pair("yield-2", "yield", ("yield-2",), "2"),
    pair("yield-10", "yield", ("yield-10",), "10"),
    pair("yield-10000", "yield", ("yield-10000",), "10000"),
    pair("spawn", "spawn", ("spawn-1", "spawn-10000")),
    pair("sleepers", "sleepers", ("sleepers-setup", "sleepers-wake", "sleepers-memory"), "100000"),
    Group("http", (
        Program("libcurl + epoll", ("http_libcurl", *HTTP_ARGUMENTS), ("http-get",)),
        Program("eddy", ("http_eddy", *HTTP_ARGUMENTS), ("http-get",)),
        Program("curl --parallel", CURL, ("http-get",), is_peer=True),
    ), needs_server=True),
)
