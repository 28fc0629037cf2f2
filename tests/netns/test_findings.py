# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Situations that look like a fault and are none, each next to one that differs by one fact and is
one: the whole way from frames and links to findings. The unit tests have a pair for every code.

The findings are those of `diagnose` while the situation lasts, and those of the history.
"""
import json
import os
import subprocess

import pytest

from harness import base, rtnl
from harness.base import Cleanup, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.frames import BROADCAST, ETH_RARP, arp_request, eth, udp4
from harness.frames import mac as macb
from harness.lacp import Flood
from harness.lacp_bed import ScriptBed
from harness.talk import Talk
from harness.taps import Tap

LEARN = {"mac-learning": True, "forged-transmits": True}
VIRTUAL = "00:00:5e:00:01:0a"
VRRP = "01:00:5e:00:00:12"
STALL = ("loop_stall", "uplinkd")
ROUNDS = 3  # calls of diagnose, each of which compares the counters of a second


def tagged(frame, vid=100):
    return frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]


def broadcast(src, n):
    """Frame n of a machine: the IP identification increases, as in those of a real one."""
    return udp4(BROADCAST, src, "192.0.2.7", "192.0.2.255", b"%08d" % n, ident=n % 65536)


def diagnose(daemon):
    """{(code, object): severity}

    Without loop_stall, which any process of the machine causes that holds the RTNL.
    """
    done = daemon.ctl("diagnose", "--json", check=False)
    found = {(f["code"], f["object"]): f["severity"] for f in json.loads(done.stdout)}
    assert done.returncode == bool(found), done
    found.pop(STALL, None)
    return found


def stalls(daemon):
    done = daemon.ctl("diagnose", "--json", check=False)
    return STALL in {(f["code"], f["object"]) for f in json.loads(done.stdout)}


def observe(daemon, rounds=ROUNDS):
    """All findings of some calls."""
    found = {}
    for _ in range(rounds):
        found.update(diagnose(daemon))
    return found


def recorded(daemon, after=0):
    """{(code, object)} of the findings in the history, behind this record."""
    return {
        (r["text"].split()[1].rstrip(":"), r["object"])
        for r in daemon.json("history", "--code", "finding")
        if r["number"] > after
    }


def wait_found(daemon, code, deadline=120):
    """The findings as soon as there is one with this code."""
    last = {}

    def found():
        last.clear()
        last.update(diagnose(daemon))
        return code in {c for c, _ in last}

    wait_until(found, deadline, lambda: f"{code}: {last}\n{daemon.log()}")
    return dict(last)


def wait_nothing(daemon, deadline=120):
    last = {}

    def nothing():
        last.clear()
        last.update(diagnose(daemon))
        return not last

    wait_until(nothing, deadline, lambda: f"no finding: {last}\n{daemon.log()}")


def start(groups, channel="static", **more):
    bed = Bed(n_uplinks=2, n_ports=3)
    bed.start([switch("vs", ["eth0", "eth1"], groups, channel=channel, **more)])
    bed.usable("eth0", "eth1")
    bed.listen("sw0", "sw1", "m0", "m1", "m2")
    return bed


# ---- a moved virtual address ----
def advertisement(n, address, text):
    return udp4(VRRP, VIRTUAL, address, "224.0.0.18", b"%s %08d" % (text, n))


def vrrp():
    """A router at p0 is the master; machines here and outside send broadcasts."""
    bed = start(
        [{"name": "routers", "vlan": 100, "ports": [port(0)], "security": LEARN}, ("g", 100, [1])]
    )
    bed.confirm(1)
    ours = lambda n: [(bed.nic("m0"), advertisement(n, "192.0.2.3", b"ours"))]
    theirs = lambda n: [(bed.nic("sw0"), tagged(advertisement(n, "192.0.2.4", b"theirs")))]
    others = lambda n: [
        (bed.nic("m1"), broadcast(port_mac(1), n)),
        (bed.nic("sw0"), tagged(broadcast(outside_mac(1), n))),
        (bed.nic("sw1"), tagged(broadcast(outside_mac(2), n))),
    ]
    return bed, ours, theirs, others


def address_of_router(bed):
    entries = [e for e in bed.daemon.json("show", "fdb") if e["mac"] == VIRTUAL]
    return entries[0]["state"] if entries else None


def test_a_virtual_address_that_moved_to_a_router_outside_is_a_note():
    bed, ours, theirs, others = vrrp()
    talk = Talk(lambda n: ours(n) + others(n))
    wait_until(lambda: address_of_router(bed) == "here", 60, lambda: address_of_router(bed))
    talk.stop()
    Talk(lambda n: theirs(n) + others(n))
    wait_until(lambda: address_of_router(bed) == "elsewhere", 120, lambda: address_of_router(bed))
    assert observe(bed.daemon) == {("address_moved", "p0"): "note"}


def test_two_routers_with_one_virtual_address_are_contested():
    bed, ours, theirs, others = vrrp()
    Talk(lambda n: ours(n) + theirs(n) + others(n))
    found = wait_found(bed.daemon, "address_contested")
    assert found == {("address_contested", "p0"): "warning"}


def test_broadcasts_that_the_switch_returns_are_a_channel_that_is_not_bundled():
    """As the innocent one, but what p1 floods by an uplink returns by the other one."""
    bed, _, theirs, others = vrrp()
    Talk(lambda n: theirs(n) + others(n))

    def returned(_):
        for here, there in (("sw0", "sw1"), ("sw1", "sw0")):
            for frame in bed.nic(here).frames():
                if frame[6:12] == macb(port_mac(1)):
                    yield bed.nic(there), frame

    Talk(returned, pause=0.002)
    found = wait_found(bed.daemon, "reflected")
    assert set(found.values()) == {"error"} and {c for c, _ in found} == {"reflected"}, found


# ---- a machine that is off ----
@pytest.mark.parametrize("channel", ["static", "none"])
@pytest.mark.parametrize("what", ["off", "gone"])
def test_a_machine_that_is_off_is_no_finding_and_a_port_without_interface_is_a_note(what, channel):
    """Its tap is persistent, and broadcasts, unicast and frames of other machines go to it."""
    bed = Bed(n_uplinks=2, n_ports=2)
    tap = Tap(bed.hv, "tap0")
    machine = {"interface": "tap0", "mac": port_mac(9)}
    bed.start([switch("vs", ["eth0", "eth1"], [("g", 100, [0, 1, machine])], channel=channel)])
    bed.usable("eth0", "eth1")
    bed.listen("sw0", "sw1", "m0", "m1")
    bed.confirm(0, 1)
    tap.send(arp_request(port_mac(9), "192.0.2.9", "192.0.2.1"))
    bed.wait_address("tap0", "confirmed")
    if what == "off":
        tap.set_carrier(False)
    else:
        tap.close()
    bed.wait_address("tap0", "absent")
    far = [bed.nic("sw0"), bed.nic("sw1")]
    Talk(
        lambda n: [
            (bed.nic("m0"), broadcast(port_mac(0), n)),
            (bed.nic("m1"), udp4(port_mac(9), port_mac(1), "192.0.2.1", "192.0.2.9", b"%d" % n)),
            # without a channel the switch floods to all links, with one to one of them
            *[
                (nic, tagged(broadcast(outside_mac(1), n)))
                for nic in (far if channel == "none" else far[n % 2 : n % 2 + 1])
            ],
            (far[n % 2], tagged(udp4(port_mac(9), outside_mac(1), "192.0.2.1", "192.0.2.9"))),
        ]
    )
    wait_until(lambda: bed.daemon.counter("eth0", "flooded") > 100, 90, bed.daemon.counters_text)
    expected = {} if what == "off" else {("port_missing", "tap0"): "note"}
    if channel == "none":
        # the frames to the machine that the other uplink serves
        assert {c for c, _ in observe(bed.daemon)} - {c for c, _ in expected} <= set()
    assert observe(bed.daemon) == expected
    wait_until(lambda: recorded(bed.daemon) >= set(expected), 120, lambda: recorded(bed.daemon))
    assert recorded(bed.daemon) == set(expected)


# ---- a machine that was migrated away ----
def announce(mac):
    return eth(
        BROADCAST, mac, ETH_RARP, bytes.fromhex("0001080006040003") + 2 * (macb(mac) + bytes(4))
    )


@pytest.mark.parametrize("stopped", [True, False], ids=["migrated", "runs-twice"])
def test_a_migrated_machine_is_no_fault_and_one_that_runs_twice_is(stopped):
    """The machine of p2 is announced from outside five times, as QEMU does, and talks there."""
    bed = start([("g", 100, [0, 1])])
    bed.daemon.ctl("port", "add", "vs", "g", "p2", "--mac", port_mac(2))
    bed.confirm(0, 2)
    around = lambda n: [
        (bed.nic("m0"), broadcast(port_mac(0), n)),
        (bed.nic("sw1"), tagged(broadcast(outside_mac(1), n))),
    ]
    asks = lambda n: arp_request(port_mac(2), "192.0.2.7", f"192.0.2.{n % 250}")
    here = lambda n: [(bed.nic("m2"), broadcast(port_mac(2), n)), (bed.nic("m2"), asks(n))]
    there = lambda n: [
        (bed.nic("sw0"), tagged(broadcast(port_mac(2), 30000 + n))),
        (bed.nic("sw0"), tagged(asks(n + 125))),
    ]
    talk = Talk(lambda n: around(n) + here(n))
    wait_until(lambda: bed.daemon.counter("p2", "flooded") > 20, 60, bed.daemon.counters_text)
    talk.stop()
    for _ in range(5):
        bed.nic("sw0").send(tagged(announce(port_mac(2))))
    # From the first one on the address may be outside, and the others are delivered.
    wait_until(lambda: bed.daemon.counter("p2", "address_outside"), 30, bed.daemon.counters_text)
    if stopped:
        bed.daemon.ctl("port", "del", "p2")
        Talk(lambda n: around(n) + there(n))
        wait_until(lambda: bed.daemon.counter("eth0", "flooded") > 50, 60, bed.daemon.counters_text)
        found = observe(bed.daemon)
        assert set(found.values()) <= {"note"} and {c for c, _ in found} <= {"reflected"}, found
    else:
        Talk(lambda n: around(n) + here(n) + there(n))
        found = wait_found(bed.daemon, "address_outside")
        assert found[("address_outside", "p2")] == "warning", found
        assert "error" not in found.values(), found


# ---- a switch that reboots ----
@pytest.mark.parametrize("comes_back", [True, False], ids=["reboots", "without-lacp"])
def test_a_switch_that_reboots_is_without_link_and_later_without_lacp_only_if_it_is(comes_back):
    """Its ports have no link; then a link and nothing else, for less than LACP tolerates."""
    it = ScriptBed().wait()
    wait_nothing(it.daemon)
    for name in it.names:
        it.port(name).mute = True
        it.bed.up(it.far[name], False)
    it.daemon.wait_uplinks(set())
    found = observe(it.daemon, 1)
    assert {c for c, _ in found} == {"uplink_no_carrier", "no_uplink"}, found
    for name in it.names:
        it.bed.up(it.far[name])
    if comes_back:
        for name in it.names:
            with it.change(name) as port:
                port.mute = False
        it.wait()
        wait_nothing(it.daemon)
        assert observe(it.daemon) == {}
        codes = {c for c, _ in recorded(it.daemon)}
        assert codes <= {"uplink_no_carrier", "no_uplink", "uplink_waiting"}, codes
    else:
        found = wait_found(it.daemon, "lacp_no_lacpdu")
        assert {c for c, _ in found} <= {"lacp_no_lacpdu", "no_uplink"}, found


# ---- a busy host ----
def burn(n):
    """n processes that only compute."""
    for _ in range(n):
        process = base.spawn(["sh", "-c", "while :; do :; done"], stdout=subprocess.DEVNULL)
        Cleanup.current().add(lambda process=process: base.stop_process(process))


def busy():
    """All processors compute, and a machine sends at full speed to many addresses."""
    it = ScriptBed().wait()
    it.bed.confirm(0)
    wait_nothing(it.daemon)
    it.before = it.daemon.json("history")[-1]["number"]
    burn(4 * os.cpu_count())
    Flood(
        it.bed.world,
        "m0",
        [udp4(outside_mac(5), port_mac(0), "192.0.2.1", f"192.0.2.{n}") for n in range(2, 18)],
    )
    wait_until(lambda: it.daemon.counter("p0", "to_uplink") > 10000, 120, it.daemon.counters_text)
    return it


@pytest.mark.alone
def test_a_busy_host_is_no_finding():
    it = busy()
    assert observe(it.daemon, 5) == {}
    assert recorded(it.daemon, it.before) == set()


@pytest.mark.alone
def test_a_stopped_daemon_on_a_busy_host_is_one():
    it = busy()
    it.daemon.freeze()
    Cleanup.current().add(it.daemon.thaw)
    assert ("daemon_stopped", "uplinkd") in wait_found(it.daemon, "daemon_stopped")
    it.daemon.thaw()
    wait_nothing(it.daemon)
    codes = {c for c, _ in recorded(it.daemon, it.before)}
    assert not any(c.startswith("lacp_") for c in codes), codes


@pytest.mark.alone
@pytest.mark.parametrize("seconds", [3, 7], ids=["short", "long"])
def test_a_long_round_of_the_loop_is_a_finding_and_a_short_one_is_none(seconds):
    """A reload waits for the RTNL, which another process holds."""
    it = ScriptBed().wait()
    wait_nothing(it.daemon)
    hold = rtnl.hold(it.bed.world, seconds)
    it.reconfigure(up_delay_ms=200)
    it.daemon.write({"switches": [{**it.daemon.config["switches"][0], "mtu": 1400}]})
    it.daemon.ctl("reload")
    hold.time_of("released")
    it.wait()
    wait_until(lambda: stalls(it.daemon) == (seconds > 5), 30, it.daemon.status)
    assert observe(it.daemon) == {}
