# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Round trips of single datagrams between the outside and a machine, and between two machines.

rx and rx_veth as in tcp.py. idle: no other load, both ends pinned to one CPU, which measures only
the path through the kernel; across: one CPU each, so that each direction wakes the other CPU, which
takes longer than everything else; loaded: as idle, in parallel to a stream of UDP.
"""
import json
import os

from harness import base

from parts.record import rotated
from parts.tcp import ADDRESS, networks
from parts.tools import tool

HAS_MARKS = False
PORT = 7777
LOAD, EMULATED_LOAD = "100M", "2M"  # bits per second, in datagrams of 1400 bytes
ROUND_TRIPS = 10000
WAYS = {"rx": ("outside", "m0"), "rx_veth": ("outside", "m0"), "local": ("m1", "m0")}


def loads(record):
    return ("idle", "loaded") if record.emulated else ("idle", "across", "loaded")


def pinned(cpu):
    return ["taskset", "-c", cpu % os.cpu_count()]


def serve(network, name):
    process = base.spawn(
        network.ns[name].command(*pinned(0), tool("pingpong"), "serve", PORT), stdout=-1, text=True
    )
    assert process.stdout.readline().strip() == "ready"


def turn(record, field, way, load):
    """Each network once, in parallel to a stream of UDP or alone. A network that fails is left out
    from then on.
    """
    source, target = WAYS[way]
    found = {}
    for name, network in list(field.items()):
        noise = None
        if load == "loaded":
            noise = base.spawn(
                network.ns[source].command(
                    "iperf3",
                    "-c",
                    ADDRESS[target],
                    "-u",
                    "-b",
                    EMULATED_LOAD if record.emulated else LOAD,
                    "-l",
                    1400,
                    "-t",
                    60,
                ),
                stdout=-3,
                stderr=-3,
            )
        try:
            round_trips = ROUND_TRIPS // 20 if record.emulated else ROUND_TRIPS
            found[name] = json.loads(
                network.ns[source]
                .run(
                    *pinned(load == "across"),
                    tool("pingpong"),
                    ADDRESS[target],
                    PORT,
                    round_trips,
                    timeout=60,
                )
                .stdout
            )
        except AssertionError as error:
            if name == "uplinkd":
                raise
            record.leave_out(f"latency through {name}", str(error))
        finally:
            if noise:
                base.stop_process(noise)
    return found


def measure(record, wire, ways):
    field = networks(record, wire)
    for network in field.values():
        network.finish_checksums(True)
        for name in ("m0", "m1"):
            network.server(name, "outside")
            serve(network, name)
    for way in ways:
        for load in loads(record):
            rounds = []
            for number in range(2 if record.emulated else 5):
                rounds.append(turn(record, rotated(field, number), way, load))
                field = {name: network for name, network in field.items() if name in rounds[-1]}
            for name in field:
                for quantile in ("p50", "p99", "p999"):
                    record.add(
                        f"latency.{way}.{load}.{name}.{quantile}",
                        "us",
                        [found[name][f"{quantile}_us"] for found in rounds],
                    )


def run(record):
    for wire, ways in (
        (True, ("rx",)),
        (False, ("local",) if record.emulated else ("rx_veth", "local")),
    ):
        with base.Cleanup():
            measure(record, wire, ways)
