# SPDX-License-Identifier: GPL-2.0
"""The daemon with 1,000 ports, and with 64 policies over 24 uplinks: start, memory, reload, rewrite, and whether frames get dearer."""
from harness.base import Cleanup

from parts import scale
from parts.cost import middle

HAS_MARKS = True


def many_policies(host, n):
	"""Policies differ by the order of their active uplinks; a channel has one for all, so there is none."""
	names = host.uplinks()
	half = len(names) // 2

	def teaming(i):
		order = names[i % len(names):] + names[:i % len(names)]
		if i // len(names) == 1:
			order.reverse()
		if i // len(names) == 2:
			order[0], order[half] = order[half], order[0]
		return {"load-balancing": "src-mac", "active": order}

	return host.config(host.groups(n, teaming=teaming), channel="none", teaming=teaming(0))	# its own teaming counts as well


def run(record):
	rounds = 3 if record.quick else 5
	with Cleanup():
		host = scale.Host(2, 1)
		small = scale.measure(record, "daemon.1_port", host, host.config(host.groups(1)), rounds)
	with Cleanup():
		host = scale.Host(24, 1000)
		large = scale.measure(record, "daemon.1000_ports", host, host.config(host.groups(64)), rounds)
		record.mark("rss_1000_ports_mib", record.get("daemon.1000_ports.rss"))
		record.mark("start_1000_ports_s", record.get("daemon.1000_ports.start"))
		record.mark("reload_unchanged_ms", record.get("daemon.1000_ports.reload_unchanged"))
		record.mark("cost_growth", max(middle(after) / middle(before) for before, after in zip(small, large)))
	with Cleanup():
		host = scale.Host(24, 64)
		scale.measure(record, "daemon.64_policies_24_uplinks", host, many_policies(host, 64), rounds, n_policies=64, costs=False)
		record.mark("bucket_rewrite_ms", record.get("daemon.64_policies_24_uplinks.bucket_rewrite"))
