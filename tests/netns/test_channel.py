# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Admission and delivery: one copy of each broadcast, the reverse-path filter, standby uplinks,
control frames, draining.
"""
import collections

import pytest

from harness.base import holds_for, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.capture import Nic, expect
from harness.frames import BROADCAST, MULTICAST, PVST, STP, arp_request, eth, tag, udp4
from harness.netns import NetNs, veth
from harness.ovs import Host
from harness.traffic import Traffic, paced

OUTSIDE = outside_mac(5)


def untag(frame):
    return frame[:12] + frame[16:]


def broadcast(number, src=OUTSIDE, dst=BROADCAST, tags=None):
    return udp4(
        dst,
        src,
        f"10.3.{number >> 8}.{number & 255}",
        "10.3.255.255",
        number.to_bytes(4, "big") * 8,
        [tag(100)] if tags is None else tags,
    )


def start(channel, teaming=None, n_uplinks=2, n_ports=2, groups=None, **more):
    bed = Bed(n_uplinks=n_uplinks, n_ports=n_ports)
    bed.start(
        [
            switch(
                "vs",
                bed.uplink_names,
                groups or [("prod", 100, list(range(n_ports)))],
                channel=channel,
                **({"teaming": teaming} if teaming else {}),
                **more,
            )
        ]
    )
    bed.usable(*bed.uplink_names)
    bed.listen(*[f"m{i}" for i in range(n_ports)], *[f"sw{i}" for i in range(n_uplinks)])
    return bed


def counted(bed, name, reason, packets):
    wait_until(
        lambda: bed.daemon.counter(name, reason) == packets,
        30,
        lambda: f"{packets} x {reason} at {name}, now {bed.daemon.counter(name, reason)}\n{bed.daemon.counters_text()}",
    )


@pytest.mark.parametrize(
    "teaming",
    [
        {"load-balancing": "port-id"},
        {"load-balancing": "src-mac"},
        {"load-balancing": "failover-order", "active": ["eth1"], "standby": ["eth0"]},
    ],
    ids=lambda t: t["load-balancing"],
)
def test_one_copy_without_a_channel(teaming):
    """The switch floods to every uplink; each port accepts the copy of its uplink only."""
    bed = start("none", teaming, n_ports=4)
    frames = [broadcast(n, dst=dst) for n in range(20) for dst in (BROADCAST, MULTICAST)]
    for frame in frames:
        bed.nic("sw0").send(frame)
        bed.nic("sw1").send(frame)
    seen = {n: collections.Counter() for n in range(4)}

    def collect():
        for n, counter in seen.items():
            counter.update(bed.nic(f"m{n}").frames())
        return all(sum(c.values()) >= len(frames) for c in seen.values())

    wait_until(
        collect,
        30,
        lambda: f"{len(frames)} frames at each port: { {n: sum(c.values()) for n, c in seen.items()} }\n{bed.daemon.counters_text()}",
    )
    wait_until(
        lambda: sum(
            bed.daemon.counter(u, r)
            for u in bed.uplink_names
            for r in ("flooded", "inactive_uplink")
        )
        == 2 * len(frames),
        30,
        lambda: bed.daemon.counters_text(),
    )
    collect()
    for n, counter in seen.items():
        assert counter == collections.Counter(untag(f) for f in frames), f"port {n}"


def test_channel_accepts_broadcast_from_every_uplink():
    bed = start("static")
    for number, uplink in enumerate(("sw0", "sw1")):
        frame = broadcast(number)
        bed.nic(uplink).send(frame)
        for n in (0, 1):
            assert expect(bed.nic(f"m{n}"), untag(frame)) == []
    counted(bed, "eth0", "flooded", 1)
    counted(bed, "eth1", "flooded", 1)


@pytest.mark.parametrize("channel", ["static", "none"])
def test_reflected_frames_are_dropped(channel):
    bed = start(channel)
    bed.confirm(0)
    own = broadcast(1, src=port_mac(0))
    fence = broadcast(2)
    for uplink in ("sw0", "sw1"):
        bed.nic(uplink).send(own)
        bed.nic(uplink).send(fence)
    for n in (0, 1):
        assert own[16:] not in [f[12:] for f in expect(bed.nic(f"m{n}"), untag(fence))]
    counted(bed, "eth0", "reflected", 1)
    counted(bed, "eth1", "reflected", 1)
    # The address in another VLAN is not that of a port: no reflection; and no port has that VLAN.
    bed.nic("sw0").send(broadcast(3, src=port_mac(0), tags=[tag(101)]))
    counted(bed, "eth0", "unknown_vlan", 1)
    counted(bed, "eth0", "reflected", 1)


def test_frames_from_an_inactive_uplink():
    bed = start(
        "none",
        {"load-balancing": "failover-order", "active": ["eth1"], "standby": ["eth0"]},
        n_ports=1,
    )
    to_port = udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", b"x" * 30, [tag(100)])
    bed.nic("sw0").send(to_port)
    counted(bed, "eth0", "inactive_uplink", 1)
    bed.nic("sw1").send(to_port)
    assert expect(bed.nic("m0"), untag(to_port)) == []
    assert bed.nic("m0").frames() == []
    bed.up("sw1", False)
    bed.usable("eth0")
    bed.nic("sw0").send(to_port)  # the standby uplink is active now
    expect(bed.nic("m0"), untag(to_port))
    counted(bed, "eth0", "inactive_uplink", 1)


def test_unknown_destination_from_an_uplink():
    bed = start("static", groups=[("prod", 100, [0]), ("native", 0, [1])])
    sw0 = bed.nic("sw0")
    sw0.send(udp4(outside_mac(77), OUTSIDE, "192.0.2.1", "192.0.2.2", b"", [tag(100)]))
    counted(bed, "eth0", "unknown_unicast", 1)
    sw0.send(udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", b"", [tag(101)]))
    counted(bed, "eth0", "unknown_vlan", 1)
    sw0.send(udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", b""))  # known, in another VLAN
    counted(bed, "eth0", "unknown_unicast", 2)
    sw0.send(udp4(port_mac(0), "01:00:00:00:00:01", "192.0.2.1", "192.0.2.2", b"", [tag(100)]))
    counted(bed, "eth0", "invalid_source", 1)
    assert bed.nic("m0").frames() == bed.nic("m1").frames() == bed.nic("sw1").frames() == []


def test_unknown_unicast_from_a_port_goes_to_the_uplink_only():
    bed = start("static")
    frame = udp4(outside_mac(9), port_mac(0), "192.0.2.1", "192.0.2.2", b"x" * 20)
    out = frame[:12] + b"\x81\x00\x00\x64" + frame[12:]
    bed.nic("m0").send(frame)
    expect(bed.nic("sw1"), out)  # 1 xor 2 = 3, odd
    counted(bed, "p0", "to_uplink", 1)
    assert bed.nic("m1").frames() == []


SNAP = b"\xaa\xaa\x03\x00\x00\x0c"  # of Cisco, without the protocol


def test_control_and_reserved_addresses():
    bed = start("static", groups=[("prod", 100, [0]), ("native", 0, [1])])
    body = b"\x42\x42\x03" + bytes(40)
    lldp = eth("01:80:c2:00:00:0e", OUTSIDE, 0x88CC, b"\x02\x07\x04" + bytes(40))
    lacp = eth("01:80:c2:00:00:02", OUTSIDE, 0x8809, b"\x01\x01" + bytes(108))
    cdp = eth("01:00:0c:cc:cc:cc", OUTSIDE, 0x0040, b"\xaa\xaa\x03\x00\x00\x0c\x20\x00" + bytes(40))
    for number, frame in enumerate((lldp, lacp, cdp), 1):
        bed.nic("sw0").send(frame)
        counted(bed, "eth0", "control", number)
    bed.nic("sw0").send(eth(STP, OUTSIDE, 38, body))
    counted(bed, "eth0", "reserved_address", 1)

    for number, frame in enumerate(
        (
            eth(STP, port_mac(1), 38, body),
            eth(PVST, port_mac(1), 50, b"\xaa\xaa\x03\x00\x00\x0c\x01\x0b" + bytes(42)),
        ),
        1,
    ):
        bed.nic("m1").send(frame)
        counted(bed, "p1", "guest_bpdu", number)
    for number, frame in enumerate(
        (
            eth("01:80:c2:00:00:03", port_mac(1), 0x888E, bytes(46)),
            eth("01:80:c2:00:00:0f", port_mac(1), 0x0800, bytes(46)),
        ),
        1,
    ):
        bed.nic("m1").send(frame)
        counted(bed, "p1", "reserved_address", number)
    for frame, reason in (
        (eth("01:80:c2:00:00:0e", port_mac(1), 0x88CC, b"\x02" * 46), "guest_discovery"),
        (eth("01:80:c2:00:00:02", port_mac(1), 0x8809, bytes(46)), "guest_lacp"),
        (eth("01:80:c2:00:00:21", port_mac(1), 0x88F5, bytes(46)), "guest_registration"),
        (eth("01:00:0c:cc:cc:cc", port_mac(1), 0x0032, SNAP + b"\x20\x04" * 22), "guest_trunking"),
        (eth("ff:ff:ff:ff:ff:ff", port_mac(1), 0x8808, bytes(46)), "guest_pause"),
    ):
        bed.nic("m1").send(frame)
        counted(bed, "p1", reason, 1)
    for observer in ("m0", "m1", "sw0", "sw1"):
        assert bed.nic(observer).frames() == [], observer


def test_drain_loses_nothing_in_either_direction():
    bed = start("static", n_uplinks=2, n_ports=1)
    up = Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0), dst_mac=OUTSIDE)
    down = Traffic(
        ("sw1", bed.world, "sw1"),
        [("m0", bed.world, "m0")],
        src_mac=OUTSIDE,
        dst_mac=port_mac(0),
        vlan=100,
        rate=paced(2000),
    )
    up.flow(2000)
    down.flow(400)
    up.mark()
    bed.daemon.ctl("uplink", "drain", "eth1")
    bed.usable("eth0")
    assert bed.daemon.uplink("eth1")["drained"] and bed.daemon.uplink("eth1")["carrier"]
    up.mark()
    up.flow(2000)
    # the switch is not informed and uses the link further: its frames must still be accepted
    down.flow(400)
    bed.daemon.restart()  # a drained uplink stays drained
    assert bed.daemon.uplink("eth1")["drained"]
    up.mark()
    up.flow(1000)
    up.mark()
    bed.daemon.ctl("uplink", "undrain", "eth1")
    bed.usable("eth0", "eth1")
    up.mark()
    up.flow(2000)
    figures = up.stop()
    figures.assert_clean("drain, port to uplink")
    down.stop().assert_clean("drain, uplink to port")
    start_, _, drained, restarted, _, back = figures.phases
    assert drained.ends["eth1"] == 0 == restarted.ends["eth1"], figures
    assert (
        back.paths() == start_.paths()
        and set(start_.ends) == {"eth0", "eth1"}
        and min(start_.ends.values()) > 0
    ), figures


def test_drain_reports_invalid_requests():
    bed = start("static", n_uplinks=2, n_ports=1)
    assert bed.daemon.ctl("uplink", "drain", "eth9", check=False).returncode == 1
    bed.daemon.ctl("uplink", "drain", "eth1")
    # the last one, too: the operator's request is final, and all traffic stops
    bed.daemon.ctl("uplink", "drain", "eth0")
    bed.daemon.ctl("uplink", "drain", "eth0")  # again: no error
    bed.nic("m0").send(udp4(outside_mac(5), port_mac(0), "192.0.2.1", "192.0.2.2", b"x" * 20))
    wait_until(lambda: bed.daemon.counter("p0", "no_uplink") == 1, 30, bed.daemon.counters_text)
    bed.daemon.ctl("uplink", "undrain", "eth1")
    wait_until(lambda: bed.daemon.uplink("eth1")["usable"], 30, "eth1 usable")


# ---- with Open vSwitch as the physical switch ----
def ovs_bed(ovs, channel, bundled):
    hv, world = NetNs("hv"), NetNs("world")
    if bundled:
        ovs.static_channel(hv, ["eth0", "eth1"], trunks=[100, 200])
    else:
        for name in ("eth0", "eth1"):
            ovs.port(hv, name, trunks=[100, 200])
    for n in (0, 1):
        veth(hv, f"p{n}", world, f"m{n}", mac_b=port_mac(n))
    bed = Bed.around(hv, ["eth0", "eth1"], world)
    bed.start([switch("vs", ["eth0", "eth1"], [("a", 100, [0]), ("b", 200, [1])], channel=channel)])
    bed.usable("eth0", "eth1")
    return bed


def test_one_copy_through_a_real_channel(ovs):
    host = Host(ovs, "192.0.2.50/24", tag=100, mac=OUTSIDE)
    other = Host(ovs, "192.0.2.51/24", tag=200)
    bed = ovs_bed(ovs, "static", bundled=True)
    inside, outside, elsewhere = bed.nic("m0"), Nic(host.ns, "h0"), Nic(other.ns, "h0")
    seen = {"inside": [], "outside": []}
    out = [
        arp_request(port_mac(0), f"192.0.2.{n}", f"192.0.2.{n * 3 % 256}") for n in range(60, 90)
    ]
    back = [arp_request(OUTSIDE, f"192.0.2.{n}", f"192.0.2.{n * 3 % 256}") for n in range(60, 90)]
    for one, two in zip(out, back):
        inside.send(one)
        outside.send(two)

    def collect():
        seen["inside"] += [f for f in inside.frames() if f in out + back]
        seen["outside"] += [f for f in outside.frames() if f in out + back]
        return len(seen["inside"]) >= len(back) and len(seen["outside"]) >= len(out)

    wait_until(
        collect,
        30,
        lambda: f"{len(seen['inside'])} inside, {len(seen['outside'])} outside\n{bed.daemon.counters_text()}",
    )
    holds_for(lambda: collect(), 0.2)
    assert sorted(seen["inside"]) == sorted(back) and sorted(seen["outside"]) == sorted(out)
    assert not set(elsewhere.frames()) & set(out + back) and not set(bed.nic("m1").frames()) & set(
        out + back
    ), "a frame of VLAN 100 in VLAN 200"
    assert sum(bed.daemon.counter(u, "reflected") for u in ("eth0", "eth1")) == 0


def test_a_switch_that_does_not_bundle_reflects(ovs):
    host = Host(ovs, "192.0.2.50/24", tag=100, mac=OUTSIDE)
    bed = ovs_bed(ovs, "static", bundled=False)
    inside, outside = bed.nic("m0"), Nic(host.ns, "h0")
    frame = arp_request(port_mac(0), "192.0.2.10", "192.0.2.50")
    inside.send(frame)
    expect(outside, frame)
    wait_until(
        lambda: bed.daemon.counter("eth0", "reflected") + bed.daemon.counter("eth1", "reflected")
        == 1,
        30,
        bed.daemon.counters_text,
    )
    assert frame not in inside.frames(), "a machine must not receive its own broadcast"


@pytest.mark.parametrize("policy", ["port-id", "src-mac"])
def test_independent_links_to_a_real_switch(ovs, policy):
    """Without a channel each port uses one link; the switch floods to both. Each machine gets one
    copy, and addresses do not flap.
    """
    host = Host(ovs, "192.0.2.50/24", tag=100, mac=OUTSIDE)
    hv = NetNs("hv")
    machines = [NetNs(f"vm{n}") for n in (0, 1)]
    for name in ("eth0", "eth1"):
        ovs.port(hv, name, trunks=[100])
    for n, machine in enumerate(machines):
        veth(hv, f"p{n}", machine, "m", mac_b=port_mac(n))
        machine.ip("addr", "add", f"192.0.2.{n + 1}/24", "dev", "m")
    bed = Bed.around(hv, ["eth0", "eth1"])
    bed.start(
        [
            switch(
                "vs",
                ["eth0", "eth1"],
                [("a", 100, [0, 1])],
                channel="none",
                teaming={"load-balancing": policy},
            )
        ]
    )
    bed.usable("eth0", "eth1")
    for n, machine in enumerate(machines):
        machine.run("ping", "-c", 3, "-i", 0.05, "-W", 10, "192.0.2.50")
        machine.run("ping", "-c", 3, "-i", 0.05, "-W", 10, f"192.0.2.{2 - n}")
    copies = [Nic(machine, "m") for machine in machines]
    frame = arp_request(OUTSIDE, "192.0.2.50", "192.0.2.99")
    Nic(host.ns, "h0").send(frame)
    seen = collections.Counter()

    def collect():
        for n, nic in enumerate(copies):
            seen[n] += nic.frames().count(frame)
        return seen[0] and seen[1]

    wait_until(collect, 30, lambda: f"{seen}\n{bed.daemon.counters_text()}")
    holds_for(collect, 0.2)
    assert seen == {0: 1, 1: 1}, seen
    assert {p["uplink"] for p in bed.daemon.json("show", "ports")} == {"eth0", "eth1"}
