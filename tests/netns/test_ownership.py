# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Who owns an address: ports without carrier, machines that move, addresses in use here and outside, learning and its limits."""
import struct

import pytest

from harness.base import run, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.capture import expect
from harness.frames import BROADCAST, ETH_IPV6, ETH_RARP, arp_request, eth, ipv6, udp4
from harness.frames import mac as macb
from harness.lacp import Flood
from harness.taps import Tap

LEARN = {"mac-learning": True, "forged-transmits": True}
VIRTUAL = "00:00:5e:00:01:0a"
GROUP = "01:00:5e:00:00:12"


def with_tag(frame, vid=100):
    return frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]


def start(security=None, n_ports=3, **more):
    """Port n in the group gn, VLAN 100."""
    bed = Bed(n_uplinks=1, n_ports=n_ports)
    groups = [
        {"name": f"g{n}", "vlan": 100, "ports": [port(n)], "security": (security or {}).get(n, {})}
        for n in range(n_ports)
    ]
    bed.start([switch("vs", ["eth0"], groups, **more)])
    bed.usable("eth0")
    bed.listen("sw0", *[f"m{n}" for n in range(n_ports)])
    return bed


def finish_changes(bed):
    """A change takes several writes, and what is shown may be the first; a reply follows all."""
    bed.daemon.call("Status")


def learned(bed, mac, vlan=100):
    """Port and state of a learned address, or None."""
    for e in bed.daemon.json("show", "fdb"):
        if e["learned"] and e["mac"] == mac and e["vlan"] == vlan and not e["service"]:
            return e["port"], e["state"]
    return None


def wait_learned(bed, mac, *wanted, vlan=100):
    wait_until(
        lambda: learned(bed, mac, vlan) in wanted, 30, lambda: f"{mac}: {learned(bed, mac, vlan)}"
    )
    finish_changes(bed)


def findings(bed):
    found = bed.daemon.json("status")["switches"][0]["problems"]
    return {(f["code"], f["object"]): f for f in found}


def frame_to(mac, src, mark):
    return udp4(mac, src, "192.0.2.1", "192.0.2.2", mark * 4)


def test_a_port_without_carrier_owns_nothing():
    bed = start()
    bed.confirm(0, 1)
    bed.up("m0", False)
    bed.wait_address("p0", "absent")
    away = frame_to(port_mac(0), port_mac(1), b"away")
    bed.nic("m1").send(away)
    expect(bed.nic("sw0"), with_tag(away))
    heard = arp_request(port_mac(0), "192.0.2.10", "192.0.2.1")
    bed.nic("sw0").send(with_tag(heard))
    expect(bed.nic("m1"), heard)
    bed.nic("sw0").send(with_tag(frame_to(port_mac(0), outside_mac(1), b"in")))
    wait_until(lambda: bed.daemon.counter("eth0", "port_down") == 1, 30, bed.daemon.counters_text)
    bed.up("m0")
    bed.wait_address("p0", "tentative")


def test_a_broadcast_for_a_tap_without_carrier_is_counted():
    bed = Bed(n_uplinks=1, n_ports=1)
    tap = Tap(bed.hv, "tap0")
    last = {"interface": "tap0", "mac": port_mac(9)}
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0, last])])])
    bed.usable("eth0")
    bed.listen("m0", "sw0")
    tap.send(arp_request(port_mac(9), "192.0.2.9", "192.0.2.1"))
    bed.wait_address("tap0", "confirmed")
    tap.set_carrier(False)
    bed.wait_address("tap0", "absent")
    out = arp_request(port_mac(0), "192.0.2.10", "192.0.2.1")
    bed.nic("m0").send(out)
    expect(bed.nic("sw0"), with_tag(out))
    into = arp_request(outside_mac(1), "192.0.2.1", "192.0.2.10")
    bed.nic("sw0").send(with_tag(into))
    expect(bed.nic("m0"), into)
    wait_until(lambda: bed.daemon.counter("tap0", "port_down") == 2, 30, bed.daemon.counters_text)
    assert bed.daemon.counter("tap0", "failed") == 0
    tap.set_carrier(True)
    bed.wait_address("tap0", "tentative")
    bed.nic("m0").send(out)
    expect(tap, out)


