# SPDX-License-Identifier: GPL-2.0
"""Round trips of single datagrams between the outside and a machine, and between two machines: with nothing else, and beside a stream of UDP."""
import json

from harness import base

from parts.tcp import ADDRESS, Network, contenders
from parts.tools import tool

HAS_MARKS = False
PORT = 7777
LOAD = "100M"	# bits per second, in datagrams of 1400 bytes
ROUND_TRIPS = 10000
WAYS = {"rx": ("outside", "m0"), "local": ("m1", "m0")}


def serve(network, name):
	process = base.spawn(network.ns[name].command(tool("pingpong"), "serve", PORT), stdout=-1, text=True)
	assert process.stdout.readline().strip() == "ready"


def turn(record, networks, way, load):
	"""Each network once, beside a stream of UDP or nothing. Who cannot do it is left out from then on."""
	source, target = WAYS[way]
	found = {}
	for name, network in list(networks.items()):
		noise = None
		if load == "loaded":
			noise = base.spawn(network.ns[source].command("iperf3", "-c", ADDRESS[target], "-u", "-b", LOAD, "-l", 1400, "-t", 60), stdout=-3, stderr=-3)
		try:
			found[name] = json.loads(network.ns[source].run(tool("pingpong"), ADDRESS[target], PORT, ROUND_TRIPS, timeout=60).stdout)
		except AssertionError as error:
			if name == "uplinkd":
				raise
			record.leave_out(f"latency through {name}", str(error))
			networks.pop(name)
		finally:
			if noise:
				base.stop_process(noise)
	return found


def run(record):
	networks = {name: Network(make) for name, make in contenders(record).items()}
	for network in networks.values():
		network.finish_checksums(True)
		for name in ("m0", "m1"):
			network.server(name, "outside")
			serve(network, name)
	for way in WAYS:
		for load in ("idle", "loaded"):
			rounds = [turn(record, networks, way, load) for _ in range(5)]
			for name in networks:
				for quantile in ("p50", "p99", "p999"):
					record.add(f"latency.{way}.{load}.{name}.{quantile}", "us", [found[name][f"{quantile}_us"] for found in rounds])
