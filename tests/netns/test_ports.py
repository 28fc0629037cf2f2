# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Machine ports of every kind; frames stay whole: TCP, jumbo frames, GSO, unfinished checksums,
fragments.
"""
import collections
import ipaddress
import json
import struct
from pathlib import Path

import pytest

from harness.base import BUILD, run, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.capture import Nic, expect
from harness.features import gro_of_tagged_frames, xdp_features_are_reported
from harness.frames import BROADCAST, ETH_IP, checksum, describe, eth, ipv4, mac, tag, udp, udp4
from harness.machine import Machine, iperf, ping
from harness.netns import NetNs
from harness.ovs import Host
from harness.taps import TUN_F_CSUM, TUN_F_TSO4, Tap

OUTSIDE = outside_mac(5)
NEEDS_CSUM, GSO_TCPV4 = 1, 1


def untag(frame):
    return frame[:12] + frame[16:]


def with_tag(frame, vid=100):
    return frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]


def tcp4(dst, src, ip_src, ip_dst, data, seq=1, flags=0x10, complete=True):
    """An Ethernet frame with TCP; complete=False leaves the sum of the pseudo header as the
    checksum, as a guest with checksum offload does.
    """
    head = struct.pack("!HHIIBBHHH", 5001, 5002, seq, 1, 5 << 4, flags, 8192, 0, 0)
    pseudo = (
        ipaddress.IPv4Address(ip_src).packed
        + ipaddress.IPv4Address(ip_dst).packed
        + struct.pack("!HH", 6, len(head) + len(data))
    )
    value = checksum(pseudo + head + data) if complete else ~checksum(pseudo) & 0xFFFF
    return eth(
        dst,
        src,
        ETH_IP,
        ipv4(ip_src, ip_dst, 6, head[:16] + struct.pack("!H", value) + head[18:] + data),
    )


def vnet_header(flags=0, gso_type=0, hdr_len=0, gso_size=0, csum_start=0, csum_offset=0):
    return struct.pack("<BBHHHH", flags, gso_type, hdr_len, gso_size, csum_start, csum_offset)


def tcp_segments(dst, src, ip_src, ip_dst, data, size):
    """The segments of a super-frame: (sequence number, data) of each."""
    return [(1 + at, data[at : at + size]) for at in range(0, len(data), size)]


# ---- kinds of ports ----
def test_tap_port_both_ways():
    bed = Bed(n_uplinks=2, n_ports=1)
    tap = Tap(bed.hv, "tap0")
    bed.start(
        [
            switch(
                "vs",
                bed.uplink_names,
                [("prod", 100, [0, {"interface": "tap0", "mac": port_mac(9)}])],
            )
        ]
    )
    bed.usable("eth0", "eth1")
    bed.listen("m0", "sw0", "sw1")
    out = udp4(OUTSIDE, port_mac(9), "192.0.2.1", "192.0.2.3", b"out" * 9)
    tap.send(out)
    expect(bed.nic("sw0"), with_tag(out))
    into = udp4(port_mac(9), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
    bed.nic("sw1").send(into)
    expect(tap, untag(into))
    local = udp4(port_mac(0), port_mac(9), "192.0.2.1", "192.0.2.2", b"local" * 5)
    tap.send(local)
    expect(bed.nic("m0"), local)
    back = udp4(port_mac(9), port_mac(0), "192.0.2.2", "192.0.2.1", b"back" * 7)
    bed.nic("m0").send(back)
    expect(tap, back)
    assert (
        next(p for p in bed.daemon.json("show", "ports") if p["name"] == "tap0")["delivery"]
        == "xdp"
    )


def test_tap_that_appears_and_disappears_with_its_machine():
    bed = Bed(n_uplinks=1, n_ports=0)
    bed.start(
        [switch("vs", ["eth0"], [("prod", 100, [{"interface": "tap0", "mac": port_mac(9)}])])]
    )
    bed.usable("eth0")
    for number in range(2):
        tap = Tap(bed.hv, "tap0")
        wait_until(lambda: bed.daemon.json("show", "fdb"), 30, "tap0 to be attached")
        bed.daemon.call("Status")  # the reply follows all writes of the change
        into = udp4(port_mac(9), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
        bed.nic("sw0").send(into)
        expect(tap, untag(into))
        tap.close()
        wait_until(
            lambda: not bed.daemon.json("show", "ports")[0]["present"], 30, "tap0 to be missing"
        )
    dropped = lambda: bed.daemon.counter("eth0", "unknown_unicast")
    before = dropped()
    bed.nic("sw0").send(into)
    wait_until(lambda: dropped() == before + 1, 30, bed.daemon.counters_text)


def test_machine_that_moves_to_another_host_and_back():
    """Live migration: while its interface is not here, others reach it by the uplink and receive
    its broadcasts; after the return it is local.
    """
    bed = Bed(n_uplinks=1, n_ports=1)
    moved = {"interface": "tap0", "mac": port_mac(9)}
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0, moved])])])
    bed.usable("eth0")
    bed.listen("m0", "sw0")
    to_it = udp4(port_mac(9), port_mac(0), "192.0.2.1", "192.0.2.9", b"to it" * 5)
    its_call = udp4(BROADCAST, port_mac(9), "192.0.2.9", "192.0.2.255", b"here I am" * 3)
    owners = lambda: [e["port"] for e in bed.daemon.json("show", "fdb") if e["mac"] == port_mac(9)]
    for _ in range(2):
        assert owners() == []
        bed.nic("m0").send(to_it)
        expect(bed.nic("sw0"), with_tag(to_it))
        bed.nic("sw0").send(with_tag(its_call))
        expect(bed.nic("m0"), its_call)
        tap = Tap(bed.hv, "tap0")
        wait_until(lambda: owners() == ["tap0"], 30, "its address to be restored")
        bed.daemon.call("Status")  # the reply follows all writes of the change
        tap.send(its_call)
        expect(bed.nic("sw0"), with_tag(its_call))
        expect(bed.nic("m0"), its_call)
        bed.nic("m0").send(to_it)
        expect(tap, to_it)
        assert bed.nic("sw0").frames() == []
        tap.close()
        wait_until(lambda: owners() == [], 30, "its address to be removed")
    bed.daemon.restart()
    assert owners() == []


def test_host_port(ovs):
    hv = NetNs("hv")
    host = Host(ovs, "192.0.2.50/24", tag=100)
    ovs.static_channel(hv, ["eth0", "eth1"], trunks=[100])
    machine = Machine(hv, 0, "192.0.2.1/24")
    bed = Bed.around(hv, ["eth0", "eth1"])
    vmk = {
        "interface": "vmk0",
        "host": True,
        "address": ["192.0.2.10/24", "198.51.100.1/25"],
        "mac": port_mac(40),
    }
    bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0]), ("mgmt", 100, [vmk])])])
    bed.usable("eth0", "eth1")
    shown = json.loads(hv.ip("-json", "addr", "show", "dev", "vmk0").stdout)[0]
    assert {(a["local"], a["prefixlen"]) for a in shown["addr_info"] if a["family"] == "inet"} == {
        ("192.0.2.10", 24),
        ("198.51.100.1", 25),
    }
    assert shown["address"] == port_mac(40) and shown["mtu"] == 1500
    ping(hv, host.address)
    ping(host.ns, "192.0.2.10", size=1472)
    ping(hv, machine.address)
    ping(machine.ns, "192.0.2.10")
    bed.daemon.restart()
    ping(host.ns, "192.0.2.10")
    iperf(hv, host.ns, host.address, megabytes=8)
    iperf(hv, host.ns, host.address, "-R", megabytes=8)
    iperf(hv, machine.ns, machine.address)
    bed.daemon.teardown()
    assert not hv.exists("vmk0"), "an interface that uplinkd created is removed"
    assert hv.exists("p0")


def test_port_add_and_del_at_run_time():
    bed = Bed(n_uplinks=1, n_ports=2)
    config = [switch("vs", ["eth0"], [("prod", 100, [0]), ("other", 200, [])])]
    bed.start(config)
    bed.usable("eth0")
    bed.listen("m0", "m1", "sw0")
    into = udp4(port_mac(1), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(200)])

    def works():
        bed.nic("sw0").send(into)
        assert expect(bed.nic("m1"), untag(into)) == []

    for words in (
        ["nowhere", "other", "p1", "--mac", port_mac(1)],
        ["vs", "nothing", "p1", "--mac", port_mac(1)],
        ["vs", "other", "p0", "--mac", port_mac(1)],
        ["vs", "other", "eth0", "--mac", port_mac(1)],
        ["vs", "prod", "p1", "--mac", port_mac(0)],
        ["vs", "other", "p1", "--mac", "nonsense"],
    ):
        done = bed.daemon.ctl("port", "add", *words, check=False)
        assert done.returncode == 1 and done.stderr, (words, done)
    bed.daemon.ctl("port", "add", "vs", "other", "p1", "--mac", port_mac(1))
    works()
    assert next(p for p in bed.daemon.json("show", "ports") if p["name"] == "p1")["runtime"]
    bed.daemon.restart()
    works()
    bed.daemon.kill()
    bed.daemon.start()
    works()
    bed.daemon.ctl("reload")
    works()
    bed.daemon.ctl("port", "del", "p1")
    assert [p["name"] for p in bed.daemon.json("show", "ports")] == ["p0"]
    bed.nic("sw0").send(into)
    wait_until(
        lambda: bed.daemon.counter("eth0", "unknown_unicast")
        + bed.daemon.counter("eth0", "unknown_vlan")
        == 1,
        30,
        bed.daemon.counters_text,
    )
    assert bed.daemon.ctl("port", "del", "p1", check=False).returncode == 1
    bed.daemon.restart()
    assert [p["name"] for p in bed.daemon.json("show", "ports")] == ["p0"]


# ---- TCP ----
def received(ns):
    """(frames, bytes) received by a machine; a super-frame counts as one."""
    stats = json.loads(ns.ip("-json", "-s", "link", "show", "dev", "nic").stdout)[0]["stats64"][
        "rx"
    ]
    return stats["packets"], stats["bytes"]


@pytest.mark.parametrize("receive", ["auto", "xdp", "tc"])
def test_tcp_through_the_switch_and_locally(ovs, receive):
    """Veth ports keep their offloads; the cables to the switch have none, like wires."""
    hv = NetNs("hv")
    host = Host(ovs, "192.0.2.50/24", tag=100)
    ovs.static_channel(hv, ["eth0", "eth1"], trunks=[100])
    one, two = Machine(hv, 0, "192.0.2.1/24"), Machine(hv, 1, "192.0.2.2/24", gro=True)
    bed = Bed.around(hv, ["eth0", "eth1"])
    bed.start([switch("vs", ["eth0", "eth1"], [("a", 100, [0]), ("b", 100, [1])], receive=receive)])
    bed.usable("eth0", "eth1")
    for machine in (one, two):
        ping(machine.ns, host.address, size=1472)
        iperf(machine.ns, host.ns, host.address, megabytes=16)
        iperf(machine.ns, host.ns, host.address, "-R", megabytes=16)
    before = received(two.ns)
    iperf(one.ns, two.ns, two.address, megabytes=256)
    packets, octets = (now - then for now, then in zip(received(two.ns), before))
    assert (
        octets / packets > 4000
    ), f"local traffic uses super-frames: {octets} bytes in {packets} frames"
    iperf(one.ns, two.ns, two.address, "-R", megabytes=256)
    counters = bed.daemon.json("show", "counters")
    failed = [
        c
        for c in counters
        if c["reason"] in ("failed", "too_big", "truncated", "no_uplink") and c["packets"]
    ]
    assert not failed, failed
    modes = {u["xdp_mode"] for u in bed.daemon.json("show", "uplinks")}
    assert modes == ({"none"} if receive == "tc" else {"native"}), modes


def test_jumbo(ovs):
    hv = NetNs("hv")
    host = Host(ovs, "192.0.2.50/24", tag=100, mtu=9000)
    ovs.static_channel(hv, ["eth0", "eth1"], trunks=[100], mtu=9000)
    one, two = Machine(hv, 0, "192.0.2.1/24", mtu=9000), Machine(
        hv, 1, "192.0.2.2/24", mtu=9000, gro=True
    )
    bed = Bed.around(hv, ["eth0", "eth1"])
    bed.start([switch("vs", ["eth0", "eth1"], [("a", 100, [0, 1])], mtu=9000)])
    bed.usable("eth0", "eth1")
    for machine in (one, two):
        for size in (56, 1472, 3000, 8000, 8972):
            ping(machine.ns, host.address, size, count=2)
            ping(host.ns, machine.address, size, count=2)
    ping(one.ns, two.address, 8972)
    iperf(one.ns, host.ns, host.address, megabytes=16)
    iperf(one.ns, host.ns, host.address, "-R", megabytes=16)


def test_longer_than_the_mtu_is_dropped_and_counted():
    bed = Bed(n_uplinks=1, n_ports=1, mtu=9000)
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0])], mtu=1500)])
    bed.usable("eth0")
    bed.daemon.freeze()  # it would set the MTU again
    bed.hv.ip("link", "set", "eth0", "mtu", "9000")
    fits, too_long = (
        udp4(OUTSIDE, port_mac(0), "192.0.2.1", "192.0.2.2", bytes(n - 28)) for n in (1500, 1501)
    )
    bed.listen("sw0", "m0")
    bed.nic("m0").send(too_long)
    wait_until(lambda: bed.daemon.counter("p0", "too_big") == 1, 30, bed.daemon.counters_text)
    bed.nic("m0").send(fits)
    assert expect(bed.nic("sw0"), with_tag(fits)) == []
    into = [with_tag(mac(port_mac(0)) + mac(OUTSIDE) + f[12:]) for f in (too_long, fits)]
    bed.nic("sw0").send(into[0])
    wait_until(lambda: bed.daemon.counter("eth0", "too_big") == 1, 30, bed.daemon.counters_text)
    bed.nic("sw0").send(into[1])
    assert expect(bed.nic("m0"), untag(into[1])) == []


@pytest.mark.parametrize("tags", [(10,), (10, 7)], ids=["one-tag", "two-tags"])
def test_trunk_ports_carry_1500_bytes_behind_their_tags_through_veth_uplinks(tags):
    """A veth counts a tag in the data as payload, and not one beside it, as the outer tag is behind `txvlan on` (docs/testing.md). The machines and the switch here send it in the data, so their cables have room for it."""
    bed = Bed(n_uplinks=1, n_ports=2)
    for ns, name in ((bed.hv, "p"), (bed.world, "m")):
        for n in (0, 1):
            ns.ip("link", "set", f"{name}{n}", "mtu", "1504")
    trunk = {"name": "t", "vlan": "10,20", "ports": [port(0), port(1)]}
    bed.start([switch("vs", ["eth0"], [trunk])])
    bed.usable("eth0")
    bed.hv.run("ethtool", "-K", "eth0", "txvlan", "on")
    bed.listen("sw0", "m0", "m1")
    bed.confirm(0, 1, tags=[tag(10)])

    def passes(sender, receiver, dst, src):
        frame = udp4(dst, src, "192.0.2.1", "192.0.2.2", b"x" * 1472, tags=[tag(v) for v in tags])
        assert len(frame) == 14 + 4 * len(tags) + 1500
        bed.nic(sender).send(frame)
        expect(bed.nic(receiver), frame)

    passes("m0", "sw0", outside_mac(1), port_mac(0))
    passes("m0", "m1", port_mac(1), port_mac(0))
    bed.daemon.freeze()  # it would set the MTU again
    for ns, name in ((bed.hv, "eth0"), (bed.world, "sw0")):
        ns.ip("link", "set", name, "mtu", "1504")
    passes("sw0", "m0", port_mac(0), outside_mac(1))
    assert sum(bed.daemon.counter(n, "too_big") for n in ("p0", "p1", "eth0")) == 0


def test_a_broadcast_to_more_veth_ports_than_the_backlog_holds():
    """The kernel drops what exceeds net.core.netdev_max_backlog. Each lost copy is counted, no other frame is lost, and the finding names the setting."""
    limit = int(Path("/proc/sys/net/core/netdev_max_backlog").read_text())
    if limit > 1500:
        pytest.skip(f"net.core.netdev_max_backlog is {limit}: too many ports for a test")
    n = limit + 60
    bed = Bed(n_uplinks=1, n_ports=n)
    bed.start([switch("vs", ["eth0"], [("prod", 100, range(n))])])
    bed.usable("eth0")
    ports = lambda: [p["state"] for p in bed.daemon.json("show", "ports")]
    wait_until(lambda: set(ports()) == {"present"}, 120, lambda: collections.Counter(ports()))

    def received():
        with bed.world:
            lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
        fields = (line.split() for line in lines if line.lstrip().startswith("m"))
        return sum(int(f[2]) for f in fields)

    def counted(reason):
        found = bed.daemon.json("show", "counters")
        return sum(c["packets"] for c in found if c["scope"] == "port" and c["reason"] == reason)

    before = received()
    frame = udp4(BROADCAST, OUTSIDE, "192.0.2.1", "192.0.2.255")
    bed.nic("sw0").send(with_tag(frame))
    wait_until(lambda: counted("sent") + counted("queue_full") == n, 60, bed.daemon.counters_text)
    wait_until(lambda: received() - before >= limit, 60, lambda: received() - before)
    lost = lambda: n - (received() - before)
    # older kernels report such copies as sent
    wait_until(lambda: counted("queue_full") in (0, lost()), 60, lambda: f"{lost()} lost")
    lost = lost()
    # The setting is that of the whole host, and only its first network namespace shows it.
    where = ("--run-dir", bed.daemon.run_dir, "--bpffs", bed.daemon.bpffs)
    status = json.loads(run(BUILD / "uplinkctl", *where, "--json", "status").stdout)
    problems = status["switches"][0]["problems"]
    found = {f["code"]: f for f in problems}
    remedy = f"sysctl -w net.core.netdev_max_backlog={2 * n}"
    assert found["backlog_short"]["remedy"] == remedy, problems
    if lost:
        assert "netdev_max_backlog" in found["queue_full"]["remedy"], problems
    bed.listen("m0")
    bed.nic("sw0").send(with_tag(udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2")))
    expect(bed.nic("m0"), udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2"))


def test_a_port_with_a_smaller_mtu():
    """A frame above the MTU of the interface is dropped and counted by the program, not silently by
    the kernel; a change of the MTU is followed.
    """
    bed = Bed(n_uplinks=1, n_ports=2)
    bed.hv.ip("link", "set", "p0", "mtu", "1400")
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0, 1])])])
    bed.usable("eth0")
    bed.confirm(0)
    fits, too_long = (
        udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", bytes(n - 28), [tag(100)])
        for n in (1400, 1401)
    )
    bed.nic("sw0").send(too_long)
    wait_until(lambda: bed.daemon.counter("eth0", "too_big") == 1, 30, bed.daemon.counters_text)
    bed.nic("sw0").send(fits)
    assert expect(bed.nic("m0"), untag(fits)) == []
    bed.nic("m1").send(udp4(port_mac(0), port_mac(1), "192.0.2.1", "192.0.2.2", bytes(1401 - 28)))
    wait_until(lambda: bed.daemon.counter("p1", "too_big") == 1, 30, bed.daemon.counters_text)
    bed.hv.ip("link", "set", "p0", "mtu", "1500")

    def arrives():
        bed.nic("sw0").send(too_long)
        return untag(too_long) in bed.nic("m0").frames()

    wait_until(arrives, 30, bed.daemon.counters_text)


# ---- offloads ----
def offload_bed(vnet_uplink=False):
    """A tap port with a virtio header, as QEMU has it, and a second one."""
    bed = Bed(n_uplinks=0 if vnet_uplink else 1, n_ports=0)
    if vnet_uplink:
        bed.uplink_names = ["eth0"]
        bed.taps = [Tap(bed.hv, "eth0", vnet_hdr=True)]
    one, two = Tap(bed.hv, "tap0", vnet_hdr=True), Tap(bed.hv, "tap1", vnet_hdr=True)
    ports = [{"interface": f"tap{n}", "mac": port_mac(n)} for n in (0, 1)]
    bed.start([switch("vs", ["eth0"], [("prod", 100, ports)])])
    bed.usable("eth0")
    return bed, one, two


SUPER = bytes(range(256)) * 80  # 20 kB
SUPER_HEADER = vnet_header(NEEDS_CSUM, GSO_TCPV4, 54, 1448, 34, 16)


def test_super_frame_between_ports_is_not_segmented():
    bed, one, two = offload_bed()
    two.send(udp4(BROADCAST, port_mac(1), "0.0.0.0", "192.0.2.255"))
    bed.wait_address("tap1", "confirmed")
    frame = tcp4(port_mac(1), port_mac(0), "192.0.2.1", "192.0.2.2", SUPER, complete=False)
    one.send(frame, SUPER_HEADER)
    got = wait_until(
        lambda: next(iter(two.raw_frames()), None),
        30,
        lambda: f"the super-frame\n{bed.daemon.counters_text()}",
    )
    flags, gso_type, _, gso_size, start, offset = struct.unpack("<BBHHHH", got[:10])
    assert (flags & NEEDS_CSUM, gso_type & 0x7F, gso_size, start, offset) == (
        NEEDS_CSUM,
        GSO_TCPV4,
        1448,
        34,
        16,
    )
    assert got[10:] == frame, "the frame arrives unchanged"
    assert bed.daemon.counter("tap0", "to_port") == len(
        tcp_segments(*[None] * 4, SUPER, 1448)
    ), "counted by its segments"


def test_super_frame_to_an_uplink_with_segmentation_offload():
    bed, one, _ = offload_bed(vnet_uplink=True)
    frame = tcp4(OUTSIDE, port_mac(0), "192.0.2.1", "192.0.2.2", SUPER, complete=False)
    one.send(frame, SUPER_HEADER)
    got = wait_until(
        lambda: next((f for f in bed.taps[0].raw_frames() if len(f) > 10000), None),
        30,
        lambda: f"the super-frame\n{bed.daemon.counters_text()}",
    )
    flags, gso_type, _, gso_size, start, _ = struct.unpack("<BBHHHH", got[:10])
    assert (flags & NEEDS_CSUM, gso_type & 0x7F, gso_size, start) == (
        NEEDS_CSUM,
        GSO_TCPV4,
        1448,
        38,
    ), "38: behind the tag"
    assert got[10:] == with_tag(frame)


def test_super_frame_to_an_uplink_without_segmentation_offload():
    """The kernel segments it and completes checksums on the way out; every byte arrives."""
    bed, one, _ = offload_bed()
    bed.hv.ethtool("eth0", tx=False, sg=False, tso=False, gso=False)
    bed.listen("sw0")
    one.send(
        tcp4(OUTSIDE, port_mac(0), "192.0.2.1", "192.0.2.2", SUPER, complete=False), SUPER_HEADER
    )
    wanted = dict(tcp_segments(*[None] * 4, SUPER, 1448))
    seen = {}

    def collect():
        for frame in bed.nic("sw0").frames():
            assert frame[12:16] == b"\x81\x00\x00\x64" and frame[16:18] == b"\x08\x00", describe(
                frame
            )
            length = struct.unpack("!H", frame[20:22])[0]
            segment = frame[38 : 18 + length]
            pseudo = frame[30:38] + struct.pack("!HH", 6, len(segment))
            assert (
                checksum(pseudo + segment) == 0 and checksum(frame[18:38]) == 0
            ), f"checksums of {describe(frame)}"
            seen[struct.unpack("!I", segment[4:8])[0]] = segment[20:]
        return len(seen) >= len(wanted)

    wait_until(
        collect, 30, lambda: f"{len(seen)} of {len(wanted)} segments\n{bed.daemon.counters_text()}"
    )
    assert seen == wanted
    assert bed.daemon.counter("eth0", "sent") == len(wanted)


@pytest.mark.parametrize("way", ["uplink", "port"])
def test_unfinished_checksum(way):
    bed, one, two = offload_bed()
    bed.hv.ethtool("eth0", tx=False)
    bed.listen("sw0")
    dst = OUTSIDE if way == "uplink" else port_mac(1)
    parts = dst, port_mac(0), "192.0.2.1", "192.0.2.2", b"checksum" * 10
    one.send(tcp4(*parts, complete=False), vnet_header(NEEDS_CSUM, csum_start=34, csum_offset=16))
    if way == "uplink":
        expect(bed.nic("sw0"), with_tag(tcp4(*parts)))
    else:
        got = wait_until(lambda: next(iter(two.raw_frames()), None), 30, "the frame")
        assert (
            got[0] & NEEDS_CSUM
            and got[10:] == tcp4(*parts, complete=False)
            or got[10:] == tcp4(*parts)
        ), describe(got[10:])


@pytest.mark.parametrize("vlan", [0, 100])
def test_tcp_from_an_uplink_arrives_as_super_frames(vlan):
    """A super-frame that GRO has built before the TC program reaches the port in one piece."""
    bed = Bed(n_uplinks=1, n_ports=0)
    tap = Tap(bed.hv, "tap0", vnet_hdr=True, offloads=TUN_F_CSUM | TUN_F_TSO4)
    bed.start(
        [switch("vs", ["eth0"], [("prod", vlan, [{"interface": "tap0", "mac": port_mac(0)}])])]
    )
    bed.usable("eth0")
    bed.hv.ethtool("eth0", gro=True)  # as real NICs have it; off by default on veth
    # the segmentation of the far end sends a train of them at once
    nic = Nic(bed.world, "sw0", vnet_hdr=True)
    bed.world.ethtool("sw0", tx=True, sg=True)
    frame = tcp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", SUPER, complete=False)
    shift = 4 if vlan else 0
    nic.send(
        vnet_header(NEEDS_CSUM, GSO_TCPV4, 54 + shift, 1448, 34 + shift, 16)
        + (with_tag(frame, vlan) if vlan else frame)
    )
    received, sizes = {}, []

    def collect():
        for raw in tap.raw_frames():
            head = 10 + 14 + 20
            if raw[22:24] != b"\x08\x00" or raw[33] != 6:
                continue
            total = struct.unpack("!H", raw[26:28])[0]
            received[struct.unpack("!I", raw[head + 4 : head + 8])[0]] = raw[head + 20 : 24 + total]
            sizes.append(len(raw) - 10)
        return sum(map(len, received.values())) >= len(SUPER)

    wait_until(
        collect,
        30,
        lambda: f"{sum(map(len, received.values()))} of {len(SUPER)} bytes\n{bed.daemon.counters_text()}",
    )
    assert b"".join(received[k] for k in sorted(received)) == SUPER
    if not vlan or gro_of_tagged_frames():
        assert max(sizes) > 4000, f"no super-frame: {sizes}"


def test_fragments_use_one_uplink():
    bed = Bed(n_uplinks=3, n_ports=1)
    bed.start(
        [
            switch(
                "vs",
                bed.uplink_names,
                [("prod", 100, [0])],
                teaming={"load-balancing": "src-dst-ip-port"},
            )
        ]
    )
    bed.usable(*bed.uplink_names)
    bed.listen("m0", "sw0", "sw1", "sw2")
    datagram = udp(1234, 5678, bytes(range(250)) * 14)
    uplinks = set()
    for ident in range(5):
        pieces = [datagram[at : at + 1480] for at in range(0, len(datagram), 1480)]
        for n, piece in enumerate(pieces):
            flags = n * 1480 // 8 | (0x2000 if n + 1 < len(pieces) else 0)
            out = eth(
                OUTSIDE,
                port_mac(0),
                ETH_IP,
                ipv4("192.0.2.1", "198.51.100.7", 17, piece, ident, flags),
            )
            bed.nic("m0").send(out)
            uplinks.add(
                wait_until(
                    lambda: [
                        nic.ifname for nic in bed.far_uplinks() if with_tag(out) in nic.frames()
                    ],
                    30,
                    "a fragment",
                )[0]
            )
            into = with_tag(mac(port_mac(0)) + mac(OUTSIDE) + out[12:])
            bed.nic("sw1").send(into)
            assert expect(bed.nic("m0"), untag(into)) == []
    assert len(uplinks) == 1
    used = set()
    for dport in range(5678, 5702, 2):
        whole = udp4(
            OUTSIDE, port_mac(0), "192.0.2.1", "198.51.100.7", b"whole" * 5, sport=1234, dport=dport
        )
        bed.nic("m0").send(whole)
        used.add(
            wait_until(
                lambda: [
                    nic.ifname for nic in bed.far_uplinks() if with_tag(whole) in nic.frames()
                ],
                30,
                "the datagram",
            )[0]
        )
    assert len(used) > 1


# ---- kinds of delivery ----
def test_xdp_delivery_only_where_the_port_accepts_it():
    """A veth accepts XDP frames while GRO is on at its far end; the daemon follows a change, and no
    frame is lost in between.
    """
    if not xdp_features_are_reported():
        pytest.skip("no netdev-genl in this kernel (6.3), so veth ports always receive by TC")
    bed = Bed(n_uplinks=1, n_ports=1)
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])])
    bed.usable("eth0")
    bed.listen("m0")
    delivery = lambda: bed.daemon.json("show", "ports")[0]["delivery"]
    frame = udp4(port_mac(0), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
    assert delivery() == "tc"
    for gro in (True, False, True):
        bed.world.ethtool("m0", gro=gro)
        wait_until(lambda: delivery() == ("xdp" if gro else "tc"), 30, f"delivery with GRO {gro}")
        for _ in range(20):
            bed.nic("sw0").send(frame)
            assert expect(bed.nic("m0"), untag(frame)) == []


def test_receive_modes_change_by_reload():
    bed = Bed(n_uplinks=1, n_ports=1, gro_ports=[0])
    make = lambda receive: {
        "switches": [switch("vs", ["eth0"], [("prod", 100, [0])], receive=receive)]
    }
    bed.start(make("auto"))
    bed.usable("eth0")
    bed.listen("m0")
    frame = udp4(port_mac(0), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
    for receive in ("tc", "xdp", "auto"):
        bed.daemon.write(make(receive))
        bed.daemon.ctl("reload")
        assert bed.daemon.uplink("eth0")["xdp_mode"] == (
            "none" if receive == "tc" else "native"
        ), receive
        bed.usable("eth0")
        bed.nic("sw0").send(frame)
        expect(bed.nic("m0"), untag(frame))


# ---- two hypervisors, cable to cable ----
@pytest.mark.parametrize("receive", ["auto", "tc"])
def test_back_to_back(receive):
    """Each side inserts its tags into the frame data, where the XDP program of the other sees
    them.
    """
    from harness.netns import veth

    left, right = NetNs("left"), NetNs("right")
    for n in (0, 1):
        veth(left, f"eth{n}", right, f"eth{n}")
    machines = {
        side: [Machine(ns, 0, f"192.0.2.{at}/24"), Machine(ns, 1, f"192.0.2.{at + 1}/24")]
        for at, (side, ns) in zip((1, 11), (("left", left), ("right", right)))
    }
    daemons = []
    for at, ns in ((0, left), (100, right)):
        bed = Bed.around(ns, ["eth0", "eth1"])
        for n, machine in enumerate(machines["left" if ns is left else "right"]):
            machine.ns.ip("link", "set", "dev", "nic", "address", port_mac(at + n))
        ports = [{"interface": f"p{n}", "mac": port_mac(at + n)} for n in (0, 1)]
        daemons.append(
            bed.start(
                [
                    switch(
                        "vs",
                        ["eth0", "eth1"],
                        [("a", 100, ports[:1]), ("b", 200, ports[1:])],
                        receive=receive,
                    )
                ]
            )
        )
        bed.usable("eth0", "eth1")
    for n in (0, 1):
        ping(machines["left"][n].ns, machines["right"][n].address)
        ping(machines["right"][n].ns, machines["left"][n].address, size=1472)
        other = machines["right"][1 - n]
        done = machines["left"][n].ns.run(
            "ping", "-q", "-c", 2, "-i", "0.1", "-W", 1, other.address, check=False
        )
        assert done.returncode == 1, "no traffic between VLANs"
    iperf(machines["left"][0].ns, machines["right"][0].ns, machines["right"][0].address)
