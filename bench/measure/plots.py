# SPDX-License-Identifier: MIT
"""The plots, as PNG. They need matplotlib; without it a line says that they were not drawn."""

import subprocess
import sys
from pathlib import Path

from . import figures
from .table import amount

OURS, PEER, MISSED, LIMIT, INK, FAINT = (
    "#0b7285", "#ced4da", "#e8590c", "#c2255c", "#212529", "#868e96")
COLUMNS, PANEL_WIDTH, BAR_HEIGHT = 3, 4.6, 0.26


def panel_height(panel):
    return BAR_HEIGHT * len(panel.bars) + 0.75


def style(axes):
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=8.5, colors=INK)
    axes.set_xticks([])
    axes.xaxis.set_minor_locator(axes.xaxis.get_major_locator().__class__([]))


def limits_of(panel, is_logarithmic):
    """The axis from left to right: room for the figures behind the bars."""
    values = [bar.value for bar in (*panel.bars, *panel.limits)]
    if not is_logarithmic:
        return 0, max(values) * 1.28
    low, high = min(values), max(values)
    low /= 1.8 if high / low > 4 else 2.5
    return low, high * (high / low) ** 0.32


def annotate(axes, words, x, y):
    axes.annotate(words, (x, y), xytext=(4, 0), textcoords="offset points", va="center",
                  fontsize=8, color=INK, zorder=4,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85})


def draw_panel(axes, panel, is_logarithmic, bars_max):
    if is_logarithmic:
        axes.set_xscale("log")
    low, high = limits_of(panel, is_logarithmic)
    axes.set_xlim(low, high)
    places = range(len(panel.bars))
    colors = [OURS if bar.kind == figures.OURS else PEER for bar in panel.bars]
    axes.barh(places, [bar.value - low for bar in panel.bars], left=low, color=colors, height=0.72)
    axes.set_yticks(list(places), [bar.side for bar in panel.bars])
    axes.set_ylim(bars_max - 0.4, -0.95)
    axes.set_title(panel.title, loc="left", fontsize=9.5, color=INK, fontweight="bold", pad=6)

    for label, bar in zip(axes.get_yticklabels(), panel.bars):
        label.set_fontweight("bold" if bar.kind == figures.OURS else "normal")
    for place, bar in zip(places, panel.bars):
        annotate(axes, amount(bar.value, panel.unit), bar.value, place)
    draw_limits(axes, panel)
    style(axes)


def draw_limits(axes, panel):
    """A line each; two that are close share their words."""
    middle = sum(axes.transAxes.inverted().transform(
        axes.transData.transform((bar.value, 0)))[0] for bar in panel.limits)
    middle /= max(1, len(panel.limits))
    for number, bar in enumerate(panel.limits):
        dashes = (0, (4, 2)) if number else "-"
        axes.axvline(bar.value, color=LIMIT, linewidth=1.2, linestyle=dashes)
    if panel.limits:
        words = " / ".join(amount(bar.value, panel.unit) for bar in panel.limits)
        axes.annotate(f"limit {words}", (panel.limits[0].value, -0.68), fontsize=7.5, color=LIMIT,
                      xytext=(4 if middle < 0.6 else -4, 0), textcoords="offset points",
                      ha="left" if middle < 0.6 else "right", va="center")


def draw_section(plt, section, footer):
    columns = min(COLUMNS, len(section.panels))
    lines = [section.panels[i:i + columns] for i in range(0, len(section.panels), columns)]
    heights = [max(panel_height(panel) for panel in line) for line in lines]
    height = sum(heights) + 1.15
    figure, grid = plt.subplots(len(lines), columns, squeeze=False,
                                figsize=(PANEL_WIDTH * columns, height),
                                gridspec_kw={"height_ratios": heights})
    is_logarithmic = "logarithmic" in section.subtitle
    for line, row in zip(lines, grid):
        for panel, axes in zip(line, row):
            draw_panel(axes, panel, is_logarithmic, max(len(p.bars) for p in line))
        for axes in row[len(line):]:
            axes.set_visible(False)
    figure.text(0.012, 1 - 0.16 / height, section.title, fontsize=15, fontweight="bold", color=INK,
                va="top")
    figure.text(0.012, 1 - 0.46 / height, section.subtitle, fontsize=9, color=FAINT, va="top")
    figure.text(0.012, 0.1 / height, footer, fontsize=7.5, color=FAINT)
    figure.tight_layout(rect=(0, 0.25 / height, 1, 1 - 0.62 / height), h_pad=1.6, w_pad=2)
    return figure


