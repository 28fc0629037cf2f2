# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Host ports: their pair of interfaces, addresses and MAC address over reloads, restarts and
changes by an administrator.
"""
import json

from harness.base import wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.capture import Nic, expect
from harness.frames import arp_request, tag, udp4
from harness.netns import veth
from harness.settings import assert_no_programs, set_ipv6, settings_of

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


def routes(bed, name="vmk0"):
    """Those of uplinkd."""
    lines = []
    for family in ("-4", "-6"):
        shown = bed.hv.ip(family, "route", "show", "dev", name, "proto", "117").stdout
        lines += [" ".join(line.split()) for line in shown.splitlines()]
    return sorted(line.removesuffix(" pref medium") for line in lines)


def codes(bed):
    return {p["code"] for s in bed.daemon.json("status")["switches"] for p in s["problems"]}


def present(bed, name="vmk0"):
    return next(p for p in bed.daemon.json("show", "ports") if p["name"] == name)["present"]


def assert_works(bed, name="vmk0", vid=100):
    """Both directions between the wire and the host's end."""
    address = bed.hv.link(name)["address"]
    host, wire = Nic(bed.hv, name), bed.nic("sw0")
    wire.frames()
    into = udp4(address, OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(vid)])
    # again, because the daemon may not have seen yet that the host's end is up
    wait_until(
        lambda: wire.send(into) and into[:12] + into[16:] in host.frames(),
        30,
        lambda: f"a frame at {name}\n{bed.daemon.counters_text()}",
    )
    out = arp_request(address, "192.0.2.1", "192.0.2.77")
    host.send(out)
    expect(wire, out[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + out[12:])
    host.close()


def test_addresses_follow_the_file():
    bed = start(vmk(address=["192.0.2.10/24", "192.0.2.11/24", "198.51.100.1/25"]))
    bed.hv.ip("addr", "add", "203.0.113.7/24", "dev", "vmk0")  # set by an administrator
    assert addresses(bed) == {"192.0.2.10/24", "192.0.2.11/24", "198.51.100.1/25", "203.0.113.7/24"}
    # the first of a subnet is removed, another one changes
    reload(bed, vmk(address=["192.0.2.11/24", "198.51.100.1/26"]))
    assert addresses(bed) == {"192.0.2.11/24", "198.51.100.1/26", "203.0.113.7/24"}
    reload(bed, vmk(address=["192.0.2.11/24", "203.0.113.7/24"]))
    reload(bed, vmk(address=["192.0.2.12/24"]))
    assert addresses(bed) == {
        "192.0.2.12/24",
        "203.0.113.7/24",
    }, "present before the file named it"
    bed.daemon.stop()
    bed.daemon.write(config(vmk(address=["192.0.2.13/24"])))
    bed.daemon.start()
    assert addresses(bed) == {
        "192.0.2.13/24",
        "203.0.113.7/24",
    }, "the file changed while no daemon ran"
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


def test_deleted_pair_is_created_again():
    bed = start(vmk(address=["192.0.2.10/24"]))
    assert_works(bed)
    address = bed.hv.link("vmk0")["address"]
    for name in ("vmk0", "vmk0-sw"):
        old = bed.hv.link(name)["ifindex"]
        bed.hv.ip("link", "del", name)
        wait_until(
            lambda: (bed.hv.link("vmk0") or {"ifindex": old})["ifindex"] != old and present(bed),
            30,
            lambda: f"a new vmk0\n{bed.daemon.log()}",
        )
        assert (
            addresses(bed) == {"192.0.2.10/24"} and bed.hv.link("vmk0")["address"] == address
        ), "known to the neighbours"
        assert_works(bed)
    bed.daemon.teardown()
    assert not bed.hv.exists("vmk0") and not bed.hv.exists("vmk0-sw")


def test_removed_port_is_not_created_again():
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
        lambda: shown("vmk0") == port_mac(40), 30, lambda: f"the new address\n{bed.daemon.log()}"
    )
    assert_works(bed)
    # the address of a machine, which keeps it
    bed.hv.ip("link", "set", "vmk0", "address", port_mac(0))
    bed.daemon.log_has("belongs to another port")
    bed.listen("m0")
    into = udp4(port_mac(0), OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(100)])
    bed.nic("sw0").send(into)
    expect(bed.nic("m0"), into[:12] + into[16:])
    bed.hv.ip("link", "set", "vmk1", "address", port_mac(42))  # the file states the address
    bed.daemon.log_has("vmk1: has the address")
    assert shown("vmk1") == port_mac(41)
    bed.daemon.ctl("reload")
    assert_works(bed, "vmk1")
    assert bed.hv.link("vmk1")["address"] == port_mac(41)


