# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Results with all their runs, marks, and omitted measurements with the reason."""
import json
import os
import platform
import statistics
import time
from pathlib import Path

from harness import base

from parts.quiet import Quiet

# name -> (the mark, "least" or "most", unit)
MARKS = {
    "rx_vs_xdp_redirect": (0.85, "least", "ratio"),
    "rx_vs_bridge": (3.0, "least", "ratio"),
    "tx_vs_tc_redirect": (0.90, "least", "ratio"),
    "tx_vs_bridge": (1.4, "least", "ratio"),
    "tcp_rx_vs_bridge": (1.05, "least", "ratio"),
    "tcp_tx_vs_bridge": (1.05, "least", "ratio"),
    "tcp_local_vs_bridge": (1.05, "least", "ratio"),
    "cost_uplink_xdp_ns": (50, "most", "ns"),
    "cost_port_tc_ns": (35, "most", "ns"),
    "cost_growth": (1.10, "most", "ratio"),
    "failover_lost_100k": (0, "most", "frames"),
    "failover_lost_100k_stopped": (0, "most", "frames"),
    "bucket_rewrite_ms": (5, "most", "ms"),
    "rss_1000_ports_mib": (16, "most", "MiB"),
    "start_1000_ports_s": (2, "most", "s"),
    "reload_unchanged_ms": (50, "most", "ms"),
}


def machine():
    def first(path, key):
        for line in Path(path).read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
        return ""

    vulnerabilities = Path("/sys/devices/system/cpu/vulnerabilities")
    return {
        "cpu": first("/proc/cpuinfo", "model name"),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "arch": platform.machine(),
        "memory_mib": int(first("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "load_before": os.getloadavg()[0],
        "hypervisor": "hypervisor" in first("/proc/cpuinfo", "flags").split(),
        "mitigations": {
            p.name: p.read_text().strip()
            for p in sorted(vulnerabilities.glob("*"))
            if not p.read_text().startswith("Not affected")
        }
        if vulnerabilities.is_dir()
        else {},
    }


class Record:
    def __init__(self, quick, folder):
        self.quick, self.folder = quick, folder
        self.results, self.marks, self.left_out, self.failed = [], [], [], []
        self.machine = machine()
        # everything is many times slower: fewer and smaller measurements
        self.emulated = base.SLOW > 1
        self.quiet = Quiet(0 if self.emulated else 6 if quick else 10)
        self.started = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.started

    def add(self, name, unit, runs):
        runs = [round(float(r), 6) for r in runs]
        result = {
            "name": name,
            "unit": unit,
            "median": statistics.median(runs),
            "min": min(runs),
            "max": max(runs),
            "runs": runs,
        }
        self.results.append(result)
        print(
            f"   {name:<58} {figure(result['median']):>10} {unit:<12} [{figure(result['min'])} .. {figure(result['max'])}]",
            flush=True,
        )
        return result["median"]

    def get(self, name):
        return next((r["median"] for r in self.results if r["name"] == name), None)

    def mark(self, name, value):
        limit, sense, _ = MARKS[name]
        met = value >= limit if sense == "least" else value <= limit
        self.marks.append({"name": name, "value": round(value, 4), "mark": limit, "met": met})

    def leave_out(self, name, why):
        if any(left["name"] == name for left in self.left_out):
            return
        self.left_out.append({"name": name, "why": why})
        print(f"   left out: {name}: {why}", flush=True)

    def fail(self, part, error):
        self.failed.append(
            {"part": part, "error": str(error).strip()[:2000] or type(error).__name__}
        )

    def all_marks(self, partial=False):
        """Includes those that this run could not measure, which are not met; partial: none of
        those.
        """
        if partial:
            return self.marks
        measured = {mark["name"]: mark for mark in self.marks}
        return [
            measured.get(name, {"name": name, "value": None, "mark": MARKS[name][0], "met": False})
            for name in MARKS
        ]

    def as_json(self, partial=False):
        machine_now = {
            **self.machine,
            "load_after": os.getloadavg()[0],
            "seconds": round(self.seconds()),
            "rounds_repeated": self.quiet.repeated,
            "rounds_disturbed": self.quiet.disturbed,
            "stolen_seconds": round(self.quiet.stolen, 2),
        }
        return json.dumps(
            {
                "machine": machine_now,
                "quick": self.quick,
                "results": self.results,
                "marks": self.all_marks(partial),
                "left_out": self.left_out,
                "failed": self.failed,
            },
            indent=1,
        )


def figure(value):
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f} M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.1f} k"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def paired_ratios(a, b):
    """Ratios of neighbouring runs, which cancel common disturbances."""
    return [x / y for x, y in zip(a, b) if y]


def rotated(field, number):
    """The same dictionary in another order for each number, so that the predecessor varies."""
    names = list(field)
    first = number % len(names)
    return {name: field[name] for name in names[first:] + names[:first]}
