# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""No frame crosses a VLAN or a switch: every kind of sender, tag and destination in both
directions, compared with the model byte by byte at every observer.
"""
import collections
import os
import struct

import pytest

from harness import model
from harness.base import wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.frames import BROADCAST, ETH_IP, MULTICAST, STAG, describe, ipv4, tag, udp
from harness.model import ANY, Port, Switch

A, B, C, UNUSED = 100, 200, 300, 999
UNKNOWN = "02:bb:00:00:00:99"

# (switch, group, vlan in the file, mode, vid, list), one port each; port number = index here
PORTS = [
    ("one", "est1", 0, "est", 0, ()),
    ("one", "est2", 0, "est", 0, ()),
    ("one", "a1", A, "vst", A, ()),
    ("one", "a2", A, "vst", A, ()),
    ("one", "b1", B, "vst", B, ()),
    ("one", "list-ac", f"{A},{C}", "vgt", None, (A, C)),
    ("one", "list-bc", f"{B},{C}-{C + 1}", "vgt", None, (B, C, C + 1)),
    ("one", "list-0b", f"0,{B}", "vgt", None, (0, B)),
    ("two", "est", 0, "est", 0, ()),
    ("two", "a", A, "vst", A, ()),
    ("two", "list", f"{A},{B}", "vgt", None, (A, B)),
]
QINQ = ("list-ac",)  # groups with qinq: true
UPLINKS = {"one": ["sw0", "sw1"], "two": ["sw2"]}
TAGS = {
    "untagged": [],
    "priority": [tag(0, 5)],
    "tagged a": [tag(A, 3)],
    "tagged b": [tag(B)],
    "tagged c": [tag(C)],
    "tagged unused": [tag(UNUSED)],
    "tagged 4095": [tag(4095)],
    "double a b": [tag(A), tag(B)],
    "double b a": [tag(B), tag(A)],
    "double priority a": [tag(0, 2), tag(A)],
    "double a priority": [tag(A), tag(0, 1)],
    "service a": [tag(A, 0, STAG)],
    "service c": [tag(C, 0, STAG)],
    "service 0": [tag(0, 0, STAG)],
    "QinQ a b": [tag(A, 0, STAG), tag(B)],
    "QinQ b a": [tag(B, 0, STAG), tag(A)],
    "QinQ c a": [tag(C, 1, STAG), tag(A)],
    "9100 a": [tag(A, 0, 0x9100)],
    "9200 b": [tag(B, 0, 0x9200)],
    "9300 c": [tag(C, 0, 0x9300)],
    "priority 9100 b": [tag(0, 0), tag(B, 0, 0x9100)],
}


def make_switches(channel):
    found = {
        name: Switch(uplinks, channel=channel == "static") for name, uplinks in UPLINKS.items()
    }
    for number, (name, group, _, mode, vid, vlans) in enumerate(PORTS):
        found[name].ports.append(
            Port(f"m{number}", port_mac(number), mode, vid, frozenset(vlans), group in QINQ)
        )
    return found


def configuration(channel, receive):
    return [
        switch(
            name,
            [u.replace("sw", "eth") for u in uplinks],
            [
                {"name": group, "vlan": vlan, "ports": [port(number)]}
                | ({"qinq": True} if group in QINQ else {})
                for number, (owner, group, vlan, *_) in enumerate(PORTS)
                if owner == name
            ],
            channel=channel,
            receive=receive,
        )
        for name, uplinks in UPLINKS.items()
    ]


def payload(number, protocol):
    """A unique payload, so that each frame can be identified; the addresses spread over the
    uplinks.
    """
    data = number.to_bytes(4, "big") + b"isolation test" * 2
    segment = (
        udp(1, 2, data)
        if protocol == "udp"
        else struct.pack("!HHIIBBHHH", 1, 2, number, 1, 5 << 4, 0x18, 8192, 0, 0) + data
    )
    return ETH_IP.to_bytes(2, "big") + ipv4(
        f"10.1.{number >> 8 & 255}.{number & 255}",
        f"10.2.{number // 7 % 256}.1",
        17 if protocol == "udp" else 6,
        segment,
    )


def enumerate_frames(protocol):
    """Every sender with every tag form to every destination."""
    destinations = [port_mac(n) for n in range(len(PORTS))] + [UNKNOWN, BROADCAST, MULTICAST]
    number = 0
    for n, (name, *_) in enumerate(PORTS):
        for form, tags in TAGS.items():
            for dst in destinations:
                number += 1
                yield name, f"m{n}", form, port_mac(n), dst, tags, payload(number, protocol)
    for name, uplinks in UPLINKS.items():
        for uplink in uplinks:
            for form, tags in TAGS.items():
                for dst in destinations:
                    number += 1
                    yield name, uplink, form, outside_mac(1), dst, tags, payload(number, protocol)


def ingress_total(daemon):
    """Frames decided so far: each is counted once at its ingress (`sent` is at the egress)."""
    return sum(
        c["packets"]
        for c in daemon.json("show", "counters")
        if c["reason"] not in ("sent", "failover", "learn_overflow")
    )


def pinned_far_end(daemon, switch_name, group, mac):
    return daemon.json("which", switch_name, group, mac, UNKNOWN)["uplink"].replace("eth", "sw")


@pytest.fixture
def one_cpu():
    """Frames of one processor keep their order, so that a last frame marks the end of the
    others.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def compare(expected, seen):
    """expected: [(sender, form, frame, [(observer, frame)])]; seen: observer -> Counter of
    frames.
    """
    wrong = []
    for sender, form, frame, outcome in expected:
        for observer, copy in outcome:
            if observer == ANY:
                observer = next((u for us in UPLINKS.values() for u in us if seen[u][copy]), ANY)
            if not seen[observer][copy]:
                wrong.append(
                    f"{sender} {form}: {describe(frame)}\n    did not arrive at {observer} as {describe(copy)}"
                )
            seen[observer][copy] -= 1
    for observer, frames in seen.items():
        for copy, surplus in frames.items():
            if surplus > 0:
                origin = next(
                    (f"{s} {form}" for s, form, f, _ in expected if f[-48:] == copy[-48:]),
                    "no sender",
                )
                wrong.append(f"{observer} got {surplus} x {describe(copy)}\n    sent by {origin}")
    return wrong


