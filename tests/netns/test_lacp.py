# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""LACP with Open vSwitch, a scripted partner and another uplinkd: negotiation, loss, restart, and
operation without the daemon.
"""
import json
import re
import time

import pytest

from harness import base
from harness.base import holds_for, wait_until
from harness.bed import Bed, port_mac, switch
from harness.capture import Nic
from harness import lacp
from harness.lacp import (
    ACTIVE,
    AGG,
    IN_USE,
    SHORT,
    SYNC,
    Flood,
    Info,
    Monitor,
    OvsChannel,
    SendWatch,
    ScriptedPartner,
    cdp,
    event_time,
    events,
    is_lacpdu,
    lldp,
    marker,
    pagp,
    silence,
    tshark,
)
from harness.lacp_bed import (
    FLOWS,
    OUTSIDE,
    OvsBed,
    OvsTraffic,
    ScriptBed,
    both,
    in_use,
    lacp_switch,
    ports_of,
    problems,
)
from harness.netns import NetNs, veth
from harness.ovs import Host
from harness.traffic import Traffic, paced


# ---- negotiation ----
@pytest.mark.parametrize(
    "ours, rate, theirs, their_rate",
    [
        ("active", "fast", "active", "fast"),
        ("active", "slow", "passive", "slow"),
        ("passive", "fast", "active", "slow"),
        ("passive", "slow", "active", "fast"),
    ],
)
def test_negotiation(ovs, ours, rate, theirs, their_rate):
    it = OvsBed(ovs, lacp=theirs, rate=their_rate, activity=ours)
    it.config["rate"] = rate
    it.daemon.write({"switches": [lacp_switch(it.names, **it.config)]})
    it.daemon.start()
    it.wait(deadline=120)  # an active side at the slow rate sends every 30 s
    begin = event_time(
        it.daemon, "port_disabled -> expired" if ours == "active" else "LACP partner:"
    )
    event_time(it.daemon, "-> collecting_distributing", -1, after=begin)
    for name, port in ports_of(it.daemon).items():
        assert port["actor"]["key"] == 1 and port["actor"]["port"] == it.names.index(name) + 1
        assert ("activity" in port["actor"]["state"]) == (ours == "active") and (
            "short_timeout" in port["actor"]["state"]
        ) == (rate == "fast")
        assert ("activity" in port["partner"]["state"]) == (theirs == "active"), port["partner"]
        assert ("short_timeout" in port["partner"]["state"]) == (their_rate == "fast"), port[
            "partner"
        ]
        assert (port["mux_state"], port["selected"], port["receive_state"]) == (
            "collecting_distributing",
            "selected",
            "current",
        )
        assert (
            not port["out"]
            and port["reason"] == "collecting and distributing"
            and port["stats"]["illegal_rx"] == 0
        )
    out, back = it.traffic()
    both((out, back), "flow", 300)
    for stream in (out, back):
        stream.stop().assert_clean("after negotiation")


# ---- restart and sleep at fast rate ----
def test_restart_kill_and_stop_without_a_flap(ovs):
    """The partner expires after 3 s without LACPDUs. A restart, a kill with a new start, and a stop
    of 15 s cost no link and no packet.
    """
    it = OvsBed(ovs).start()
    before = it.channel.failures()
    streams = it.traffic()
    both(streams, "flow", 1000)

    both(streams, "mark")
    it.daemon.restart()
    both(streams, "flow", 1000)
    assert it.agreed(), it.channel.states()

    both(streams, "mark")
    it.daemon.kill()
    holds_for(lambda: it.channel.in_use(), 2, it.channel.states)
    it.daemon.start()
    both(streams, "flow", 3000)
    assert it.agreed(), it.channel.states()

    both(streams, "mark")
    it.daemon.freeze()
    holds_for(lambda: it.channel.in_use(), 15, it.channel.states)
    answered = {name: port["headless"]["answered"] for name, port in ports_of(it.daemon).items()}
    assert all(n >= 10 for n in answered.values()), answered
    it.daemon.thaw()
    holds_for(lambda: it.agreed(), 2.5, lambda: f"{it.channel.states()}\n{it.daemon.log()}")
    both(streams, "flow", 1000)

    for stream, way in zip(streams, ("out", "in")):
        stream.stop().assert_clean(way)
    assert it.channel.failures() == before, "the partner expired at Open vSwitch"
    for port in ports_of(it.daemon).values():
        assert port["findings"] == [] and port["gaps"]["max_ms"] < 3000, port
    assert not [
        e for e in events(it.daemon) if "current ->" in e["text"] or "finding" in e["text"]
    ], events(it.daemon)


# ---- changes at run time ----
def test_rate_key_and_system_change(ovs):
    it = OvsBed(ovs).start()
    streams = it.traffic()
    both(streams, "flow", 500)
    for rate in ("slow", "fast"):
        it.reconfigure(rate=rate)
        it.wait()
        wait_until(
            lambda r=rate: all(
                (p & SHORT != 0) == (r == "fast") for _, p in it.channel.states().values()
            ),
            30,
            lambda: f"Open vSwitch to see {rate}: {it.channel.states()}",
        )
        both(streams, "flow", 500)
    for stream in streams:
        stream.stop().assert_clean("another rate")  # another rate costs no packet
    assert not [e for e in events(it.daemon) if "current ->" in e["text"]]

    it.reconfigure(key=77)
    wait_until(
        lambda: "partner key: 77" in ovs.appctl("lacp/show", "bond0"),
        30,
        "Open vSwitch to see the key",
    )
    it.wait()
    it.reconfigure(system_id="02:00:00:00:77:77")
    wait_until(
        lambda: "partner sys_id: 02:00:00:00:77:77" in ovs.appctl("lacp/show", "bond0"),
        30,
        "Open vSwitch to see the system",
    )
    it.wait()
    it.channel.set('other_config:lacp-system-id="02:00:00:00:66:66"')
    wait_until(
        lambda: all(
            p["partner"]["system"] == "02:00:00:00:66:66" and p["partner_changes"] == 1
            for p in ports_of(it.daemon).values()
        ),
        30,
        lambda: f"another partner: {ports_of(it.daemon)}",
    )
    it.wait()


# ---- loss and healing ----
@pytest.mark.parametrize("lost", ["lacp", "everything"])
def test_silent_loss(ovs, lost):
    """The carrier stays up: the port expires 3 s after the last LACPDU, and is back when frames
    pass.
    """
    it = OvsBed(ovs, n=3).start()
    streams = it.traffic()
    both(streams, "flow", 300)
    with silence(it.ends("eth1"), everything=lost == "everything"):
        begin = time.time()
        it.wait("eth0", "eth2")
        assert event_time(it.daemon, "current -> expired") > begin
        assert ports_of(it.daemon)["eth1"]["reason"].startswith("no LACPDU for")
        both(streams, "mark")
        both(streams, "flow", 1000)
        both(streams, "mark")  # the filters are removed one after the other
        healed = time.time()
    it.wait()
    event_time(it.daemon, "-> collecting_distributing", -1, after=healed)
    both(streams, "mark")
    both(streams, "flow", 1000)
    for stream, way in zip(streams, ("out", "in")):
        figures = stream.stop()
        _, without, healing, healed = figures.phases
        assert all(
            (phase.lost, phase.duplicates) == (0, 0) for phase in (without, healed)
        ), f"{way}: {figures}"
        # In EXPIRED Open vSwitch sends SYNC, COLLECTING and DISTRIBUTING, but accepts no frames
        # yet: some are lost until it has received an LACPDU of uplinkd.
        assert (
            healing.lost < OvsTraffic.frames_in(0.5) and healing.duplicates == 0
        ), f"{way}: {figures}"


def test_loss_of_a_member_moves_only_its_flows():
    it = ScriptBed(n=3).wait()
    traffic = it.traffic()
    traffic.flow(2000)
    traffic.mark()
    with it.change("eth1") as port:
        port.state = ACTIVE | AGG | SHORT  # the partner removes the port: SYNC=0
    it.wait("eth0", "eth2")
    assert "SYNC=0" in ports_of(it.daemon)["eth1"]["reason"]
    traffic.mark()
    traffic.flow(2000)
    traffic.mark()
    with it.change("eth1") as port:
        port.state = None
    it.wait()
    traffic.mark()
    traffic.flow(2000)
    figures = traffic.stop()
    figures.assert_clean("a member leaves and comes back")
    before, _, without, _, back = (phase.paths() for phase in figures.phases)
    assert set(before) == set(without) == set(back) == set(range(FLOWS)) and all(
        len(ends) == 1 for ends in before.values()
    ), figures
    lost = {f for f in before if before[f] == {"eth1"}}
    assert lost and all(
        without[f] == before[f] for f in set(before) - lost
    ), "flows of the other uplinks moved"
    assert {next(iter(without[f])) for f in lost} == {
        "eth0",
        "eth2",
    }, "the flows of the lost member are spread"
    assert back == before, "after rejoining flows use their former uplinks"


def test_drain_without_loss(ovs):
    """In both directions: LACP informs the switch, which moves its flows before reception stops."""
    it = OvsBed(ovs).start()
    streams = it.traffic()
    both(streams, "flow", 500)
    drained = it.daemon.json("uplink", "drain", "eth1")
    it.wait("eth0")
    assert drained["safe"] and drained["drained"], drained
    assert (
        not it.channel.states()[it.channel.cables["eth1"]][1] & SYNC
    ), "an LACPDU with SYNC=0 was sent"
    counts = lambda: [it.daemon.counter("eth1", r) for r in ("sent", "to_port", "flooded")]

    def quiet():
        """Open vSwitch reports the state before the last flow has moved."""
        before = counts()
        both(streams, "flow", 500)
        return counts() == before

    wait_until(quiet, 30, lambda: f"no frames on eth1: {counts()}")
    assert (
        ports_of(it.daemon)["eth1"]["reason"] == "drained by the operator"
        and ports_of(it.daemon)["eth1"]["drained"]
    )
    both(streams, "mark")
    it.daemon.ctl("uplink", "undrain", "eth1")
    it.wait()
    both(streams, "mark")
    both(streams, "flow", 500)
    for stream, way in zip(streams, ("out", "in")):
        figures = stream.stop()
        drain, undrain, after = figures.phases
        assert all(
            (phase.lost, phase.duplicates, phase.reordered) == (0, 0, 0) for phase in (drain, after)
        ), f"{way}: {figures}"
        # Open vSwitch signals COLLECTING before its flow tables accept frames;
        # test_loss_of_a_member has a partner that does not.
        assert undrain.lost < OvsTraffic.frames_in(0.5), f"{way}: {figures}"


@pytest.mark.parametrize("mux", ["coupled", "independent"])
def test_data_plane_changes_before_the_lacpdu_is_sent(mux):
    it = ScriptBed(mux=mux, interval=0.3)
    watch = SendWatch(it.daemon, "eth1", 1)
    it.wait()
    for state in (ACTIVE | AGG | SHORT, ACTIVE | AGG | SHORT | SYNC, None):
        with it.change("eth1") as port:
            port.state = state
        expected = (
            {"eth0"}
            if state is not None and (mux == "independent" or not state & SYNC)
            else {"eth0", "eth1"}
        )
        wait_until(
            lambda e=expected: {u["name"] for u in it.daemon.json("show", "uplinks") if u["usable"]}
            == e,
            30,
            lambda: f"{expected}\n{it.daemon.log()}",
        )
    it.wait()
    it.daemon.ctl("uplink", "drain", "eth1")
    it.daemon.ctl("uplink", "undrain", "eth1")
    it.wait()
    counts = watch.counts()
    assert counts and all(
        (collecting, distributing) == (receive, send)
        for collecting, distributing, receive, send in counts
    ), counts
    assert (False, False, False, False) in counts and (True, True, True, True) in counts, counts
    assert mux == "coupled" or (True, False, True, False) in counts, counts


# ---- without the daemon ----
def test_headless_answers_are_bounded():
    it = ScriptBed(interval=0.2, headless_s=2).wait()
    answers = lambda: {n: port["headless"]["answered"] for n, port in ports_of(it.daemon).items()}
    before = answers()
    begin = time.monotonic()
    it.daemon.freeze()

    def silent_since(seconds):
        lacpdus = it.lacpdus("eth0", begin)
        return lacpdus and time.monotonic() - lacpdus[-1][0] > seconds

    wait_until(lambda: all(answers()[n] > before[n] for n in it.names), 30, answers)
    wait_until(lambda: silent_since(1.0), 30, "the answers to end")
    status = lambda: it.daemon.ctl("status").stdout
    wait_until(lambda: "LACPDUs are no longer answered" in status(), 30, status)
    for name in it.names:
        answered = answers()[name] - before[name]
        assert 1 <= answered <= 9, f"{name}: {answered} replies, at most one in 300 ms for 2 s"
        assert all(
            a.state & IN_USE == IN_USE and p.identity() == it.port(name).info.identity()
            for _, a, p in it.lacpdus(name, begin)
        )
    assert "the switch removes the links" in status(), status()
    it.daemon.thaw()
    # LACPDUs that waited in the sockets for 4 s prove that the partner is alive
    wait_until(lambda: time.monotonic() - it.lacpdus("eth0")[-1][0] < 0.3, 30, "LACPDUs of uplinkd")
    it.wait()
    assert not [e for e in events(it.daemon) if "current ->" in e["text"] or "finding" in e["text"]]
    # a daemon that gets no CPU for longer than its lease is answered for again
    wait_until(lambda: it.daemon.counter("eth0", "answered") == answers()["eth0"] > 0, 30, answers)


def test_headless_answers_only_the_recorded_partner():
    it = ScriptBed(interval=0.2).wait()
    it.daemon.freeze()
    wait_until(lambda: ports_of(it.daemon)["eth1"]["headless"]["answered"] >= 2, 30, "answers")
    assert "uplink_xdp answers LACPDUs for another" in it.daemon.ctl("status").stdout
    assert "uplink_xdp answers LACPDUs for another" in it.daemon.ctl("show", "lacp").stdout
    with it.change("eth0") as port:
        port.info.key = 8
    with it.change("eth1") as port:
        port.view = Info("02:00:00:00:00:42", 1, 9, 0x3F)
    wait_until(
        lambda: time.monotonic() - max(it.lacpdus(n)[-1][0] for n in it.names) > 1.2, 30, "silence"
    )
    with it.change("eth1") as port:
        port.view = None
    again = time.monotonic()
    wait_until(lambda: it.lacpdus("eth1", again), 30, "replies to the recorded partner")
    assert not it.lacpdus("eth0", again)
    it.daemon.thaw()
    wait_until(
        lambda: ports_of(it.daemon)["eth0"]["partner"]["key"] == 8,
        30,
        "the new key in the daemon",
    )


# ---- aggregation ----
def test_two_partner_systems(ovs):
    host, hv, world = Host(ovs, "192.0.2.50/24", tag=100, mac=OUTSIDE), NetNs("hv"), NetNs("world")
    one = OvsChannel(ovs, hv, ["eth0", "eth1"], system="02:00:00:00:11:11")
    other = OvsChannel(
        ovs, hv, ["eth2", "eth3"], name="bond1", system="02:00:00:00:22:22", lacp="off"
    )
    veth(hv, "p0", world, "m0", mac_b=port_mac(0))
    bed = Bed.around(hv, ["eth0", "eth1", "eth2", "eth3"], world)
    daemon = bed.start([lacp_switch(["eth0", "eth1", "eth2", "eth3"])])
    wait_until(
        lambda: one.in_use() and in_use(daemon, "eth0", "eth1"),
        30,
        lambda: f"{one.states()}\n{daemon.log()}",
    )
    other.set("lacp=active")  # selection: stable keeps the first partner
    sentence = "partner system 02:00:00:00:22:22 key"
    wait_until(
        lambda: "two_partners" in ports_of(daemon)["eth2"]["findings"],
        30,
        lambda: ports_of(daemon)["eth2"],
    )
    out = ports_of(daemon)["eth2"]
    assert (
        out["out"]
        and sentence in out["reason"]
        and "differs from the selected 02:00:00:00:11:11" in out["reason"]
        and "MLAG" in out["reason"]
    ), out
    assert out["selected"] == "unselected" and {
        u["name"] for u in daemon.json("show", "uplinks") if u["usable"]
    } == {"eth0", "eth1"}
    problem = problems(daemon)["lacp_two_partners", "eth2"]
    assert sentence in problem["message"] and "MLAG" in problem["remedy"], problem
    wait_until(
        lambda: any(sentence in e["text"] and e["object"] == "eth2" for e in events(daemon)),
        30,
        lambda: events(daemon),
    )
    text = daemon.ctl("show", "lacp").stdout
    assert sentence in text and "two_partners" in text, text
    traffic = OvsTraffic(
        bed.tx("m0"), [("h0", host.ns, "h0")], flows=FLOWS, src_mac=port_mac(0), dst_mac=OUTSIDE
    )
    traffic.flow(1000)
    traffic.stop().assert_clean("with a second partner")
    assert daemon.uplink("eth2")["tx_packets"] == 0


def test_min_links(ovs):
    it = OvsBed(ovs, n=2, min_links=2).start()
    ovs.ns.ip("link", "set", it.channel.cables["eth1"], "down")
    it.bed.usable()
    wait_until(
        lambda: "1 link is ready, but min-links is 2" in ports_of(it.daemon)["eth0"]["reason"],
        60,
        lambda: ports_of(it.daemon)["eth0"],
    )
    wait_until(
        lambda: ("lacp_min_links", "vs") in problems(it.daemon), 60, lambda: problems(it.daemon)
    )
    assert problems(it.daemon)["lacp_min_links", "vs"]["severity"] == "error"
    wait_until(
        lambda: not it.channel.states()[it.channel.cables["eth0"]][1] & SYNC,
        60,
        "SYNC=0 to the partner on the remaining link",
    )
    ovs.ns.ip("link", "set", it.channel.cables["eth1"], "up")
    it.wait()
    wait_until(
        lambda: ("lacp_min_links", "vs") not in problems(it.daemon), 60, lambda: problems(it.daemon)
    )


def test_fallback_individual(ovs):
    it = OvsBed(ovs, lacp="off", fallback="individual")
    it.daemon.start()
    it.bed.usable("eth0")  # the same one each time: the lowest priority, then number
    wait_until(lambda: ports_of(it.daemon)["eth0"]["individual"], 30, lambda: ports_of(it.daemon))
    assert ports_of(it.daemon)["eth0"]["reason"] == "in use alone (fallback: individual)"
    wait_until(
        lambda: "no_lacpdu" in ports_of(it.daemon)["eth1"]["findings"],
        30,
        lambda: ports_of(it.daemon)["eth1"],
    )
    assert (
        "the switch port has no LACP, or a static channel"
        in problems(it.daemon)["lacp_no_lacpdu", "eth1"]["message"]
    )
    it.channel.set("lacp=active")
    it.wait()
    assert not any(p["individual"] for p in ports_of(it.daemon).values())


# ---- frames ----
def test_marker():
    it = ScriptBed()
    nic = Nic(it.bed.world, "sw0")
    src, system = "02:00:00:00:98:77", "02:00:00:00:99:01"

    def responses():
        return [f for f in nic.frames() if f[12:15] == b"\x88\x09\x02"]

    source = it.bed.hv.link("eth0")["address"]
    for n, length in enumerate((16, 22, 16, 22)):  # both lengths are in use
        nic.send(marker(src, 17, system, 0xDEAD0000 + n, length=length))
        got = wait_until(responses, 30, "a marker response")
        assert got == [marker(source, 17, system, 0xDEAD0000 + n, kind=2, length=length)]
    begin = time.monotonic()
    for n in range(100):
        nic.send(marker(src, 17, system, n))
    wait_until(
        lambda: (lambda s: s["marker_rx"] + s["excess_rx"] >= 104 and s["excess_rx"] > 50)(
            ports_of(it.daemon)["eth0"]["stats"]
        ),
        30,
        lambda: ports_of(it.daemon)["eth0"]["stats"],
    )
    most = 5 * (1 + int(time.monotonic() - begin))
    assert len(responses()) <= most, "five in a second"

    def counted():  # as soon as the rate allows it again
        nic.send(marker(src, 17, system, 1, kind=2))
        return ports_of(it.daemon)["eth0"]["stats"]["marker_response_rx"]

    wait_until(counted, 30, lambda: ports_of(it.daemon)["eth0"]["stats"])
    it.wait()


def test_flood_of_slow_frames():
    """At full speed into one uplink: traffic, the other uplink, the daemon and LACP of the flooded
    uplink itself continue; the excess is counted.
    """
    it = ScriptBed().wait()
    with it.change("eth0") as port:
        valid = port.frame()
        short, old, strange = (
            valid[:100],
            valid[:15] + b"\x00" + valid[16:],
            valid[:14] + b"\x03" + valid[15:],
        )
        wrong_length, runt = valid[:17] + b"\x05" + valid[18:], valid[:14]
    traffic = it.traffic()
    traffic.flow(1000)
    begin = time.monotonic()
    flood = Flood(
        it.bed.world,
        "sw0",
        [
            valid,
            short,
            old,
            strange,
            wrong_length,
            runt,
            marker(port.src, 17, port.info.system, 1),
            bytes(range(12)) + valid[12:],
        ],
    )
    wait_until(
        lambda: ports_of(it.daemon)["eth0"]["stats"]["excess_rx"] > 20000 / base.SLOW,
        90,
        lambda: ports_of(it.daemon)["eth0"]["stats"],
    )
    traffic.flow(5000)
    assert it.daemon.status()["daemon"]["running"]
    assert in_use(it.daemon, "eth0", "eth1"), it.daemon.ctl("show", "lacp").stdout
    sent = flood.stop()
    traffic.flow(1000)
    traffic.stop().assert_clean(f"during a flood of {sent} frames")
    after = ports_of(it.daemon)
    stats = after["eth0"]["stats"]
    assert (
        stats["illegal_rx"] > 0
        and stats["unknown_rx"] > 0
        and stats["marker_rx"] > 0
        and stats["excess_rx"] > sent / 2
    ), (sent, stats)
    assert it.daemon.counter("eth0", "excess") > sent / 2
    assert after["eth1"]["stats"]["illegal_rx"] == after["eth1"]["stats"]["excess_rx"] == 0
    assert all(
        port["headless"]["answered"] <= 5 for port in after.values()
    ), "the lease of the daemon ended for longer than it was descheduled"
    reported = events(it.daemon)
    assert not [e for e in reported if "current ->" in e["text"]], reported
    most = 6 + (time.monotonic() - begin) / 10
    rejected = [e for e in reported if "rejected" in e["text"]]
    assert 1 <= len(rejected) <= most, f"one event of a kind in ten seconds: {rejected}"
    assert any(code == "excess" for code, _ in problems(it.daemon))


def test_tshark_decodes_sent_frames():
    """All states of a port, and all frames that other tests of this run recorded."""
    it = ScriptBed(interval=0.3)
    with it.change("eth1") as port:
        port.mute = True
    it.wait("eth0")
    Nic(it.bed.world, "sw0").send(
        marker("02:00:00:00:98:77", 17, "02:00:00:00:99:01", 5, length=16)
    )
    it.daemon.ctl("uplink", "drain", "eth0")
    wait_until(
        lambda: ports_of(it.daemon)["eth1"]["receive_state"] == "defaulted"
        and it.lacpdus("eth1")[-1][1].state & lacp.DEFAULTED,
        30,
        "DEFAULTED in an LACPDU",
    )
    # tshark reports the marker length of 22 as malformed, which the first editions of the standard
    # and kernel bonding use.
    frames = [f for f in it.partner.frames() + lacp.SENT if is_lacpdu(f) or f[17] == 16]
    states = {f[32] for f in frames if is_lacpdu(f)}
    assert {
        ACTIVE | SHORT | AGG | lacp.DEFAULTED | lacp.EXPIRED,
        ACTIVE | SHORT | AGG | lacp.DEFAULTED,
        ACTIVE | SHORT | AGG | IN_USE,
    } <= states, states
    lines = tshark(
        frames,
        "frame.protocols",
        "lacp.version",
        "lacp.tlv_type",
        "lacp.actor.state",
        "lacp.wrong_tlv_type",
        "marker.tlvType",
        "_ws.expert.severity",
        "_ws.expert.message",
        "_ws.malformed",
    )
    assert len(lines) == len(frames)
    for line, frame in zip(lines, frames):
        what = line[0].split(":")[-1]
        assert what in ("lacp", "marker") and line[6:] == ["", "", ""], (line, frame.hex())
        assert what == "marker" or line[1:4] == [
            "0x01",
            "0x01,0x02,0x03,0x00",
            f"0x{frame[32]:02x}",
        ], (line, frame.hex())
    assert any(line[5] for line in lines), "a marker response is among them"
    assert all(len(f) == 124 for f in frames)


# ---- two instances ----
def test_two_instances_back_to_back():
    one, two = NetNs("hv"), NetNs("hv")
    machines = [NetNs("vm"), NetNs("vm")]
    beds = []
    for name in ("eth0", "eth1"):
        veth(one, name, two, name)
    for n, hv in enumerate((one, two)):
        veth(hv, "p0", machines[n], "m0", mac_b=port_mac(n))
        beds.append(Bed.around(hv, ["eth0", "eth1"], machines[n]))
    daemons = [
        bed.start(
            [
                switch(
                    "vs",
                    ["eth0", "eth1"],
                    [("prod", 100, [{"interface": "p0", "mac": port_mac(n)}])],
                    channel="lacp",
                    lacp={"rate": "fast"},
                )
            ]
        )
        for n, bed in enumerate(beds)
    ]
    for daemon in daemons:
        wait_until(lambda d=daemon: in_use(d, "eth0", "eth1"), 30, daemon.log)
        assert {p["partner_changes"] for p in ports_of(daemon).values()} == {0}
    ends = [("m0", machine, "m0") for machine in machines]
    there = Traffic(
        ends[0], [ends[1]], rate=paced(1000), flows=FLOWS, src_mac=port_mac(0), dst_mac=port_mac(1)
    )
    back = Traffic(
        ends[1],
        [ends[0]],
        rate=paced(1000),
        flows=FLOWS,
        src_mac=port_mac(1),
        dst_mac=port_mac(0),
        src="10.0.1.1",
        dst="10.0.0.0",
    )
    both((there, back), "flow", 500)
    daemons[0].freeze()
    holds_for(lambda: in_use(daemons[1], "eth0", "eth1"), 4, daemons[1].log)
    daemons[0].thaw()
    daemons[1].kill()
    holds_for(lambda: in_use(daemons[0], "eth0", "eth1"), 1, daemons[0].log)
    daemons[1].start()
    daemons[0].restart()
    both((there, back), "flow", 3000)
    assert all(in_use(d, "eth0", "eth1") for d in daemons)
    for stream in (there, back):
        stream.stop().assert_clean("back to back")
    assert not [
        e for d in daemons for e in events(d) if "current ->" in e["text"] or "finding" in e["text"]
    ]


# ---- properties of the switch ----
def test_findings_on_a_misconfigured_switch():
    bed = Bed(n_uplinks=5, n_ports=3)
    bed.start(
        [
            switch("st", ["eth0", "eth1"], [("a", 100, [0])]),
            switch("no", ["eth2"], [("b", 100, [1])], channel="none"),
            switch(
                "la",
                ["eth3", "eth4"],
                [("c", 100, [2])],
                channel="lacp",
                lacp={"activity": "passive"},
            ),
        ]
    )
    daemon = bed.daemon
    monitor, as_json = Monitor(daemon), Monitor(daemon, "--json", "--past")
    wait_until(
        lambda: any("eth0: link up" in line or '"link up"' in line for line in as_json.lines()),
        30,
        lambda: as_json.lines(),
    )

    def observed():
        """Whether the monitor, which prints nothing of the past, has begun."""
        for action in ("drain", "undrain"):
            daemon.ctl("uplink", action, "eth2")
        return monitor.lines()

    wait_until(observed, 30, daemon.log)
    far = "02:00:00:00:98:01"
    partner = ScriptedPartner(bed.world, ["sw0", "sw2"])
    bed.nic("sw0").send(lldp(far, "02:00:00:00:97:01", "Ethernet1/1", "tor-1"))
    bed.nic("sw1").send(pagp(far, "old-switch", "Gi0/2", auto=True))
    bed.nic("sw2").send(cdp(far, "cat-1", "TenGigabitEthernet1/0/3"))
    bed.nic("sw3").send(pagp(far, "old-switch", "Gi0/4"))

    def seen(uplink, finding, neighbour=None):
        def found():
            port = ports_of(daemon).get(uplink)
            return (
                port
                and finding in port["findings"]
                and (
                    not neighbour
                    or port["neighbour"]
                    and port["neighbour"]["protocol"] == neighbour
                )
                and port
            )

        return wait_until(
            found, 30, lambda: f"{finding} at {uplink}: {ports_of(daemon).get(uplink)}"
        )

    static = seen("eth0", "lacp_unused", "lldp")
    assert (
        static["partner"]["system"] == "02:00:00:00:99:01"
        and static["partner"]["key"] == 7
        and not static["running"]
    ), static
    assert (
        "the local channel is static" in static["reason"] and static["last_rx_age_ms"] < 3000
    ), static
    assert (
        static["neighbour"]["device"],
        static["neighbour"]["port"],
        static["neighbour"]["protocol"],
    ) == ("tor-1", "Ethernet1/1", "lldp")
    auto = seen("eth1", "pagp", "pagp")["neighbour"]
    assert (auto["device"], auto["port"], auto["protocol"], auto["pagp"]) == (
        "old-switch",
        "Gi0/2",
        "pagp",
        "auto",
    ), auto
    plain = seen("eth2", "lacp_unused", "cdp")
    assert (
        plain["neighbour"]["device"] == "cat-1"
        and plain["neighbour"]["protocol"] == "cdp"
        and "there is no local channel" in plain["reason"]
    ), plain
    assert seen("eth3", "pagp", "pagp")["neighbour"]["pagp"] == "desirable"
    seen("eth4", "passive")

    found = problems(daemon)
    assert (
        found["lacp_lacp_unused", "eth0"]["severity"] == "warning"
        and "channel: lacp" in found["lacp_lacp_unused", "eth0"]["remedy"]
    )
    assert found["lacp_lacp_unused", "eth2"]["severity"] == "note"
    assert (
        "set to 'auto'" in found["lacp_pagp", "eth1"]["message"]
        and "mode on" in found["lacp_pagp", "eth1"]["remedy"]
    )
    assert (
        "set to 'desirable'" in found["lacp_pagp", "eth3"]["message"]
        and "mode active" in found["lacp_pagp", "eth3"]["remedy"]
    )
    assert "activity: active" in found["lacp_passive", "eth4"]["remedy"]
    text = daemon.ctl("show", "lacp").stdout
    for words in (
        "st  static channel, no LACP",
        "no  no channel, no LACP",
        "la  LACP passive, slow rate",
    ):
        assert words in text, text
    text = daemon.ctl("show", "lacp", "-o", "uplink,neighbour").stdout
    for words in ("tor-1 Ethernet1/1 (lldp)", "cat-1 Ten"):
        assert words in text, text

    bed.up("sw0", False)  # the cable was cut: what was seen there is deleted
    wait_until(lambda: "eth0" not in ports_of(daemon), 30, lambda: ports_of(daemon))
    wait_until(
        lambda: any("lacp_unused" in line and "cleared" in line for line in as_json.lines()),
        120,
        as_json.lines,
    )
    wait_until(
        lambda: any("lacp_unused" in line and "cleared" in line for line in monitor.lines()),
        120,
        monitor.lines,
    )
    records = [json.loads(line) for line in as_json.lines()]
    assert [r["number"] for r in records] == list(
        range(len(records))
    ), "every event once, from the first on"
    finding = [
        r
        for r in records
        if r["object"] == "eth0"
        and "channel finding: LACPDUs received from system 02:00:00:00:99:01" in r["text"]
    ]
    assert (
        len(finding) == 1
        and finding[0]["switch"] == "st"
        and abs(finding[0]["time"] - time.time()) < 600
    ), records
    assert (
        sum(
            bool(re.search(r" st eth0( [a-z-]+)?: channel finding: LACPDUs received", line))
            for line in monitor.lines()
        )
        == 1
    ), monitor.lines()
    for line in monitor.lines():  # in the order in which the protocols of the links arrive
        assert re.match(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (st|no|la) (eth\d|[a-z]+)( [a-z-]+)?: ", line
        ), monitor.lines()
    partner.stop()
    daemon.stop()
    wait_until(
        lambda: monitor.process.poll() == 2 and "uplinkd has stopped" in monitor.lines()[-1],
        30,
        monitor.lines,
    )
