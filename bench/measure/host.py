# SPDX-License-Identifier: MIT
"""The machine as far as it matters to a figure: never its name, nor where things lie on it."""

import os
import platform
import re
import subprocess
from pathlib import Path


def cpus():
    """The processors that we may use: the server gets the first, what is measured the last."""
    return sorted(os.sched_getaffinity(0))


def cpu_model():
    text = Path("/proc/cpuinfo").read_text(errors="replace")
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else "unknown"


def is_virtual():
    return " hypervisor" in Path("/proc/cpuinfo").read_text(errors="replace")


def memory_gib():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def kernel():
    """The version only: a release's suffix may say where it was built."""
    return re.match(r"[\d.]*\d", platform.release()).group(0)


def kind():
    """A short word for file names: the figures of one kind may be compared."""
    model = re.sub(r"\(.*?\)|@.*|CPU|Processor|\d+-Core", "", cpu_model())
    return re.sub(r"[^a-z0-9]+", "-", f"{platform.machine()} {model} {len(cpus())}cpu".lower())


def load():
    return round(os.getloadavg()[0], 2)


def revision(source):
    """The commit of the sources, with a "+" if they were changed since; None outside git."""
    def git(*arguments):
        return subprocess.run(["git", "-C", str(source), *arguments], text=True, timeout=30,
                              capture_output=True, check=True).stdout.strip()
    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "include")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def describe(source):
    return {
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cpus": len(cpus()),
        "virtual": is_virtual(),
        "memory_gib": memory_gib(),
        "kernel": kernel(),
        "revision": revision(source),
        "environment": {k: v for k, v in os.environ.items() if k in ("EDDY_BACKEND", "EDDY_DEBUG")},
    }
