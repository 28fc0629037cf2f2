# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Upgrade from 0.1.0, whose maps have another layout."""
import time

from harness import daemon as daemon_module
from harness.base import BUILD, wait_until
from harness.bed import port_mac
from harness.capture import Nic
from harness.frames import BROADCAST, udp4
from harness.lacp import IN_USE
from harness.lacp_bed import OUTSIDE, ScriptBed, in_use, ports_of
from harness.old_version import build_old
from harness.settings import assert_no_programs, set_ipv6, settings_of
from harness.traffic import Traffic, paced

NAMES = ("eth0", "eth1", "eth2", "p0", "p1", "p2")
LEARNED = "52:54:00:77:00:01"  # of a nested machine behind p2
LOST_AFTER = 3  # s without an LACPDU; the partner has the short timeout


def assert_no_flap(it, name, begin):
    sent = it.lacpdus(name, begin)
    assert sent and all(actor.state & IN_USE == IN_USE for _, actor, _ in sent), sent
    times = [begin, *(when for when, _, _ in sent), time.monotonic()]
    gaps = [later - sooner for sooner, later in zip(times, times[1:])]
    assert max(gaps) < LOST_AFTER, f"{name}: {gaps}"


def learn(it):
    """The machine behind p2 sends from another address; returns a stream to that from outside."""
    world, daemon = it.bed.world, it.daemon
    frame = udp4(BROADCAST, LEARNED, "192.0.2.7", "192.0.2.255")
    found = lambda: any(e["mac"] == LEARNED for e in daemon.json("show", "fdb"))
    nic = Nic(world, "m2")
    wait_until(lambda: nic.send(frame) or found(), 30, "the address to be learned")
    return Traffic(
        it.bed.tx("sw0"),
        [it.bed.tx("m2")],
        rate=paced(500),
        src_mac=OUTSIDE,
        dst_mac=LEARNED,
        vlan=300,
    )


def test_upgrade_keeps_the_run_time_state(monkeypatch):
    """Traffic and LACP at fast rate go on; a run-time port, a drain, learned addresses and the
    settings to restore are carried over.
    """
    monkeypatch.setattr(daemon_module, "BUILD", build_old())
    it = ScriptBed(n=3, interval=0.9).wait()
    bed, daemon = it.bed, it.daemon
    daemon.teardown()
    bed.add_port(1)
    bed.add_port(2)
    daemon.config["switches"][0]["port-groups"].append(
        {
            "name": "nested",
            "vlan": 300,
            "security": {"mac-learning": True},
            "ports": [{"interface": "p2"}],
        }
    )
    daemon.write(daemon.config)
    for name in NAMES:
        set_ipv6(bed.hv, name)
    bed.hv.ip("link", "set", "eth0", "mtu", "1400")
    before = {name: settings_of(bed.hv, name) for name in NAMES}
    daemon.start()
    it.wait()
    daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    daemon.ctl("uplink", "drain", "eth2")
    wait_until(lambda: in_use(daemon, "eth0", "eth1"), 30, "eth2 to leave the channel")
    counted = daemon.counter("p0", "to_uplink")

    learned = learn(it)
    traffic = it.traffic()
    traffic.flow(2000)
    learned.flow(200)
    begin = time.monotonic()
    daemon.stop()
    monkeypatch.setattr(daemon_module, "BUILD", BUILD)
    daemon.start()
    traffic.flow(10000)  # longer than the partner's timeout, with the pause before the start
    figures = traffic.stop()
    figures.assert_clean("upgrade")
    learned.flow(200)
    learned.stop().assert_clean("to the learned address")
    wait_until(lambda: time.monotonic() > begin + LOST_AFTER + 1, 30, "the partner's timeout")
    for name in ("eth0", "eth1"):
        assert_no_flap(it, name, begin)
    assert in_use(daemon, "eth0", "eth1"), ports_of(daemon)
    assert daemon.uplink("eth2")["drained"]
    ports = {p["name"]: p for p in daemon.json("show", "ports")}
    assert ports["p1"]["present"] and ports["p1"]["runtime"], ports
    assert daemon.counter("p0", "to_uplink") > counted, "counters continue"

    daemon.teardown()
    for name in NAMES:
        assert settings_of(bed.hv, name) == before[name], name
        assert_no_programs(bed.hv, name)
    assert not (daemon.bpffs / "uplinkd").exists()


def test_teardown_of_the_maps_of_0_1_0(monkeypatch):
    """Without a start of this version in between."""
    monkeypatch.setattr(daemon_module, "BUILD", build_old())
    it = ScriptBed(n=2).wait()
    bed, daemon = it.bed, it.daemon
    daemon.teardown()
    set_ipv6(bed.hv, "eth0")
    set_ipv6(bed.hv, "p0")
    bed.hv.ip("link", "set", "eth0", "mtu", "1400")
    before = {name: settings_of(bed.hv, name) for name in ("eth0", "eth1", "p0")}
    daemon.start()
    it.wait()
    daemon.stop()
    monkeypatch.setattr(daemon_module, "BUILD", BUILD)
    daemon.teardown()
    for name, settings in before.items():
        assert settings_of(bed.hv, name) == settings, name
        assert_no_programs(bed.hv, name)
    assert not (daemon.bpffs / "uplinkd").exists()
