# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""An interface that the host itself uses does not become an uplink unless the file accepts it."""
import pytest

from harness.bed import Bed, switch
from harness.settings import assert_no_programs, set_ipv6, settings_of

IN_USE = {
    "address": [("addr", "add", "192.0.2.10/24", "dev", "eth0")],
    "IPv6 address": [("addr", "add", "2001:db8::10/64", "dev", "eth0", "nodad")],
    "route": [("route", "add", "198.51.100.0/24", "dev", "eth0")],
    "default route": [("route", "add", "default", "dev", "eth0", "table", "77")],
    "IPv6 route": [("-6", "route", "add", "2001:db8:1::/48", "dev", "eth0")],
    "multipath route": [
        ("addr", "add", "192.0.2.1/24", "dev", "p0"),
        (
            *("route", "add", "203.0.113.0/24", "nexthop", "via", "192.0.2.2", "dev", "p0"),
            *("nexthop", "dev", "eth0"),
        ),
    ],
    "vlan": [("link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", "7")],
    "macvlan": [("link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")],
    "macvtap": [("link", "add", "mt0", "link", "eth0", "type", "macvtap", "mode", "bridge")],
    "ipvlan": [("link", "add", "iv0", "link", "eth0", "type", "ipvlan")],
    "master": [("link", "add", "br0", "type", "bridge"), ("link", "set", "eth0", "master", "br0")],
}
FOUND = {
    "address": "1 address (192.0.2.10/24)",
    "IPv6 address": "1 address (2001:db8::10/64)",
    "route": "1 route (198.51.100.0/24)",
    "default route": "1 route (default)",
    "IPv6 route": "1 route (2001:db8:1::/48)",
    "multipath route": "1 route (203.0.113.0/24)",
    "vlan": "1 interface on top (vlan eth0.7)",
    "macvlan": "1 interface on top (macvlan mv0)",
    "macvtap": "1 interface on top (macvtap mt0)",
    "ipvlan": "1 interface on top (ipvlan iv0)",
    "master": "eth0 belongs to a bridge or bond",
}


def use(bed, kind):
    for arguments in IN_USE[kind]:
        done = bed.hv.ip(*arguments, check=False)
        if done.returncode and arguments[:2] == ("link", "add"):
            pytest.skip(f"this kernel has no {kind}: {done.stderr}")
        assert done.returncode == 0, done


def bed_with(n_uplinks=2, **more):
    bed = Bed(n_uplinks=n_uplinks, n_ports=1)
    for name in bed.uplink_names:
        set_ipv6(bed.hv, name)
    config = [switch("vs", bed.uplink_names, [("prod", 100, [0])], **more)]
    return bed, config


@pytest.mark.parametrize("kind", IN_USE)
def test_uplink_in_use_is_refused_at_start(kind):
    bed, config = bed_with()
    use(bed, kind)
    before = settings_of(bed.hv, "eth0")
    bed.start(config, start=False)
    done = bed.daemon.run_to_end()
    assert done.returncode == 2, done
    assert "eth0" in done.stderr and FOUND[kind] in done.stderr, done.stderr
    if kind != "master":
        assert "host: true" in done.stderr and "take-addresses: true" in done.stderr
    assert "eth1" not in done.stderr
    assert settings_of(bed.hv, "eth0") == before
    assert_no_programs(bed.hv, "eth0")


def test_all_uses_are_named_and_counted():
    bed, config = bed_with()
    for kind in ("address", "IPv6 address", "route", "macvlan"):
        use(bed, kind)
    bed.start(config, start=False)
    text = bed.daemon.run_to_end().stderr
    for part in ("2 addresses (192.0.2.10/24, ...)", "1 route (", "1 interface on top ("):
        assert part in text, text


def test_link_local_addresses_and_kernel_routes_are_no_use():
    bed, config = bed_with()
    bed.hv.ip("addr", "add", "169.254.7.7/16", "scope", "link", "dev", "eth0")
    assert "fe80:" in bed.hv.ip("-6", "addr", "show", "dev", "eth0").stdout
    bed.start(config)
    bed.usable("eth0", "eth1")


@pytest.mark.parametrize("kind", ["address", "route", "macvlan"])
def test_take_addresses_accepts_the_uplink(kind):
    bed, config = bed_with(**{"take-addresses": True})
    use(bed, kind)
    bed.start(config)
    bed.usable("eth0", "eth1")


def test_reload_refuses_an_uplink_in_use_and_changes_nothing():
    bed, config = bed_with()
    both = {"switches": config}
    one = {"switches": [switch("vs", ["eth1"], [("prod", 100, [0])])]}
    use(bed, "address")
    bed.start(one)
    bed.usable("eth1")
    bed.daemon.write(both)
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and FOUND["address"] in done.stderr, done
    bed.usable("eth1")
    assert_no_programs(bed.hv, "eth0")
    bed.hv.ip("addr", "del", "192.0.2.10/24", "dev", "eth0")
    bed.daemon.ctl("reload")
    bed.usable("eth0", "eth1")


def test_an_address_on_a_running_uplink_stops_no_restart_and_no_reload():
    bed, config = bed_with()
    bed.start(config)
    bed.usable("eth0", "eth1")
    use(bed, "address")
    bed.daemon.ctl("reload")
    bed.daemon.restart()
    bed.usable("eth0", "eth1")
