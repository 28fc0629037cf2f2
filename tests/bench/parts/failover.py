# SPDX-License-Identifier: GPL-2.0
"""What is lost, and how long nothing arrives, when something happens to one of two uplinks: numbered frames at a steady rate from a machine. Counted is what was sent
after the kernel had confirmed the event."""
import time

from harness import base
from harness.base import Cleanup
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.features import programs_see_carrier
from harness.traffic import Traffic

from parts import beds

HAS_MARKS = True
FLOWS = 64


class Uplinkd:
	def __init__(self, channel="static"):
		self.bed = Bed(n_uplinks=2, n_ports=1)
		self.daemon = self.bed.start([switch("bench", self.bed.uplink_names, [("prod", 100, [0])], channel=channel)])
		self.bed.usable(*self.bed.uplink_names)

	def traffic(self, rate):
		near = ("near", self.bed.hv, "eth1")
		return Traffic(self.bed.tx("m0"), [*self.bed.rx_uplinks(), near], rate=rate, flows=FLOWS, src_mac=port_mac(0), dst_mac=outside_mac(1))

	def settle(self, *uplinks):
		self.bed.usable(*uplinks)


class Peer:
	"""A peer over two uplinks; it is given time to see what happened, as it has nobody to ask."""

	def __init__(self, make):
		self.place = beds.Place(n_ports=1, n_uplinks=2)
		make(self.place)

	def traffic(self, rate):
		place = self.place
		ends = [(f"eth{i}", place.outside, f"sw{i}") for i in range(2)] + [("near", place.hv, "eth1")]
		return Traffic(("m0", place.machines[0], "m0"), ends, rate=rate, flows=FLOWS, src_mac=port_mac(0), dst_mac=outside_mac(1))

	def settle(self, *_uplinks):
		time.sleep(0.5)


def lost(figures, *kinds):
	phases = [p for p in figures.phases if p.kind in kinds]
	return sum(p.lost for p in phases), max(p.longest_gap_ms for p in phases)


def carrier(subject, rate, frames, end="eth1"):
	traffic = subject.traffic(rate)
	traffic.flow(frames)
	traffic.cut(end)
	traffic.flow(frames)
	subject.settle("eth0")
	traffic.restore(end)
	subject.settle("eth0", "eth1")
	traffic.mark()
	traffic.flow(frames)
	return traffic.stop()


def cut_and_failback(record, name, subject, rate, rounds, end="eth1", stopped=False):
	cuts, backs = [], []
	for _ in range(rounds):
		if stopped:
			subject.daemon.freeze()
			traffic = subject.traffic(rate)
			traffic.flow(rate // 4)
			traffic.cut(end)
			traffic.flow(rate // 4)
			figures = traffic.stop()
			subject.daemon.thaw()
			subject.settle("eth0")
			subject.bed.world.ip("link", "set", "sw1", "up")
			subject.settle("eth0", "eth1")
		else:
			figures = carrier(subject, rate, max(rate // 4, 200), end)
			backs.append(lost(figures, "restored", "mark"))
		cuts.append(lost(figures, "cut"))
	record.add(f"{name}.lost", "frames", [c[0] for c in cuts])
	record.add(f"{name}.longest_gap", "ms", [c[1] for c in cuts])
	if backs:
		record.add(f"{name}.failback.lost", "frames", [b[0] for b in backs])
		record.add(f"{name}.failback.longest_gap", "ms", [b[1] for b in backs])
	return [c[0] for c in cuts]


def during(subject, rate, action):
	"""Loss while action runs."""
	traffic = subject.traffic(rate)
	traffic.flow(max(rate // 4, 200))
	traffic.mark()
	action()
	traffic.flow(max(rate // 4, 200))
	return lost(traffic.stop(), "mark")


def measure_actions(record, subject, rate, rounds):
	def drain():
		subject.daemon.ctl("uplink", "drain", "eth1")

	def undrain():
		subject.daemon.ctl("uplink", "undrain", "eth1")
		subject.settle("eth0", "eth1")

	for name, action in (("drain", drain), ("undrain", undrain), ("daemon_restart", subject.daemon.restart)):
		found = []
		for _ in range(rounds):
			if name == "undrain":
				drain()
			found.append(during(subject, rate, action))
			if name == "drain":
				undrain()
		record.add(f"failover.uplinkd.{name}.{rate}.lost", "frames", [f[0] for f in found])
		record.add(f"failover.uplinkd.{name}.{rate}.longest_gap", "ms", [f[1] for f in found])


def peers(record):
	found = {"openvswitch_userspace": lambda p: beds.with_openvswitch(p)}
	for name, (peer, why) in beds.kernel_peers().items():
		if name.startswith("bonding") and peer:
			for miimon in (100, 10):
				found[f"bonding_miimon_{miimon}"] = lambda p, m=miimon: beds.with_bridge(p, 0, f"mode balance-xor xmit_hash_policy layer2+3 miimon {m}")
		elif peer and name != "bridge_vlan":
			found[name] = lambda p, peer=peer: peer(p, 0)
		elif name != "bridge_vlan":
			record.leave_out(f"{name} (failover)", why)
	return found


def run(record):
	rounds = 3
	with Cleanup():
		subject = Uplinkd()
		for rate in (100000,) if record.quick else (1000, 10000, 100000):
			runs = cut_and_failback(record, f"failover.uplinkd.carrier.{rate}", subject, rate, rounds)
			if rate == 100000:
				record.mark("failover_lost_100k", max(runs))
			if programs_see_carrier():
				runs = cut_and_failback(record, f"failover.uplinkd.carrier_daemon_stopped.{rate}", subject, rate, rounds, stopped=True)
				if rate == 100000:
					record.mark("failover_lost_100k_stopped", max(runs))
			else:
				record.leave_out("failover with the daemon stopped", "the kernel has no bpf_rdonly_cast (6.2)")
			if record.quick:
				continue
			cut_and_failback(record, f"failover.uplinkd.admin_down.{rate}", subject, rate, rounds, end="near")
			measure_actions(record, subject, rate, rounds)
	if record.quick:
		return
	record.leave_out("failover: LACP silent loss", "the peer that speaks LACP is measured by tests/netns and vmtest, which time it")
	for name, make in peers(record).items():
		with Cleanup():
			subject = Peer(make)
			for rate in (1000, 10000, 100000):
				cut_and_failback(record, f"failover.{name}.carrier.{rate}", subject, rate, rounds)