def test_an_interface_that_is_gone_owns_nothing():
    bed = start()
    bed.confirm(0, 1)
    run("ip", "-n", bed.hv.name, "link", "del", "p0")
    bed.wait_address("p0", "absent")
    away = frame_to(port_mac(0), port_mac(1), b"away")
    bed.nic("m1").send(away)
    expect(bed.nic("sw0"), with_tag(away))


def test_a_migration_target_is_ours_from_its_first_frame_on():
    bed = start()
    bed.confirm(1)
    bed.wait_address("p0", "tentative")
    # The machine still runs outside; or here, and has not sent yet.
    both = frame_to(port_mac(0), port_mac(1), b"both")
    bed.nic("m1").send(both)
    expect(bed.nic("sw0"), with_tag(both))
    expect(bed.nic("m0"), both)
    heard = arp_request(port_mac(0), "192.0.2.10", "192.0.2.1")
    bed.nic("sw0").send(with_tag(heard))
    expect(bed.nic("m1"), heard)
    silent = frame_to(port_mac(0), outside_mac(1), b"silent")
    bed.nic("sw0").send(with_tag(silent))
    expect(bed.nic("m0"), silent)
    first = arp_request(port_mac(0), "192.0.2.10", "192.0.2.2")
    here = frame_to(port_mac(0), port_mac(1), b"here")
    bed.nic("m0").send(first)
    expect(bed.nic("sw0"), with_tag(first))
    bed.nic("m1").send(here)
    expect(bed.nic("m0"), here)
    bed.wait_address("p0", "confirmed")
    behind = frame_to(outside_mac(1), port_mac(1), b"behind")
    bed.nic("m1").send(behind)
    assert with_tag(here) not in expect(bed.nic("sw0"), with_tag(behind))
    bed.nic("sw0").send(with_tag(heard))
    wait_until(lambda: bed.daemon.counter("eth0", "reflected") == 1, 30, bed.daemon.counters_text)
    # One frame proves nothing about the switch.
    assert findings(bed)[("reflected", "eth0")]["severity"] == "note"


def announcements(mac):
    """What a machine sends after it has moved: QEMU a RARP, Linux gratuitous ARP and an advertisement."""
    body = bytes.fromhex("0001080006040003") + 2 * (macb(mac) + bytes(4))
    advertisement = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + bytes(15) + b"\x01" + b"\x02\x01"
    return {
        "rarp": eth(BROADCAST, mac, ETH_RARP, body),
        "arp": arp_request(mac, "192.0.2.10", "192.0.2.10"),
        "nd": eth(
            "33:33:00:00:00:01",
            mac,
            ETH_IPV6,
            ipv6("fe80::1", "ff02::1", 58, advertisement + macb(mac)),
        ),
    }


@pytest.mark.parametrize("kind", ["rarp", "arp", "nd"])
def test_a_machine_that_moved_away_is_reached_from_its_first_announcement_on(kind):
    """Its interface stays up here: a paused machine, or one whose tap is persistent."""
    bed = start()
    bed.confirm(0, 1)
    announcement = announcements(port_mac(0))[kind]
    bed.nic("sw0").send(with_tag(announcement))
    bed.wait_address("p0", "tentative")
    assert bed.daemon.counter("p0", "address_outside") == 1
    assert bed.daemon.counter("eth0", "address_outside") == 1
    found = findings(bed)[("address_outside", "p0")]
    assert found["certainty"] == "proven" and "outside" in found["message"], found
    bed.daemon.log_has("announced from outside in VLAN 100")
    bed.nic("sw0").send(with_tag(announcement))
    expect(bed.nic("m1"), announcement)
    both = frame_to(port_mac(0), port_mac(1), b"both")
    bed.nic("m1").send(both)
    expect(bed.nic("sw0"), with_tag(both))
    expect(bed.nic("m0"), both)
    bed.confirm(0)


