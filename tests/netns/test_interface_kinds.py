# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Interfaces that are unsuitable, that have several names, and that other software changes while they are uplinks or ports."""
import pytest

from harness.base import wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.capture import expect
from harness.frames import tag, udp4
from harness.settings import set_ipv6, settings_of

OUTSIDE = outside_mac(5)


def start(n_uplinks=2, n_ports=2, **more):
    bed = Bed(n_uplinks=n_uplinks, n_ports=n_ports)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, range(n_ports))], **more)])
    bed.usable(*bed.uplink_names)
    return bed


def found(bed, name):
    """The codes of the findings about an interface."""
    return {
        problem["code"]
        for sw in bed.daemon.json("status")["switches"]
        for problem in sw["problems"]
        if problem["object"] == name
    }


def wait_found(bed, name, code, present=True, deadline=60):
    wait_until(
        lambda: (code in found(bed, name)) == present,
        deadline,
        lambda: f"finding {code} of {name} {'' if present else 'to go'}: {found(bed, name)}\n{bed.daemon.log()}",
    )


# ---- kinds ----
def make_kind(ns, kind):
    """An interface that carries no Ethernet frames; its name."""
    if kind == "lo":
        return "lo"
    commands = {
        "tun": ("tuntap", "add", "dev", "odd0", "mode", "tun"),
        "ipip": (
            "link",
            "add",
            "odd0",
            "type",
            "ipip",
            "remote",
            "192.0.2.1",
            "local",
            "192.0.2.2",
        ),
        "wireguard": ("link", "add", "odd0", "type", "wireguard"),
        "xfrm": ("link", "add", "odd0", "type", "xfrm", "if_id", "7"),
    }
    made = ns.ip(*commands[kind], check=False)
    if made.returncode:
        pytest.skip(f"no {kind} here: {made.stderr.strip()}")
    return "odd0"


KINDS = ["lo", "tun", "ipip", "wireguard", "xfrm"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_ethernet_is_refused(kind):
    bed = start(1, 1)
    name = make_kind(bed.hv, kind)
    before = settings_of(bed.hv, name)
    done = bed.daemon.ctl("port", "add", "vs", "prod", name, "--mac", port_mac(9), check=False)
    reason = f"{name}: cannot be an uplink or a port: it carries no Ethernet frames"
    assert done.returncode == 2 and reason in done.stderr, done
    groups = [("prod", 100, [0])]
    for uplinks, ports in (
        (["eth0", name], groups),
        (["eth0"], [("prod", 100, [0, {"interface": name, "mac": port_mac(9)}])]),
    ):
        bed.daemon.write({"switches": [switch("vs", uplinks, ports)]})
        done = bed.daemon.ctl("reload", check=False)
        assert done.returncode == 2 and reason in done.stderr, done
        done = bed.daemon.run_to_end("--check")
        assert done.returncode == 1 and reason in done.stderr, done
    assert settings_of(bed.hv, name) == before
    bed.usable("eth0")


def test_no_ethernet_that_appears_later_is_not_attached():
    bed = Bed(n_uplinks=1, n_ports=1)
    odd = {"interface": "odd0", "mac": port_mac(9)}
    bed.start([switch("vs", ["eth0", "odd1"], [("prod", 100, [0, odd])])])
    bed.usable("eth0")
    for name in ("odd0", "odd1"):
        bed.hv.ip("tuntap", "add", "dev", name, "mode", "tun")
        before = settings_of(bed.hv, name)
        wait_found(bed, name, "not_ethernet")
        assert settings_of(bed.hv, name) == before
    bed.hv.ip("link", "set", "odd0", "up")
    bed.usable("eth0")
    assert bed.daemon.log().count("odd0: cannot be an uplink or a port") == 1
    for name in ("odd0", "odd1"):
        bed.hv.ip("tuntap", "del", "dev", name, "mode", "tun")
        wait_found(bed, name, "not_ethernet", present=False)


# ---- names ----
def test_alternative_names_are_resolved_and_found_twice():
    bed = Bed(n_uplinks=1, n_ports=2)
    for name, other in (("eth0", "enp1s0"), ("p0", "vm-web"), ("p1", "vm-db")):
        bed.hv.ip("link", "property", "add", "dev", name, "altname", other)
    web = {"interface": "vm-web", "mac": port_mac(0)}
    bed.start([switch("vs", ["enp1s0"], [("prod", 100, [web])])])
    bed.usable("enp1s0")
    bed.listen("m0", "sw0")
    frame = udp4(port_mac(0), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
    bed.nic("sw0").send(frame)
    expect(bed.nic("m0"), frame[:12] + frame[16:])
    for name in ("p0", "eth0"):
        done = bed.daemon.ctl("port", "add", "vs", "prod", name, "--mac", port_mac(9), check=False)
        assert done.returncode == 2 and "are names of one interface" in done.stderr, done
    bed.daemon.ctl("port", "add", "vs", "prod", "vm-db", "--mac", port_mac(1))
    assert all(p["present"] for p in bed.daemon.json("show", "ports"))
    bed.daemon.write({"switches": [switch("vs", ["enp1s0", "eth0"], [("prod", 100, [web])])]})
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "are names of one interface" in done.stderr, done
    done = bed.daemon.run_to_end("--check")
    assert done.returncode == 1 and "are names of one interface" in done.stderr, done


# ---- other software ----
CHANGES = {
    "promiscuous mode": lambda ns: ns.ip("link", "set", "eth0", "promisc", "off"),
    "rx VLAN offload": lambda ns: ns.run("ethtool", "-K", "eth0", "rxvlan", "on"),
    "MTU": lambda ns: ns.ip("link", "set", "eth0", "mtu", "1400"),
    "ARP": lambda ns: ns.ip("link", "set", "eth0", "arp", "on"),
    "IPv6": lambda ns: set_ipv6(ns, "eth0"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_setting_is_set_again(what):
    bed = Bed(n_uplinks=1, n_ports=1)
    set_ipv6(bed.hv, "eth0")
    at_first = settings_of(bed.hv, "eth0")
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])])
    bed.usable("eth0")
    right = settings_of(bed.hv, "eth0")
    CHANGES[what](bed.hv)
    wait_until(
        lambda: settings_of(bed.hv, "eth0") == right,
        60,
        lambda: f"{what}: {right}\ngot {settings_of(bed.hv, 'eth0')}",
    )
    bed.daemon.log_has("eth0: other software changed")
    bed.usable("eth0")
    bed.daemon.teardown()
    assert settings_of(bed.hv, "eth0") == at_first


