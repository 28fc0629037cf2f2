# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The bench (tests/bench) with the peers that only a distribution kernel has.

Its tables go to bench/PART/tables.md in the results folder; bench/PART/output.log grows meanwhile.
It measures the speed of the emulator: figures of one run compare with each other, not with those of
another machine.
"""

import json
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
RESULTS = Path("/run/ul/out/bench")
# the names in the results of the bench that must be present, with a figure above 0
BONDED = ("bonding_bridge_vlan", "teamd_bridge_vlan", "openvswitch_kernel")
FORWARDERS = ("uplinkd", "uplinkd_2_uplinks", "bridge", "bridge_vlan", *BONDED)
WANTED = {
    "rates": [f"rate.{way}.veth.64.1core.{name}" for way in ("rx", "tx") for name in FORWARDERS],
    "tcp": [f"tcp.{way}.1stream.{name}" for way in ("rx", "tx", "local") for name in FORWARDERS],
    "latency": [
        f"latency.{way}.{load}.{name}.p50"
        for way in ("rx", "local")
        for load in ("idle", "loaded")
        for name in FORWARDERS
    ],
    "failover": [
        f"failover.{name}.carrier.1000.longest_gap"
        for name in (
            "uplinkd",
            "bonding_miimon_100",
            "bonding_miimon_10",
            "teamd",
            "openvswitch_kernel",
        )
    ],
}


@pytest.mark.parametrize("part", WANTED)
def test_part(part):
    folder = RESULTS / part
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "partial.json").unlink(missing_ok=True)
    log = folder / "output.log"
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [REPO / "tests/bench/run", REPO / "build", "--only", part, "--results", folder],
            cwd=REPO,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    found = json.loads((folder / "partial.json").read_text())
    assert done.returncode == 0 and not found["failed"], found["failed"] or log.read_text()[-2000:]
    medians = {result["name"]: result["median"] for result in found["results"]}
    missing = [name for name in WANTED[part] if not medians.get(name)]
    assert not missing, f"without a figure: {missing}; left out: {found['left_out']}"
