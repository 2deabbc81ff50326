# SPDX-License-Identifier: MIT
"""The table: for a terminal, and as Markdown."""

from statistics import median

from . import results as results_module

HEAD = ("row", "eddy", "min..max", "beside", "its median", "ratio", "goal", "met")


def amount(value, unit):
    """Three figures and a unit."""
    scales = {"ns": ((1e6, "ms"), (1e3, "us"), (1, "ns")), "bytes": ((1024, "KiB"), (1, "B"))}[unit]
    size, name = next(scale for scale in scales if value >= scale[0] or scale[0] == 1)
    scaled = value / size
    return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {name}"


def goal_text(goal, unit):
    if not goal:
        return "-"
    most = f"{goal.most:g}x" if goal.of == "ratio" else amount(goal.most, unit)
    return f"<= {most}" + (" (later)" if goal.later else "")


def met_text(goal, ratio, ours):
    if not goal or not ours or (goal.of == "ratio" and ratio is None):
        return "-"
    return "yes" if results_module.is_met(goal, ratio, median(ours)) else "no"


def cells(results):
    for row, ours, theirs, ratio in results_module.compared(results):
        unit = results.unit(row.name)
        spread = f"{amount(min(ours), unit)}..{amount(max(ours), unit)}" if ours else "-"
        yield (row.title,
               amount(median(ours), unit) if ours else "not measured",
               spread,
               row.beside,
               amount(median(theirs), unit) if theirs else "not measured",
               f"{ratio:.2f}x" if ratio else "-",
               goal_text(row.goal, unit),
               met_text(row.goal, ratio, ours))


def conditions(results):
    c = results.document["conditions"]
    fast, slow = results.states()
    where = "virtual machine" if c["virtual"] else "real machine"
    yield (f"{c['cpu']}, {c['cpus']} processors ({where}), {c['memory_gib']} GiB, Linux "
           f"{c['kernel']}, {c['compiler']}; revision {c['revision'] or 'unknown'}.")
    yield (f"{c['date']}, {c['rounds']} rounds, medians; load {c['load_before']} before, "
           f"{c['load_after']} after; host {fast} times fast, {slow} times slow (README.md).")
    yield from results.document["notes"]


def text(results):
    table = [HEAD, *cells(results)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
             for line in table]
    return "\n".join([*lines, "", *conditions(results)])


def markdown(results):
    lines = ["| " + " | ".join(line) + " |" for line in (HEAD, ["---"] * len(HEAD), *cells(results))]
    return "\n".join(["# What was measured", "",
                      "Written by `bench/run --markdown`; what the rows mean, and under which "
                      "conditions, is in [README.md](README.md).", "",
                      *lines, "",
                      *(f"- {line}" for line in conditions(results)), ""])
