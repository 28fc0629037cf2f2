# SPDX-License-Identifier: GPL-2.0
"""Round trips of single datagrams between the outside and a machine, and between two machines: with nothing else, and beside a stream of UDP."""
import json

from harness import base

from parts.tcp import ADDRESS, Network, contenders
from parts.tools import tool

HAS_MARKS = False
PORT = 7777
LOAD = "100M"	# bits per second, in datagrams of 1400 bytes


def serve(network, name):
	process = base.spawn(network.ns[name].command(tool("pingpong"), "serve", PORT), stdout=-1, text=True)
	assert process.stdout.readline().strip() == "ready"


def run(record):
	networks = {name: Network(make) for name, make in contenders(record).items()}
	for network in networks.values():
		for name in ("m0", "m1"):
			network.server(name, "outside")
			serve(network, name)
	for way, source, target in (("rx", "outside", "m0"), ("local", "m1", "m0")):
		for load in ("idle", "loaded"):
			taken = {name: [] for name in networks}
			for _ in range(5):
				for name, network in networks.items():
					noise = None
					if load == "loaded":
						noise = base.spawn(network.ns[source].command("iperf3", "-c", ADDRESS[target], "-u", "-b", LOAD, "-l", 1400, "-t", 60),
								   stdout=-3, stderr=-3)
					taken[name].append(json.loads(network.ns[source].run(tool("pingpong"), ADDRESS[target], PORT, 10000, timeout=120).stdout))
					if noise:
						base.stop_process(noise)
			for name, runs in taken.items():
				for quantile in ("p50", "p99", "p999"):
					record.add(f"latency.{way}.{load}.{name}.{quantile}", "us", [r[f"{quantile}_us"] for r in runs])
