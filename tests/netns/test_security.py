# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The security policy of port groups, and learning."""
import json
import random
import struct

from harness.base import run, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.capture import expect
from harness.frames import BROADCAST, tag, udp4
from harness.lacp import Flood

OUTSIDE, FORGED = outside_mac(5), outside_mac(6)
LEARNED = 0x10000  # UL_FDB_LEARNED


def untag(frame):
    return frame[:12] + frame[16:]


def with_tag(frame, vid=100):
    return frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]


def start(security, n_ports=2, **more):
    bed = Bed(n_uplinks=1, n_ports=n_ports)
    groups = [
        {"name": f"g{n}", "vlan": 100, "ports": [port(n)], "security": security.get(n, {})}
        for n in range(n_ports)
    ]
    bed.start([switch("vs", ["eth0"], groups, **more)])
    bed.usable("eth0")
    bed.listen("sw0", *[f"m{n}" for n in range(n_ports)])
    return bed


def test_forged_source():
    bed = start({1: {"forged-transmits": True}})
    forged = udp4(OUTSIDE, FORGED, "192.0.2.1", "192.0.2.2", b"x" * 20)
    bed.nic("m0").send(forged)
    wait_until(lambda: bed.daemon.counter("p0", "forged_source") == 1, 30, bed.daemon.counters_text)
    bed.nic("m1").send(forged)
    assert expect(bed.nic("sw0"), with_tag(forged)) == []
    for n, bad in enumerate(("00:00:00:00:00:00", "01:00:5e:00:00:01", BROADCAST), 1):
        bed.nic("m1").send(udp4(OUTSIDE, bad, "192.0.2.1", "192.0.2.2", b"x" * 20))
        wait_until(
            lambda: bed.daemon.counter("p1", "invalid_source") == n, 30, bed.daemon.counters_text
        )
    assert bed.nic("sw0").frames() == []


def test_promiscuous_port_receives_only_its_vlan():
    bed = Bed(n_uplinks=1, n_ports=4)
    groups = [
        ("prod", 100, [0, 1]),
        {"name": "watch", "vlan": 100, "ports": [port(2)], "security": {"promiscuous": True}},
        ("other", 200, [3]),
    ]
    bed.start([switch("vs", ["eth0"], groups)])
    bed.usable("eth0")
    bed.listen("sw0", "m0", "m1", "m2", "m3")
    bed.confirm(0, 1, 2, 3)
    local = udp4(port_mac(1), port_mac(0), "192.0.2.1", "192.0.2.2", b"local" * 5)
    out = udp4(OUTSIDE, port_mac(0), "192.0.2.1", "192.0.2.2", b"out" * 9)
    arriving = udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", b"in" * 9, [tag(100)])
    unknown = udp4(outside_mac(9), OUTSIDE, "192.0.2.1", "192.0.2.2", b"unknown" * 4, [tag(100)])
    other = udp4(port_mac(3), OUTSIDE, "192.0.2.1", "192.0.2.2", b"other" * 4, [tag(200)])
    for frame in (local, out):
        bed.nic("m0").send(frame)
        assert expect(bed.nic("m2"), frame) == []
    bed.nic("sw0").send(other)
    for frame in (arriving, unknown):
        bed.nic("sw0").send(frame)
        assert expect(bed.nic("m2"), untag(frame)) == []
    assert expect(bed.nic("m1"), local) == [] and expect(bed.nic("sw0"), with_tag(out)) == []
    assert (
        expect(bed.nic("m0"), untag(arriving)) == [] and expect(bed.nic("m3"), untag(other)) == []
    )
    for observer in ("m0", "m1", "m2", "m3", "sw0"):
        assert bed.nic(observer).frames() == [], observer


def test_learning():
    """A port whose group learns: source addresses are learned, unknown unicast is flooded to it,
    and a restart of the daemon keeps the entries.
    """
    bed = start({0: {"mac-learning": True}})
    behind = "02:cc:00:00:00:01"
    unknown = udp4(behind, OUTSIDE, "192.0.2.1", "192.0.2.2", b"flooded" * 4, [tag(100)])
    bed.nic("sw0").send(unknown)
    expect(bed.nic("m0"), untag(unknown))
    bed.nic("m0").send(udp4(OUTSIDE, behind, "192.0.2.1", "192.0.2.2", b"hello" * 5))
    wait_until(
        lambda: [
            e
            for e in bed.daemon.json("show", "fdb")
            if e["mac"] == behind and e["port"] == "p0" and e["learned"]
        ],
        30,
        lambda: str(bed.daemon.json("show", "fdb")),
    )
    local = udp4(behind, port_mac(1), "192.0.2.3", "192.0.2.2", b"local" * 5)
    bed.listen("sw0")
    bed.nic("m1").send(local)
    expect(bed.nic("m0"), local)
    assert bed.nic("sw0").frames() == [], "a learned address is local"


def test_learning_does_not_take_configured_addresses():
    """An access port must not take the address of a port that tags in that VLAN, nor the reverse;
    the address of an external station it may.
    """
    bed = Bed(n_uplinks=1, n_ports=4)
    learns = {"mac-learning": True}
    groups = [
        {"name": "access", "vlan": 100, "ports": [port(0)], "security": learns},
        {"name": "trunk", "vlan": "100,200", "ports": [port(1)], "security": learns},
        ("vst", 200, [2]),
        ("vgt", "100", [3]),
    ]
    bed.start([switch("vs", ["eth0"], groups)])
    bed.usable("eth0")
    stranger = "02:cc:00:00:00:01"
    for sender, mac_of, tags in (
        (0, port_mac(3), []),
        (1, port_mac(2), [tag(200)]),
        (1, port_mac(0), [tag(100)]),
        (0, stranger, []),
    ):
        bed.nic(f"m{sender}").send(udp4(OUTSIDE, mac_of, "192.0.2.1", "192.0.2.2", b"x" * 20, tags))
    entries = lambda: {(e["mac"], e["port"]) for e in bed.daemon.json("show", "fdb")}
    wait_until(lambda: (stranger, "p0") in entries(), 30, lambda: str(entries()))
    assert entries() == {(port_mac(n), f"p{n}") for n in range(4)} | {(stranger, "p0")}