def draw_overview(plt, results, footer):
    """How far from the limit, row by row; a tick where the goal is."""
    rows = list(figures.overview(results))
    height = 0.25 * len(rows) + 1.5
    figure, axes = plt.subplots(figsize=(10, height))
    axes.set_xscale("log")
    costs = [cost for _, cost, _, _ in rows]
    low, high = min(0.4, min(costs) / 1.5), max(4, max(costs) * 1.6)
    axes.set_xlim(low, high)
    for place, (row, cost, goal, met) in enumerate(rows):
        color = PEER if met is None else OURS if met else MISSED
        axes.barh(place, cost - low, left=low, color=color, height=0.7)
        annotate(axes, f"{cost:.2f}x", cost, place)
        if goal:
            axes.plot([goal, goal], [place - 0.42, place + 0.42], color=INK, linewidth=1.6,
                      zorder=5)
    axes.axvline(1, color=LIMIT, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [row.title if row.beside.startswith("limit")
                                       else f"{row.title} ({row.beside})" for row, *_ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    style(axes)
    figure.text(0.012, 1 - 0.16 / height, "eddy, beside what it must cost", fontsize=15,
                fontweight="bold", color=INK, va="top")
    figure.text(0.012, 1 - 0.46 / height, "times the limit's cost (red line: the limit itself; "
                "black tick: the goal; orange: goal not met; grey: no goal)", fontsize=9,
                color=FAINT, va="top")
    figure.text(0.012, 0.1 / height, footer, fontsize=7.5, color=FAINT)
    figure.tight_layout(rect=(0, 0.25 / height, 1, 1 - 0.6 / height))
    return figure


def footer_of(results):
    c = results.document["conditions"]
    return (f"{c['cpu']}, {c['cpus']} processors, Linux {c['kernel']}, {c['date']}, revision "
            f"{c['revision'] or 'unknown'}; medians of {c['rounds']} rounds or fewer")


# A Python of one's own does not see what the system's has.
SYSTEM_PYTHON = "/usr/bin/python3"
ELSEWHERE = """
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from measure import plots, results
print(*plots.write(results.Results.load(Path(sys.argv[2])), Path(sys.argv[3])), sep="\\n")
"""


def write_elsewhere(source, directory):
    here = Path(__file__).resolve().parent.parent
    command = [SYSTEM_PYTHON, "-c", ELSEWHERE, str(here), str(source), str(directory)]
    if source and Path(SYSTEM_PYTHON).exists() and sys.executable != SYSTEM_PYTHON:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.splitlines()
    return ["Plots: matplotlib is not installed: skipped."]


def write(results, directory, source=None):
    """Returns lines of what was done; `source` is the file that the results are in."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        return write_elsewhere(source, directory)

    directory.mkdir(parents=True, exist_ok=True)
    footer = footer_of(results)
    drawn = {section.key: draw_section(plt, section, footer)
             for section in figures.sections(results)}
    if any(True for _ in figures.overview(results)):
        drawn["overview"] = draw_overview(plt, results, footer)
    for old in directory.glob("*.png"):
        if old.stem not in drawn:
            old.unlink()
    for key, figure in drawn.items():
        figure.savefig(directory / f"{key}.png", dpi=130, facecolor="white",
                       metadata={"Software": None})
        plt.close(figure)
    return [f"Written: {directory.name}/: {', '.join(sorted(drawn))} (.png)"]
