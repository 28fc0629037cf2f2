# SPDX-License-Identifier: GPL-2.0
"""The host's own ports: their pair of interfaces, addresses and MAC address over reloads, restarts and what an administrator does to them."""
import json

from harness.base import wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.capture import Nic, expect
from harness.frames import arp_request, tag, udp4
from harness.netns import veth
from harness.settings import assert_no_programs, set_ipv6

OUTSIDE = outside_mac(5)


def vmk(name="vmk0", **more):
    return {"interface": name, "host": True, **more}


def config(*ports, vlan=100):
    return {"switches": [switch("vs", ["eth0"], [("prod", 100, [0]), ("mgmt", vlan, list(ports))])]}


def start(*ports, n_ports=1):
    bed = Bed(n_uplinks=1, n_ports=n_ports)
    bed.start(config(*ports))
    bed.usable("eth0")
    return bed


def reload(bed, *ports):
    bed.daemon.write(config(*ports))
    bed.daemon.ctl("reload")


def addresses(bed, name="vmk0"):
    shown = json.loads(bed.hv.ip("-json", "addr", "show", "dev", name).stdout)[0]["addr_info"]
    return {f"{a['local']}/{a['prefixlen']}" for a in shown if a["scope"] != "link"}


def present(bed, name="vmk0"):
    return next(p for p in bed.daemon.json("show", "ports") if p["name"] == name)["present"]


