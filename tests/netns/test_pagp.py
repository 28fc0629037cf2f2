# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""PAgP with a scripted partner: modes, mismatches, timeouts, restart, floods. The partner
does what the public descriptions say (docs/pagp.md), because no switch was available.
"""
import time

import pytest

from harness import base
from harness.base import wait_until
from harness.lacp import Flood, ScriptedPartner, events, tshark
from harness.lacp_bed import problems
from harness import pagp
from harness.pagp import (
    CONSISTENT,
    SLOW,
    SWITCH_GROUP,
    PagpBed,
    Side,
    flush,
    ports_of,
    states,
    usable,
)


def wait_states(it, **wanted):
    """The records follow the uplinks that are in use a moment later."""
    wait_until(lambda: states(it.daemon) == wanted, 30, it.explain)


def wait_no_finding(it):
    found = lambda: [c for c, _ in problems(it.daemon) if c.startswith("pagp")]
    wait_until(lambda: not found(), 30, it.explain)


# ---- modes ----
@pytest.mark.parametrize("mode, auto", [("desirable", False), ("desirable", True), ("auto", False)])
def test_modes(mode, auto):
    it = PagpBed(mode=mode, auto=auto).wait()
    wait_states(it, eth0="up_pagp", eth1="up_pagp")
    for name, port in ports_of(it.daemon).items():
        number = it.names.index(name) + 1
        assert (port["mode"], port["state"], port["out"]) == (mode, "up_pagp", False), port
        assert port["actor"]["port"] == number and port["actor"]["group"] == 256
        assert port["partner"] == {
            "device": "00:0a:8a:45:43:60",
            "port": 100 + number,
            "group_capability": 0x10001,
            "group": SWITCH_GROUP,
            "learn": "aggregation",
            "priority": 128,
            "flags": (["auto_mode"] if auto else []) + ["consistent_state"],
        }
        assert ("auto_mode" in port["actor"]["flags"]) == (mode == "auto")
        assert port["findings"] == [] and port["reason"] == "in the channel"
        assert port["stats"]["illegal_rx"] == 0
    traffic = it.traffic()
    traffic.flow(1000)
    traffic.stop().assert_clean("over both links")


def test_auto_at_both_ends_is_silent():
    it = PagpBed(mode="auto", auto=True)
    wait_until(
        lambda: {"auto"} == {f for p in ports_of(it.daemon).values() for f in p["findings"]},
        30,
        it.explain,
    )
    assert not it.partner.frames() and usable(it.daemon) == set()
    assert "mode desirable" in problems(it.daemon)["pagp_auto", "eth0"]["remedy"]
    it.reconfigure(mode="desirable")
    it.wait()
    assert {p["mode"] for p in ports_of(it.daemon).values()} == {"desirable"}


def test_silent_partner_with_and_without_fallback():
    it = PagpBed(mute=["eth0", "eth1"])
    wait_until(
        lambda: ("pagp_silent", "eth1") in problems(it.daemon),
        30,
        it.explain,
    )
    wait_states(it, eth0="port_up", eth1="port_up")
    assert usable(it.daemon) == set()
    assert "no PAgP is received" in ports_of(it.daemon)["eth0"]["reason"]
    it.reconfigure(fallback="individual")
    it.wait("eth0")
    wait_until(lambda: states(it.daemon)["eth0"] == "up_data", 30, it.explain)
    assert ports_of(it.daemon)["eth0"]["individual"]
    for name in it.names:
        with it.change(name) as port:
            port.mute = False
    it.wait()
    wait_states(it, eth0="up_pagp", eth1="up_pagp")


# ---- what keeps a link out ----
def mismatches():
    return [
        ("the device", lambda p: setattr(p, "view", Side("00:00:00:00:00:11", 1, 0x10001, 256)), "the partner has not received this port yet"),
        ("the port", lambda p: setattr(p, "view", Side(p.heard.local.device, 9, 0x10001, 256)), "the partner has not received this port yet"),
        ("the group", lambda p: setattr(p, "view", Side(p.heard.local.device, 1, 0x10001, 0)), "the two sides do not yet describe each other alike"),
        ("the capability", lambda p: setattr(p, "view", Side(p.heard.local.device, 1, 5, 256)), "the two sides do not yet describe each other alike"),
        ("consistency", lambda p: setattr(p, "flags", 0), "the two sides do not yet describe each other alike"),
        ("aggregation", lambda p: setattr(p, "group", 0), "the partner has not aggregated this port"),
        ("another channel", lambda p: setattr(p, "group", 31), "the partner aggregates this port with interface 31, the others with 29"),
        ("alone", lambda p: setattr(p, "group", 101), "the partner uses this port alone, not in its channel"),
        ("the count", lambda p: setattr(p, "count", 2), "the partner receives more than one device on this link"),
    ]  # fmt: skip


def test_a_mismatch_takes_one_link_out_without_loss():
    it = PagpBed().wait()
    traffic = it.traffic()
    for what, change, reason in mismatches():
        with it.change("eth0") as port:
            change(port)
        it.wait("eth1")
        wait_until(lambda: ports_of(it.daemon)["eth0"]["reason"] == reason, 30, it.explain)
        traffic.flow(300)
        with it.change("eth0") as port:
            port.view = port.flags = port.group = port.count = None
        it.wait()
    traffic.stop().assert_clean("while one link left and returned")


def test_a_second_device_and_a_loop():
    it = PagpBed().wait()
    other = pagp.Pdu(0, Side("00:0a:b7:5f:31:30", 7, 0x10001, 0, 2), Side(), 0)

    def provoked(pdu, code):
        """The finding, which lasts for the timeout, while the other device goes on."""
        it.bed.nic("sw0").send(pdu.frame("02:00:00:00:97:01"))
        return usable(it.daemon) == {"eth1"} and problems(it.daemon).get((code, "eth0"))

    wait_until(lambda: provoked(other, "pagp_many_devices"), 30, it.explain)
    it.wait()
    own = it.pdus("eth1")[-1][1]
    found = wait_until(lambda: provoked(own, "pagp_loopback"), 30, it.explain)
    assert found["severity"] == "error"
    it.wait()
    wait_no_finding(it)


def test_a_physical_learner_gets_one_sender():
    it = PagpBed(learn=1)
    it.wait("eth0")
    wait_until(lambda: ("pagp_physical_learner", "eth1") in problems(it.daemon), 30, it.explain)
    wait_states(it, eth0="up_pagp", eth1="up_pagp")
    assert ports_of(it.daemon)["eth1"]["standby"]
    it.reconfigure(teaming={"load-balancing": "src-mac"})
    it.wait()
    wait_no_finding(it)


# ---- loss ----
def test_a_silent_link_leaves_after_the_timeout_and_returns():
    it = PagpBed().wait()
    traffic = it.traffic()
    with it.change("eth0") as port:
        port.mute = True
        begin = port.sent_at
    it.wait("eth1")
    assert time.monotonic() - begin >= 3.4, "before the timeout of 3.5 s"
    expired = lambda: ports_of(it.daemon)["eth0"]["stats"]["expired"]
    wait_until(lambda: expired() == 1, 30, it.explain)
    traffic.flow(300)
    with it.change("eth0") as port:
        port.mute = False
    it.wait()
    traffic.stop().assert_clean("while a link was silent")


def test_a_cut_cable_and_a_drain():
    it = PagpBed(n=3).wait()
    traffic = it.traffic()
    it.bed.world.run("ip", "link", "set", "sw0", "down")
    it.wait("eth1", "eth2")
    wait_states(it, eth0="port_down", eth1="up_pagp", eth2="up_pagp")
    it.daemon.ctl("uplink", "drain", "eth1")
    it.wait("eth2")
    wait_until(lambda: it.pdus("eth1")[-1][1].local.group == 0, 30, it.explain)
    traffic.flow(300)
    it.daemon.ctl("uplink", "undrain", "eth1")
    it.bed.world.run("ip", "link", "set", "sw0", "up")
    it.wait()
    traffic.flow(300)
    traffic.stop()


# ---- restart ----
def test_restart_without_loss():
    """The partner receives a repetition of the last PDU."""
    it = PagpBed(slow=True).wait()
    wait_until(lambda: all(it.pdus(n)[-1][1].flags & SLOW for n in it.names), 30, it.explain)
    traffic = it.traffic()
    traffic.flow(500)
    begin = time.monotonic()
    it.daemon.restart()
    traffic.flow(1000)
    for name in it.names:
        wait_until(lambda: it.pdus(name, begin), 30, it.explain)
        pdus = it.pdus(name, begin)
        assert pdus and all(
            p.local.group == 256 and p.flags & CONSISTENT for _, p in pdus
        ), f"{name}: {[(p.flags, p.local) for _, p in pdus]}"
    assert usable(it.daemon) == set(it.names)
    traffic.stop().assert_clean("over a restart")


def test_a_slow_partner_stays_over_a_long_stop():
    it = PagpBed(slow=True).wait()
    wait_until(lambda: all(it.pdus(n)[-1][1].flags & SLOW for n in it.names), 30, it.explain)
    traffic = it.traffic()
    it.daemon.kill()
    traffic.flow(5000)
    it.daemon.start()
    it.wait()
    traffic.flow(300)
    traffic.stop().assert_clean("without the daemon for some seconds")


def test_an_end_of_the_channel_is_announced():
    it = PagpBed().wait()
    independent = pagp.switch("vs", it.names, [("prod", 100, [0])], channel="none")
    it.daemon.write({"switches": [independent]})
    it.daemon.ctl("reload")
    for name in it.names:
        # the last one; others may have been sent before the reload
        wait_until(lambda: it.pdus(name)[-1][1].local.group == 0, 30, it.explain)
        assert not it.pdus(name)[-1][1].flags & CONSISTENT
    assert it.daemon.json("show", "pagp") == []


# ---- frames ----
def test_flush_is_returned_and_bad_frames_are_counted():
    it = PagpBed().wait()
    device = it.pdus("eth0")[-1][1].local.device
    sent = flush("02:00:00:00:97:01", "00:0a:8a:45:43:60", device, 77)
    bad = sent[:22] + b"\x07" + sent[23:]
    nic = it.bed.nic("sw0")
    nic.send(sent)
    nic.send(bad)
    wait_until(
        lambda: any(f[22:][:18] == sent[22:][:18] for f in it.partner.frames() if f[22] == 2),
        30,
        it.explain,
    )
    stats = lambda: ports_of(it.daemon)["eth0"]["stats"]
    wait_until(
        lambda: [stats()[n] for n in ("flush_rx", "flush_tx", "illegal_rx")] == [1, 1, 1], 30, stats
    )
    assert usable(it.daemon) == {"eth0", "eth1"}


def test_flood():
    """Into one uplink: the daemon, the other uplink and its traffic continue."""
    it = PagpBed().wait()
    traffic = it.traffic()
    pdu = it.partner[it.far["eth1"]].pdu(False, False)
    frames = []
    for i in range(20):
        pdu.local.priority = i
        frames.append(pdu.frame("02:00:00:00:97:01"))
        frames.append(frames[-1][:60])
    flood = Flood(it.bed.world, "sw1", frames)
    wait_until(
        lambda: ports_of(it.daemon)["eth1"]["stats"]["excess_rx"] > 20000 / base.SLOW,
        120,
        lambda: ports_of(it.daemon)["eth1"]["stats"],
    )
    traffic.flow(2000)
    assert "eth0" in usable(it.daemon)
    assert it.daemon.call("Status", timeout=60)[0]  # uplinkctl would wait for 0.3 s only
    assert states(it.daemon)["eth0"] == "up_pagp"
    flood.stop()
    it.wait()
    stats = ports_of(it.daemon)["eth1"]["stats"]
    assert stats["illegal_rx"] > 0 and stats["excess_rx"] > 0
    rejected = [e for e in events(it.daemon) if "PAgP rejected" in e["text"]]
    assert 1 <= len(rejected) <= 20, rejected
    assert ports_of(it.daemon)["eth0"]["stats"]["illegal_rx"] == 0
    traffic.stop()


def test_tshark_decodes_sent_frames():
    it = PagpBed(slow=True).wait()
    wait_until(lambda: all(it.pdus(n)[-1][1].flags & SLOW for n in it.names), 30, it.explain)
    lines = tshark(
        it.partner.frames(),
        "pagp.version",
        "pagp.flags",
        "pagp.localsentportifindex",
        "pagp.localgroupcap",
        "pagp.localgroupifindex",
        "pagp.partnersentportifindex",
        "pagp.partnercount",
        "pagp.tlvdevname",
        "pagp.tlvportname",
        "_ws.expert.severity",
    )
    assert lines and not [line for line in lines if line[-1]], lines
    assert any(
        line[:9] == ["0x01", "0x05", "1", "0x00010001", "256", "101", "1", "vs", "eth0"]
        for line in lines
    ), lines


# ---- other channels ----
def test_lacp_of_the_switch_is_reported():
    it = PagpBed(mute=["eth0", "eth1"])
    ScriptedPartner(it.bed.world, ["sw0"])
    found = wait_until(
        lambda: problems(it.daemon).get(("lacp_lacp_unused", "eth0")), 30, it.explain
    )
    assert "the local channel uses PAgP" in found["message"], found


def test_show_metrics_and_switch_config():
    it = PagpBed().wait()
    text = it.daemon.ctl("show", "pagp").stdout
    assert "vs  PAgP desirable, device " in text and "up_pagp" in text, text
    text = it.daemon.ctl("show", "channel", "summary").stdout
    assert "PAgP" in text and "eth0(P)" in text, text
    text = it.daemon.ctl("metrics").stdout
    assert 'uplinkd_pagp_state{switch="vs",uplink="eth0",uplinkd_pagp_state="up_pagp"} 1' in text
    assert 'uplinkd_pagp_received_pdus_total{switch="vs",uplink="eth0"}' in text
    text = it.daemon.ctl("switch-config", "vs", "--vendor", "cisco-ios").stdout
    assert "channel-group 1 mode desirable non-silent" in text, text
