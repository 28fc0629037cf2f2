# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A machine behind a learning port sends from random addresses, as macof does, for 30 s: the CPU
time of the daemon, and what the flood takes from another learning port.
"""
import time

from harness.bed import outside_mac, port_mac, switch
from harness.daemon import Uplinkd
from harness.frames import BROADCAST, udp4
from harness.lacp import Flood
from harness.base import wait_until

from parts.beds import Place
from parts.tools import cpu_seconds

HAS_MARKS = False

SECONDS = 30
OTHERS = 60  # addresses of the other port
LEARN = {"mac-learning": True, "forged-transmits": True}


def frame(source):
    return udp4(BROADCAST, source, "192.0.2.1", "192.0.2.255", b"x" * 20)


def learned(daemon, port):
    return sum(e["learned"] and e["port"] == port for e in daemon.json("show", "fdb"))


def start(place):
    groups = [
        {
            "name": f"g{i}",
            "vlan": 100,
            "security": LEARN,
            "ports": [{"interface": f"p{i}", "mac": port_mac(i)}],
        }
        for i in range(place.n_ports)
    ]
    config = switch("bench", ["eth0"], groups, channel="static")
    daemon = Uplinkd(place.hv, {"switches": [config]}, log_level="warning").start()
    daemon.wait_uplinks(["eth0"])
    return daemon


def learn_others(place, daemon):
    flood = Flood(place.outside, "m1", [frame(outside_mac(n)) for n in range(1, 1 + OTHERS)])
    wait_until(
        lambda: learned(daemon, "p1") == OTHERS,
        30,
        lambda: f"{learned(daemon, 'p1')} addresses at p1",
    )
    flood.stop()


def run(record):
    place = Place(n_ports=2, n_uplinks=1)
    daemon = start(place)
    learn_others(place, daemon)
    pid = daemon.process.pid
    flood = Flood(place.outside, "m0", [frame(port_mac(9))], random_sources=True)
    began, before = time.monotonic(), cpu_seconds(pid)
    time.sleep(SECONDS)
    used, took = cpu_seconds(pid) - before, time.monotonic() - began
    record.add("learning.flood.frames", "1/s", [flood.stop() / took])
    record.add("learning.flood.daemon", "% of a core", [100 * used / took])
    record.add("learning.flood.entries", "addresses", [learned(daemon, "p0")])
    record.add("learning.flood.lost_by_others", "addresses", [OTHERS - learned(daemon, "p1")])
    daemon.teardown()
