# SPDX-License-Identifier: GPL-2.0
"""iperf3 through uplinkd and its peers, in turns. What comes from the outside is in frames of at most the MTU, as from a real wire: the outside's segmentation
offload is off for everybody, and GRO at the uplink is on. Machines have all offloads, as virtual machines have."""
import json

from harness import base

from parts import beds
from parts.beds import Place
from parts.record import paired_ratio
from parts.tools import cpu_busy

HAS_MARKS = True
ADDRESS = {"outside": "192.0.2.1", "m0": "192.0.2.10", "m1": "192.0.2.11"}
WAYS = {"rx": ("outside", "m0"), "tx": ("m0", "outside"), "local": ("m0", "m1")}


class Network:
	def __init__(self, make):
		self.place = Place(n_ports=2, apart=True)
		place = self.place
		make(place)
		self.ns = {"outside": place.outside, "m0": place.machines[0], "m1": place.machines[1]}
		for name, ns in self.ns.items():
			ns.ip("addr", "add", f"{ADDRESS[name]}/24", "dev", "sw0" if name == "outside" else name)
		place.outside.ethtool("sw0", tso=False, gso=False)
		self.servers = {}

	def server(self, name):
		if name not in self.servers:
			process = base.spawn(self.ns[name].command("iperf3", "-s", "-B", ADDRESS[name]), stdout=-3, stderr=-3)
			probe = self.ns["m0" if name != "m0" else "m1"]
			base.wait_until(lambda: probe.run("ping", "-c1", "-W1", ADDRESS[name], check=False).returncode == 0, 10, f"{name} to answer")
			base.wait_until(lambda: "5201" in self.ns[name].run("ss", "-Hltn").stdout, 5, "iperf3 to listen")
			self.servers[name] = process

	def gbit(self, way, seconds, streams=1, udp=None):
		"""(Gbit/s that arrived, CPU seconds of the whole machine per Gbit)"""
		source, target = WAYS[way]
		self.server(target)
		busy = cpu_busy()
		words = ["iperf3", "-c", ADDRESS[target], "-J", "-t", seconds, "-P", streams, *(["-u", "-b", udp, "-l", "1400"] if udp else [])]
		done = base.wait_until(lambda: self._try(source, words), 20, f"iperf3 {way}")
		busy = cpu_busy() - busy
		end = done["end"]
		total = end["sum"] if udp else end["sum_received"]
		bits = total["bytes"] * 8 * ((1 - total["lost_percent"] / 100) if udp else 1)
		return bits / total["seconds"] / 1e9, busy / max(bits / 1e9, 1e-9)

	def _try(self, source, words):
		done = self.ns[source].run(*words, check=False, timeout=60)
		answer = json.loads(done.stdout or "{}")
		return answer if done.returncode == 0 and "end" in answer else None


def est(place):
	return beds.with_uplinkd(place, vlan=0)


def contenders(record):
	found = {"uplinkd": est, "bridge": beds.with_bridge}
	if not record.quick:
		found["openvswitch_userspace"] = beds.with_openvswitch
		for name, (peer, why) in beds.kernel_peers().items():
			if peer and name != "bridge_vlan":
				found[name] = lambda place, peer=peer: peer(place, 0)
			elif not peer:
				record.leave_out(f"{name} (TCP)", why)
	return found


def run(record):
	rounds, seconds = (7, 1) if record.quick else (5, 2)
	networks = {name: Network(make) for name, make in contenders(record).items()}
	for way in WAYS:
		for streams, udp in ((1, None),) if record.quick else ((1, None), (8, None), (1, "0"), (8, "0")):
			taken = {name: [] for name in networks}
			for _ in range(rounds):
				for name, network in networks.items():
					taken[name].append(network.gbit(way, seconds, streams, udp))
			for name, pairs in taken.items():
				prefix = f"{'udp' if udp else 'tcp'}.{way}.{streams}stream.{name}"
				record.add(prefix, "Gbit/s", [p[0] for p in pairs])
				record.add(f"{prefix}.cpu", "CPU-s/Gbit", [p[1] for p in pairs])
			if streams == 1 and not udp:
				record.mark(f"tcp_{way}_vs_bridge", paired_ratio([p[0] for p in taken["uplinkd"]], [p[0] for p in taken["bridge"]]))
