# SPDX-License-Identifier: GPL-2.0
"""How everything grows: with ports, VLANs, addresses, uplinks and switches."""
import json

from harness import base
from harness.base import Cleanup
from harness.bed import port_mac
from harness.daemon import Uplinkd

from parts import scale
from parts.tools import OBJECTS, tool

HAS_MARKS = False


def with_ports(record, n):
	host = scale.Host(2, n)
	scale.measure(record, f"growth.ports.{n}", host, host.config(host.groups(1)))


def with_vlans(record, n):
	host = scale.Host(2, 1)
	groups = [{"name": f"g{vid}", "vlan": vid, "ports": []} for vid in range(1, n + 1) if vid != 100][:n - 1]
	groups.append({"name": "g100", "vlan": 100, "ports": [{"interface": "p0", "mac": port_mac(0)}]})
	scale.measure(record, f"growth.vlans.{n}", host, host.config(groups))


def with_uplinks(record, n):
	host = scale.Host(n, 1)
	scale.measure(record, f"growth.uplinks.{n}", host, host.config(host.groups(1)))


def with_switches(record, n):
	host = scale.Host(n, n)
	config = {"switches": [{"name": "bench" if i == 0 else f"bench{i}", "uplinks": [f"eth{i}"], "channel": "static", "up-delay-ms": 0, "port-groups": [
		{"name": "prod", "vlan": 100, "ports": [{"interface": f"p{i}", "mac": port_mac(i)}]}]} for i in range(n)]}
	daemon = Uplinkd(host.hv, config, log_level="warning")
	record.add(f"growth.switches.{n}.start", "s", [scale.start_time(daemon)])
	daemon.wait_uplinks(host.uplinks(), 30)
	record.add(f"growth.switches.{n}.reload_unchanged", "ms", [scale.request(daemon, "Reload") for _ in range(5)])
	record.add(f"growth.switches.{n}.rss", "MiB", [scale.resident_mib(daemon)])
	record.add(f"growth.switches.{n}.maps", "MiB", [sum(scale.map_memory_mib(daemon, s["name"]) for s in config["switches"])])
	costs = scale.packet_costs(record, daemon)
	record.add(f"growth.switches.{n}.cost.uplink_xdp", "ns", costs[0])
	record.add(f"growth.switches.{n}.cost.port_tc", "ns", costs[1])
	daemon.teardown()


def with_addresses(record, n):
	"""The table itself, because a switch learns at most 1,024 addresses per port."""
	answer = json.loads(base.run(tool("fdb"), OBJECTS, n, 5, 100000, timeout=300).stdout)
	record.add(f"growth.addresses.{n}.table", "ns", [r[0] for r in answer["runs"]])
	record.add(f"growth.addresses.{n}.kernel_hash_map", "ns", [r[1] for r in answer["runs"]])
	record.add(f"growth.addresses.{n}.table_memory", "MiB", [answer["table_bytes"] / 2**20])


def run(record):
	for axis, values in ((with_addresses, (1000, 10000, 100000, 1000000)), (with_uplinks, (2, 4, 8, 16, 24)), (with_switches, (1, 2, 4, 8, 16)),
			     (with_vlans, (1, 64, 1024, 4094)), (with_ports, (1, 10, 100, 1000))):
		for value in values:
			with Cleanup():
				axis(record, value)
