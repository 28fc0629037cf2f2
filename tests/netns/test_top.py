# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""top: as text and JSON, and on a terminal of tmux."""
import json
import subprocess

import pytest

from harness.base import BUILD, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.frames import udp4
from harness.terminal import Terminal

PORTS = 40


@pytest.fixture
def bed():
    bed = Bed(n_uplinks=2, n_ports=2)
    ports = [0, 1] + [
        {"interface": f"vm-{n}", "mac": f"52:54:00:00:01:{n:02x}"} for n in range(2, PORTS)
    ]
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, ports)])])
    bed.usable(*bed.uplink_names)
    return bed


def test_once_prints_rates_as_text_and_as_json(bed):
    text = bed.daemon.ctl("top", "vs", "--once").stdout
    for title in ("UPLINK", "GROUP", "PORT", "eth0", "eth1", "prod", "vm-39"):
        assert title in text
    assert "\033" not in text
    rates = bed.daemon.json("top", "--once")
    assert [u["name"] for u in rates[0]["uplinks"]] == ["eth0", "eth1"]
    assert len(rates[0]["ports"]) == PORTS and rates[0]["interval_ms"] >= 1000
    assert sum(rates[0]["groups"][0]["buckets"].values()) > 0


def test_traffic_and_drops_have_rates(bed):
    frame = udp4(outside_mac(0), port_mac(0), "192.0.2.1", "192.0.2.200", b"x" * 1000)
    forged = udp4(outside_mac(0), outside_mac(3), "192.0.2.1", "192.0.2.200")
    rates = {}

    def measured():
        nonlocal rates
        top = bed.hv.command(BUILD / "uplinkctl", "--bpffs", bed.daemon.bpffs)
        process = subprocess.Popen(
            [*map(str, top), "--json", "top", "--once"], stdout=subprocess.PIPE
        )
        while process.poll() is None:
            for _ in range(20):
                bed.nic("m0").send(frame)
            bed.nic("m0").send(forged)
        rates = json.loads(process.stdout.read())[0]
        process.stdout.close()
        return rates["drops"]

    wait_until(measured, 60, lambda: str(rates))
    port = next(p for p in rates["ports"] if p["name"] == "p0")
    assert port["rx_bps"] > 8 * 1000 and port["rx_pps"] > 0
    assert rates["groups"][0]["rx_bps"] == sum(p["rx_bps"] for p in rates["ports"])
    assert sum(u["tx_bps"] for u in rates["uplinks"]) > 0
    drop = rates["drops"][0]
    assert (drop["name"], drop["reason"]) == ("p0", "forged_source") and drop["pps"] > 0


def test_on_a_terminal_with_keys_and_another_size(bed):
    terminal = Terminal(bed.daemon, "top")
    terminal.shows("vs  ", "sort: rate", "UPLINK", "prod", "q: quit", absent=["vm-39"])
    assert max(map(len, terminal.screen().splitlines())) <= 80
    terminal.keys("s", "s")
    terminal.shows("sort: name", "p0")
    terminal.keys("NPage", "Down")
    terminal.shows("vm-19", absent=["p0  "])
    terminal.keys("/")
    terminal.keys("vm-39")
    terminal.shows("filter: vm-39_", "vm-39  ", absent=["vm-38"])
    terminal.keys("Enter", "p")
    terminal.shows("paused", absent=["vm-39_"])
    terminal.keys("p", "Escape")
    terminal.shows("vm-2 ", absent=["filter: "])
    terminal.run("resize-window", "-x", 100, "-y", 60)
    terminal.shows("vm-39", "vm-20")
    terminal.run("resize-window", "-x", 40, "-y", 8)
    terminal.shows("UPLINK")
    terminal.keys("q")
    terminal.shows("ended 0")


def test_it_follows_a_daemon_that_is_killed_and_the_end_of_the_switch(bed):
    terminal = Terminal(bed.daemon, "top")
    terminal.shows("eth0")
    bed.daemon.kill()
    terminal.keys("s")
    terminal.shows("sort: drops", "eth0")
    bed.daemon.teardown()
    terminal.shows("no switch found", "ended 2")


def test_without_a_terminal_and_wrong_options(bed):
    for options, text in (
        ([], "needs a terminal"),
        (["--once", "--sort", "x"], "must be rate, drops or name"),
        (["--once", "--interval", "0"], "must be 1-60"),
        (["nothing", "--once"], "no such switch"),
    ):
        done = bed.daemon.ctl("top", *options, check=False)
        assert done.returncode == 1 and text in done.stderr, done
