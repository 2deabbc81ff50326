# SPDX-License-Identifier: MIT
"""The tables: for a terminal, and as Markdown."""

import fnmatch
import json
from pathlib import Path

from . import figures
from . import results as results_module
from . import rows

HEAD = ("row", "eddy", "min..max", "beside", "its median", "ratio", "goal", "met")
ECHO_HEAD = ("program", "requests/s", "server CPU each", "p50", "p99", "p99.9")
WHYS = Path(__file__).resolve().parent.parent / "notes.json"

SCALES = {
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")),
    "bytes": ((1024, "KiB"), (1, "B")),
    "1/s": ((1e6, "M/s"), (1e3, "k/s"), (1, "/s")),
}


def amount(value, unit):
    """Three figures and a unit."""
    size, name = next(s for s in SCALES[unit] if abs(value) >= s[0] or s[0] == 1)
    scaled = value / size
    return f"{scaled:.{2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0}f} {name}"


def goal_text(row, unit):
    if not row.goal:
        return "-"
    bound = f"{row.goal.bound:g}x" if row.goal.of == "ratio" else amount(row.goal.bound, unit)
    return f"{'>=' if row.more_is_better else '<='} {bound}"


def met_text(row, ratio, value):
    if not row.goal or value is None or (row.goal.of == "ratio" and ratio is None):
        return "-"
    return "yes" if row.goal.is_met(row, ratio, value) else "no"


def cells(results):
    for row, ours, theirs, ratio in results_module.compared(results):
        unit = results.unit(row.name)
        value = results.median(row.name, row.ours)
        yield (row.title,
               amount(value, unit) if ours else "not measured",
               f"{amount(min(ours), unit)}..{amount(max(ours), unit)}" if ours else "-",
               row.beside,
               amount(results.median(row.name, row.beside), unit) if theirs else "not measured",
               f"{ratio:.2f}x" if ratio else "-",
               goal_text(row, unit),
               met_text(row, ratio, value))


def peer_table(results):
    """Head and lines: every row beside every peer that has it. Echo has tables of its own."""
    names = [name for name in dict.fromkeys(row.name for row in rows.ROWS)
             if not name.startswith(("echo", "active", "http")) and results.sides(name)]
    backends = {"eddy epoll": "eddy", "limit epoll": "limit"}  # of the connections' rows

    def cell(name, side):
        sides = [side, *(s for s, short in backends.items() if short == side)]
        values = [v for s in sides if (v := results.median(name, s)) is not None]
        return amount(values[0], results.unit(name)) if values else ""

    columns = [s for s in ("limit", "eddy", *rows.PEERS.values())
               if any(cell(name, s) for name in names)]
    titles = figures.titles()
    return (("row", *columns),
            [(titles[name], *(cell(name, side) for side in columns)) for name in names])


def echo_tables(results):
    """For each case: title, and lines by throughput."""
    for name, title in rows.ECHO_NAMES.items():
        sides = sorted(results.sides(name), key=lambda side: -results.median(name, side))
        lines = []
        for side in sides:
            line = [side]
            for suffix in ("", "-cpu", "-p50", "-p99", "-p999"):
                value = results.median(name + suffix, side)
                line.append("" if value is None else amount(value, results.unit(name + suffix)))
            lines.append(tuple(line))
        if lines:
            yield title, lines


def why(row_name, peer):
    """What a human wrote: notes.json maps "row peer", with wildcards, to a sentence."""
    notes = json.loads(WHYS.read_text()) if WHYS.exists() else {}
    return next((text for pattern, text in notes.items()
                 if fnmatch.fnmatch(f"{row_name} {peer}", pattern)), "not explained yet")


def ahead_lines(results):
    titles = figures.titles()
    for row, side, peer, factor in results_module.ahead(results):
        unit = results.unit(row.name)
        theirs, ours = (amount(results.median(row.name, s), unit) for s in (peer, side))
        yield (f"{titles[row.name]}: {peer} {theirs}, {side} {ours}, {factor:.2f}x: "
               f"{why(row.name, peer)}")


def conditions(results):
    c = results.document["conditions"]
    fast, slow = results.states()
    where = "virtual machine" if c["virtual"] else "real machine"
    yield (f"{c['cpu']}, {c['cpus']} processors ({where}), {c['memory_gib']} GiB, Linux "
           f"{c['kernel']}, {c.get('compiler', 'unknown compiler')}; revision "
           f"{c['revision'] or 'unknown'}.")
    yield (f"{c['date']}, {c['rounds']} rounds, medians; load {c['load_before']} before, "
           f"{c.get('load_after', '-')} after; host {fast} times fast, {slow} times slow "
           "(README.md).")
    yield from results.document["notes"]


def aligned(head, lines):
    table = [head, *lines]
    widths = [max(len(line[i]) for line in table) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
            for line in table]


def text(results):
    lines = aligned(HEAD, cells(results))
    for title, echo in echo_tables(results):
        lines += ["", title, *("  " + line for line in aligned(ECHO_HEAD, echo))]
    head, peers = peer_table(results)
    if len(head) > 3:
        lines += ["", *aligned(head, peers)]
    trailing = list(ahead_lines(results))
    if trailing:
        lines += ["", "A peer is ahead:", *trailing]
    return "\n".join([*lines, "", *conditions(results)])


def marked(head, lines):
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)]


def markdown(results):
    lines = ["# What was measured", "",
             "Written by `bench/run --plots`; what the rows mean, and under which conditions, "
             "is in [README.md](README.md).", "", *marked(HEAD, cells(results)), ""]
    echo = list(echo_tables(results))
    if echo:
        lines += ["## Echo", ""]
    for title, table in echo:
        lines += [f"**{title}**", "", *marked(ECHO_HEAD, table), ""]
    head, peers = peer_table(results)
    if len(head) > 3:
        lines += ["## Beside the peers", "", "Medians; an empty cell is a thing that the peer does "
                  "not have (README.md).", "", *marked(head, peers), ""]
    lines += ["## Where a peer is ahead", ""]
    lines += [f"- {line}" for line in ahead_lines(results)] or ["Nowhere in this run."]
    return "\n".join([*lines, "", "## Conditions", "",
                      *(f"- {line}" for line in conditions(results)), ""])


def write(results, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(results))
    return f"Written: {path.parent.name}/{path.name}"
