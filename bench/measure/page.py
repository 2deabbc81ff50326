# SPDX-License-Identifier: MIT
"""The page: one file of HTML with the bars, the tables and the conditions, and nothing to load."""

import html
import math

from . import figures, table
from . import rows as rows_module

STYLE = """
:root { --ink: #212529; --faint: #6c757d; --ours: #0b7285; --peer: #ced4da; --missed: #e8590c;
        --limit: #c2255c; --paper: #ffffff; --line: #e9ecef; --card: #f8f9fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9ecef; --faint: #adb5bd; --ours: #22b8cf; --peer: #495057; --missed: #ff922b;
          --limit: #f783ac; --paper: #16191d; --line: #2b3035; --card: #1d2125; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 2.5rem 1.5rem 5rem; color: var(--ink);
       background: var(--paper); font: 15px/1.5 system-ui, sans-serif;
       font-variant-numeric: tabular-nums; }
h1 { font-size: 2rem; margin: 0; } h2 { margin: 3rem 0 0; font-size: 1.35rem; }
p.about { color: var(--faint); margin: .2rem 0 1rem; max-width: 50rem; }
nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; }
a { color: var(--ours); text-decoration: none; } a:hover { text-decoration: underline; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(350px, 1fr)); gap: 1rem; }
.panel { background: var(--card); border-radius: 8px; padding: .8rem 1rem 1rem; }
.panel h3 { font-size: .92rem; margin: 0 0 .1rem; } .panel .limits { color: var(--limit);
       font-size: .76rem; min-height: 1.2rem; }
.bars { display: grid; grid-template-columns: max-content 1fr; gap: 3px .6rem; position: relative;
       font-size: .8rem; align-items: center; }
.bars .side { text-align: right; white-space: nowrap; }
.track { position: relative; height: 1.15rem; }
.bar { position: absolute; inset: 0 auto 0 0; background: var(--peer); border-radius: 2px; }
.ours { font-weight: 650; } .ours .bar, .bar.ours { background: var(--ours); }
.bar.missed { background: var(--missed); }
.mark { position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--limit); }
.goal { position: absolute; top: 1px; bottom: 1px; width: 3px; background: var(--ink); }
.value { position: absolute; padding-left: .35rem; white-space: nowrap; line-height: 1.15rem;
       text-shadow: 0 0 2px var(--card), 0 0 3px var(--card), 0 0 4px var(--card); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .82rem; width: 100%; }
th, td { padding: .28rem .6rem; text-align: right; white-space: nowrap;
       border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
td.yes { color: var(--ours); font-weight: 650; } td.no { color: var(--missed); font-weight: 650; }
tr.ours td { color: var(--ours); font-weight: 650; } tr.limit td { color: var(--limit); }
ul { padding-left: 1.2rem; color: var(--faint); }
"""


def text(words):
    return html.escape(str(words))


class Scale:
    """A value as a share of the track; the rightmost quarter is left to the figures."""

    def __init__(self, values, is_logarithmic, low=None):
        self.is_logarithmic = is_logarithmic
        self.high = max(values)
        self.low = low or min(values) / (1.8 if self.high / min(values) > 4 else 2.5)

    def percent(self, value):
        if not self.is_logarithmic:
            return 76 * value / self.high
        return max(0.5, 76 * math.log(value / self.low) / math.log(self.high / self.low))


def track(percent, value, classes="", marks=""):
    return (f'<div class="track"><div class="bar {classes}" style="width:{percent:.2f}%"></div>'
            f'{marks}<span class="value" style="left:{percent:.2f}%">{text(value)}</span></div>')


def panel(panel_, is_logarithmic):
    scale = Scale([b.value for b in (*panel_.bars, *panel_.limits)], is_logarithmic)
    marks = "".join(f'<div class="mark" style="left:{scale.percent(b.value):.2f}%" '
                    f'title="{text(b.side)}"></div>' for b in panel_.limits)
    limits = " · ".join(f"{b.side} {table.amount(b.value, panel_.unit)}" for b in panel_.limits)
    lines = []
    for bar in panel_.bars:
        ours = "ours" if bar.kind == figures.OURS else ""
        lines.append(f'<div class="side {ours}">{text(bar.side)}</div><div class="{ours}">'
                     + track(scale.percent(bar.value), table.amount(bar.value, panel_.unit),
                             marks=marks) + "</div>")
    return (f'<div class="panel"><h3>{text(panel_.title)}</h3><div class="limits">{text(limits)}'
            f'</div><div class="bars">{"".join(lines)}</div></div>')