def test_own_announcements_that_the_switch_floods_back_are_no_move():
    """Without a channel; also the RARP frames of the daemon after a failover."""
    bed = Bed(n_uplinks=2, n_ports=2)
    more = {
        "teaming": {"load-balancing": "failover-order", "active": ["eth0"], "standby": ["eth1"]}
    }
    bed.start([switch("vs", ["eth0", "eth1"], [("g", 100, [0, 1])], channel="none", **more)])
    bed.usable("eth0", "eth1")
    bed.listen("sw0", "sw1", "m0", "m1")
    bed.confirm(0, 1)
    for frame in announcements(port_mac(0)).values():
        bed.nic("m0").send(frame)
        expect(bed.nic("sw0"), with_tag(frame))
        bed.nic("sw1").send(with_tag(frame))
    counted = lambda name: bed.daemon.counter(name, "reflected")
    wait_until(lambda: counted("eth1") == 3, 30, bed.daemon.counters_text)
    bed.up("sw0", False)
    rarp = with_tag(announcements(port_mac(0))["rarp"])
    expect(bed.nic("sw1"), rarp)
    bed.nic("sw1").send(rarp)
    wait_until(lambda: counted("eth1") == 4, 30, bed.daemon.counters_text)
    assert bed.daemon.counter("p0", "address_outside") == 0
    bed.wait_address("p0", "confirmed")


def test_an_address_outside_that_is_not_announced_stays_here():
    bed = start()
    bed.confirm(0, 1)
    for i in range(20):
        bed.nic("sw0").send(
            with_tag(udp4(BROADCAST, port_mac(0), "192.0.2.1", "192.0.2.255", b"%02d" % i))
        )
    wait_until(
        lambda: bed.daemon.counter("p0", "address_outside") == 20, 30, bed.daemon.counters_text
    )
    assert bed.daemon.counter("eth0", "reflected") == 20
    bed.wait_address("p0", "confirmed")
    assert ("address_outside", "p0") in findings(bed)


def test_a_virtual_address_fails_over_both_ways():
    bed = start({0: LEARN})
    bed.confirm(1)
    ours = udp4(GROUP, VIRTUAL, "192.0.2.3", "224.0.0.18", b"priority 50")
    theirs = udp4(GROUP, VIRTUAL, "192.0.2.4", "224.0.0.18", b"priority 100")
    to_it = frame_to(VIRTUAL, port_mac(1), b"to it")
    for turn in range(2):
        bed.nic("m0").send(ours)
        wait_learned(bed, VIRTUAL, ("p0", "here"), ("p0", "contested"))
        bed.listen("m0", "m1", "sw0")
        bed.nic("sw0").send(with_tag(theirs))
        expect(bed.nic("m0"), theirs)
        expect(bed.nic("m1"), theirs)
        wait_learned(bed, VIRTUAL, ("p0", "elsewhere"))
        found = wait_until(
            lambda: findings(bed).get(("address_moved", "p0")), 30, lambda: findings(bed)
        )
        assert found["severity"] == "note"
        bed.nic("m1").send(to_it)
        expect(bed.nic("sw0"), with_tag(to_it))
    assert bed.daemon.counter("eth0", "moved_outside") >= 1
    assert not [f for f in findings(bed).values() if f["severity"] == "error"]


