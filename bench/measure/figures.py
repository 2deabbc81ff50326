# SPDX-License-Identifier: MIT
"""What is drawn, before it is known how: panels of bars, sorted, beside the limit."""

from dataclasses import dataclass

from . import results as results_module
from . import rows

OURS, PEER = "ours", "peer"


@dataclass(frozen=True)
class Bar:
    side: str
    value: float
    kind: str  # OURS or PEER


@dataclass(frozen=True)
class Panel:
    """One row: all who were measured, the best first."""

    name: str
    title: str
    unit: str
    more_is_better: bool
    bars: tuple
    limits: tuple  # of Bar: lines, not bars


@dataclass(frozen=True)
class Section:
    key: str  # of a file's name
    title: str
    subtitle: str
    panels: tuple


SECTIONS = (
    ("tasks", "Tasks: switch, yield, spawn", "nanoseconds each, logarithmic: shorter is better",
     ("switch-same", "yield-10", "yield-1000", "yield-10000", "spawn-1", "spawn-10000")),
    ("sync", "Locks, events, queues, time-outs", "nanoseconds each, logarithmic: shorter is better",
     ("lock-hand-over", "semaphore-hand-over", "event-hand-over", "queue-hand-over",
      "queue-unbounded", "queue-1", "queue-100", "group-1000", "timeout")),
    ("million", "A million", "for each of them, logarithmic: shorter is better",
     ("sleepers-1000000-memory", "sleepers-1000000-setup", "sleepers-1000000-wake",
      "created-memory", "futures-memory", "futures-cpu")),
    ("sleepers", "100,000 sleeping tasks", "for each of them, logarithmic: shorter is better",
     ("sleepers-100000-memory", "sleepers-100000-setup", "sleepers-100000-wake")),
    ("timers", "Timers", "nanoseconds each, logarithmic: shorter is better",
     ("timers-1000-cancel", "timers-100000-cancel", "timers-1000000-cancel",
      "timers-1000-expire", "timers-100000-expire", "timers-1000000-expire")),
    ("callbacks", "Callbacks and threads", "time each, logarithmic: shorter is better",
     ("call_soon", "threadsafe", "executor-1", "executor-2", "names-1", "names-100",
      "process-1024")),
    ("echo", "TCP echo: requests a second on one core", "longer is better",
     tuple(name for name in rows.ECHO_NAMES)),
    ("echo-cpu", "TCP echo: the server's CPU for a request", "shorter is better",
     tuple(f"{name}-cpu" for name in rows.ECHO_NAMES)),
    ("echo-latency", "TCP echo: the slowest of a hundred answers (p99)",
     "logarithmic: shorter is better", tuple(f"{name}-p99" for name in rows.ECHO_NAMES)),
    ("connections", "10,000 connections", "for each of them, logarithmic: shorter is better",
     ("idle-10000-memory", "idle-10000-connect")),
    ("http", "HTTP GET: the client's CPU for a request", "shorter is better", ("http-get",)),
)


ECHO_SUFFIXES = {"": "", "-cpu": ": server CPU", "-p50": ": median", "-p99": ": 99th percentile",
                 "-p999": ": 99.9th percentile"}


def titles():
    """Of each name one, whatever sides its rows compare."""
    found = {}
    for row in rows.ROWS:
        found.setdefault(row.name, row.title.replace(", io_uring", ""))
    for name, title in rows.ECHO_NAMES.items():
        found.update({name + suffix: title + words for suffix, words in ECHO_SUFFIXES.items()})
    return found


def short(title):
    """For a panel, under the heading of its section."""
    for words in (*filter(None, ECHO_SUFFIXES.values()), ", from one place"):
        title = title.removesuffix(words)
    return title.removeprefix("echo, ")


def panel(results, name, title):
    bars = [Bar(side, results.median(name, side), OURS if side in rows.OURS else PEER)
            for side in results.sides(name)]
    more = any(row.more_is_better for row in rows.ROWS if row.name == name)
    shown = [bar for bar in bars if bar.side not in rows.LIMITS and bar.value > 0]
    return Panel(name, title, results.unit(name), more,
                 tuple(sorted(shown, key=lambda bar: -bar.value if more else bar.value)),
                 tuple(bar for bar in bars if bar.side in rows.LIMITS and bar.value > 0))


def sections(results):
    """Those that have something to show."""
    title_of = titles()
    for key, title, subtitle, names in SECTIONS:
        panels = tuple(panel(results, name, short(title_of[name]))
                       for name in names if results.sides(name))
        panels = tuple(p for p in panels if p.bars)
        if panels:
            yield Section(key, title, subtitle, panels)


def overview(results):
    """(row, how many times the cost of what stands beside it, goal or None, met or None)."""
    for row, ours, _, ratio in results_module.compared(results):
        if ratio is None or row.name.endswith(("-p99", "-cpu", "-connect")):
            continue
        cost = 1 / ratio if row.more_is_better else ratio
        goal = met = None
        if row.goal:
            met = row.goal.is_met(row, ratio, results.median(row.name, row.ours))
            if row.goal.of == "ratio":
                goal = 1 / row.goal.bound if row.more_is_better else row.goal.bound
        yield row, cost, goal, met
