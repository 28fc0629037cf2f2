# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""LACP against kernel bonding, teamd and the kernel datapath of Open vSwitch.

Negotiation, expiry and recovery of a silent partner, and restart and stop without a flap.
UL_HOLD_S: how long an idle channel is observed (70 s; 600 for ten minutes).
"""

import os
import re
import time
from contextlib import contextmanager
from functools import partial

import peers
import pytest
from harness import lacp
from harness.base import holds_for
from harness.capture import Nic
from test_uplinkd import AGREED, print_figures, site
from util import Link, Netns, run, wait_until

HOLD_S = int(os.environ.get("UL_HOLD_S", "70"))
FAST, SLOW = AGREED | {"short_timeout"}, AGREED
PEERS = {"bonding": peers.bonding, "teamd": peers.teamd, "openvswitch": peers.openvswitch}


def ports(at):
    return {p["uplink"]: p for p in at.daemon.json("show", "lacp")}


def both_ends(at):
    """{uplink: (actor state, partner state)} as uplinkd reports them."""
    return {
        name: (set(p["actor"]["state"]), set(p["partner"]["state"]))
        for name, p in ports(at).items()
    }


def wait_agreed(at, ours, theirs, uplinks=None, timeout_s=60):
    wanted = {u: (ours, theirs) for u in uplinks or at.peer.far}

    def agreed():
        found = both_ends(at)
        return {u: found[u] for u in wanted} == wanted

    at.peer.wait_distributing([at.near(u) for u in wanted], timeout_s)
    wait_until(agreed, f"{wanted}", timeout_s, lambda: f"{both_ends(at)}\n{at.daemon.log()}")


def lacp_site(make_peer, **settings):
    return site(make_peer, channel="lacp", lacp=settings)


@pytest.mark.parametrize("rate", ["fast", "slow"])
@pytest.mark.parametrize("make_peer", PEERS.values(), ids=PEERS.keys())
def test_rates_of_both_ends(make_peer, rate, capfd):
    """Each end requests its receive rate: 63 (short timeout) or 61, in all four combinations."""
    with lacp_site(partial(make_peer, rate=rate), rate="fast") as at:
        theirs = FAST if rate == "fast" else SLOW
        wait_agreed(at, FAST, theirs)
        took = lacp.event_time(at.daemon, "-> collecting_distributing", -1) - lacp.event_time(
            at.daemon, "port_disabled -> expired"
        )
        print_figures(capfd, f"{make_peer.__name__}, {rate}: negotiated in {took:.2f} s")
        wait_until(
            lambda: all(ends == (theirs, FAST) for ends in at.peer.lacp().values()),
            "the same states at the partner",
            describe=at.peer.lacp,
        )
        reconfigure(at, rate="slow")
        wait_agreed(at, SLOW, theirs)
        wait_until(
            lambda: all(partner == SLOW for _, partner in at.peer.lacp().values()),
            "the partner to see the slow rate",
            describe=at.peer.lacp,
        )
        at.wait_ping()
        assert not any(
            "current ->" in e["text"] for e in lacp.events(at.daemon)
        ), "a change of the rate costs no link"


def reconfigure(at, **settings):
    """Reloads with other LACP settings."""
    config = at.daemon.config
    config["switches"][0]["lacp"] = {**config["switches"][0]["lacp"], **settings}
    at.daemon.write(config)
    at.daemon.ctl("reload")


def test_passive_uplinkd():
    with lacp_site(peers.bonding, activity="passive", rate="fast") as at:
        wait_agreed(at, FAST - {"activity"}, FAST)
        at.wait_ping()


@pytest.mark.parametrize("make_peer", PEERS.values(), ids=PEERS.keys())
def test_key_and_system_change(make_peer):
    with lacp_site(make_peer, rate="fast") as at:
        wait_agreed(at, FAST, FAST)
        system, _ = at.peer.partners()[at.peer.ports[0]]
        for settings, wanted in (
            ({"key": 77}, (system, 77)),
            ({"system-id": "02:00:00:00:77:77"}, ("02:00:00:00:77:77", 77)),
        ):
            reconfigure(at, **settings)
            # the extent of the new negotiation depends on the peer
            wait_until(
                lambda w=wanted: at.peer.partners() == {port: w for port in at.peer.ports},
                f"{wanted} at the peer",
                describe=at.peer.partners,
            )
            wait_agreed(at, FAST, FAST)
        at.wait_ping()


@pytest.mark.parametrize("make_peer", PEERS.values(), ids=PEERS.keys())
def test_silent_loss_expires_and_heals(make_peer, capfd):
    """Only LACPDUs are lost, both ways; carrier stays. After three seconds neither end uses the
    link; when they pass again both do.
    """
    with lacp_site(make_peer, rate="fast") as at:
        wait_agreed(at, FAST, FAST)
        at.wait_ping()
        name, link = at.peer.far[0], at.peer.links[0]
        with lacp.silence([(at.hv, name), (at.outside_ns, link.near)]):
            begin = time.time()
            wait_until(
                lambda: not at.daemon.uplink(name)["usable"],
                "loss of the silent uplink",
                60,
                at.daemon.log,
            )
            at.peer.wait_distributing(at.peer.ports[1:])
            expired_s = lacp.event_time(at.daemon, "current -> expired") - begin
            assert ports(at)[name]["reason"].startswith("no LACPDU for"), ports(at)[name]
            at.wait_ping()
            healed = time.time()  # the filters are installed one after the other
        wait_agreed(at, FAST, FAST)
        heal_s = lacp.event_time(at.daemon, "-> collecting_distributing", -1) - healed
        at.wait_ping()
        print_figures(
            capfd,
            f"{make_peer.__name__}: the silent uplink expired after {expired_s:.1f} s, healed {heal_s:.1f} s after LACPDUs passed again",
        )
        assert expired_s > 0, at.daemon.log()
        assert heal_s > 0, at.daemon.log()


def listens(at):
    """See enable_xdp_tx(): frames that XDP returns over a veth."""
    for port in at.peer.ports:
        lacp.enable_xdp_tx(at.outside_ns, port)


@pytest.mark.parametrize("make_peer", PEERS.values(), ids=PEERS.keys())
def test_restart_kill_and_stop_without_a_flap(make_peer):
    """At fast rate. The LACPDUs of the partner are checked, not only its reported state: none may
    lack SYNC, COLLECTING or DISTRIBUTING.
    """
    with lacp_site(make_peer, rate="fast") as at:
        wait_agreed(at, FAST, FAST)
        at.wait_ping()
        listens(at)
        nics = [Nic(at.hv, name) for name in at.peer.far]
        changes = at.peer.lacp()

        def steady():
            return sorted(at.peer.distributing()) == sorted(at.peer.ports)

        out, back = at.stream_in(), at.stream_in(machine=1)
        for traffic in (out, back):
            traffic.flow(200)
        at.daemon.restart()
        assert steady(), at.peer.lacp()
        at.daemon.kill()
        holds_for(steady, 2, at.peer.lacp)
        at.daemon.start()
        assert steady(), at.peer.lacp()
        at.daemon.freeze()
        holds_for(steady, 15, at.peer.lacp)
        assert all(p["headless"]["answered"] > 5 for p in ports(at).values()), ports(at)
        at.daemon.thaw()
        holds_for(steady, 3, at.peer.lacp)
        for traffic in (out, back):
            traffic.flow(200)
            figures = traffic.stop()
            assert (sum(p.lost for p in figures.phases), figures.phases[0].duplicates) == (
                0,
                0,
            ), figures
        # XDP and TC see packets even if bonding and teamd do not pass them on
        said = [lacp.sides(f)[0].state for nic in nics for f in nic.frames() if lacp.is_lacpdu(f)]
        assert said and all(
            state & lacp.IN_USE == lacp.IN_USE and not state & (lacp.EXPIRED | lacp.DEFAULTED)
            for state in said
        ), said
        assert at.peer.lacp() == changes
        assert all(p["findings"] == [] for p in ports(at).values()), ports(at)


SWITCHES = {
    "bonding-static": (partial(peers.bonding, mode="balance-xor"), {"channel": "static"}),
    "bonding-lacp": (peers.bonding, {"channel": "lacp", "lacp": {"rate": "fast"}}),
    "teamd-static": (partial(peers.teamd, runner="loadbalance"), {"channel": "static"}),
    "teamd-lacp": (peers.teamd, {"channel": "lacp", "lacp": {"rate": "fast"}}),
    "openvswitch-lacp": (peers.openvswitch, {"channel": "lacp", "lacp": {"rate": "fast"}}),
}


@pytest.mark.parametrize("make_peer, settings", SWITCHES.values(), ids=SWITCHES.keys())
def test_restart_of_the_peer(make_peer, settings):
    """Bonding and teamd end with the carriers down; Open vSwitch leaves them up, and only LACP
    reveals it.
    """
    with site(make_peer, **settings) as at:
        at.daemon.wait_uplinks(at.peer.far, 60)
        at.wait_ping()
        at.peer.end_channel()
        at.daemon.wait_uplinks([], 60)
        at.peer.begin_channel()
        at.daemon.wait_uplinks(at.peer.far, 60)
        if settings["channel"] == "lacp":
            wait_agreed(at, FAST, FAST)
        at.wait_ping()


@contextmanager
def second_switch(hv, make_peer, first):
    """Another switch on further cables of the same hypervisor: p<first>, u<first> and so on."""

    @contextmanager
    def links(near_ns, far_ns, count=2):
        made = [Link(near_ns, f"p{n}", far_ns, f"u{n}") for n in range(first, first + count)]
        for link in made:
            run(
                f"ip link add {link.near} netns {near_ns.name} type veth peer name {link.far} netns {far_ns.name}"
            )
            for ns, device in ((near_ns, link.near), (far_ns, link.far)):
                ns.run(f"ethtool -K {device} tx off")
                ns.ip(f"link set {device} up")
        try:
            yield made
        finally:
            for link in made:
                near_ns.ip(f"link del {link.near}")

    with make_peer(Netns(hv.name), links=links) as peer:
        yield peer


def test_two_partner_systems():
    """Cables on two switches without MLAG: one has the channel, the other stays out and is
    named.
    """
    with lacp_site(peers.bonding, rate="fast") as at:
        wait_agreed(at, FAST, FAST)
        with second_switch(at.hv, peers.bonding, 2) as other:
            config = at.daemon.config
            config["switches"][0]["uplinks"] = at.peer.far + other.far
            at.daemon.write(config)
            at.daemon.ctl("reload")
            wait_until(
                lambda: all("two_partners" in ports(at)[u]["findings"] for u in other.far),
                "the finding",
                describe=lambda: ports(at),
            )
            out = ports(at)[other.far[0]]
            assert (
                out["out"]
                and "differs from the selected" in out["reason"]
                and "MLAG" in out["reason"]
            ), out
            assert {u["name"] for u in at.daemon.json("show", "uplinks") if u["usable"]} == set(
                at.peer.far
            )
            assert other.distributing() == [], other.lacp()
            at.wait_ping()
            config["switches"][0]["uplinks"] = at.peer.far
            at.daemon.write(config)
            at.daemon.ctl("reload")
        wait_agreed(at, FAST, FAST)


@pytest.mark.parametrize("make_peer", PEERS.values(), ids=PEERS.keys())
def test_min_links(make_peer):
    with lacp_site(make_peer, rate="fast", **{"min-links": 2}) as at:
        wait_agreed(at, FAST, FAST)
        at.peer.links[0].cut()
        at.daemon.wait_uplinks([])
        wait_until(
            lambda: "min-links is 2" in ports(at)[at.peer.far[1]]["reason"],
            "the reason",
            describe=lambda: ports(at),
        )
        wait_until(
            lambda: at.peer.distributing() == [], "the peer to stop as well", describe=at.peer.lacp
        )
        at.peer.links[0].heal()
        wait_agreed(at, FAST, FAST)
        at.wait_ping()


def test_fallback_while_the_switch_is_not_set_up():
    """The switch has no LACP yet: one uplink works alone, as a machine that boots by PXE needs;
    with LACP on the switch both do.
    """
    with lacp_site(
        partial(peers.openvswitch, lacp="active"), rate="fast", fallback="individual"
    ) as at:
        at.peer.vsctl("set", "port", "bond0", "lacp=off")
        at.daemon.wait_uplinks(at.peer.far[:1], 60)
        wait_until(
            lambda: ports(at)[at.peer.far[0]]["individual"],
            "the fallback",
            describe=lambda: ports(at),
        )
        at.peer.vsctl("set", "port", "bond0", "lacp=active")
        wait_agreed(at, FAST, FAST)
        at.wait_ping()


def test_marker_is_answered():
    with lacp_site(peers.bonding, rate="fast") as at:
        wait_agreed(at, FAST, FAST)
        nic = Nic(at.outside_ns, at.peer.ports[0])
        nic.send(lacp.marker("02:00:00:00:98:77", 17, "02:00:00:00:99:01", 0xDEADBEEF))
        answer = wait_until(
            lambda: [f for f in nic.frames() if f[12:15] == b"\x88\x09\x02"], "a marker response"
        )
        ours = Netns(at.hv.name).show(at.peer.far[0])["address"]
        assert answer == [lacp.marker(ours, 17, "02:00:00:00:99:01", 0xDEADBEEF, kind=2)]


def churn_of(peer):
    said = peer.ns.run("cat /proc/net/bonding/bond0")
    return re.findall(r"(?:Actor|Partner) Churn State: (\w+)", said)


def test_quiet_channel_is_stable(capfd):
    """The churn detection of bonding has a result after a minute, which must be 'none'. Port states
    are 63 at one end and 61 at the other, and never differ.
    """
    with lacp_site(partial(peers.bonding, rate="slow"), rate="fast") as at:
        wait_agreed(at, FAST, SLOW)
        # the rates differ on purpose, which the finding reports with a delay
        wait_until(
            lambda: all("timeout_mismatch" in p["findings"] for p in ports(at).values()),
            "the finding",
            describe=lambda: ports(at),
        )
        since, events = at.peer.lacp(), len(lacp.events(at.daemon))
        assert all(state == (SLOW, FAST) for state in since.values()), since
        end = time.monotonic() + HOLD_S
        while time.monotonic() < end:
            assert at.peer.lacp() == since and all(
                ends == (FAST, SLOW) for ends in both_ends(at).values()
            ), (at.peer.lacp(), both_ends(at))
            time.sleep(1.0)  # interval of the observation
        wait_until(
            lambda: set(churn_of(at.peer)) == {"none"},
            "churn state 'none' at bonding",
            70,
            lambda: churn_of(at.peer),
        )
        wait_until(
            lambda: all(set(p["churn"].values()) == {"none"} for p in ports(at).values()),
            "and here",
            describe=lambda: ports(at),
        )
        reported = [e["text"] for e in lacp.events(at.daemon)[events:] if "churn" not in e["text"]]
        assert reported == [], reported
        failures = re.findall(
            r"(?:Actor|Partner) Churned Count: (\d+)", at.peer.ns.run("cat /proc/net/bonding/bond0")
        )
        print_figures(
            capfd,
            f"{HOLD_S} s: churn {churn_of(at.peer)}, churned {failures}; gaps here",
            {u: p["gaps"] for u, p in ports(at).items()},
        )
        assert set(failures) == {"0"}, failures