def test_a_gateway_outside_stays_reachable():
    bed = start({0: LEARN})
    bed.confirm(1)
    gateway = outside_mac(9)
    bed.nic("sw0").send(with_tag(arp_request(gateway, "192.0.2.254", "192.0.2.1")))
    expect(bed.nic("m1"), arp_request(gateway, "192.0.2.254", "192.0.2.1"))

    # Contested ends 5 s after the gateway's last frame, so both speak until it is seen.
    def contested():
        bed.nic("sw0").send(with_tag(arp_request(gateway, "192.0.2.254", "192.0.2.1")))
        bed.nic("m0").send(arp_request(gateway, "192.0.2.254", "192.0.2.2"))
        return findings(bed).get(("address_contested", "p0"))

    finding = wait_until(contested, 30, lambda: findings(bed))
    assert "VLAN 100" in finding["message"] and gateway in finding["message"]
    bed.daemon.log_has("which is in use outside")
    bed.listen("sw0", "m0")
    out = frame_to(gateway, port_mac(1), b"out")
    bed.nic("m1").send(out)
    expect(bed.nic("sw0"), with_tag(out))


def test_a_configured_address_is_not_taken_by_a_learning_machine():
    bed = start({0: LEARN})
    bed.confirm(1, 2)
    bed.nic("m0").send(arp_request(port_mac(1), "192.0.2.1", "192.0.2.2"))
    expect(bed.nic("m2"), arp_request(port_mac(1), "192.0.2.1", "192.0.2.2"))
    mine = frame_to(port_mac(1), port_mac(2), b"mine")
    bed.nic("m2").send(mine)
    expect(bed.nic("m1"), mine)
    bed.up("m1", False)
    bed.wait_address("p1", "absent")
    bed.nic("m0").send(arp_request(port_mac(1), "192.0.2.1", "192.0.2.3"))
    expect(bed.nic("m2"), arp_request(port_mac(1), "192.0.2.1", "192.0.2.3"))
    assert learned(bed, port_mac(1)) is None


def test_one_address_on_trunk_ports_with_disjoint_lists():
    bed = Bed(n_uplinks=1, n_ports=3)
    groups = [
        {"name": "a", "vlan": "10,11", "ports": [{"interface": "p0", "mac": VIRTUAL}]},
        {"name": "b", "vlan": "20-30", "ports": [{"interface": "p1", "mac": VIRTUAL}]},
        ("c", 10, [2]),
    ]
    bed.start([switch("vs", ["eth0"], groups)])
    bed.usable("eth0")
    bed.listen("sw0", "m0", "m1", "m2")
    for again in range(2):
        for nic, vid in (("m0", 10), ("m0", 11), ("m1", 20), ("m1", 30)):
            frame = with_tag(frame_to(VIRTUAL, outside_mac(vid), b"vlan%d" % vid), vid)
            bed.nic("sw0").send(frame)
            assert expect(bed.nic(nic), frame) == []
        local = frame_to(VIRTUAL, port_mac(2), b"local")
        bed.nic("m2").send(local)
        expect(bed.nic("m0"), with_tag(local, 10))
        assert not bed.nic("m1").frames()
        bed.daemon.restart()
    groups[1]["vlan"] = "11-30"
    bed.daemon.write({"switches": [switch("vs", ["eth0"], groups)]})
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 1 and VIRTUAL in done.stderr and "VLAN 11" in done.stderr, done.stderr


def test_a_changed_address_survives_reload_and_restart():
    bed = start({0: {"mac-changes": True}})
    other = outside_mac(7)
    bed.nic("m0").send(arp_request(other, "192.0.2.10", "192.0.2.1"))
    has = lambda: [p["mac"] for p in bed.daemon.json("show", "ports") if p["name"] == "p0"]
    wait_until(lambda: has() == [other], 30, has)
    finish_changes(bed)

    def reached(mark):
        frame = frame_to(other, outside_mac(1), mark)
        bed.nic("sw0").send(with_tag(frame))
        expect(bed.nic("m0"), frame)

    reached(b"change")
    bed.daemon.ctl("reload")
    reached(b"reload")
    bed.daemon.restart()
    reached(b"restart")


