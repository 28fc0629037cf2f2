# SPDX-License-Identifier: GPL-2.0
"""iperf3 through uplinkd and its peers, in turns. What comes from the outside is in frames of at most the MTU, as from a real wire: the outside's segmentation
offload is off for everybody, and GRO at the uplink is on. Machines have all offloads, as virtual machines have."""
import json
import os
import subprocess

from harness import base

from parts import beds
from parts.beds import Place
from parts.record import paired_ratio
from parts.tools import Live, cpu_seconds, end, ksoftirqds, offload

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
		offload(place.outside, "sw0", "tso", "off", "gso", "off")
		self.wire_checksums = place.by_packet_socket
		if place.by_packet_socket:
			offload(place.hv, "eth0", "gro", "off")
			for name, ns in self.ns.items():
				offload(ns, "sw0" if name == "outside" else name, "tx", "off")
		self.servers = {}

	def finish_checksums(self, on):
		"""What comes from a wire has its checksum, and a NIC says that it is right. A veth cannot do both: for TCP, which stays an skb, the outside leaves them
		unfinished; for what XDP redirects it must finish them."""
		if not self.place.by_packet_socket and on != self.wire_checksums:
			offload(self.place.outside, "sw0", "tx", "off" if on else "on")
			self.wire_checksums = on

	def server(self, name, source):
		if name not in self.servers:
			process = base.spawn(self.ns[name].command("iperf3", "-s", "-B", ADDRESS[name]), stdout=-3, stderr=-3)
			probe = self.ns[source]
			base.wait_until(lambda: probe.run("ping", "-c1", "-W1", ADDRESS[name], check=False).returncode == 0, 10, f"{name} to answer")
			base.wait_until(lambda: "5201" in self.ns[name].run("ss", "-Hltn").stdout, 5, "iperf3 to listen")
			self.servers[name] = process

	def gbit(self, way, seconds, streams=1, udp=None):
		"""(Gbit/s that arrived, CPU seconds per Gbit, CPU seconds)"""
		source, target = WAYS[way]
		self.finish_checksums(bool(udp))
		self.server(target, source)
		words = ["iperf3", "-c", ADDRESS[target], "-J", "-t", seconds, "-P", streams, *(["-u", "-b", udp, "-l", "1400"] if udp else [])]
		said, busy = base.wait_until(lambda: self._try(source, words, target), 20, f"iperf3 {way}")
		total = said["sum"] if udp else said["sum_received"]
		bits = total["bytes"] * 8 * ((1 - total["lost_percent"] / 100) if udp else 1)
		return bits / total["seconds"] / 1e9, busy / max(bits / 1e9, 1e-9), busy

	def _try(self, source, words, target):
		"""(what iperf3 says, CPU seconds of its two ends, of ksoftirqd and of what forwards in user space); veth's work is done in the context of one of these."""
		others = [self.servers[target].pid, *ksoftirqds(), *self.place.workers]
		before = sum(map(cpu_seconds, others))
		client = subprocess.Popen([str(w) for w in self.ns[source].command(*words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
					  preexec_fn=base.die_with_parent)
		output = client.stdout.read()
		client.stdout.close()
		_, status, usage = os.wait4(client.pid, 0)
		client.returncode = status
		answer = json.loads(output or b"{}")
		if status or not answer.get("end", {}).get("sum" if "-u" in words else "sum_received"):
			return None
		return answer["end"], usage.ru_utime + usage.ru_stime + sum(map(cpu_seconds, others)) - before


def est(place):
	return beds.with_uplinkd(place, vlan=0)


def est_by_tc(place):
	return beds.with_uplinkd(place, vlan=0, receive="tc")


def bridge_behind_xdp(place):
	"""What XDP itself costs on a veth, which copies every frame whose data TCP still holds; a NIC has no such copy."""
	beds.with_bridge(place)
	place.keep = Live("--into", end(place.outside, "sw0"), "--pass", end(place.hv, "eth0"))


def limit(way, peer):
	"""Two minimal programs, which know nothing but where the other end is."""
	ends = {"rx": ("eth0", "p0"), "tx": ("p0", "eth0"), "local": ("p0", "p1")}[way]

	def make(place):
		def redirect(source, target):
			kind = "peer" if peer and target != "eth0" else "tc"
			return [f"--redirect-{kind}", f"{end(place.hv, source)}:{target}"]

		place.like_nics()
		place.keep = Live("--into", end(place.outside, "sw0"), *redirect(*ends), *redirect(*reversed(ends)))

	return make


def contenders(record):
	found = {"uplinkd": est, "uplinkd_receive_tc": est_by_tc, "bridge": beds.with_bridge}
	if not record.quick:
		found["bridge_behind_xdp_pass"] = bridge_behind_xdp
	if not record.quick:
		found["openvswitch_userspace"] = beds.with_openvswitch
		for name, (peer, why) in beds.kernel_peers().items():
			if peer and name != "bridge_vlan":
				found[name] = lambda place, peer=peer: peer(place, 0)
			elif not peer:
				record.leave_out(f"{name} (TCP, UDP, latency)", why)
	return found


def turn(record, networks, way, seconds, streams, udp):
	"""Each once, and the CPU time of all. Who cannot do it is left out from then on."""
	found, own = {}, 0.0
	for name, network in list(networks.items()):
		try:
			found[name] = network.gbit(way, seconds, streams, udp)
		except AssertionError as error:
			if name in ("uplinkd", "bridge"):
				raise
			record.leave_out(f"{'UDP' if udp else 'TCP'} {way} through {name}", str(error))
			networks.pop(name)
			continue
		own += found[name][2]
	return found, own


def run(record):
	seconds = 1
	common = {name: Network(make) for name, make in contenders(record).items()}
	for way in WAYS:
		limits = {} if record.quick else {"limit_tc_redirect": Network(limit(way, False)), "limit_tc_redirect_peer": Network(limit(way, True))}
		for streams, udp in ((1, None),) if record.quick else ((1, None), (8, None), (1, "0"), (8, "0")):
			networks = dict(common) if udp else {**common, **limits}
			rounds = 7 if record.quick else 5 if (streams, udp) == (1, None) else 3
			found = record.quiet.rounds(rounds, lambda: turn(record, networks, way, seconds, streams, udp))
			taken = {name: [one[name] for one in found] for name in networks}
			for name, pairs in taken.items():
				prefix = f"{'udp' if udp else 'tcp'}.{way}.{streams}stream.{name}"
				record.add(prefix, "Gbit/s", [p[0] for p in pairs])
				record.add(f"{prefix}.cpu", "CPU-s/Gbit", [p[1] for p in pairs])
			if streams == 1 and not udp:
				record.mark(f"tcp_{way}_vs_bridge", paired_ratio([p[0] for p in taken["uplinkd"]], [p[0] for p in taken["bridge"]]))
