# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A VLAN-aware attachment bridge, with the commands of Proxmox VE's PVE/Network.pm (tap_plug,
tap_unplug, and the firewall's bridge in between).
"""

from harness.attachment import (
    bridge_counters,
    enslave,
    from_wire,
    hello,
    ports,
    problems,
    release,
    to_wire,
    wait_gone,
    wait_port,
)
from harness.base import wait_until
from harness.bed import Bed, port_mac, switch
from harness.capture import expect
from harness.frames import tag, udp4
from harness.taps import Tap

GROUPS = [("prod", 100, []), ("dev", 200, []), ("native", 0, [])] + [
    ("two", "10,20", []),
    ("all", 4095, []),
]


def plug(hv, ifname, vlan=None, trunks=(), bridge="vmbr0"):
    """bridge_add_interface() of PVE::Network, on a VLAN-aware bridge."""
    hv.ip("link", "set", ifname, "mtu", "1500")
    hv.ip("link", "set", ifname, "master", bridge)
    hv.run("bridge", "vlan", "del", "dev", ifname, "vid", "1-4094")
    for vid in trunks:
        hv.run("bridge", "vlan", "add", "dev", ifname, "vid", vid)
    if not trunks and not vlan:
        hv.run("bridge", "vlan", "add", "dev", ifname, "vid", "2-4094")
    hv.run("bridge", "vlan", "add", "dev", ifname, "vid", vlan or 1, "pvid", "untagged")


def with_tag(frame, vid):
    return frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]


def site():
    bed = Bed(n_uplinks=1, n_ports=0)
    bed.start([switch("vs", bed.uplink_names, GROUPS, bridge="vmbr0")])
    bed.usable("eth0")
    data = bed.hv.link("vmbr0")["linkinfo"]["info_data"]
    assert data["vlan_filtering"] == 1 and data["vlan_default_pvid"] == 1
    bed.listen("sw0")
    return bed


def test_pvid_chooses_the_group():
    bed = site()
    tap = Tap(bed.hv, "tap100i0")
    plug(bed.hv, "tap100i0", 100)
    wait_port(bed, "tap100i0", "prod")
    to_wire(bed, tap, hello(port_mac(1)))
    from_wire(bed, tap, port_mac(1))
    assert bed.hv.link("tap100i0")["linkinfo"]["info_slave_data"]["isolated"] is True

    # another VLAN for the running machine
    release(bed, "tap100i0")
    plug(bed.hv, "tap100i0", 200)
    wait_port(bed, "tap100i0", "dev")
    to_wire(bed, tap, hello(port_mac(1)), 200)
    from_wire(bed, tap, port_mac(1), 200)
    # and without a new membership
    bed.hv.run("bridge", "vlan", "del", "dev", "tap100i0", "vid", "200")
    bed.hv.run("bridge", "vlan", "add", "dev", "tap100i0", "vid", "100", "pvid", "untagged")
    wait_port(bed, "tap100i0", "prod")
    to_wire(bed, tap, hello(port_mac(1)))

    # the default PVID is the untagged VLAN
    other = Tap(bed.hv, "tap101i0")
    enslave(bed, "tap101i0", "vmbr0")
    wait_port(bed, "tap101i0", "native")
    frame = hello(port_mac(2))
    wait_until(
        lambda: (other.send(frame), frame in bed.nic("sw0").frames())[1], 30, "an untagged frame"
    )

    # a VLAN without a group
    bed.hv.run("bridge", "vlan", "add", "dev", "tap101i0", "vid", "300", "pvid", "untagged")
    bed.hv.run("bridge", "vlan", "del", "dev", "tap101i0", "vid", "1")
    wait_gone(bed, "tap101i0")
    assert "vs has no port group for its PVID 300" in problems(bed)["attachment_refused"]
    before = {name: port["slot"] for name, port in ports(bed).items()}
    bed.daemon.kill()
    bed.daemon.start()
    assert {name: port["slot"] for name, port in ports(bed).items()} == before
    from_wire(bed, tap, port_mac(1))
    assert bridge_counters(bed, "vmbr0") == [0, 0, 0, 0]


def test_tags_choose_the_trunk_group():
    bed = site()
    tap = Tap(bed.hv, "tap102i0")
    plug(bed.hv, "tap102i0", trunks=(10, 20))
    wait_port(bed, "tap102i0", "two")
    inside = udp4(port_mac(9), port_mac(3), "192.0.2.1", "192.0.2.3", b"tag" * 9, [tag(20)])
    outside = with_tag(hello(port_mac(3)), 30)
    wait_until(
        lambda: (tap.send(inside), inside in bed.nic("sw0").frames())[1], 30, "a frame of VLAN 20"
    )
    tap.send(outside)
    wait_until(
        lambda: bed.daemon.counter("tap102i0", "vlan_not_allowed") == 1, 30, "vlan_not_allowed"
    )
    into = udp4(port_mac(3), port_mac(9), "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(10)])
    bed.nic("sw0").send(into)
    expect(tap, into)

    # without a tag and without a list: all VLANs
    release(bed, "tap102i0")
    wait_gone(bed, "tap102i0")
    plug(bed.hv, "tap102i0")
    wait_port(bed, "tap102i0", "all")
    wait_until(
        lambda: (tap.send(outside), outside in bed.nic("sw0").frames())[1], 30, "a frame of VLAN 30"
    )
    assert bridge_counters(bed, "vmbr0") == [0, 0, 0, 0]


def test_firewall_bridge_in_between():
    bed = site()
    tap = Tap(bed.hv, "tap103i0")
    bed.hv.ip_batch(
        "link add fwbr103i0 type bridge",
        "link set fwbr103i0 up",
        "link set tap103i0 master fwbr103i0",
        "link add name fwln103i0 mtu 1500 type veth peer name fwpr103p0 mtu 1500",
        "link set fwln103i0 up master fwbr103i0",
        "link set fwpr103p0 up",
    )
    plug(bed.hv, "fwpr103p0", 100)
    wait_port(bed, "fwpr103p0", "prod")
    to_wire(bed, tap, hello(port_mac(4)))
    from_wire(bed, tap, port_mac(4))
    bed.hv.ip("link", "del", "fwpr103p0")
    wait_gone(bed, "fwpr103p0")
    bed.daemon.teardown()
    assert bed.hv.link("vmbr0") is None


def test_bridge_of_the_host_is_used_if_it_is_vlan_aware():
    """As ifupdown2 makes it from `bridge-vlan-aware yes` and `bridge-ports none`."""
    bed = Bed(n_uplinks=1, n_ports=0)
    bed.hv.ip("link", "add", "vmbr0", "type", "bridge")
    config = [switch("vs", bed.uplink_names, GROUPS, bridge="vmbr0")]
    bed.start(config, start=False)
    done = bed.daemon.run_to_end()
    assert done.returncode == 2 and "vmbr0: is not VLAN-aware" in done.stderr, done.stderr
    bed.hv.ip("link", "set", "vmbr0", "type", "bridge", "vlan_filtering", "1")
    bed.hv.ip("link", "set", "vmbr0", "up")
    bed.daemon.start()
    bed.listen("sw0")
    tap = Tap(bed.hv, "tap104i0")
    plug(bed.hv, "tap104i0", 100)
    wait_port(bed, "tap104i0", "prod")
    to_wire(bed, tap, hello(port_mac(5)))
    bed.daemon.teardown()
    assert bed.hv.link("vmbr0")
    assert bed.hv.link("tap104i0")["linkinfo"]["info_slave_data"]["isolated"] is False