def test_name_that_belongs_to_another_interface():
    """A pair is used only when each end is the peer of the other. No other interface is connected
    instead, and the pair is created when the name is free.
    """
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
    wait_until(lambda: present(bed), 30, "vmk0 to be created")
    assert_works(bed)
    bed.hv.ip("link", "del", "vmk1")
    wait_until(lambda: present(bed, "vmk1"), 30, "vmk1 to be created")
    assert_works(bed, "vmk1")
    bed.hv.ip_batch("link del vmk2", "link del vmk2-sw")
    wait_until(lambda: present(bed, "vmk2"), 30, "vmk2 to be created")
    assert_works(bed, "vmk2")
    veth(bed.hv, "vmk3-sw", bed.world, "x3")
    bed.daemon.write(config(vmk(), vmk("vmk3")))
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "vmk3-sw belongs to another interface" in done.stderr, done
    assert_works(bed, "vmk2")


def test_names_with_the_same_switch_end_are_refused():
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


def test_moved_host_end_stays_connected():
    """Renamed or moved into another namespace it stays connected, also over a restart."""
    bed = start(vmk())
    bed.hv.ip_batch("link set vmk0 down", "link set vmk0 name mgmt0", "link set mgmt0 up")
    assert_works(bed, "mgmt0")
    bed.daemon.restart()
    bed.daemon.log_has("has another name now")
    assert_works(bed, "mgmt0")


# ---- routes, and changes by other software ----
ROUTED = vmk(
    address=["192.0.2.10/24", "2001:db8::10/64"],
    gateway=["192.0.2.1", "fe80::1"],
    routes=[{"to": "198.51.100.0/24", "via": "192.0.2.2", "metric": 7}, {"to": "2001:db8:1::/48"}],
)
ROUTES = [
    "198.51.100.0/24 via 192.0.2.2 metric 7",
    "2001:db8:1::/48 metric 1024",
    "default via 192.0.2.1",
    "default via fe80::1 metric 1024",
]


def start_routed():
    bed = start()
    with bed.hv:
        for which in ("default", "all"):
            open(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6", "w").write("0")
    reload(bed, ROUTED)
    return bed


def test_routes_follow_the_file():
    bed = start_routed()
    bed.hv.ip("route", "add", "203.0.113.0/24", "via", "192.0.2.3")  # an administrator's
    assert routes(bed) == ROUTES
    reload(bed, {**ROUTED, "routes": [], "gateway": "192.0.2.5"})
    assert routes(bed) == ["default via 192.0.2.5"]
    bed.daemon.stop()
    bed.daemon.write(config(ROUTED))
    bed.daemon.start()
    assert routes(bed) == ROUTES
    reload(bed, vmk(address=["192.0.2.10/24"]))
    assert routes(bed) == [] and "203.0.113.0/24" in bed.hv.ip("route", "show").stdout


def test_what_others_remove_returns():
    bed = start_routed()
    bed.hv.ip("route", "del", "198.51.100.0/24")
    wait_until(lambda: routes(bed) == ROUTES, 30, lambda: f"the route\n{bed.daemon.log()}")
    bed.daemon.log_has("vmk0: other software changed an address or a route; set again")
    # again and again: less often, and named
    for _ in range(2):
        bed.hv.ip("addr", "flush", "dev", "vmk0", "scope", "global")
        wait_until(
            lambda: routes(bed) == ROUTES and addresses(bed) == set(ROUTED["address"]),
            60,
            lambda: f"addresses and routes\n{bed.daemon.log()}",
        )

    def named():
        """On a slow machine the addresses may be back before the findings are read."""
        bed.hv.ip("addr", "flush", "dev", "vmk0", "scope", "global")
        return "host_address" in codes(bed)

    wait_until(named, 60, lambda: f"a finding: {codes(bed)}")
    wait_until(lambda: "host_address" not in codes(bed), 150, "the end of the finding")
    assert addresses(bed) == set(ROUTED["address"])


def test_settings_of_both_ends_are_set_again():
    bed = start(vmk())
    bed.hv.ip_batch("link set vmk0-sw mtu 1400", "link set vmk0 mtu 1300")
    mtus = lambda: [bed.hv.link(name)["mtu"] for name in ("vmk0", "vmk0-sw")]
    wait_until(lambda: mtus() == [1500, 1500], 30, lambda: f"the MTU: {mtus()}\n{bed.daemon.log()}")
    for name in ("vmk0-sw", "p0"):
        set_ipv6(bed.hv, name)
        wait_until(
            lambda: settings_of(bed.hv, name)["ipv6"] == "1",
            30,
            lambda: f"no IPv6 on {name}\n{bed.daemon.log()}",
        )
    bed.daemon.log_has("p0: other software enabled IPv6; disabled again")


def test_the_mac_address_is_the_same_after_a_teardown():
    bed = start(vmk(), vmk("vmk1"))
    before = [bed.hv.link(name)["address"] for name in ("vmk0", "vmk1")]
    assert before[0] != before[1]
    bed.daemon.stop()
    bed.daemon.teardown()
    assert not bed.hv.exists("vmk0")
    bed.daemon.start()
    assert [bed.hv.link(name)["address"] for name in ("vmk0", "vmk1")] == before
