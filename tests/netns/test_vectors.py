# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The uplink of a frame on the wire: published vectors of "route based on IP hash", the formula,
IPv6, frames that are not IP, and the other hashes, each compared with `uplinkctl which`.
"""
import csv
import ipaddress
import random

import pytest

from harness.base import ROOT, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.frames import BROADCAST, arp_request, describe, mac, tag, udp4, udp6

VECTORS = ROOT / "tests/unit/data/iphash.csv"
OUTSIDE = outside_mac(7)


def published(n):
    lines = [line for line in VECTORS.read_text().splitlines() if not line.startswith("#")]
    return [
        (row["src"], row["dst"], int(row["index"]))
        for row in csv.DictReader(lines)
        if int(row["n"]) == n
    ]


def formula(src, dst, n):
    return (int(ipaddress.IPv4Address(src)) ^ int(ipaddress.IPv4Address(dst))) % n


def fold(address):
    raw = ipaddress.IPv6Address(address).packed
    return int.from_bytes(
        bytes(a ^ b ^ c ^ d for a, b, c, d in zip(raw[0:4], raw[4:8], raw[8:12], raw[12:16])), "big"
    )


def ipv4_pairs(n):
    """(source, destination, index): published ones with their published index, and others by the
    formula.
    """
    rng = random.Random(n)
    pairs = [p for k in (2, 3, 4) for p in published(k)] if n in (2, 4) else []
    found = [(s, d, formula(s, d, n)) for s, d, _ in pairs]
    found += [
        (s, d, formula(s, d, n))
        for s, d in [
            (
                str(ipaddress.IPv4Address(rng.getrandbits(32))),
                str(ipaddress.IPv4Address(rng.getrandbits(32))),
            )
            for _ in range(60)
        ]
    ]
    found += [
        (f"192.0.2.{a}", f"198.51.100.{b}", formula(f"192.0.2.{a}", f"198.51.100.{b}", n))
        for a in (1, 2, 255)
        for b in range(1, 9)
    ]
    return published(n) + found


def leaves_by(bed, frames):
    """Sends all of [(port far end, frame in, frame out)]; returns the index of the uplink for each,
    which must be exactly one.
    """
    where = {out: [] for _, _, out in frames}
    assert len(where) == len(frames), "frames must differ"
    for far, frame, _ in frames:
        bed.nic(far).send(frame)

    def collect():
        for index, nic in enumerate(bed.far_uplinks()):
            for got in nic.frames():
                assert got in where, f"unexpected frame at uplink {index}: {describe(got)}"
                where[got].append(index)
        return all(where.values())

    wait_until(
        collect,
        30,
        lambda: f"all frames; missing {[describe(f) for f, w in where.items() if not w][:5]}\n{bed.daemon.counters_text()}",
    )
    collect()
    assert all(len(w) == 1 for w in where.values()), {
        describe(f): w for f, w in where.items() if len(w) != 1
    }
    return [where[out][0] for _, _, out in frames]


def start(n, teaming=None, groups=(("prod", 100, [0]), ("trunk", "100,200", [1])), **more):
    bed = Bed(n_uplinks=n, n_ports=2)
    bed.start(
        [
            switch(
                "vs", bed.uplink_names, groups, **({"teaming": teaming} if teaming else {}), **more
            )
        ]
    )
    bed.usable(*bed.uplink_names)
    bed.listen(*[u.replace("eth", "sw") for u in bed.uplink_names])
    return bed


def which(bed, group, src, dst, *more):
    answer = bed.daemon.json("which", "vs", group, src, dst, *more)
    assert answer["switch"] == "vs" and answer["group"] == group and answer["reason"], answer
    assert answer["bucket"] == answer["hash"] % answer["buckets"], answer
    return int(answer["uplink"].removeprefix("eth"))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_ip_hash_on_the_wire(n):
    bed = start(n)
    vectors = ipv4_pairs(n)
    frames = []
    for number, (src, dst, _) in enumerate(
        vectors
    ):  # through the VLAN that the switch tags, and through one that the guest tags
        data = number.to_bytes(4, "big") + b"x" * 20
        out = udp4(OUTSIDE, port_mac(0), src, dst, data, [tag(100)])
        frames.append(("m0", out[:12] + out[16:], out))
        inner = udp4(OUTSIDE, port_mac(1), src, dst, data, [tag(200, 3)])
        frames.append(("m1", inner, inner))
        double = udp4(OUTSIDE, port_mac(1), src, dst, data, [tag(200), tag(7)])
        frames.append(("m1", double, double))
    found = leaves_by(bed, frames)
    for number, (src, dst, index) in enumerate(vectors):
        assert found[3 * number : 3 * number + 3] == [index] * 3, f"{src} to {dst} with {n} uplinks"
    assert set(found) == set(range(n))
    # No vectors for three uplinks are published: the formula alone applies (ipv4_pairs).
    assert len(published(n)) == {2: 2, 3: 0, 4: 4}[n]
    for src, dst, index in vectors[:12]:
        assert which(bed, "prod", src, dst) == index == which(bed, "trunk", src, dst)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_ipv6_and_other_protocols_on_the_wire(n):
    bed = start(n)
    rng = random.Random(6 + n)
    frames, expected, questions = [], [], []
    for number in range(40):
        src, dst = (str(ipaddress.IPv6Address(rng.getrandbits(128))) for _ in range(2))
        out = udp6(
            OUTSIDE, port_mac(0), src, dst, number.to_bytes(4, "big") + b"x" * 20, [tag(100)]
        )
        frames.append(("m0", out[:12] + out[16:], out))
        expected.append((fold(src) ^ fold(dst)) % n)
        questions.append((src, dst))
    for number in range(40):  # unicast ARP to different stations
        dst = outside_mac(rng.getrandbits(16))
        out = arp_request(port_mac(0), "192.0.2.1", f"192.0.2.{number + 2}", dst, [tag(100)])
        frames.append(("m0", out[:12] + out[16:], out))
        expected.append(
            (int.from_bytes(mac(port_mac(0))[4:], "big") ^ int.from_bytes(mac(dst)[4:], "big")) % n
        )
        questions.append((port_mac(0), dst))
    assert leaves_by(bed, frames) == expected
    for at in (0, 1, 2, 40, 41, 42):
        assert which(bed, "prod", *questions[at]) == expected[at], questions[at]


def test_last_octet():
    bed = start(3, {"load-balancing": "src-dst-ip", "iphash-octets": "last"})
    frames, expected, pairs = [], [], []
    for number in range(60):
        src, dst = f"10.{number}.3.{number * 5 % 256}", f"172.16.{number}.{number * 11 % 256}"
        out = udp4(
            OUTSIDE, port_mac(0), src, dst, number.to_bytes(4, "big") + b"x" * 20, [tag(100)]
        )
        frames.append(("m0", out[:12] + out[16:], out))
        pairs.append((src, dst))
        expected.append((number * 5 % 256 ^ number * 11 % 256) % 3)
    assert leaves_by(bed, frames) == expected
    assert expected != [
        formula(s, d, 3) for s, d in pairs
    ], "the two rules differ for three uplinks"
    for at in range(4):
        assert which(bed, "prod", *pairs[at]) == expected[at]


def folded(h):
    h ^= h >> 16
    return (h ^ h >> 8) >> 1


BY_METHOD = {
    "src-ip": lambda s, d, sp, dp, sm, dm: s,
    "dst-ip": lambda s, d, sp, dp, sm, dm: d,
    "src-dst-ip-port": lambda s, d, sp, dp, sm, dm: folded(s ^ d ^ sp ^ dp),
    "src-mac": lambda s, d, sp, dp, sm, dm: sm & 0xFF,
    "dst-mac": lambda s, d, sp, dp, sm, dm: dm & 0xFF,
    "src-dst-mac": lambda s, d, sp, dp, sm, dm: (sm ^ dm) & 0xFFFF,
}


@pytest.mark.parametrize("method", BY_METHOD)
def test_other_hashes_of_a_channel(method):
    bed = start(3, {"load-balancing": method}, groups=(("prod", 100, [0, 1]),))
    rng = random.Random(method)
    frames, expected, questions = [], [], []
    for number in range(60):
        src, dst = rng.getrandbits(32), rng.getrandbits(32)
        sport, dport = rng.getrandbits(16), rng.getrandbits(16)
        far_mac = outside_mac(rng.getrandbits(16))
        out = udp4(
            far_mac,
            port_mac(number % 2),
            str(ipaddress.IPv4Address(src)),
            str(ipaddress.IPv4Address(dst)),
            number.to_bytes(4, "big") * 8,
            [tag(100)],
            sport,
            dport,
        )
        frames.append((f"m{number % 2}", out[:12] + out[16:], out))
        value = BY_METHOD[method](
            src,
            dst,
            sport,
            dport,
            int.from_bytes(mac(port_mac(number % 2)), "big"),
            int.from_bytes(mac(far_mac), "big"),
        )
        expected.append(value % 3)
        questions.append((src, dst, sport, dport))
    assert leaves_by(bed, frames) == expected
    if "ip" in method:
        for at in range(3):
            src, dst, sport, dport = questions[at]
            assert (
                which(
                    bed,
                    "prod",
                    str(ipaddress.IPv4Address(src)),
                    str(ipaddress.IPv4Address(dst)),
                    "--sport",
                    sport,
                    "--dport",
                    dport,
                )
                == expected[at]
            )


def test_broadcast_uses_the_hash():
    bed = start(2)
    frames, expected = [], []
    for number in range(1, 30):
        src, dst = f"192.0.2.{number}", "192.0.2.255"
        out = udp4(BROADCAST, port_mac(0), src, dst, number.to_bytes(4, "big") * 8, [tag(100)])
        frames.append(("m0", out[:12] + out[16:], out))
        expected.append(formula(src, dst, 2))
    assert leaves_by(bed, frames) == expected
