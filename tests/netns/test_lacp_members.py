# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""LACP when uplinks change: added, removed, replaced and reordered by reload or restart; links that
wait; records that are refused.
"""
import time

import pytest

from harness import base
from harness.base import holds_for, wait_until
from harness.bed import Bed, port_mac, switch
from harness.capture import Nic
from harness.lacp import (
    ACTIVE,
    AGG,
    IN_USE,
    SHORT,
    SYNC,
    Flood,
    SendWatch,
    events,
    is_lacpdu,
    marker,
    sides,
)
from harness.lacp_bed import OvsBed, ScriptBed, both, in_use, lacp_switch, ports_of, problems
from harness.netns import veth

OUT = ACTIVE | AGG | SHORT  # a partner that removes the port: SYNC=0


def usable(daemon):
    return {u["name"] for u in daemon.json("show", "uplinks") if u["usable"]}


def mux_events(daemon, uplink):
    return [e["text"] for e in events(daemon) if e["object"] == uplink and "LACP mux" in e["text"]]


# ---- members ----
@pytest.mark.parametrize("drained", [False, True], ids=["in use", "drained"])
def test_replaced_uplink_inherits_nothing(drained):
    """Neither the partner nor the drain of the uplink before it: the new one is used when it has
    agreed with its own partner, and not before.
    """
    it = ScriptBed(n=3, uplinks=["eth0", "eth1"], mute=["eth2"]).wait()
    if drained:
        it.daemon.ctl("uplink", "drain", "eth1")
    it.reconfigure(["eth0", "eth2"])
    port = ports_of(it.daemon)["eth2"]
    assert (
        port["receive_state"] in ("expired", "defaulted")
        and port["mux_state"] == "detached"
        and not port["drained"]
    ), port
    assert port["partner"]["system"] == "00:00:00:00:00:00", port
    wait_until(lambda: it.lacpdus("eth2"), 30, "an LACPDU on eth2")
    assert not any(actor.state & IN_USE for _, actor, _ in it.lacpdus("eth2")), it.lacpdus("eth2")
    assert usable(it.daemon) == {"eth0"}
    with it.change("eth2") as port:
        port.mute = False
    it.wait()
    it.bed.usable("eth0", "eth2")
    assert (
        not it.lacpdus("eth1")[-1][1].state & SYNC
    ), "the partner of the removed uplink was informed"


def test_member_change_does_not_affect_the_others():
    """One is removed, one inserted, one replaced, all reordered; up-delay reveals a wrong
    removal.
    """
    it = ScriptBed(n=4, uplinks=["eth0", "eth1", "eth2"], up_delay_ms=400).wait()
    it.bed.usable("eth0", "eth1", "eth2")
    before = {name: mux_events(it.daemon, name) for name in ("eth0", "eth2")}
    begin = time.monotonic()
    traffic = it.traffic()
    traffic.flow(2000)
    for uplinks in (
        ["eth0", "eth2"],
        ["eth0", "eth3", "eth2"],
        ["eth0", "eth1", "eth2"],
        ["eth2", "eth1", "eth0"],
    ):
        traffic.mark()
        it.reconfigure(uplinks)
        it.wait()
        it.bed.usable(*uplinks)
        traffic.flow(2000)
    figures = traffic.stop()
    assert all((phase.lost, phase.duplicates) == (0, 0) for phase in figures.phases), figures
    for name in ("eth0", "eth2"):
        assert mux_events(it.daemon, name) == before[name], f"{name}: {mux_events(it.daemon, name)}"
        assert all(
            actor.state & IN_USE == IN_USE for _, actor, _ in it.lacpdus(name, begin)
        ), it.lacpdus(name, begin)
    for name in ("eth1", "eth3"):
        assert any(
            not actor.state & SYNC for _, actor, _ in it.lacpdus(name, begin)
        ), "a removed uplink sent SYNC=0"
    assert {p["uplink"]: p["actor"]["port"] for p in ports_of(it.daemon).values()} == {
        "eth0": 1,
        "eth1": 2,
        "eth2": 3,
    }


def test_uplink_that_comes_later():
    """It uses the address of its NIC, also after a renaming; the system id is the
    first address that was present, and stays.
    """
    bed = Bed(n_uplinks=0, n_ports=1)
    bed.start([lacp_switch(["eth0", "eth1"])])
    systems = set()
    for mac in ("02:00:00:00:aa:01", "02:00:00:00:aa:02"):
        veth(bed.hv, "eth0", bed.world, "sw0", mac_a=mac)
        nic = Nic(bed.world, "sw0")
        received = []

        def both_received():
            received.extend(f for f in nic.frames() if is_lacpdu(f))
            return len(received) >= 2

        wait_until(both_received, 30, bed.daemon.log)
        assert {f[6:12].hex(":") for f in received} == {mac}, received
        systems |= {sides(f)[0].system for f in received}
        bed.hv.ip("link", "del", "eth0")
        nic.close()
        wait_until(lambda: not bed.daemon.uplink("eth0")["ifindex"], 30, bed.daemon.log)
    assert systems == {"02:00:00:00:aa:01"}, systems


def test_max_links():
    """The best two are used; the third waits with SYNC=0 and replaces a failed one without a
    further delay. A link that returns displaces no other.
    """
    it = ScriptBed(n=3, max_links=2, system_priority=1)
    it.wait("eth0", "eth1")
    third = lambda: ports_of(it.daemon)["eth2"]
    standby = ("standby", "waiting", "standby: max-links 2 are in use")
    wait_until(
        lambda: tuple(map(third().get, ("selected", "mux_state", "reason"))) == standby, 30, third
    )
    wait_until(lambda: it.lacpdus("eth2"), 30, "an LACPDU on eth2")
    assert not any(actor.state & IN_USE for _, actor, _ in it.lacpdus("eth2"))
    traffic = it.traffic()
    traffic.flow(1000)
    traffic.mark()
    it.bed.up("sw0", False)
    wait_until(lambda: usable(it.daemon) == {"eth1", "eth2"}, 30, it.daemon.log)
    traffic.mark()
    traffic.flow(1000)
    it.bed.up("sw0")
    wait_until(
        lambda: ports_of(it.daemon)["eth0"]["selected"] == "standby",
        30,
        lambda: ports_of(it.daemon)["eth0"],
    )
    holds_for(lambda: usable(it.daemon) == {"eth1", "eth2"}, 2.5, it.daemon.log)
    figures = traffic.stop()
    assert [phase.lost for phase in figures.phases[::2]] == [0, 0] and all(
        phase.duplicates == 0 for phase in figures.phases
    ), figures
    it.reconfigure(max_links=0)
    it.wait()


@pytest.mark.parametrize("kind", ["none", "static"])
def test_lacp_is_removed_from_the_configuration(kind):
    """Without a channel the partner is asked to unbundle the links; on the way to a static channel
    LACP goes on as long as possible.
    """
    it = ScriptBed().wait()
    traffic = it.traffic()
    traffic.flow(500)
    it.daemon.write({"switches": [switch("vs", it.names, [("prod", 100, [0])], channel=kind)]})
    it.daemon.ctl("reload")
    last = wait_until(
        lambda: (kind == "static" or not it.lacpdus("eth1")[-1][1].state & SYNC)
        and it.lacpdus("eth1")[-1][1],
        30,
        lambda: it.lacpdus("eth1"),
    )
    assert bool(last.state & SYNC) == (kind == "static")
    it.bed.usable("eth0", "eth1")
    traffic.flow(1000)
    assert traffic.stop().phases[0].lost == 0
    it.daemon.write({"switches": [lacp_switch(it.names)]})
    it.daemon.ctl("reload")
    it.wait()


def test_system_id_follows_the_file():
    it = ScriptBed(system_id="02:00:00:00:77:77").wait()
    assert it.lacpdus("eth0")[-1][1].system == "02:00:00:00:77:77"
    del it.config["system_id"]
    it.reconfigure()
    own = it.bed.hv.link("eth0")["address"]
    wait_until(
        lambda: it.lacpdus("eth0")[-1][1].system == it.lacpdus("eth1")[-1][1].system == own,
        30,
        lambda: it.lacpdus("eth0"),
    )
    it.wait()


# ---- links that wait ----
def test_up_delay_applies_unless_no_other_link_is_left():
    """A link keeps waiting for up-delay-ms whatever else is configured, and is used immediately
    when it is the last one.
    """
    it = ScriptBed(up_delay_ms=60000).wait()
    assert usable(it.daemon) == {"eth0"}
    problem = problems(it.daemon)["uplink_waiting", "eth1"]
    assert (
        "in the channel" in problem["message"]
        and "(up-delay-ms)" in problem["message"]
        and problem["severity"] == "note"
    ), problem
    assert "is out of the channel" not in it.daemon.ctl("status").stdout
    it.reconfigure(headless_s=20)
    it.bed.add_port(1)
    it.daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    assert usable(it.daemon) == {"eth0"}, it.daemon.log()
    traffic = it.traffic()
    traffic.flow(500)
    it.bed.up("sw0", False)
    it.bed.usable("eth1", deadline=30)
    traffic.mark()
    traffic.flow(500)
    assert traffic.stop().phases[1].lost == 0
    it.bed.up("sw0")
    wait_until(
        lambda: "(wait-to-restore)" in ports_of(it.daemon)["eth0"]["reason"],
        30,
        lambda: ports_of(it.daemon)["eth0"],
    )
    it.reconfigure(up_delay_ms=0)  # applies to waiting links, too
    it.wait()
    it.bed.usable("eth0", "eth1")


def test_up_delay_restarts_with_each_join():
    delay = 4.0  # longer than a port needs to join again
    it = ScriptBed(interval=0.2, up_delay_ms=int(delay * 1000)).wait()
    with it.change("eth1") as port:
        port.state = OUT
    wait_until(lambda: not in_use(it.daemon, "eth0", "eth1"), 30, "eth1 to leave")
    with it.change("eth1") as port:
        port.state = None
    it.bed.usable("eth0", "eth1")
    of_eth1 = lambda: [e for e in events(it.daemon) if e["object"] == "eth1"]
    joined = max(e["time"] for e in of_eth1() if "-> collecting_distributing" in e["text"])
    # stored after the maps show it
    used = wait_until(
        lambda: next(
            (e["time"] for e in of_eth1() if e["text"] == "in use" and e["time"] > joined), 0
        ),
        30,
        of_eth1,
    )
    assert used - joined > delay - 0.1, f"used {used - joined:.2f} s after it joined"


# ---- restart ----
def test_restart_with_other_uplinks_in_the_file():
    """A link that stays keeps its state at any position; a new one starts without state, also with
    the number of one that was removed.
    """
    it = ScriptBed(n=4, uplinks=["eth0", "eth1", "eth2"], mute=["eth3"]).wait()
    traffic = it.traffic()
    traffic.flow(1000)
    begin = time.monotonic()
    it.daemon.stop()
    it.write(["eth3", "eth2", "eth0"])
    it.daemon.start()
    traffic.flow(2000)
    figures = traffic.stop()
    assert figures.phases[0].lost == figures.phases[0].duplicates == 0, figures
    assert usable(it.daemon) == {"eth0", "eth2"}
    for name in ("eth0", "eth2"):
        wait_until(lambda: ports_of(it.daemon)[name]["stats"]["lacpdu_tx"] >= 1, 30, it.daemon.log)
        assert all(
            actor.state & IN_USE == IN_USE for _, actor, _ in it.lacpdus(name, begin)
        ), it.lacpdus(name, begin)
        assert not [
            e
            for e in events(it.daemon)
            if e["object"] == name and ("current ->" in e["text"] or "not in use" in e["text"])
        ]
    assert {name: p["actor"]["port"] for name, p in ports_of(it.daemon).items()} == {
        "eth0": 1,
        "eth2": 3,
        "eth3": 2,
    }
    assert not any(actor.state & IN_USE for _, actor, _ in it.lacpdus("eth3")), it.lacpdus("eth3")
    with it.change("eth3") as port:
        port.mute = False
    it.wait()


def test_restart_with_another_nic_of_the_same_name():
    it = ScriptBed(n=3, uplinks=["eth0", "eth1"], mute=["eth2"]).wait()
    it.daemon.stop()
    it.bed.hv.ip_batch(
        "link set eth1 down",
        "link set eth1 name eth9",
        "link set eth2 down",
        "link set eth2 name eth1",
        "link set eth1 up",
    )
    it.daemon.start()
    wait_until(lambda: it.lacpdus("eth2"), 30, it.daemon.log)
    assert not any(actor.state & IN_USE for _, actor, _ in it.lacpdus("eth2")), it.lacpdus("eth2")
    assert usable(it.daemon) == {"eth0"} and in_use(it.daemon, "eth0")
    with it.change("eth2") as port:
        port.mute = False
    it.bed.usable("eth0", "eth1")


def test_refused_record_is_reported_after_the_data_plane_has_stopped():
    it = ScriptBed().wait()
    watch = SendWatch(it.daemon, "eth1", 1)
    it.daemon.stop()
    it.write(key=9)
    it.daemon.start()
    it.wait()
    counts = watch.counts()
    assert counts and all(
        (collecting, distributing) == (receive, send)
        for collecting, distributing, receive, send in counts
    ), counts
    assert (False, False, False, False) in counts, counts


def test_restart_after_the_partner_has_expired(ovs):
    """No frame is sent into the links until both sides have agreed again; no duplicates, no
    loops.
    """
    it = OvsBed(ovs, headless_s=0).start()
    streams = it.traffic()
    both(streams, "flow", 500)
    it.daemon.kill()
    wait_until(
        lambda: not it.channel.in_use()
        and all(not actor & SYNC or actor & 0xC0 for actor, _ in it.channel.states().values()),
        30,
        lambda: f"the partner to expire at Open vSwitch: {it.channel.states()}",
    )
    both(streams, "mark")
    watch = SendWatch(it.daemon, "eth0", 0)
    it.daemon.start()
    it.wait()
    counts = watch.counts()
    assert counts and all(
        (collecting, distributing) == (receive, send)
        for collecting, distributing, receive, send in counts
    ), counts
    assert (False, False, False, False) in counts, counts
    both(streams, "flow", 100)
    both(streams, "mark")
    both(streams, "flow", 1000)
    for stream, way in zip(streams, ("out", "in")):
        figures = stream.stop()
        assert (
            all(phase.duplicates == 0 for phase in figures.phases) and figures.phases[-1].lost == 0
        ), f"{way}: {figures}"


def test_restart_of_a_link_that_is_used_alone():
    """fallback: individual has no partner that could have expired, so there is no delay."""
    it = ScriptBed(mute=["eth0", "eth1"], fallback="individual")
    it.bed.usable("eth0")
    traffic = it.traffic()
    traffic.flow(1000)
    it.daemon.restart()
    traffic.flow(2000)
    traffic.stop().assert_clean("over the restart")
    assert usable(it.daemon) == {"eth0"} and ports_of(it.daemon)["eth0"]["individual"]
    assert not any(e["object"] == "eth0" and "not in use" in e["text"] for e in events(it.daemon))
    for name in it.names:
        with it.change(name) as port:
            port.mute = False
    it.wait()
    assert not any(p["individual"] for p in ports_of(it.daemon).values())


# ---- frames that wait, and a flood of them ----
def test_queued_lacpdus_are_read_before_a_partner_expires():
    """The daemon sleeps for longer than the timeout; the first frame afterwards belongs to a link
    that came up meanwhile.
    """
    it = ScriptBed(n=3, headless_s=0).wait()
    it.bed.up("sw0", False)
    it.bed.usable("eth1", "eth2")
    it.daemon.freeze()
    begin = time.monotonic()
    it.bed.up("sw0")
    with it.change("eth0"):
        pass  # sends immediately
    wait_until(lambda: time.monotonic() - begin > 3.5, 30, "more than the short timeout")
    it.daemon.thaw()
    it.wait()
    assert not [
        e
        for e in events(it.daemon)
        if e["object"] in ("eth1", "eth2") and "current ->" in e["text"]
    ], events(it.daemon)
    assert (
        ports_of(it.daemon)["eth0"]["stats"]["link_down_rx"] > 0
    ), "a frame caused a new read of the carrier"


def test_flood_without_xdp():
    """No program limits the frames before the socket of the daemon. The daemon, its other links and
    the traffic continue; drops of the socket are counted; afterwards the flooded link returns.
    """
    it = ScriptBed(receive="tc").wait()
    assert {u["xdp_mode"] for u in it.daemon.json("show", "uplinks")} == {"none"}
    with it.change("eth0") as port:
        valid = port.frame()
    traffic = it.traffic()
    traffic.flow(500)
    flood = Flood(
        it.bed.world,
        "sw0",
        [valid[:100], valid[:15] + b"\x00" + valid[16:], marker(port.src, 17, port.info.system, 1)],
    )
    wait_until(
        lambda: ports_of(it.daemon)["eth0"]["stats"]["excess_rx"] > 20000 / base.SLOW,
        90,
        lambda: ports_of(it.daemon)["eth0"]["stats"],
    )
    assert it.daemon.status()["daemon"]["running"]
    sent = flood.stop()
    it.wait()
    it.bed.usable("eth0", "eth1")
    stats = ports_of(it.daemon)["eth0"]["stats"]
    assert stats["excess_rx"] > sent / 2, (sent, stats)
    assert not [e for e in events(it.daemon) if e["object"] == "eth1" and "current ->" in e["text"]]
    traffic.mark()
    traffic.flow(500)
    assert traffic.stop().phases[-1].lost == 0
    text = it.daemon.ctl("show", "lacp").stdout
    it.daemon.freeze()
    wait_until(
        lambda: "uplinkd is not running" in it.daemon.ctl("show", "lacp").stdout, 30, lambda: text
    )
    text = it.daemon.ctl("show", "lacp").stdout
    assert "are not answered" in text and "XDP" in text, text
    assert "answers LACPDUs for" not in it.daemon.ctl("status").stdout
    it.daemon.thaw()


def test_flapping_partner_does_not_evict_other_events():
    it = ScriptBed(interval=0.2).wait()
    first = events(it.daemon)[0]
    received = ports_of(it.daemon)["eth1"]["stats"]["lacpdu_rx"]
    for n in range(120):
        with it.change("eth1") as port:
            port.state = OUT if n % 2 else OUT | SYNC
        received = wait_until(
            lambda: (lambda now: now > received and now)(
                ports_of(it.daemon)["eth1"]["stats"]["lacpdu_rx"]
            ),
            30,
            "the daemon to receive it",
        )
    with it.change("eth1") as port:
        port.state = None
    it.wait()
    reported = [e for e in events(it.daemon) if e["object"] == "eth1"]
    assert events(it.daemon)[0] == first and len(reported) < 130, len(reported)
    assert any("suppressed" in e["text"] for e in reported), reported[-5:]
    assert len([e for e in events(it.daemon) if e["object"] == "eth0"]) < 20
