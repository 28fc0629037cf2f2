# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Upgrade from 0.1.0, whose maps have another layout."""
import time

from harness import daemon as daemon_module
from harness.base import BUILD, wait_until
from harness.bed import port_mac
from harness.lacp import IN_USE
from harness.lacp_bed import ScriptBed, in_use, ports_of
from harness.old_version import build_old
from harness.settings import assert_no_programs, set_ipv6, settings_of

NAMES = ("eth0", "eth1", "eth2", "p0", "p1")
LOST_AFTER = 3  # s without an LACPDU; the partner has the short timeout


def assert_no_flap(it, name, begin):
    sent = it.lacpdus(name, begin)
    assert sent and all(actor.state & IN_USE == IN_USE for _, actor, _ in sent), sent
    times = [begin, *(when for when, _, _ in sent), time.monotonic()]
    gaps = [later - sooner for sooner, later in zip(times, times[1:])]
    assert max(gaps) < LOST_AFTER, f"{name}: {gaps}"


def test_upgrade_keeps_the_run_time_state(monkeypatch):
    """Traffic and LACP at fast rate go on; a run-time port, a drain and the settings to restore are
    carried over.
    """
    monkeypatch.setattr(daemon_module, "BUILD", build_old())
    it = ScriptBed(n=3, interval=0.9).wait()
    bed, daemon = it.bed, it.daemon
    daemon.teardown()
    bed.add_port(1)
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

    traffic = it.traffic()
    traffic.flow(2000)
    begin = time.monotonic()
    daemon.stop()
    monkeypatch.setattr(daemon_module, "BUILD", BUILD)
    daemon.start()
    traffic.flow(10000)  # longer than the partner's timeout, with the pause before the start
    figures = traffic.stop()
    figures.assert_clean("upgrade")
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
