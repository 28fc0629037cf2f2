# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The peers and the cable cuts against each other, without uplinkd: a failure here is not
uplinkd's.

The unit under test is kernel bonding, whose behaviour is known.
"""

import time
from contextlib import contextmanager
from functools import partial

import peers
import pytest
import qemu_link
from link_events import FlappingTap, LinkWatch
from util import Netns, nic_links, run, veth_links, wait_until

ADDRESS, PEER_ADDRESS = "192.0.2.2/24", "192.0.2.1"


@pytest.fixture(name="uut")
def fixture_uut():
    with Netns() as ns:
        yield ns


@contextmanager
def bond_under_test(uut, peer, mode, vid):
    """Kernel bonding in place of the unit, with an address in a VLAN, after both ends agreed."""
    peers.make_bond(uut, peer.far, mode)
    try:
        peer.host(vid, f"{PEER_ADDRESS}/24")
        peers.vlan_interface(uut, "bond0", vid, ADDRESS)
        yield
    finally:
        uut.ip("link del bond0")


def wait_ping(uut):
    wait_until(lambda: uut.ping(PEER_ADDRESS), f"answer from {PEER_ADDRESS}")


LACP_PEERS = {
    "bonding": peers.bonding,
    "teamd": peers.teamd,
    "openvswitch-kernel": peers.openvswitch,
    "openvswitch-user": partial(peers.openvswitch, datapath="netdev"),
    "bridge": partial(peers.bridge, bond_mode="802.3ad"),
}
STATIC_PEERS = {
    "bonding": partial(peers.bonding, mode="balance-xor"),
    "teamd": partial(peers.teamd, runner="loadbalance"),
    "openvswitch-kernel": partial(peers.openvswitch, lacp="off"),
    "bridge": partial(peers.bridge, bond_mode="balance-xor"),
}


@pytest.mark.parametrize("make_peer", LACP_PEERS.values(), ids=LACP_PEERS.keys())
def test_lacp_peer_agrees_carries_vlan_and_survives_a_cut(uut, make_peer):
    with make_peer(uut) as peer, bond_under_test(uut, peer, "802.3ad", 100):
        peer.wait_distributing()
        wait_ping(uut)
        peer.links[0].cut()
        peer.wait_distributing(peer.ports[1:])
        wait_ping(uut)
        peer.links[0].heal()
        peer.wait_distributing()
        wait_ping(uut)


@pytest.mark.parametrize("make_peer", STATIC_PEERS.values(), ids=STATIC_PEERS.keys())
def test_static_peer_carries_vlan_and_survives_a_cut(uut, make_peer):
    with make_peer(uut) as peer, bond_under_test(uut, peer, "balance-xor", 100):
        assert peer.lacp() == {}, "a static channel has LACP state"
        wait_until(lambda: len(peer.usable()) == 2, "two usable ports")
        wait_ping(uut)
        peer.links[0].cut()
        wait_until(
            lambda: peer.usable() == peer.ports[1:],
            "use of the other port only",
            describe=peer.usable,
        )
        wait_ping(uut)


def test_bridge_keeps_vlans_apart_on_plain_trunks(uut):
    with peers.bridge(uut) as peer:
        peer.host(100, f"{PEER_ADDRESS}/24")
        mac = uut.show(peer.far[0])["address"]
        peers.vlan_interface(uut, peer.far[0], 100, ADDRESS)
        wait_ping(uut)
        assert peer.seen(mac) == peer.ports[0]
        # the same cable, a VLAN that the switch does not carry
        peers.vlan_interface(uut, peer.far[0], 200, "198.51.100.2/24")
        vlan_interface_of_peer = peers.vlan_interface(peer.ns, "br0", 200, "198.51.100.1/24")
        assert not uut.ping("198.51.100.1"), "VLAN 200 crosses a trunk that does not have it"
        peer.allow(200)
        wait_until(
            lambda: uut.ping("198.51.100.1"),
            f"answer through {vlan_interface_of_peer} once VLAN 200 is allowed",
        )


def test_silent_loss_of_lacp_alone_expires_the_port(uut):
    with peers.bonding(uut) as peer, bond_under_test(uut, peer, "802.3ad", 100):
        peer.wait_distributing()
        peer.links[0].drop("0x8809")
        wait_until(
            lambda: peer.distributing() == peer.ports[1:],
            "loss of the port without LACPDUs",
            describe=peer.lacp,
        )
        assert peer.ns.carrier(peer.ports[0]), "the silent loss included the carrier"
        peer.links[0].restore()
        peer.wait_distributing()


def test_bonding_over_real_nics_loses_one_cable(uut):
    """virtio-net cables through a QEMU hub carry LACP; a cut at the monitor removes the port."""
    links = partial(nic_links, nics=("nic0", "nic1"))
    with peers.bonding(uut, links=links) as peer, bond_under_test(uut, peer, "802.3ad", 100):
        peer.wait_distributing()
        wait_ping(uut)
        peer.links[0].cut()
        wait_until(
            lambda: not uut.carrier("nic0") and not peer.ns.carrier("far0"),
            "carrier loss at both ends",
        )
        peer.wait_distributing(["far1"])
        wait_ping(uut)
        peer.links[0].heal()
        peer.wait_distributing()


@contextmanager
def up(*nics):
    """NICs of the first namespace, set up with carrier during the block."""
    for nic in nics:
        run(f"ip link set {nic} up")
    try:
        for nic in nics:
            wait_carrier(nic, True)
        yield
    finally:
        qemu_link.heal_all()
        for nic in nics:
            run(f"ip link set {nic} down")


def carrier(nic):
    with open(f"/sys/class/net/{nic}/carrier", encoding="utf-8") as file:
        return file.read().strip() == "1"


def wait_carrier(nic, state):
    wait_until(lambda: carrier(nic) == state, f"carrier {'up' if state else 'down'} on {nic}")


@pytest.mark.parametrize("nic", ["nic0", "nic2"], ids=["virtio-net", "e1000"])
def test_carrier_follows_the_monitor(nic):
    far = qemu_link.ends(nic)[1]
    with up(nic, far):
        for _ in range(2):
            qemu_link.cut(nic)
            wait_carrier(nic, False)
            wait_carrier(far, False)
            qemu_link.heal(nic)
            wait_carrier(nic, True)
            wait_carrier(far, True)
        qemu_link.set_link(nic, False)
        wait_carrier(nic, False)
        assert carrier(far), "one end alone was cut, but the other lost its carrier too"


def test_monitor_refuses_an_unknown_nic():
    with pytest.raises(RuntimeError, match="nic99"):
        qemu_link.set_link("nic99", False)


@pytest.mark.parametrize("nic", ["nic0", "nic2"], ids=["virtio-net", "e1000"])
@pytest.mark.parametrize("flapping", [False, True], ids=["quiet", "flapping-neighbour"])
def test_delay_of_rtm_newlink_after_a_cut(nic, flapping, capfd):
    """Prints the delay from the request until sysfs and RTM_NEWLINK show the loss, for separate
    cuts.

    See link_events.
    """
    shown = {}
    with up(nic):
        for name in ("sysfs", "RTM_NEWLINK"):
            for _ in range(3):
                if flapping:
                    with FlappingTap() as tap:
                        wait_until(lambda: tap.changes >= 4, "flaps of the neighbour")
                        delay = measure_cut(nic, name)
                else:
                    # until the second of linkwatch after the last event has passed
                    wait_until(
                        lambda since=time.monotonic(): time.monotonic() > since + 1.5, "quiet time"
                    )
                    delay = measure_cut(nic, name)
                shown.setdefault(name, []).append(f"{delay * 1e3:.0f}")
                qemu_link.heal(nic)
                wait_carrier(nic, True)
    with capfd.disabled():  # in the log of the run also when the test passes
        print(
            f"\n{nic}, {'flapping neighbour' if flapping else 'quiet'}: ms from cut until it shows:",
            "; ".join(f"{name} {' '.join(delays)}" for name, delays in shown.items()),
        )


def measure_cut(nic, name):
    watch = LinkWatch(nic)
    try:
        start = time.monotonic()
        qemu_link.set_link(nic, False)
        delay = watch.wait_poll(False, start) if name == "sysfs" else watch.wait_event(False, start)
        assert delay is not None, f"{name} never showed the loss of carrier"
        assert not watch.polled(), "RTM_NEWLINK reported a loss that sysfs does not show"
    finally:
        watch.close()
    return delay


def test_contexts_leave_nothing(uut):
    """Also when the body fails."""
    before = run("ip -o link"), run("ip netns list")
    with pytest.raises(ZeroDivisionError), peers.bonding(uut, links=veth_links):
        raise ZeroDivisionError
    assert run("ip netns list") == before[1]
    assert (
        uut.ip("-o link show").count("\n") == 1
    ), "cables are left in the namespace of the unit under test"
    assert run("ip -o link") == before[0]