def assert_works(bed, name="vmk0", vid=100):
    """Both ways between the wire and the host's end."""
    address = bed.hv.link(name)["address"]
    host, wire = Nic(bed.hv, name), bed.nic("sw0")
    wire.frames()
    into = udp4(address, OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(vid)])
    wire.send(into)
    expect(host, into[:12] + into[16:])
    out = arp_request(address, "192.0.2.1", "192.0.2.77")
    host.send(out)
    expect(wire, out[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + out[12:])
    host.close()


def test_addresses_follow_the_file():
    bed = start(vmk(address=["192.0.2.10/24", "192.0.2.11/24", "198.51.100.1/25"]))
    bed.hv.ip("addr", "add", "203.0.113.7/24", "dev", "vmk0")  # an administrator's
    assert addresses(bed) == {"192.0.2.10/24", "192.0.2.11/24", "198.51.100.1/25", "203.0.113.7/24"}
    reload(
        bed, vmk(address=["192.0.2.11/24", "198.51.100.1/26"])
    )  # the first of a subnet goes, another one changes
    assert addresses(bed) == {"192.0.2.11/24", "198.51.100.1/26", "203.0.113.7/24"}
    reload(bed, vmk(address=["192.0.2.11/24", "203.0.113.7/24"]))
    reload(bed, vmk(address=["192.0.2.12/24"]))
    assert addresses(bed) == {
        "192.0.2.12/24",
        "203.0.113.7/24",
    }, "which was there before the file named it"
    bed.daemon.stop()
    bed.daemon.write(config(vmk(address=["192.0.2.13/24"])))
    bed.daemon.start()
    assert addresses(bed) == {
        "192.0.2.13/24",
        "203.0.113.7/24",
    }, "also when the file changes while no daemon runs"
    reload(bed, vmk())
    assert addresses(bed) == {"203.0.113.7/24"}
    assert_works(bed)


def test_ipv6_addresses_follow_the_file():
    bed = start(vmk())
    set_ipv6(bed.hv, "vmk0")
    reload(bed, vmk(address=["2001:db8::10/64", "192.0.2.10/24"]))
    bed.hv.ip("addr", "add", "2001:db8:1::1/64", "dev", "vmk0")
    assert addresses(bed) == {"2001:db8::10/64", "192.0.2.10/24", "2001:db8:1::1/64"}
    reload(bed, vmk(address=["2001:db8::10/80"]))
    assert addresses(bed) == {"2001:db8::10/80", "2001:db8:1::1/64"}


def test_deleted_pair_is_made_again():
    bed = start(vmk(address=["192.0.2.10/24"]))
    assert_works(bed)
    address = bed.hv.link("vmk0")["address"]
    for name in ("vmk0", "vmk0-sw"):
        old = bed.hv.link(name)["ifindex"]
        bed.hv.ip("link", "del", name)
        wait_until(
            lambda: (bed.hv.link("vmk0") or {"ifindex": old})["ifindex"] != old and present(bed),
            5,
            lambda: f"it again\n{bed.daemon.log()}",
        )
        assert (
            addresses(bed) == {"192.0.2.10/24"} and bed.hv.link("vmk0")["address"] == address
        ), "the neighbours know that one"
        assert_works(bed)
    bed.daemon.teardown()
    assert not bed.hv.exists("vmk0") and not bed.hv.exists("vmk0-sw")


def test_removed_port_is_not_made_again():
    bed = start(vmk(), vmk("vmk1"))
    reload(bed, vmk("vmk1"))
    assert_works(bed, "vmk1")
    assert not bed.hv.exists("vmk0") and not bed.hv.exists("vmk0-sw")


def test_changed_mac_of_the_hosts_end():
    bed = start(vmk(), vmk("vmk1", mac=port_mac(41)))
    bed.hv.ip("link", "set", "vmk0", "address", port_mac(40))
    shown = lambda name: next(p for p in bed.daemon.json("show", "ports") if p["name"] == name)[
        "mac"
    ]
    wait_until(
        lambda: shown("vmk0") == port_mac(40), 3, lambda: f"the new address\n{bed.daemon.log()}"
    )
    assert_works(bed)
    bed.hv.ip("link", "set", "vmk0", "address", port_mac(0))  # a machine's: it keeps it
    bed.daemon.log_has("is another port's")
    bed.listen("m0")
    into = udp4(port_mac(0), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
    bed.nic("sw0").send(into)
    expect(bed.nic("m0"), into[:12] + into[16:])
    bed.hv.ip("link", "set", "vmk1", "address", port_mac(42))  # the file says which it is
    bed.daemon.log_has("vmk1: has the address")
    assert shown("vmk1") == port_mac(41)
    bed.daemon.ctl("reload")
    assert_works(bed, "vmk1")
    assert bed.hv.link("vmk1")["address"] == port_mac(41)


def test_name_that_belongs_to_another_interface():
    """A pair is ours only when its ends are each other's; nothing else is connected in its place, and it is made when the name is free."""
    bed = Bed(n_uplinks=1, n_ports=1)
    veth(bed.hv, "vmk0-sw", bed.world, "x0")
    veth(bed.hv, "vmk1", bed.world, "x1")
    bed.hv.ip("link", "add", "vmk2", "type", "veth", "peer", "name", "y")
    veth(bed.hv, "vmk2-sw", bed.world, "x2")
    bed.start(config(vmk(), vmk("vmk1"), vmk("vmk2")))
    bed.usable("eth0")
    assert [p["name"] for p in bed.daemon.json("show", "ports") if p["present"]] == ["p0"]
    for name in ("vmk0-sw", "vmk1", "vmk2", "vmk2-sw"):
        assert_no_programs(bed.hv, name)
    bed.hv.ip("link", "del", "vmk0-sw")
    wait_until(lambda: present(bed), 5, "vmk0 to be made")
    assert_works(bed)
    bed.hv.ip("link", "del", "vmk1")
    wait_until(lambda: present(bed, "vmk1"), 5, "vmk1 to be made")
    assert_works(bed, "vmk1")
    bed.hv.ip_batch("link del vmk2", "link del vmk2-sw")
    wait_until(lambda: present(bed, "vmk2"), 5, "vmk2 to be made")
    assert_works(bed, "vmk2")
    veth(bed.hv, "vmk3-sw", bed.world, "x3")
    bed.daemon.write(config(vmk(), vmk("vmk3")))
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "vmk3-sw belongs to another interface" in done.stderr, done
    assert_works(bed, "vmk2")


def test_names_that_become_the_same():
    bed = start()
    bed.daemon.write(config(vmk("vmk-storage-a1"), vmk("vmk-storage-a2")))
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 1 and "vmk-storage--sw" in done.stderr, done
    reload(bed, vmk("vmk-storage-a1"))
    assert_works(bed, "vmk-storage-a1")
    done = bed.daemon.ctl(
        "port", "add", "vs", "prod", "vmk-storage--sw", "--mac", port_mac(9), check=False
    )
    assert done.returncode == 1 and "far end of a host port" in done.stderr, done


def test_hosts_end_that_is_elsewhere_stays_connected():
    """Renamed or moved into another namespace it goes on, also over a restart."""
    bed = start(vmk())
    bed.hv.ip_batch("link set vmk0 down", "link set vmk0 name mgmt0", "link set mgmt0 up")
    assert_works(bed, "mgmt0")
    bed.daemon.restart()
    bed.daemon.log_has("has another name now")
    assert_works(bed, "mgmt0")