def test_setting_that_is_changed_repeatedly_is_reported_and_repaired_later():
    bed = start(1, 1)
    for _ in range(3):
        bed.hv.ip("link", "set", "eth0", "arp", "on")
        wait_until(
            lambda: "NOARP" in bed.hv.link("eth0")["flags"] or "setting" in found(bed, "eth0"),
            60,
            "a repair or a finding",
        )
    wait_found(bed, "eth0", "setting", present=False)
    assert "NOARP" in bed.hv.link("eth0")["flags"]


def test_bridge_that_takes_an_uplink_and_a_port():
    bed = start()
    bed.hv.ip("link", "add", "br0", "type", "bridge")
    for name in ("eth0", "p1"):
        bed.hv.ip("link", "set", name, "master", "br0")
        wait_found(bed, name, "enslaved")
    bed.usable("eth0", "eth1")
    for name in ("eth0", "p1"):
        bed.hv.ip("link", "set", name, "nomaster")
        wait_found(bed, name, "enslaved", present=False)


# ---- another network namespace ----
@pytest.mark.parametrize("restart", [False, True])
def test_uplink_that_was_in_another_namespace_gets_its_settings_back(restart):
    bed = Bed(n_uplinks=2, n_ports=1)
    set_ipv6(bed.hv, "eth1")
    bed.hv.ip("link", "set", "eth1", "mtu", "1400")
    before = settings_of(bed.hv, "eth1")
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    bed.hv.ip("link", "set", "eth1", "netns", bed.world.name)
    bed.usable("eth0")
    if restart:
        bed.daemon.restart()
    bed.world.ip("link", "set", "eth1", "netns", bed.hv.name)
    bed.hv.up("eth1")
    bed.usable("eth0", "eth1")
    bed.daemon.teardown()
    after = settings_of(bed.hv, "eth1")
    # IPv6 belongs to the namespace: it begins there with that namespace's default.
    del before["ipv6"], after["ipv6"]
    assert after == before


def test_uplink_that_left_while_it_was_in_another_namespace_is_restored_when_it_returns():
    bed = start()
    bed.hv.ip("link", "set", "eth1", "netns", bed.world.name)
    bed.usable("eth0")
    bed.daemon.write({"switches": [switch("vs", ["eth0"], [("prod", 100, [0, 1])])]})
    bed.daemon.ctl("reload")
    bed.world.ip("link", "set", "eth1", "netns", bed.hv.name)
    wait_until(
        lambda: not {"PROMISC", "NOARP"} & set(bed.hv.link("eth1")["flags"]),
        60,
        lambda: f"{bed.hv.link('eth1')}\n{bed.daemon.log()}",
    )
