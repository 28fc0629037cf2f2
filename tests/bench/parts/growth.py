# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Growth with ports, VLANs, addresses, uplinks and switches."""
import json

from harness import base
from harness.base import Cleanup
from harness.bed import port_mac

from parts import scale
from parts.tools import OBJECTS, tool

HAS_MARKS = False


def with_ports(record, n):
    host = scale.Host(2, n)
    scale.measure(record, f"growth.ports.{n}", host, host.config(host.groups(1)))


def with_vlans(record, n):
    host = scale.Host(2, 1)
    groups = [
        {"name": f"g{vid}", "vlan": vid, "ports": []} for vid in range(1, n + 1) if vid != 100
    ][: n - 1]
    groups.append({"name": "g100", "vlan": 100, "ports": [{"interface": "p0", "mac": port_mac(0)}]})
    scale.measure(record, f"growth.vlans.{n}", host, host.config(groups))


def with_uplinks(record, n):
    host = scale.Host(n, 1)
    scale.measure(record, f"growth.uplinks.{n}", host, host.config(host.groups(1)))


def with_switches(record, n):
    host = scale.Host(2 * n, n)
    config = {
        "switches": [
            {
                "name": "bench" if i == 0 else f"bench{i}",
                "uplinks": [f"eth{2 * i}", f"eth{2 * i + 1}"],
                "channel": "static",
                "up-delay-ms": 0,
                "port-groups": [
                    {
                        "name": "prod",
                        "vlan": 100,
                        "ports": [{"interface": f"p{i}", "mac": port_mac(i)}],
                    }
                ],
            }
            for i in range(n)
        ]
    }
    scale.measure(record, f"growth.switches.{n}", host, config)


def with_addresses(record, n):
    """The table itself, because a switch learns at most 1,024 addresses per port."""
    answer = json.loads(base.run(tool("fdb"), OBJECTS, n, 5, 100000, timeout=300).stdout)
    record.add(f"growth.addresses.{n}.table", "ns", [r[0] for r in answer["runs"]])
    record.add(f"growth.addresses.{n}.kernel_hash_map", "ns", [r[1] for r in answer["runs"]])
    record.add(f"growth.addresses.{n}.table_memory", "MiB", [answer["table_bytes"] / 2**20])


def run(record):
    for axis, values in (
        (with_addresses, (1000, 10000, 100000, 1000000)),
        (with_uplinks, (2, 4, 8, 16, 24)),
        (with_switches, (1, 2, 4, 8, 16)),
        (with_vlans, (1, 64, 1024, 4094)),
        (with_ports, (1, 10, 100, 1000)),
    ):
        for value in values:
            with Cleanup():
                axis(record, value)
