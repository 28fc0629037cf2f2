# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Frames per second through uplinkd, its limits and its peers, generated in the kernel, in turns: A
B C, B C A, C A B ...
"""
import itertools
import os
import statistics

from harness.base import Cleanup

from parts import beds
from parts.beds import VLAN, Place
from parts.record import paired_ratios, rotated
from parts.tools import Live, cpu_seconds, end

HAS_MARKS = True
# of everything, for the marks: the placement of programs and pages differs from start to start
STARTS = 5
MARKS = {
    "rx": {"xdp_redirect": "rx_vs_xdp_redirect", "bridge": "rx_vs_bridge"},
    "tx": {"tc_redirect": "tx_vs_tc_redirect", "bridge": "tx_vs_bridge"},
}
LIMIT = {"rx": "xdp_redirect", "tx": "tc_redirect"}


def sinks_of(place, direction):
    if direction == "tx":
        return [
            word
            for i in range(place.n_uplinks)
            for word in ("--sink", end(place.outside, f"sw{i}"))
        ]
    if place.taps:
        return ["--sink-fd", place.taps[0].fd]
    return ["--sink", end(place.machines[0], "m0")]


class Contender:
    """make(place) sets the forwarder up. vlan: of the frames on the uplink. extra(place,
    direction): more arguments of live.
    """

    def __init__(self, make=None, vlan=VLAN, extra=None, sink=True, n_uplinks=1):
        self.make, self.vlan, self.extra, self.sink, self.n_uplinks = (
            make,
            vlan,
            extra,
            sink,
            n_uplinks,
        )
        self.place = None

    def prepare(self, tap=False):
        self.place = Place(tap_ports=tap, n_uplinks=self.n_uplinks)
        if self.make:
            self.make(self.place)
        else:
            self.place.like_nics()

    def live(self, direction, size):
        place = self.place
        sinks = sinks_of(place, direction) if self.sink else []
        frames = (
            beds.towards_port(place, size, self.vlan)
            if direction == "rx"
            else beds.towards_uplink(place, size)
        )
        if hasattr(place, "teach"):
            place.teach()
        return Live(
            *frames,
            *sinks,
            *(self.extra(place, direction) if self.extra else []),
            fds=[tap.fd for tap in place.taps],
            workers=place.workers,
        )


def redirect(kind):
    def arguments(place, direction):
        way = ("eth0", "p0") if direction == "rx" else ("p0", "eth0")
        return [f"--redirect-{kind}", f"{end(place.hv, way[0])}:{way[1]}"]

    return arguments


def drop(place, _direction):
    return ["--drop", end(place.hv, "eth0")]


def default_bridge(place):
    beds.with_bridge(place)
    beds.bridge_netfilter(place.hv, True)
    place.hv.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "1")


def contenders_of_marks(direction):
    """uplinkd, the limit and the bridge; and an immediate drop, which is the cost of the
    generator.
    """
    found = {"uplinkd": Contender(beds.with_uplinkd)}
    if direction == "rx":
        found["xdp_redirect"] = Contender(extra=redirect("xdp"))
        found["drop_at_uplink"] = Contender(extra=drop, sink=False)
    else:
        found["tc_redirect"] = Contender(extra=redirect("tc"))
    found["bridge"] = Contender(beds.with_bridge)
    return found


def contenders(record, direction, tap):
    found = contenders_of_marks(direction)
    if tap:
        found.pop("drop_at_uplink", None)  # without any port
    if direction == "rx":
        found["tc_redirect"] = Contender(extra=redirect("tc"))
        found["bridge_untagged"] = Contender(beds.with_bridge, vlan=0)
    found["bridge_with_br_netfilter"] = Contender(default_bridge)
    found["uplinkd_2_uplinks"] = Contender(beds.with_uplinkd, n_uplinks=2)
    for name, peer in {
        "openvswitch_userspace": beds.openvswitch_userspace(),
        **beds.kernel_peers(),
    }.items():
        if peer.make:
            found[name] = Contender(
                lambda place, peer=peer: peer.make(place, VLAN), n_uplinks=peer.n_uplinks
            )
        else:
            record.leave_out(name, peer.why)
    return found


def needs_another_core(record, name, live, n):
    """A process that forwards or reads a tap would starve next to generators on all cores."""
    if live.workers or live.reads_tap:
        record.leave_out(
            f"rates of {name}{' into a tap' if live.reads_tap else ''} with {n} cores",
            "the machine has no core left for the process that forwards or reads",
        )
    return live.workers or live.reads_tap


def turn(lives, ms, n):
    """Each contender once; and the CPU time of their processes on the CPUs without generators."""
    workers = [pid for live in lives.values() for pid in live.workers]
    before = sum(map(cpu_seconds, workers))
    return {name: live.rate(ms, n) for name, live in lives.items()}, sum(
        map(cpu_seconds, workers)
    ) - before


def in_turns(record, lives, n, rounds, ms, share=1):
    """[{name: Rate}], each round in another order."""
    numbers = itertools.count()
    for live in lives.values():
        live.rate(ms // 4, n)
    return record.quiet.rounds(
        rounds, lambda: turn(rotated(lives, next(numbers)), ms, n), first_cpu=n, share=share
    )


def compare(record, direction, tap, sizes, cores, rounds, ms):
    medium = "tap" if tap else "veth"
    field = contenders(record, direction, tap)
    for contender in field.values():
        contender.prepare(tap)
    for size in sizes:
        lives = {name: contender.live(direction, size) for name, contender in field.items()}
        for n in cores:
            able = {
                name: live
                for name, live in lives.items()
                if n < os.cpu_count() or not needs_another_core(record, name, live, n)
            }
            found = in_turns(record, able, n, rounds, ms) if able else []
            for name in able:
                rates = [one[name] for one in found]
                prefix = f"rate.{direction}.{medium}.{size}.{n}core.{name}"
                record.add(
                    prefix,
                    "frames/core-s" if n == 1 else f"frames/{n}-core-s",
                    [r.per_core for r in rates],
                )
                record.add(f"{prefix}.wall", "frames/s", [r.wall for r in rates])
                if tap and direction == "rx":
                    record.add(f"{prefix}.producer", "ns", [r.producer_ns for r in rates])
                    record.add(f"{prefix}.lost", "share", [r.lost for r in rates])
        for live in lives.values():
            live.close()


def measure_marks(record, direction):
    """Ratios to the limit and to the bridge at 64 bytes: the median of the medians of several
    starts.
    """
    rounds, ms, starts = (
        (5, 100, STARTS) if record.quick else (3, 300, 2) if record.emulated else (7, 150, STARTS)
    )
    names = list(contenders_of_marks(direction))
    rates = {(n, name): [] for n in (1, 2) for name in names}
    pairs = {mark: ("uplinkd", other) for other, mark in MARKS[direction].items()}
    pairs[f"limit_{direction}_vs_bridge"] = LIMIT[direction], "bridge"
    ratios = {(n, pair): [] for n in (1, 2) for pair in pairs}
    cores = [n for n in (1, 2) if n <= os.cpu_count() and not (n > 1 and record.emulated)]
    for _ in range(starts):
        with Cleanup():
            field = contenders_of_marks(direction)
            for contender in field.values():
                contender.prepare()
            lives = {name: contender.live(direction, 64) for name, contender in field.items()}
            for n in cores:
                found = in_turns(
                    record,
                    lives,
                    n,
                    rounds if n == 1 else min(rounds, 3 if record.quick else 5),
                    ms,
                    share=1 / starts,
                )
                for name in names:
                    rates[n, name].append(statistics.median(one[name].per_core for one in found))
                for pair, (a, b) in pairs.items():
                    ratios[n, pair].append(
                        statistics.median(
                            paired_ratios(
                                [one[a].per_core for one in found],
                                [one[b].per_core for one in found],
                            )
                        )
                    )
    for n in cores:
        for name in names:
            record.add(
                f"start.{direction}.64.{n}core.{name}",
                "ns",
                [n * 1e9 / rate for rate in rates[n, name]],
            )
        for pair in pairs:
            median = record.add(
                f"ratio.{pair}{f'.{n}cores' if n > 1 else ''}", "ratio", ratios[n, pair]
            )
            if n == 1 and pair in MARKS[direction].values():
                record.mark(pair, median)


def run(record):
    for direction in ("rx", "tx"):
        measure_marks(record, direction)
    if record.quick:
        return
    rounds, ms = (3, 300) if record.emulated else (7, 200)
    sizes, cores = ((64,), (1,)) if record.emulated else ((64, 512, 1514), (1, 2))
    for direction in ("rx", "tx"):
        with Cleanup():
            compare(record, direction, False, sizes, cores, rounds, ms)
    if record.emulated:
        return
    with Cleanup():
        compare(record, "rx", True, sizes, (1,), rounds, ms)
    with Cleanup():
        compare(record, "tx", True, sizes, (1,), rounds, ms)
