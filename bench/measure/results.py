# SPDX-License-Identifier: MIT
"""The raw results: one document of JSON per run, and what can be read out of it."""

import json
import os
import shutil
from statistics import median

from . import rows

FAST_BELOW_NS = 200  # of the probe: see README.md, "two states"
AHEAD, AHEAD_IN_TAIL = 1.02, 1.1  # less than that is noise


def state(ping_pong_ns):
    return "fast" if ping_pong_ns < FAST_BELOW_NS else "slow"


class Results:
    """`document` is what is stored; everything else is calculated from it again."""

    def __init__(self, document):
        self.document = document

    @classmethod
    def new(cls, conditions):
        return cls({"format": 2, "conditions": conditions, "probes": [], "measurements": [],
                    "notes": []})

    @classmethod
    def load(cls, path):
        return cls(json.loads(path.read_text()))

    # --- keeping ---

    def save(self, path):
        """Whole or not at all: a run that is ended leaves the last state."""
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        text = json.dumps(self.document, separators=(",", ":"))
        part.write_text(text.replace("},{", "},\n{") + "\n")
        os.replace(part, path)

    def note(self, text):
        if text not in self.document["notes"]:
            self.document["notes"].append(text)

    def probe(self, round_number, value_ns):
        self.document["probes"].append({"round": round_number, "ping_pong_ns": value_ns})

    def last_probe(self):
        probes = self.document["probes"]
        return probes[-1]["ping_pong_ns"] if probes else None

    def add(self, round_number, side, measurement):
        """Returns the record, so that what the host was like afterwards can be put into it."""
        record = {"round": round_number, "side": side, **measurement, "host": [self.last_probe()]}
        self.document["measurements"].append(record)
        return record

    # --- reading ---

    def records(self, row, side):
        """Round to measurement; a round that failed is not there."""
        return {m["round"]: m for m in self.document["measurements"]
                if m["row"] == row and m["side"] == side}

    def values(self, row, side):
        return [record["value"] for record in self.records(row, side).values()]

    def median(self, row, side):
        values = self.values(row, side)
        return median(values) if values else None

    def sides(self, row):
        """Who was measured, in the order of rows.SIDES."""
        measured = {m["side"] for m in self.document["measurements"] if m["row"] == row}
        return [side for side in rows.SIDES if side in measured]

    def unit(self, row):
        return next(m["unit"] for m in self.document["measurements"] if m["row"] == row)

    def ratio(self, row, side, beside, crosses_cores=False):
        """The median of the rounds' own ratios: the two were measured within the same seconds, so a
        change of the host between rounds does not tell. Where it was in two states within a round
        and the cores talk to each other, the round does not count, unless there is no other.
        None without a common round."""
        ours, theirs = self.records(row, side), self.records(row, beside)
        common = [r for r in ours if r in theirs and theirs[r]["value"]]
        if crosses_cores:
            common = [r for r in common if one_state(ours[r], theirs[r])] or common
        return median(ours[r]["value"] / theirs[r]["value"] for r in common) if common else None

    def states(self):
        """How many probes found the host fast, and how many slow."""
        found = [state(p["ping_pong_ns"]) for p in self.document["probes"]]
        return found.count("fast"), found.count("slow")


def one_state(*measurements):
    probes = [p for m in measurements for p in m.get("host", []) if p is not None]
    return len({state(p) for p in probes}) <= 1


def compared(results):
    """For each row that has something: (row, ours, theirs, ratio); ours and theirs are lists."""
    for row in rows.ROWS:
        ours, theirs = results.values(row.name, row.ours), results.values(row.name, row.beside)
        if ours or theirs:
            yield row, ours, theirs, results.ratio(row.name, row.ours, row.beside,
                                                   row.crosses_cores)


def ahead(results):
    """Where a peer is ahead of the better of eddy's sides: (row, our side, peer, by how much).
    The factor is above 1: so many times faster, smaller, or more."""
    seen = set()
    for row in rows.ROWS:
        if row.name in seen:
            continue
        seen.add(row.name)
        mine = [side for side in results.sides(row.name) if side in rows.OURS]
        if not mine:
            continue
        best = (max if row.more_is_better else min)(mine, key=lambda s: results.median(row.name, s))
        for peer in results.sides(row.name):
            if peer in rows.OURS or peer in rows.LIMITS:
                continue
            ratio = results.ratio(row.name, best, peer, row.crosses_cores)
            factor = ratio and (1 / ratio if row.more_is_better else ratio)
            if factor and factor > (AHEAD_IN_TAIL if row.name.endswith("-p99") else AHEAD):
                yield row, best, peer, factor
