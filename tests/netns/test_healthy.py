# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A healthy host for ten minutes: neither a finding at any time nor one in the history."""
import json
import time

import pytest

from harness.base import wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.frames import BROADCAST, arp_request, udp4
from harness.lacp import ScriptedPartner, cdp, lldp
from harness.lacp_bed import in_use
from harness.talk import Talk
from harness.taps import Tap

pytestmark = pytest.mark.slow

SECONDS = 600
EVERY = 10  # seconds between two looks
VIRTUAL = "00:00:5e:00:01:0a"
LEARN = {"mac-learning": True, "forged-transmits": True}
LINKS = {0: ("sw0", "sw1"), 1: ("sw2", "sw3"), 2: ("sw4", "sw5")}  # of the switch of a machine


def tagged(frame, vid=100):
    return frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]


def healthy():
    """A channel with LACP, a static one and independent links; a machine that is off; a router."""
    bed = Bed(n_uplinks=6, n_ports=4)
    off = Tap(bed.hv, "tap0")
    off.set_carrier(False)
    bed.start(
        [
            switch(
                "la",
                ["eth0", "eth1"],
                [("la", 100, [0, {"interface": "tap0", "mac": port_mac(9)}])],
                channel="lacp",
                lacp={"rate": "fast"},
            ),
            switch(
                "st",
                ["eth2", "eth3"],
                [
                    ("st", 100, [1]),
                    {"name": "routers", "vlan": 100, "ports": [port(3)], "security": LEARN},
                ],
            ),
            switch("no", ["eth4", "eth5"], [("no", 100, [2])], channel="none"),
        ]
    )
    ScriptedPartner(bed.world, ["sw0", "sw1"])
    wait_until(lambda: in_use(bed.daemon, "eth0", "eth1"), 60, bed.daemon.log)
    bed.usable(*bed.uplink_names, deadline=60)
    served = {p["name"]: p["uplink"] for p in bed.daemon.json("show", "ports")}
    return bed, served["p2"].replace("eth", "sw")


def frames(bed, n, served):
    """Of machines and switches in a moment: to and from many addresses, by all links of a channel,
    and by the link that serves the port without one.
    """
    made = []
    for machine, links in LINKS.items():
        nic, mac, us = bed.nic(f"m{machine}"), port_mac(machine), "192.0.2.1"
        them = [f"192.0.2.{2 + (2 * n + k) % 64}" for k in range(2)]
        made += [(nic, udp4(outside_mac(5), mac, us, to, b"x" * 300, ident=n)) for to in them]
        for link, to in zip(links if machine != 2 else (served, served), them):
            made.append(
                (bed.nic(link), tagged(udp4(mac, outside_mac(5), to, us, b"y" * 300, ident=n)))
            )
        if n % 4 == 0:
            flooded = tagged(udp4(BROADCAST, outside_mac(8), "192.0.2.9", "192.0.2.255", ident=n))
            # independent links receive all copies, a channel one
            copies = links if machine == 2 else links[n // 4 % 2 :][:1]
            made += [(bed.nic(link), flooded) for link in copies]
            made.append((nic, arp_request(mac, us, f"192.0.2.{2 + n % 200}")))
    if n % 20 == 0:
        made.append((bed.nic("m3"), udp4("01:00:5e:00:00:12", VIRTUAL, "192.0.2.3", "224.0.0.18")))
    if n % 400 == 0:
        for i in range(6):
            far = f"02:00:00:00:98:{0x10 + i:02x}"
            made.append(
                (bed.nic(f"sw{i}"), lldp(far, "02:00:00:00:97:01", f"Ethernet1/{i}", "tor-1"))
            )
            made.append((bed.nic(f"sw{i}"), cdp(far, "tor-1", f"Ethernet1/{i}")))
    return made


def test_ten_minutes_without_a_finding():
    bed, served = healthy()
    bed.listen("m0", "m1", "m2", "m3", *[f"sw{i}" for i in range(6)])
    talk = Talk(lambda n: frames(bed, n % 65536, served), pause=0.05)
    found = lambda: json.loads(bed.daemon.ctl("diagnose", "--json", check=False).stdout)
    wait_until(lambda: not found(), 60, lambda: f"{found()}\n{bed.daemon.log()}")
    last = bed.daemon.json("history")[-1]["number"]
    first, end = talk.n, time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert found() == []
        checked = bed.daemon.ctl("status", "--check", check=False)
        assert checked.returncode == 0, checked.stdout
        for nic in bed.nics.values():
            nic.frames()
        time.sleep(EVERY)
    talk.stop()
    assert found() == []
    events = [r for r in bed.daemon.json("history") if r["number"] > last]
    # findings of the start are cleared half a minute after they have ended
    expected = ("lacp", "finding-cleared")
    assert not [r for r in events if not r["code"].startswith(expected)], events
    # it was no silence: all uplinks sent and received
    sent = talk.n - first
    assert sent > SECONDS, "the machines had no time"
    for name in bed.uplink_names:
        uplink = bed.daemon.uplink(name)
        least = 0 if name in ("eth4", "eth5") else sent / 2
        assert uplink["rx_packets"] > sent / 8 and uplink["tx_packets"] >= least, uplink
