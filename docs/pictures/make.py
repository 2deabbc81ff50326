#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make.py - records `make run` in a terminal and draws it as fetch.svg, a picture that moves.

usage: docs/pictures/make.py [BUILD-DIRECTORY]     needs tmux
What it shows has happened: tmux runs tools/run in a window of its own and is asked ten times a
second what stands there. Bars are drawn as shapes, so that the picture does not depend on a font.
"""

import itertools
import re
import subprocess
import sys
import time
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, ROWS = 92, 24
FRAME_SECONDS, LAST_SECONDS = 0.1, 5.0
CELL_WIDTH, CELL_HEIGHT, MARGIN, BAR = 8.4, 18, 16, 34

BACKGROUND, FOREGROUND, FADED = "#16181d", "#d5d9e0", "#6b7280"
COLOURS = {31: "#f26d78", 32: "#7fd17a", 33: "#e8c268", 36: "#5cc8d6"}

# --- the recording


def tmux(*arguments):
    run = subprocess.run(["tmux", "-L", "eddy-picture", "-f", "/dev/null", *arguments],
                         capture_output=True, text=True, check=True)
    return run.stdout


def record(build):
    """Pairs of a time and what the terminal shows from then on."""
    command = f"printf '$ make run\\n'; sleep 0.6; LC_ALL=C.UTF-8 {ROOT}/tools/run {build}"
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), f"sh -c {command!r}; sleep 3")
    frames, begin = [], time.monotonic()
    try:
        while not frames or "times as long" not in frames[-1][1]:
            screen = tmux("capture-pane", "-p", "-e")
            if not frames or frames[-1][1] != screen:
                frames.append((time.monotonic() - begin, screen))
            if time.monotonic() - begin > 20:
                raise RuntimeError("the run does not end:\n" + screen)
            time.sleep(FRAME_SECONDS)
    finally:
        tmux("kill-server")
    return frames


# --- the drawing


def cells_of(line):
    """Pairs of a character and its colour."""
    colour, faded = FOREGROUND, False
    for sequence, character in re.findall(r"\x1b\[([\d;]*)m|([^\x1b])", line):
        if character:
            yield character, FADED if faded else colour
            continue
        for code in map(int, filter(None, (sequence or "0").split(";"))):
            colour = COLOURS.get(code, FOREGROUND if code in (0, 39) else colour)
            faded = code == 2 or (faded and code not in (0, 22))


def kind_of(character):
    """What is drawn as one piece, and how high it is in a cell: its top and its end."""
    if character == "━":
        return 0.42, 0.58
    if character == "─":
        return 0.48, 0.52
    if "▁" <= character <= "█":
        return 0.95 - 0.85 * (ord(character) - ord("▁") + 1) / 8, 0.95
    return None


def rectangle(x, y, width, kind, colour):
    top, end = (y + CELL_HEIGHT * share for share in kind)
    return (f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{end - top:.1f}" '
            f'fill="{colour}"/>')


def piece(column, row, text, kind, colour):
    x, y = MARGIN + column * CELL_WIDTH, BAR + row * CELL_HEIGHT
    width = len(text) * CELL_WIDTH
    if text[0] == "╾":
        half = width / 2
        return (rectangle(x, y, half, kind_of("━"), colour)
                + rectangle(x + half, y, half, kind_of("─"), FADED))
    if kind and text[0] >= "▁":  # columns of their own, with air between
        return "".join(rectangle(x + i * CELL_WIDTH, y, CELL_WIDTH - 1, kind, colour)
                       for i in range(len(text)))
    if kind:
        return rectangle(x, y, width, kind, colour)
    words = re.finditer(r"\S+( \S+)*", text)  # wide gaps are positions, not spaces
    return "".join(f'<text x="{x + word.start() * CELL_WIDTH:.1f}" y="{y + 13}" '
                   f'textLength="{len(word[0]) * CELL_WIDTH:.1f}" fill="{colour}">'
                   f'{escape(word[0])}</text>' for word in words)


def draw_line(row, line):
    groups = itertools.groupby(cells_of(line), lambda c: (kind_of(c[0]), c[0] == "╾", c[1]))
    column, drawn = 0, []
    for (kind, _, colour), cells in groups:
        text = "".join(character for character, _ in cells)
        drawn.append(piece(column, row, text, kind, colour))
        column += len(text)
    return "".join(drawn)


def draw_frame(index, screen):
    lines = (draw_line(row, line) for row, line in enumerate(screen.split("\n")))
    return f'<g class="f f{index}">' + "\n".join(filter(None, lines)) + "</g>\n"


def animation(times, total):
    """Each frame is seen from its time until the next one's; the last stays where nothing moves."""
    rules = []
    for i, (begin, end) in enumerate(zip(times, times[1:] + [total])):
        a, b = 100 * begin / total, 100 * end / total
        seen = f"{a:.2f}%{{visibility:visible}}" + (
            f"{b:.2f}%,100%{{visibility:hidden}}" if b < 99.99 else "100%{visibility:visible}")
        hidden = "0%{visibility:hidden}" if a > 0 else ""
        rules.append(f"@keyframes k{i}{{{hidden}{seen}}}.f{i}{{animation-name:k{i}}}")
    # What does not move shows the pages half-way: readers who want it so, and viewers that cannot.
    still = len(times) // 2
    return (f".f{{visibility:hidden;animation:{total:.2f}s step-end infinite}}"
            f".f{still}{{visibility:visible}}" + "".join(rules)
            + "@media(prefers-reduced-motion){.f{animation:none}}")


def draw(frames):
    width, height = 2 * MARGIN + COLUMNS * CELL_WIDTH, BAR + ROWS * CELL_HEIGHT + MARGIN
    times = [at - frames[0][0] for at, _ in frames]
    dots = "".join(f'<circle cx="{20 + 18 * i}" cy="17" r="5" fill="#3a3f4a"/>' for i in range(3))
    style = animation(times, times[-1] + LAST_SECONDS)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
            f'width="{width:.0f}" height="{height}" role="img" '
            f'aria-label="make run: a hundred pages of one second each arrive in one second">\n'
            f"<style>text{{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}}"
            f"{style}</style>\n"
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{dots}\n'
            + "".join(draw_frame(i, screen) for i, (_, screen) in enumerate(frames)) + "</svg>\n")


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
    frames = record(build)
    target = Path(__file__).with_name("fetch.svg")
    target.write_text(draw(frames))
    print(f"{target.relative_to(ROOT)}: {len(frames)} frames, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