# TCP passes uplink_xdp and is redirected by uplink_tc; not so with receive: xdp.
@pytest.mark.parametrize(
    "channel,receive,protocol",
    [
        ("static", "auto", "udp"),
        ("static", "auto", "tcp"),
        ("static", "xdp", "udp"),
        ("static", "xdp", "tcp"),
        ("static", "tc", "udp"),
        ("none", "auto", "udp"),
    ],
)
def test_no_frame_crosses_a_vlan_or_switch(one_cpu, channel, receive, protocol):
    # Every second port accepts XDP frames, so that both kinds of delivery are used.
    bed = Bed(n_uplinks=3, n_ports=len(PORTS), gro_ports=range(0, len(PORTS), 2))
    daemon = bed.start(configuration(channel, receive))
    bed.usable("eth0", "eth1", "eth2")
    switches = make_switches(channel)
    if channel == "none":
        for number, (name, group, *_) in enumerate(PORTS):
            ports = switches[name].ports
            port = next(p for p in ports if p.far == f"m{number}")
            port.pinned = pinned_far_end(daemon, name, group, port.mac)
    observers = [f"m{n}" for n in range(len(PORTS))] + [u for us in UPLINKS.values() for u in us]
    for number, (*_, vlans) in enumerate(PORTS):
        bed.confirm(number, tags=[tag(vlans[0])] if vlans and vlans[0] else [])
    bed.listen(*observers)
    counted = ingress_total(daemon)

    expected = []
    for name, sender, form, src, dst, tags, rest in enumerate_frames(protocol):
        frame = model.build(src, dst, tags, rest)
        switch_model = switches[name]
        port = next((p for p in switch_model.ports if p.far == sender), None)
        outcome = (
            model.from_port(switch_model, port, src, dst, tags, rest)
            if port
            else model.from_uplink(switch_model, sender, src, dst, tags, rest)
        )
        expected.append((sender, form, frame, outcome))
        bed.nic(sender).send(frame)

    n_copies = sum(len(outcome) for *_, outcome in expected)
    assert len(expected) > 2500 and n_copies > 500
    wait_until(
        lambda: ingress_total(daemon) - counted >= len(expected),
        90,
        lambda: f"{len(expected)} frames to be counted, now {ingress_total(daemon) - counted}\n{daemon.counters_text()}",
    )
    seen = collections.defaultdict(collections.Counter)

    def collect():
        for observer in observers:
            seen[observer].update(bed.nic(observer).frames())
        return sum(sum(c.values()) for c in seen.values())

    wait_until(
        lambda: collect() >= n_copies or None, 90, lambda: "\n".join(compare(expected, seen)[:40])
    )
    for _ in range(3):  # the last copies of frames that must not arrive
        collect()
    wrong = compare(expected, seen)
    assert (
        not wrong
    ), f"{len(wrong)} differences (channel {channel}, receive {receive}):\n" + "\n".join(wrong[:30])
    assert ingress_total(daemon) - counted == len(
        expected
    ), "each frame is counted exactly once at its ingress"
