# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A daemon that is killed while it changes interfaces: the next start or teardown restores every
setting, also when the set of maps is gone.
"""
import shutil

import pytest

from harness.base import wait_until
from harness.bed import Bed, port_mac, switch
from harness.kills import killed_at, need_strace, points
from harness.netns import NetNs
from harness.settings import assert_no_programs, set_ipv6, settings_of

CALLS = {"sendto": 3, "ioctl": 3, "bpf": 3, "write": 2}
TEARDOWN_CALLS = {"sendto": 3, "ioctl": 3, "unlink": 3, "bpf": 2}


def make(mtu=1600):
    """An uplink that is down and one that is up; IPv6 is on, a port is down."""
    bed = Bed(n_uplinks=2, n_ports=2)
    for name in ("eth0", "eth1", "p0", "p1"):
        set_ipv6(bed.hv, name)
    bed.hv.ip("link", "set", "eth1", "down")
    bed.hv.ip("link", "set", "p1", "down")
    bed.hv.ip("link", "set", "eth1", "mtu", "1400")
    config = [switch("vs", bed.uplink_names, [("prod", 100, [0, 1])], mtu=mtu)]
    bed.start(config, start=False)
    return bed, {name: settings_of(bed.hv, name) for name in ("eth0", "eth1", "p0", "p1")}


def assert_as_before(bed, before, what):
    for name, settings in before.items():
        assert settings_of(bed.hv, name) == settings, f"{name}: {what}\n{bed.daemon.log()}"
        assert_no_programs(bed.hv, name)
    assert not (bed.daemon.bpffs / "uplinkd").exists(), what


@pytest.mark.parametrize("then", ["teardown", "start"])
def test_killed_in_the_first_start(then):
    need_strace()
    bed, before = make()
    places = points(bed.daemon, CALLS)
    bed.daemon.teardown()
    assert_as_before(bed, before, "complete run")
    hit = 0
    for call, number in places:
        hit += killed_at(bed.daemon, call, number)
        if then == "start":
            bed.daemon.start()
            bed.usable("eth0", "eth1", deadline=30)
        bed.daemon.teardown()
        assert_as_before(bed, before, f"killed at {call} {number}")
    assert hit, places


def test_killed_in_teardown():
    need_strace()
    bed, before = make()
    bed.daemon.start()
    bed.daemon.stop()
    places = points(bed.daemon, TEARDOWN_CALLS, "--teardown")
    assert_as_before(bed, before, "complete run")
    hit = 0
    for call, number in places:
        bed.daemon.start()
        bed.daemon.stop()
        hit += killed_at(bed.daemon, call, number, "--teardown")
        bed.daemon.teardown()
        assert_as_before(bed, before, f"killed at {call} {number}")
    assert hit, places


def test_settings_without_a_set():
    """The pins of the set are lost; the journal has all that is needed."""
    bed, before = make()
    bed.daemon.start()
    bed.daemon.kill()
    shutil.rmtree(bed.daemon.bpffs / "uplinkd" / "vs")
    bed.daemon.teardown()
    assert_as_before(bed, before, "set removed")


def test_uplink_that_left_the_configuration_in_another_namespace():
    """It returns after a restart of the daemon, and is restored."""
    bed, before = make()
    away = NetNs("away")
    bed.daemon.start()
    bed.usable("eth0", "eth1", deadline=30)
    bed.hv.ip("link", "set", "eth0", "netns", away.name)
    bed.usable("eth1", deadline=30)
    bed.daemon.write({"switches": [switch("vs", ["eth1"], [("prod", 100, [0, 1])], mtu=1600)]})
    bed.daemon.ctl("reload")
    bed.daemon.restart()
    away.ip("link", "set", "eth0", "netns", bed.hv.name)
    bed.daemon.log_has("restored when it returns")
    wanted = {k: v for k, v in before["eth0"].items() if k not in ("flags", "ipv6")}

    def now():
        return {k: v for k, v in settings_of(bed.hv, "eth0").items() if k not in ("flags", "ipv6")}

    wait_until(lambda: now() == wanted, 30, lambda: f"{now()}, not {wanted}")
    flags = settings_of(bed.hv, "eth0")["flags"]
    assert "NOARP" not in flags and "PROMISC" not in flags
    bed.daemon.teardown()


def test_port_keeps_its_administrative_state():
    bed, before = make(mtu=1500)
    bed.daemon.start()
    bed.daemon.write({"switches": [switch("vs", bed.uplink_names, [("prod", 100, [0])])]})
    bed.daemon.ctl("reload")
    assert settings_of(bed.hv, "p1") == before["p1"]
    bed.daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    assert "UP" in settings_of(bed.hv, "p1")["flags"]
    bed.daemon.ctl("port", "del", "p1")
    assert settings_of(bed.hv, "p1") == before["p1"]
