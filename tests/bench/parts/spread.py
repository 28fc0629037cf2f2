# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Distribution of flows, and flows moved when one uplink fails: the code of uplinkd compared with
the formulas of Linux bonding (computed, not measured).
"""
import json

from harness import base

from parts.tools import tool

HAS_MARKS = False
METHODS = (
    "src-dst-ip",
    "last-octet",
    "src-dst-ip-port",
    "src-ip",
    "dst-ip",
    "src-mac",
    "dst-mac",
    "src-dst-mac",
    "bonding:layer2",
    "bonding:layer2+3",
    "bonding:layer3+4",
)


def run(record):
    for mix in ("lan", "campus", "zipf"):
        for n in (2, 3, 4, 8):
            for method in METHODS:
                found = json.loads(base.run(tool("spread"), mix, method, n).stdout)
                name = f"spread.{mix}.{n}uplinks.{method}"
                record.add(f"{name}.largest_share_times_n", "ratio", [max(found["shares"]) * n])
                for i, share in enumerate(found["shares"]):
                    record.add(f"{name}.share.{i}", "share", [share])
                record.add(f"{name}.largest_traffic_times_n", "ratio", [max(found["traffic"]) * n])
                record.add(
                    f"{name}.chi_square_per_degree", "", [found["chi_square"] / found["degrees"]]
                )
                record.add(f"{name}.moved_times_n", "ratio", [found["moved"] * n])
