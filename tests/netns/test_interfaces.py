# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Interfaces that cannot be used: they are left unchanged, the request is refused, everything else
continues, and they are attached when that becomes possible.
"""
import pytest

from harness.base import holds_for, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.capture import expect
from harness.frames import tag, udp4
from harness.netns import veth
from harness.settings import (
    assert_no_programs,
    attach_other_xdp,
    disable_ipv6,
    set_ipv6,
    settings_of,
)

OUTSIDE = outside_mac(5)


def start(n_uplinks, uplinks, groups, n_ports=1, **more):
    bed = Bed(n_uplinks=n_uplinks, n_ports=n_ports)
    bed.start([switch("vs", uplinks, groups, **more)])
    return bed


def rename(ns, old, new):
    """Leaves the interface down: setting it up would race with a daemon that has just seen it."""
    ns.ip_batch(f"link set {old} down", f"link set {old} name {new}")


def assert_port_works(bed, number=0, vid=100):
    bed.daemon.call("Status")  # answered after what the daemon does now
    bed.listen(f"m{number}", "sw0")
    frame = udp4(port_mac(number), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(vid)])
    bed.nic("sw0").send(frame)
    expect(bed.nic(f"m{number}"), frame[:12] + frame[16:])


def assert_idle(bed):
    """No busy loop: the log does not grow and the control socket answers."""
    bed.daemon.ctl("status", check=False, timeout=30)
    size = bed.daemon.log_path.stat().st_size
    holds_for(
        lambda: bed.daemon.log_path.stat().st_size - size < 4000,
        0.5,
        lambda: f"a quiet daemon\n{bed.daemon.log()}",
    )


# ---- uplinks ----
def test_uplink_that_appears_with_another_xdp_program():
    bed = start(1, ["eth0", "eth1"], [("prod", 100, [0])])
    bed.usable("eth0")
    veth(bed.hv, "spare", bed.world, "sw1")
    set_ipv6(bed.hv, "spare")
    number = attach_other_xdp(bed.hv, "spare")
    bed.hv.ip("link", "set", "spare", "down")
    before = settings_of(bed.hv, "spare")
    rename(bed.hv, "spare", "eth1")
    bed.daemon.log_has(f"eth1: another XDP program (id {number}) is attached")
    assert_idle(bed)
    assert settings_of(bed.hv, "eth1") == before, "an unusable interface stays unchanged"
    assert bed.hv.link("eth1")["xdp"]["prog"]["id"] == number
    bed.usable("eth0")
    # an uplink that waits obstructs no other
    bed.daemon.ctl("port", "add", "vs", "prod", "p9", "--mac", port_mac(9))
    bed.daemon.ctl("reload")
    bed.hv.ip("link", "set", "dev", "eth1", "xdpdrv", "off")
    bed.usable("eth0", "eth1")
    bed.daemon.teardown()
    assert settings_of(bed.hv, "eth1") == before


def test_uplink_that_appears_and_refuses_the_mtu():
    bed = start(1, ["eth0", "eth1"], [("prod", 100, [0])], mtu=9000)
    bed.usable("eth0")
    veth(bed.hv, "spare", bed.world, "sw1")
    set_ipv6(bed.hv, "spare")
    attach_other_xdp(bed.world, "sw1")  # the far end of such a veth has a maximum
    bed.hv.ip("link", "set", "spare", "down")
    before = settings_of(bed.hv, "spare")
    rename(bed.hv, "spare", "eth1")
    bed.daemon.log_has("eth1: cannot set the MTU to 9000")
    wait_until(
        lambda: settings_of(bed.hv, "eth1") == before,
        30,
        lambda: f"{before}, got {settings_of(bed.hv, 'eth1')}",
    )
    assert_idle(bed)
    assert_no_programs(bed.hv, "eth1")
    bed.world.ip("link", "set", "dev", "sw1", "xdpdrv", "off")
    bed.usable("eth0", "eth1", deadline=30)
    assert bed.hv.link("eth1")["mtu"] == 9000


def test_mtu_above_the_drivers_maximum_is_refused():
    bed = Bed(n_uplinks=2, n_ports=1)
    config = [switch("vs", bed.uplink_names, [("prod", 100, [0])])]
    attach_other_xdp(bed.world, "sw1")
    bed.start(config)
    bed.usable("eth0", "eth1")
    bed.daemon.write({"switches": [{**config[0], "mtu": 9000}]})
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "mtu: 9000" in done.stderr and "eth1" in done.stderr, done
    assert bed.hv.link("eth0")["mtu"] == 1500
    assert_port_works(bed)
    done = bed.daemon.run_to_end("--teardown") if bed.daemon.stop() == 0 else None
    assert done.returncode == 0, done
    done = bed.daemon.run_to_end()
    assert done.returncode == 2 and "mtu: 9000" in done.stderr and "eth1" in done.stderr, done


def test_reload_that_a_driver_refuses_changes_nothing():
    """A macvlan refuses only at the attempt, because its MTU depends on that of its lower
    device.
    """
    bed = Bed(n_uplinks=1, n_ports=2)
    veth(bed.hv, "lower", bed.world, "sw1")
    made = bed.hv.ip("link", "add", "eth1", "link", "lower", "type", "macvlan", check=False)
    if made.returncode:
        pytest.skip(f"no macvlan here: {made.stderr}")
    vmk = {"interface": "vmk0", "host": True}
    config = [switch("vs", ["eth0", "eth1"], [("prod", 100, [0, vmk])])]
    bed.start(config)
    bed.usable("eth0", "eth1")
    bed.daemon.write(
        {
            "switches": [
                {
                    **config[0],
                    "mtu": 2000,
                    "port-groups": [{"name": "prod", "vlan": 200, "ports": [port(0), vmk]}],
                }
            ]
        }
    )
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2, done
    bed.daemon.log_has("eth1: cannot set the MTU to 2000")
    assert {
        name: bed.hv.link(name)["mtu"] for name in ("eth0", "eth1", "vmk0", "vmk0-sw")
    } == dict.fromkeys(("eth0", "eth1", "vmk0", "vmk0-sw"), 1500)
    bed.usable("eth0", "eth1")
    assert_port_works(bed)
    bed.hv.ip("link", "set", "p0", "mtu", "9000")
    bed.world.ip("link", "set", "m0", "mtu", "9000")
    bed.nic("m0").send(udp4(OUTSIDE, port_mac(0), "192.0.2.1", "192.0.2.2", bytes(1600)))
    wait_until(lambda: bed.daemon.counter("p0", "too_big") == 1, 30, bed.daemon.counters_text)
    bed.hv.ip("link", "set", "lower", "mtu", "2000")
    bed.daemon.ctl("reload")
    assert {bed.hv.link(name)["mtu"] for name in ("eth0", "eth1", "vmk0", "vmk0-sw")} == {2000}
    assert_port_works(bed, vid=200)


# ---- ports ----
def test_port_in_a_bridge_is_refused():
    bed = start(1, ["eth0"], [("prod", 100, [0, 2])], n_ports=3)
    bed.usable("eth0")
    bed.hv.ip_batch("link add br0 type bridge", "link set p1 master br0")
    done = bed.daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1), check=False)
    assert (
        done.returncode == 2
        and "p1 belongs to a bridge or bond" in done.stderr
        and "nomaster" in done.stderr
    ), done
    bed.daemon.write({"switches": [switch("vs", ["eth0"], [("prod", 100, [0, 1, 2])])]})
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "p1 belongs to a bridge or bond" in done.stderr, done
    assert {p["name"] for p in bed.daemon.json("show", "ports")} == {"p0", "p2"}
    # an interface that is a port already is no reason to refuse others
    bed.hv.ip("link", "set", "p2", "master", "br0")
    bed.hv.ip("link", "set", "p1", "nomaster")
    bed.daemon.ctl("reload")
    assert_port_works(bed, 1)
    bed.hv.ip("link", "set", "p1", "master", "br0")
    bed.daemon.teardown()
    bed.daemon.start()  # at start the daemon waits for it
    assert_port_works(bed, 0)
    assert [p["name"] for p in bed.daemon.json("show", "ports") if not p["present"]] == ["p1", "p2"]
    bed.hv.ip("link", "set", "p1", "nomaster")
    wait_until(
        lambda: [p["name"] for p in bed.daemon.json("show", "ports") if not p["present"]] == ["p2"],
        30,
        "p1 to be attached",
    )
    assert_port_works(bed, 1)


@pytest.mark.parametrize("end", ["port del", "restart and port del", "renamed", "teardown"])
def test_ipv6_of_a_port_is_restored(end):
    bed = start(1, ["eth0"], [("prod", 100, [0])], n_ports=2)
    bed.usable("eth0")
    set_ipv6(bed.hv, "p1")
    ipv6 = lambda name: settings_of(bed.hv, name)["ipv6"]
    bed.daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    assert ipv6("p1") == "1"
    if "restart" in end:
        bed.daemon.restart()
        bed.daemon.ctl("reload")
    if "port del" in end:
        bed.daemon.ctl("port", "del", "p1")
    elif end == "teardown":
        bed.daemon.teardown()
    else:
        rename(bed.hv, "p1", "other")
        bed.hv.ip("link", "set", "other", "up")
        wait_until(lambda: ipv6("other") == "0", 30, "IPv6 to be restored")
        assert_no_programs(bed.hv, "other")
        rename(bed.hv, "other", "p1")
        bed.hv.ip("link", "set", "p1", "up")
        wait_until(
            lambda: ipv6("p1") == "1",
            30,
            lambda: f"IPv6 to be switched off again\n{bed.daemon.log()}",
        )
        bed.daemon.ctl("port", "del", "p1")
    assert ipv6("p1") == "0"
    assert ipv6("p0") == "1", "set off by the harness, and stays off"


@pytest.mark.parametrize("n_ports", [3, 100], ids=["few ports", "many ports"])
def test_ipv6_that_other_software_enables_is_disabled_again(n_ports):
    """Without a link event, and for more than 64 ports without a query of each."""
    names = [f"p{i}" for i in range(n_ports)]
    bed = start(1, ["eth0"], [("prod", 100, list(range(n_ports)))], n_ports=n_ports)
    bed.usable("eth0")
    for name in names:
        set_ipv6(bed.hv, name)
    wait_until(
        lambda: all(disable_ipv6(bed.hv, name) == "1" for name in names),
        90,
        lambda: f"IPv6 off at all ports\n{bed.daemon.log()}",
    )
    bed.daemon.log_has("other software enabled IPv6; disabled again")