def test_a_run_time_port_without_interface_yields_its_address():
    bed = start(n_ports=2)
    bed.add_port(5)
    bed.add_port(6)
    mac = outside_mac(5)
    bed.daemon.ctl("port", "add", "vs", "g0", "p5", "--mac", mac)
    done = bed.daemon.ctl("port", "add", "vs", "g1", "p6", "--mac", mac, check=False)
    assert done.returncode == 1 and mac in done.stderr, "p5 exists"
    run("ip", "-n", bed.hv.name, "link", "del", "p5")
    bed.daemon.ctl("port", "add", "vs", "g1", "p6", "--mac", mac)
    assert {p["name"] for p in bed.daemon.json("show", "ports")} == {"p0", "p1", "p6"}
    frame = frame_to(mac, outside_mac(1), b"p6")
    nic = bed.nic("m6")
    bed.nic("sw0").send(with_tag(frame))
    expect(nic, frame)


def test_learned_addresses_on_trunk_ports_are_per_vlan():
    """VLAN 20's gateway has the address that a router on a trunk port uses in VLAN 10; and an address moves between an access and a trunk port of its VLAN."""
    bed = Bed(n_uplinks=1, n_ports=4)
    groups = [
        {"name": "t", "vlan": "10,20", "ports": [port(0)], "security": LEARN},
        {"name": "a", "vlan": 10, "ports": [port(1)], "security": LEARN},
        ("ten", 10, [2]),
        ("twenty", 20, [3]),
    ]
    bed.start([switch("vs", ["eth0"], groups)])
    bed.usable("eth0")
    bed.listen("sw0", "m0", "m1", "m2", "m3")
    bed.confirm(2, 3)
    hello = arp_request(VIRTUAL, "192.0.2.1", "192.0.2.2")
    bed.nic("m0").send(with_tag(hello, 10))
    wait_learned(bed, VIRTUAL, ("p0", "here"), vlan=10)
    assert learned(bed, VIRTUAL, 20) is None
    bed.listen("sw0", "m0", "m1", "m2", "m3")
    here, there = frame_to(VIRTUAL, port_mac(2), b"ten"), frame_to(VIRTUAL, port_mac(3), b"twenty")
    bed.nic("m2").send(here)
    expect(bed.nic("m0"), with_tag(here, 10))
    bed.nic("m3").send(there)
    expect(bed.nic("sw0"), with_tag(there, 20))
    bed.nic("sw0").send(with_tag(hello, 20))
    expect(bed.nic("m3"), hello)
    # To the access port of VLAN 10 and back.
    for nic, owner, out in (("m1", "p1", lambda f: f), ("m0", "p0", lambda f: with_tag(f, 10))):
        bed.nic(nic).send(out(arp_request(VIRTUAL, "192.0.2.1", f"192.0.2.{3 + (nic == 'm0')}")))
        wait_learned(bed, VIRTUAL, (owner, "here"), vlan=10)
        moved = frame_to(VIRTUAL, port_mac(2), nic.encode())
        bed.listen("m0", "m1", "sw0")
        bed.nic("m2").send(moved)
        expect(bed.nic(nic), out(moved))
        entries = [e for e in bed.daemon.json("show", "fdb") if e["mac"] == VIRTUAL]
        assert [(e["vlan"], e["port"]) for e in entries] == [(10, owner)], entries


# ---- limits of learning ----
def flood(bed, nic, first, n):
    for i in range(first, first + n):
        bed.nic(nic).send(udp4(BROADCAST, outside_mac(i), "192.0.2.1", "192.0.2.255", b"x" * 20))


def count_learned(bed, name):
    return sum(e["learned"] and e["port"] == name for e in bed.daemon.json("show", "fdb"))


