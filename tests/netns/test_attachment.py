# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Attachment bridges: interfaces that other software enslaves become ports and leave with the
bridge; no frame passes it.
"""
import os
import resource

from harness.attachment import (
    BRIDGE,
    OUTSIDE,
    bridge_counters,
    enslave,
    from_wire,
    group,
    hello,
    ports,
    problems,
    release,
    start,
    to_wire,
    wait_gone,
    wait_port,
)
from harness.base import wait_until
from harness.bed import Bed, port_mac, switch
from harness.capture import expect
from harness.frames import BROADCAST, tag, udp4
from harness.taps import Tap


def test_interface_joins_and_leaves():
    bed = Bed(n_uplinks=2, n_ports=2)
    daemon = start(bed)
    bed.listen("m0", "m1", "sw0", "sw1")
    enslave(bed, "p0")
    port = wait_port(bed, "p0")
    assert port["attached"] and port["runtime"] and port["mac"] is None
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)))
    bed.wait_address("p0", "confirmed")
    assert ports(bed)["p0"]["mac"] == port_mac(0)
    from_wire(bed, bed.nic("m0"), port_mac(0))

    # two ports of the group: the host switches between them, not the bridge
    enslave(bed, "p1")
    wait_port(bed, "p1")
    to_wire(bed, bed.nic("m1"), hello(port_mac(1)))
    bed.wait_address("p1", "confirmed")
    local = udp4(port_mac(0), port_mac(1), "192.0.2.1", "192.0.2.2", b"local" * 5)
    bed.nic("m1").send(local)
    expect(bed.nic("m0"), local)
    flood = udp4(BROADCAST, port_mac(0), "192.0.2.1", "192.0.2.255", b"all" * 9)
    bed.nic("m0").send(flood)
    expect(bed.nic("m1"), flood)
    assert bridge_counters(bed) == [0, 0, 0, 0]
    assert bed.nic("m0").frames() == []  # nothing came back by the bridge

    # another source is not an address of the machine
    daemon.log_has("p0: has the address " + port_mac(0))
    forged = daemon.counter("p0", "forged_source")
    bed.nic("m0").send(hello(port_mac(77)))
    wait_until(lambda: daemon.counter("p0", "forged_source") > forged, 30, "forged_source")
    assert ports(bed)["p0"]["mac"] == port_mac(0)

    release(bed, "p0")
    wait_gone(bed, "p0")
    assert "prog" not in bed.hv.run("tc", "filter", "show", "dev", "p0", "ingress").stdout
    assert "p1" in ports(bed)


def test_a_change_that_fails_is_shown():
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = start(bed)
    enslave(bed, "p0")
    wait_port(bed, "p0")
    few = len(os.listdir(f"/proc/{daemon.process.pid}/fd")) + 8
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (few, few))
    release(bed, "p0")
    wait_until(
        lambda: "could not be applied: Too many open files"
        in problems(bed).get("attachment_bridge", ""),
        30,
        "the problem",
    )
    assert "p0" in ports(bed)  # the former configuration stays
    daemon.restart()
    wait_gone(bed, "p0")
    wait_until(lambda: "attachment_bridge" not in problems(bed), 30, "the end of the problem")


def test_bridge_is_made_and_removed():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = start(bed, mtu=1600)
    link = bed.hv.link(BRIDGE)
    assert link["linkinfo"]["info_kind"] == "bridge" and link["mtu"] == 1600
    assert "UP" not in link["flags"]
    enslave(bed, "p0")  # MTU 1500
    wait_port(bed, "p0")
    assert bed.hv.link(BRIDGE)["mtu"] == 1600
    assert bed.hv.link("p0")["linkinfo"]["info_slave_data"]["isolated"] is True

    # a bridge that a user deletes is created again; its interfaces have left
    bed.hv.ip("link", "del", BRIDGE)
    wait_gone(bed, "p0")
    wait_until(lambda: bed.hv.link(BRIDGE), 30, "the bridge to be created again")
    enslave(bed, "p0")
    wait_port(bed, "p0")

    # another name at a reload
    bed.daemon.write(
        {"switches": [switch("vs", bed.uplink_names, [group(bridge="br-other")], mtu=1600)]}
    )
    daemon.ctl("reload")
    assert bed.hv.link(BRIDGE) is None and bed.hv.link("br-other")
    wait_gone(bed, "p0")
    daemon.teardown()
    assert bed.hv.link("br-other") is None


def test_foreign_bridge_stays():
    bed = Bed(n_uplinks=1, n_ports=2)
    bed.hv.ip_batch(
        f"link add {BRIDGE} type bridge", f"link set p0 master {BRIDGE}", f"link set {BRIDGE} up"
    )
    daemon = start(bed)  # after the interface was enslaved
    bed.listen("m0", "sw0")
    wait_port(bed, "p0")
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)))
    enslave(bed, "p1")
    wait_port(bed, "p1")
    bed.listen("m1")
    to_wire(bed, bed.nic("m1"), hello(port_mac(1)))
    # It received nothing. A bridge that is up may send by itself (multicast queries).
    assert bridge_counters(bed)[:2] == [0, 0]
    daemon.teardown()
    assert bed.hv.link(BRIDGE)["linkinfo"]["info_kind"] == "bridge"
    data = bed.hv.link("p0")["linkinfo"]["info_slave_data"]
    assert data["isolated"] is False and data["learning"] and data["flood"] and data["bcast_flood"]


def test_unsuitable_bridges_are_refused():
    bed = Bed(n_uplinks=1, n_ports=2)
    hv = bed.hv
    hv.ip_batch(
        "link add br-addr type bridge",
        "address add 192.0.2.1/24 dev br-addr",
        "link add br-nic type bridge",
        "link add link p1 name p1.7 type macvlan",
        "link set p1.7 master br-nic",
    )
    config = lambda bridge: [switch("vs", bed.uplink_names, [group(bridge=bridge)])]
    for bridge, reason in (
        ("br-addr", "it has an address of the host (192.0.2.1/24)"),
        ("br-nic", "p1.7 belongs to it, which is not an interface of a machine"),
        ("p0", "it is not a bridge"),
    ):
        bed.start(config(bridge), start=False)
        done = bed.daemon.run_to_end()
        assert done.returncode == 2, done.stderr
        assert f"vs: {bridge}: cannot be an attachment bridge: {reason}" in done.stderr
        assert not list((bed.daemon.bpffs / "uplinkd").glob("vs*"))
    # at a reload the request fails and nothing changes
    start(bed)
    bed.daemon.write({"switches": config("br-addr")})
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "192.0.2.1/24" in done.stderr
    assert hv.link(BRIDGE)
    # an address that comes later is a finding
    hv.ip("address", "add", "198.51.100.1/24", "dev", BRIDGE)
    assert "198.51.100.1/24" in problems(bed)["attachment_bridge"]


def test_addresses_and_ports_survive_restart_kill_and_reload():
    bed = Bed(n_uplinks=1, n_ports=2)
    daemon = start(bed)
    bed.listen("m0", "m1", "sw0")
    for name in ("p0", "p1"):
        enslave(bed, name)
        wait_port(bed, name)
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)))
    bed.wait_address("p0", "confirmed")
    slots = {name: port["slot"] for name, port in ports(bed).items()}
    for again in (
        daemon.restart,
        lambda: (daemon.kill(), daemon.start()),
        lambda: daemon.ctl("reload"),
    ):
        again()
        assert {name: port["slot"] for name, port in ports(bed).items()} == slots
        assert ports(bed)["p0"]["mac"] == port_mac(0)
        from_wire(bed, bed.nic("m0"), port_mac(0))
    # an interface that leaves, and one that joins, while no daemon runs
    daemon.stop()
    release(bed, "p0")
    bed.add_port(2)
    enslave(bed, "p2")
    daemon.start()
    assert set(ports(bed)) == {"p1", "p2"}
    assert daemon.ctl("port", "del", "p2", check=False).returncode == 0
    wait_port(bed, "p2")  # the bridge decides


def test_member_moves_between_groups():
    bed = Bed(n_uplinks=1, n_ports=1)
    start(bed, group(), group("test", 200, "br-test"))
    bed.listen("m0", "sw0")
    enslave(bed, "p0")
    wait_port(bed, "p0")
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)))
    slot = ports(bed)["p0"]["slot"]
    enslave(bed, "p0", "br-test")
    assert wait_port(bed, "p0", "test")["slot"] == slot
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)), 200)
    from_wire(bed, bed.nic("m0"), port_mac(0), 200)
    assert bed.hv.link("p0")["linkinfo"]["info_slave_data"]["isolated"] is True
    bed.hv.ip("link", "add", "br-else", "type", "bridge")
    enslave(bed, "p0", "br-else")
    wait_gone(bed, "p0")


def test_mistakes_are_reported():
    bed = Bed(n_uplinks=2, n_ports=1)
    host = {"interface": "vmk0", "host": True}
    daemon = start(
        bed,
        group(ports=[host]),
        group("other", 7, ports=[{"interface": "p0", "mac": port_mac(0)}], bridge="br-x"),
    )
    enslave(bed, "eth1")
    enslave(bed, "vmk0-sw")
    enslave(bed, "p0")
    daemon.log_has("eth1: in attachment bridge br-prod, but not a port: it is an uplink of vs")
    daemon.log_has(
        "vmk0-sw: in attachment bridge br-prod, but not a port: it is an end of a host port"
    )
    daemon.log_has(
        "p0: in attachment bridge br-prod, but not a port: it is a port of the group other"
    )
    assert "attachment_refused" in problems(bed)
    assert set(ports(bed)) == {"vmk0", "p0"} and ports(bed)["p0"]["group"] == "other"
    for name in ("eth1", "vmk0-sw", "p0"):
        release(bed, name)
    wait_until(lambda: "attachment_refused" not in problems(bed), 30, "the finding to end")
    bed.usable("eth0", "eth1")
    # the host's own interfaces
    bed.add_port(3)
    bed.hv.ip("address", "add", "192.0.2.9/24", "dev", "p3")
    enslave(bed, "p3")
    daemon.log_has(
        "p3: in attachment bridge br-prod, but not a port: vs: p3: cannot be a run-time port"
    )


def test_configured_port_in_its_bridge():
    """The file gives the address; libvirt attaches the interface."""
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = start(bed, group(ports=[{"interface": "p0", "mac": port_mac(0)}]))
    bed.listen("m0", "sw0")
    enslave(bed, "p0")
    from_wire(bed, bed.nic("m0"), port_mac(0))
    port = ports(bed)["p0"]
    assert not port["attached"] and not port["runtime"] and port["state"] == "present"
    daemon.restart()
    assert ports(bed)["p0"]["state"] == "present"
    assert not {"enslaved", "port_failed"} & set(problems(bed))
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)))
    assert bridge_counters(bed) == [0, 0, 0, 0]


def test_tap_of_libvirt_has_its_address_at_once():
    bed = Bed(n_uplinks=1, n_ports=0)
    daemon = start(bed)
    tap = Tap(bed.hv, "vnet7", mac="fe:54:00:00:00:07")
    bed.listen("sw0")
    enslave(bed, "vnet7")
    assert wait_port(bed, "vnet7")["mac"] == "52:54:00:00:00:07"
    assert ports(bed)["vnet7"]["address_state"] == "tentative"
    from_wire(bed, tap, "52:54:00:00:00:07")
    # the first byte is a guess: the guest has another one
    mac = "02:54:00:00:00:07"
    to_wire(bed, tap, hello(mac))
    bed.wait_address("vnet7", "confirmed")
    assert ports(bed)["vnet7"]["mac"] == mac
    from_wire(bed, tap, mac)
    # the next guest of a persistent tap
    tap.set_carrier(False)
    bed.wait_address("vnet7", "absent")
    tap.set_carrier(True)
    bed.wait_address("vnet7", "tentative")
    to_wire(bed, tap, hello("52:54:00:00:00:08"))
    bed.wait_address("vnet7", "confirmed")
    assert ports(bed)["vnet7"]["mac"] == "52:54:00:00:00:08"
    # the interface of another machine with the same name
    tap.close()
    wait_gone(bed, "vnet7")
    again = Tap(bed.hv, "vnet7", mac="fe:54:00:00:00:09")
    enslave(bed, "vnet7")
    wait_port(bed, "vnet7")
    wait_until(lambda: ports(bed)["vnet7"]["mac"] == "52:54:00:00:00:09", 30, "the new address")
    bed.wait_address("vnet7", "tentative")
    from_wire(bed, again, "52:54:00:00:00:09")
    assert daemon.process.poll() is None


def test_address_that_is_in_use_is_not_taken():
    bed = Bed(n_uplinks=1, n_ports=2)
    daemon = start(bed)
    bed.listen("m0", "m1", "sw0")
    enslave(bed, "p0")
    wait_port(bed, "p0")
    to_wire(bed, bed.nic("m0"), hello(port_mac(0)))
    enslave(bed, "p1")
    wait_port(bed, "p1")
    bed.nic("m1").send(hello(port_mac(0)))  # of another port
    wait_until(lambda: daemon.counter("p1", "forged_source") == 1, 30, "forged_source")
    # the gateway's
    shout = udp4(BROADCAST, OUTSIDE, "192.0.2.3", "192.0.2.255", b"gw" * 9, [tag(100)])
    bed.nic("sw0").send(shout)
    expect(bed.nic("m1"), shout[:12] + shout[16:])
    bed.nic("m1").send(hello(OUTSIDE))
    daemon.log_has("may not change its address to " + OUTSIDE)
    assert ports(bed)["p1"]["mac"] is None


def test_tap_that_moves_here_while_its_address_is_outside():
    """Live migration: the address was received from the other host shortly before."""
    bed = Bed(n_uplinks=1, n_ports=0)
    start(bed)
    tap = Tap(bed.hv, "vnet0", mac="fe:aa:00:00:00:01")
    enslave(bed, "vnet0")
    wait_port(bed, "vnet0")
    guest = "02:aa:00:00:00:01"
    bed.listen("sw0")
    shout = udp4(BROADCAST, guest, "192.0.2.3", "192.0.2.255", b"there" * 9, [tag(100)])
    bed.nic("sw0").send(shout)
    expect(tap, shout[:12] + shout[16:])
    to_wire(bed, tap, hello(guest))
    assert ports(bed)["vnet0"]["mac"] == guest


def test_learning_group():
    bed = Bed(n_uplinks=1, n_ports=1)
    start(bed, group(security={"mac-learning": True}))
    bed.listen("m0", "sw0")
    enslave(bed, "p0")
    wait_port(bed, "p0")
    for number in (11, 12):  # a nested hypervisor: the first frame passes
        frame = hello(port_mac(number))
        bed.nic("m0").send(frame)
        expect(bed.nic("sw0"), frame[:12] + b"\x81\x00\x00\x64" + frame[12:])


def test_many_at_once():
    bed = Bed(n_uplinks=1, n_ports=40)
    daemon = start(bed)
    bed.hv.ip_batch(*[f"link set p{i} master {BRIDGE}" for i in range(40)])
    wait_until(
        lambda: sum(p["state"] == "present" for p in ports(bed).values()) == 40,
        90,
        lambda: ports(bed),
    )
    bed.hv.ip("link", "del", BRIDGE)
    wait_until(lambda: not ports(bed), 90, lambda: ports(bed))
    daemon.teardown()


def test_kernel_without_vlan_filtering_or_with():
    """switches[].bridge: created, or refused with the reason."""
    bed = Bed(n_uplinks=1, n_ports=0)
    probe = ["link", "add", "probe", "type", "bridge", "vlan_filtering", "1"]
    available = bed.hv.ip(*probe, check=False).returncode == 0
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [])], bridge="vmbr0")])
    if available:
        assert bed.hv.link("vmbr0")["linkinfo"]["info_data"]["vlan_filtering"] == 1
    else:
        bed.daemon.log_has(
            "vmbr0: the attachment bridge cannot be created: this kernel does not support bridges with VLANs"
        )
        assert bed.hv.link("vmbr0") is None
        assert "vmbr0" in problems(bed)["attachment_bridge"]