def overview(results):
    found = list(figures.overview(results))
    if not found:
        return ""
    costs = [cost for _, cost, _, _ in found]
    scale = Scale([max(4, *costs)], True, low=min(0.4, min(costs) / 1.5))
    lines = []
    for row, cost, goal, met in found:
        marks = f'<div class="mark" style="left:{scale.percent(1):.2f}%"></div>'
        if goal:
            marks += (f'<div class="goal" style="left:{scale.percent(goal):.2f}%" '
                      'title="goal"></div>')
        beside = "" if row.beside.startswith("limit") else f" ({row.beside})"
        lines.append(f'<div class="side">{text(row.title + beside)}</div>'
                     + track(scale.percent(cost), f"{cost:.2f}x",
                             "" if met is None else "ours" if met else "missed", marks))
    return (f'<div class="panel"><div class="bars">{"".join(lines)}</div></div>')


def cell_class(cell):
    return f' class="{cell}"' if cell in ("yes", "no") else ""


def line_class(line):
    first = line[0]
    return ' class="ours"' if first in rows_module.OURS else (
        ' class="limit"' if first in rows_module.LIMITS else "")


def html_table(head, lines):
    heads = "".join(f"<th>{text(cell)}</th>" for cell in head)
    body = "".join(f"<tr{line_class(line)}>" +
                   "".join(f"<td{cell_class(cell)}>{text(cell)}</td>" for cell in line) + "</tr>"
                   for line in lines)
    return f'<div class="scroll"><table><tr>{heads}</tr>{body}</table></div>'


def chapter(key, title, about, content):
    return (f'<h2 id="{key}">{text(title)}</h2><p class="about">{text(about)}</p>{content}')


def chapters(results):
    """(key, title, HTML)."""
    yield "overview", "Beside the limits", chapter(
        "overview", "Beside the limits", "Times the cost of the limit program: at the red line it "
        "costs the same. The dark tick is the goal; orange has not met it, grey has none.",
        overview(results))
    for section in figures.sections(results):
        is_logarithmic = "logarithmic" in section.subtitle
        panels = "".join(panel(p, is_logarithmic) for p in section.panels)
        yield section.key, section.title.split(":")[0], chapter(
            section.key, section.title, section.subtitle + "; the red line is the limit.",
            f'<div class="panels">{panels}</div>')
    yield "goals", "Goals", chapter(
        "goals", "Every row, its goal", "A ratio is the median of the rounds' own ratios.",
        html_table(table.HEAD, table.cells(results)))
    echo = "".join(f"<h3>{text(title)}</h3>{html_table(table.ECHO_HEAD, lines)}"
                   for title, lines in table.echo_tables(results))
    if echo:
        yield "echo-tables", "Echo in figures", chapter("echo-tables", "Echo in figures", "", echo)
    head, lines = table.peer_table(results)
    yield "peers", "Every peer", chapter("peers", "Beside the peers", "An empty cell is a thing "
                                         "that the peer does not have.", html_table(head, lines))
    ahead = "".join(f"<li>{text(line)}</li>" for line in table.ahead_lines(results))
    yield "ahead", "Where a peer is ahead", chapter(
        "ahead", "Where a peer is ahead", "By how much, and why.",
        f"<ul>{ahead or '<li>Nowhere in this run.</li>'}</ul>")


def page(results):
    found = list(chapters(results))
    seen, links = set(), []
    for key, title, _ in found:
        if title not in seen:
            links.append(f'<a href="#{key}">{text(title)}</a>')
            seen.add(title)
    conditions = "".join(f"<li>{text(line)}</li>" for line in table.conditions(results))
    return ("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
            '<meta name="viewport" content="width=device-width">'
            f"<title>eddy, measured</title><style>{STYLE}</style>"
            "<h1>eddy, measured</h1><p class=\"about\">Beside the limit of the machine and the "
            "peers that people use: the same work, in the same run, on the same core.</p>"
            f"<nav>{''.join(links)}</nav><main>{''.join(content for _, _, content in found)}</main>"
            f'<h2 id="conditions">Conditions</h2><ul>{conditions}</ul></html>\n')


def write(results, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(results))
    return f"Written: {path.parent.name}/{path.name}"