def test_learning_is_limited_and_the_policy_decides():
    limited = lambda policy: {
        "mac-learning": {"limit": 16, "policy": policy},
        "forged-transmits": True,
    }
    bed = start({0: limited("drop"), 1: limited("allow"), 2: LEARN})
    for n in (0, 1):
        flood(bed, f"m{n}", 1000 * (n + 1), 16)
        wait_until(lambda: count_learned(bed, f"p{n}") == 16, 30, "16 addresses")
        wait_until(lambda: ("sources_limited", f"p{n}") in findings(bed), 30, lambda: findings(bed))
        finish_changes(bed)
        bed.listen("sw0")
        late = udp4(BROADCAST, outside_mac(5000 + n), "192.0.2.1", "192.0.2.255", b"late")
        bed.nic(f"m{n}").send(late)
        if n == 0:
            wait_until(
                lambda: bed.daemon.counter("p0", "learn_limit") == 1, 30, bed.daemon.counters_text
            )
            assert with_tag(late) not in bed.nic("sw0").frames()
        else:
            expect(bed.nic("sw0"), with_tag(late))
        assert count_learned(bed, f"p{n}") == 16
    # An address that is learned already still passes, and other ports still learn.
    old = udp4(BROADCAST, outside_mac(1000), "192.0.2.1", "192.0.2.255", b"old")
    bed.nic("m0").send(old)
    expect(bed.nic("sw0"), with_tag(old))
    flood(bed, "m2", 3000, 50)
    wait_until(lambda: count_learned(bed, "p2") == 50, 30, "50 addresses")


def test_a_flood_of_random_sources_takes_nothing_from_others():
    bed = start({0: LEARN, 1: LEARN})
    flood(bed, "m1", 2000, 50)
    wait_until(lambda: count_learned(bed, "p1") == 50, 30, "50 addresses at p1")
    frame = udp4(BROADCAST, outside_mac(1), "192.0.2.1", "192.0.2.255", b"x" * 20)
    attack = Flood(bed.world, "m0", [frame], random_sources=True)
    found = wait_until(lambda: findings(bed).get(("sources_limited", "p0")), 60, bed.daemon.log)
    assert found["severity"] == "warning" and "p0" in found["message"]
    assert bed.daemon.ctl("reload").returncode == 0
    assert attack.stop() > 0
    assert count_learned(bed, "p1") == 50
    assert count_learned(bed, "p0") <= 4096
    assert ("sources_limited", "p1") not in findings(bed)

    def still_learns():
        """Events are lost until those of the attack have been read."""
        flood(bed, "m1", 3000, 50)
        return count_learned(bed, "p1") == 100

    wait_until(still_learns, 30, "50 more addresses at p1")


def test_unicast_flooding_is_a_choice():
    quiet = {"mac-learning": {"unicast-flooding": False}, "forged-transmits": True}
    bed = start({0: LEARN, 1: quiet})
    unknown = frame_to(outside_mac(77), outside_mac(1), b"unknown")
    bed.nic("sw0").send(with_tag(unknown))
    expect(bed.nic("m0"), unknown)
    assert unknown not in bed.nic("m1").frames()


def test_unicast_to_an_address_outside_is_not_copied_to_learning_ports():
    bed = start({0: LEARN})
    bed.confirm(1)
    peer = outside_mac(3)
    answer = frame_to(port_mac(1), peer, b"answer")
    bed.nic("sw0").send(with_tag(answer))
    expect(bed.nic("m1"), answer)
    bed.listen("m0")
    for i in range(20):
        frame = frame_to(peer, port_mac(1), b"out%02d" % i)
        bed.nic("m1").send(frame)
        expect(bed.nic("sw0"), with_tag(frame))
    assert not bed.nic("m0").frames()


def test_a_flow_to_a_silent_address_is_hardly_copied_to_learning_ports():
    bed = start({0: LEARN})
    bed.confirm(1)
    bed.listen("m0", "sw0")
    flow = Flood(bed.world, "m1", [frame_to(outside_mac(4), port_mac(1), b"flow")])
    wait_until(lambda: bed.daemon.counter("p1", "to_uplink") > 10000, 60, bed.daemon.counters_text)
    copies, sent = bed.daemon.counter("p0", "sent"), flow.stop()
    assert 0 < copies < sent / 10, (copies, sent)
