# SPDX-License-Identifier: MIT
"""The raw results: one document of JSON per run, and what can be read out of it."""

import json
import shutil
from statistics import median

from . import rows

FAST_BELOW_NS = 200  # of the probe: see README.md, "two states"


class Results:
    """`document` is what is stored; everything else is calculated from it again."""

    def __init__(self, document):
        self.document = document

    @classmethod
    def new(cls, conditions):
        return cls({"format": 1, "conditions": conditions, "probes": [], "measurements": [],
                    "notes": []})

    @classmethod
    def load(cls, path):
        return cls(json.loads(path.read_text()))

    def save(self, directory, name):
        """<name>.json, or <name>-2.json ... rather than replace another; and latest.json."""
        directory.mkdir(exist_ok=True)
        path, number = directory / f"{name}.json", 1
        while path.exists():
            number += 1
            path = directory / f"{name}-{number}.json"
        path.write_text(json.dumps(self.document, indent=1) + "\n")
        shutil.copyfile(path, directory / "latest.json")
        return path

    def note(self, text):
        if text not in self.document["notes"]:
            self.document["notes"].append(text)

    def probe(self, round_number, value_ns):
        self.document["probes"].append({"round": round_number, "ping_pong_ns": value_ns})

    def add(self, round_number, side, measurement):
        self.document["measurements"].append({"round": round_number, "side": side, **measurement})

    def values(self, row, side):
        """Round to value; a round that failed is not there."""
        return {m["round"]: m["value"] for m in self.document["measurements"]
                if m["row"] == row and m["side"] == side}

    def unit(self, row):
        return next(m["unit"] for m in self.document["measurements"] if m["row"] == row)

    def ratio(self, row, side, beside):
        """The median of the rounds' own ratios: the two were measured within the same second, so a
        change of the host between rounds does not tell. None without a common round."""
        ours, theirs = self.values(row, side), self.values(row, beside)
        ratios = [ours[r] / theirs[r] for r in ours if theirs.get(r)]
        return median(ratios) if ratios else None

    def states(self):
        """How many probes found the host fast, and how many slow."""
        values = [p["ping_pong_ns"] for p in self.document["probes"]]
        fast = sum(value < FAST_BELOW_NS for value in values)
        return fast, len(values) - fast


def is_met(goal, ratio, value):
    measured = ratio if goal.of == "ratio" else value
    return measured is not None and measured <= goal.most


def compared(results):
    """For each row that has something: (row, ours, theirs, ratio); ours and theirs are lists."""
    for row in rows.ROWS:
        ours = list(results.values(row.name, "eddy").values())
        theirs = list(results.values(row.name, row.beside).values())
        if ours or theirs:
            yield row, ours, theirs, results.ratio(row.name, "eddy", row.beside)