def test_changed_address():
    """mac-changes: frames leave with the address of the port, which the daemon updates first; the
    address of another port is never taken.
    """
    bed = start({0: {"mac-changes": True}})
    changed = udp4(OUTSIDE, "02:cc:00:00:00:01", "192.0.2.1", "192.0.2.2", b"x" * 20)
    owner = lambda m: [e["port"] for e in bed.daemon.json("show", "fdb") if e["mac"] == m]
    bed.nic("m0").send(changed)
    wait_until(lambda: bed.daemon.counter("p0", "forged_source") == 1, 30, bed.daemon.counters_text)
    wait_until(lambda: owner("02:cc:00:00:00:01") == ["p0"], 30, bed.daemon.counters_text)
    bed.daemon.call("Status")  # the reply follows all writes of the change
    assert bed.nic("sw0").frames() == [] and owner(port_mac(0)) == []
    bed.nic("m0").send(changed)
    expect(bed.nic("sw0"), with_tag(changed))
    for n in range(5):
        bed.nic("m0").send(udp4(OUTSIDE, port_mac(1), "192.0.2.1", "192.0.2.2", b"x" * 20))
        wait_until(
            lambda: bed.daemon.counter("p0", "forged_source") == 2 + n, 30, bed.daemon.counters_text
        )
    bed.nic("m0").send(changed)
    expect(bed.nic("sw0"), with_tag(changed))
    assert owner(port_mac(1)) == ["p1"] and owner("02:cc:00:00:00:01") == ["p0"]


def test_flood_of_new_addresses_does_not_block_requests():
    """A new address in each frame, faster than the daemon can follow: requests are answered
    meanwhile, and the last address is found.
    """
    bed = start({0: {"mac-changes": True}})
    flood = Flood(
        bed.world,
        "m0",
        [
            udp4(OUTSIDE, f"02:dd:00:00:00:{i:02x}", "192.0.2.1", "192.0.2.2", b"x" * 20)
            for i in range(60)
        ],
    )
    wait_until(lambda: bed.daemon.counter("p0", "learn_overflow") > 0, 60, bed.daemon.counters_text)
    assert bed.daemon.ctl("uplink", "drain", "eth0").returncode == 0
    assert bed.daemon.ctl("reload").returncode == 0
    assert flood.stop() > 0
    assert bed.daemon.ctl("uplink", "undrain", "eth0").returncode == 0
    bed.usable("eth0")
    last = "02:dd:00:00:00:77"

    def found():
        bed.nic("m0").send(udp4(OUTSIDE, last, "192.0.2.1", "192.0.2.2", b"x" * 20))
        return [e for e in bed.daemon.json("show", "fdb") if e["port"] == "p0" and e["mac"] == last]

    wait_until(found, 30, lambda: str(bed.daemon.json("show", "fdb")))
    assert (
        len([e for e in bed.daemon.json("show", "fdb") if e["port"] == "p0"]) == 1
    ), "a changed address replaces the former one"


def test_learned_addresses_do_not_keep_a_port_out():
    """The address table is full of invented addresses: ports in the file and at run time are added
    nevertheless.
    """
    bed = start({0: {"mac-learning": True}})
    daemon = bed.daemon
    path = daemon.bpffs / "uplinkd" / "vs" / "ul_fdb"
    room = json.loads(run("bpftool", "-j", "map", "show", "pinned", path).stdout)["max_entries"]
    meta = json.loads(
        run("bpftool", "-j", "map", "dump", "pinned", path.with_name("ul_meta")).stdout
    )
    seed = meta[0]["formatted"]["value"]["seed"]
    slot = next(p["slot"] for p in daemon.json("show", "ports") if p["name"] == "p0")
    buckets, n = [[] for _ in range(room)], 0
    while (
        n < 4 * room
    ):  # addresses in VLAN 100, each in the bucket where programs look first (match_table.h)
        key = (0x52 << 40 | random.getrandbits(40)) << 16 | 0x8000 | 100
        keys = buckets[((key ^ seed) * 0x9E3779B97F4A7C15 & 2**64 - 1) >> 40 & room - 1]
        if len(keys) < 4:
            keys.append(key)
            n += 1
    words = lambda form, *values: " ".join(map(str, struct.pack(form, *values)))
    batch = daemon.dir / "full"
    batch.write_text(
        "".join(
            f"map update pinned {path} key {words('<I', b)} value {words('<4Q4I4I', *keys, *[slot + 1 | LEARNED] * 4, 0, 0, 0, 0)}\n"
            for b, keys in enumerate(buckets)
        )
    )
    run("bpftool", "batch", "file", batch)
    bed.hv.ip("link", "add", "later", "type", "veth", "peer", "name", "machine")
    daemon.ctl("port", "add", "vs", "g1", "later", "--mac", port_mac(7))
    known = {e["mac"] for e in daemon.json("show", "fdb")}
    assert {port_mac(0), port_mac(1), port_mac(7)} <= known and len(known) >= 4 * room - 8, len(
        known
    )
