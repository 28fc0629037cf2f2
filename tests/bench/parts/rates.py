# SPDX-License-Identifier: GPL-2.0
"""Frames per second through uplinkd, its limits and its peers, generated in the kernel, in turns: A B C A B C ..."""
import os

from parts import beds
from parts.beds import VLAN, Place
from parts.record import paired_ratio
from parts.tools import Live, cpu_seconds, end

HAS_MARKS = True


def sink_of(place, direction):
	if direction == "tx":
		return ["--sink", end(place.outside, "sw0")], ()
	if place.taps:
		return ["--sink-fd", place.taps[0].fd], (place.taps[0].fd,)
	return ["--sink", end(place.machines[0], "m0")], ()


class Contender:
	"""make(place): puts the forwarder there. vlan: of the frames on the uplink. extra(place, direction): more arguments of live."""

	def __init__(self, make=None, vlan=VLAN, extra=None, sink=True):
		self.make, self.vlan, self.extra, self.sink = make, vlan, extra, sink
		self.place = None

	def prepare(self, tap):
		self.place = Place(tap_ports=tap)
		if self.make:
			self.make(self.place)
		else:
			self.place.like_nics()

	def live(self, direction, size):
		place = self.place
		arguments, fds = sink_of(place, direction) if self.sink else ([], ())
		frames = beds.towards_port(place, size, self.vlan) if direction == "rx" else beds.towards_uplink(place, size)
		if hasattr(place, "teach"):
			place.teach()
		return Live(*frames, *arguments, *(self.extra(place, direction) if self.extra else []), fds=fds, workers=place.workers)


def redirect(kind):
	def arguments(place, direction):
		way = ("eth0", "p0") if direction == "rx" else ("p0", "eth0")
		return [f"--redirect-{kind}", f"{end(place.hv, way[0])}:{way[1]}"]

	return arguments


def drop(place, _direction):
	return ["--drop", end(place.hv, "eth0")]


def default_bridge(place):
	beds.with_bridge(place)
	beds.bridge_netfilter(place.hv, True)
	place.hv.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "1")


def contenders(record, direction, tap):
	found = {"uplinkd": Contender(beds.with_uplinkd)}
	if direction == "rx":
		found["xdp_redirect"] = Contender(extra=redirect("xdp"))
	if direction == "tx" or not record.quick:
		found["tc_redirect"] = Contender(extra=redirect("tc"))
	found["bridge"] = Contender(beds.with_bridge)
	if record.quick:
		return found
	if direction == "rx":
		found["drop_at_uplink"] = Contender(extra=drop, sink=False)
		found["bridge_untagged"] = Contender(beds.with_bridge, vlan=0)
	found["bridge_with_br_netfilter"] = Contender(default_bridge)
	found["openvswitch_userspace"] = Contender(lambda place: beds.with_openvswitch(place, VLAN))
	for name, (peer, why) in beds.kernel_peers().items():
		if peer:
			found[name] = Contender(lambda place, peer=peer: peer(place, VLAN))
		elif not tap and direction == "rx":
			record.leave_out(name, why)
	return found


def needs_another_core(record, name, live, n):
	"""Where a process forwards or reads a tap, which would starve beside generators on all cores."""
	if live.workers or live.reads_tap:
		record.leave_out(f"rates of {name}{' into a tap' if live.reads_tap else ''} with {n} cores", "the machine has no core left for the process that forwards or reads")
	return live.workers or live.reads_tap


def turn(lives, ms, n):
	"""Each contender once; and what processes of theirs ran beside the CPUs that make the frames."""
	workers = [pid for live in lives.values() for pid in live.workers]
	before = sum(map(cpu_seconds, workers))
	return {name: live.rate(ms, n) for name, live in lives.items()}, sum(map(cpu_seconds, workers)) - before


def compare(record, direction, tap, sizes, cores, rounds, ms):
	medium = "tap" if tap else "veth"
	field = contenders(record, direction, tap)
	for contender in field.values():
		contender.prepare(tap)
	runs = {}
	for size in sizes:
		lives = {name: contender.live(direction, size) for name, contender in field.items()}
		for n in cores:
			able = {name: live for name, live in lives.items() if n < os.cpu_count() or not needs_another_core(record, name, live, n)}
			for live in able.values():
				live.rate(ms // 4, n)
			found = record.quiet.rounds(rounds, lambda n=n, able=able: turn(able, ms, n), first_cpu=n) if able else []
			for name in able:
				pairs = [one[name] for one in found]
				prefix = f"rate.{direction}.{medium}.{size}.{n}core.{name}"
				record.add(prefix, "frames/core-s" if n == 1 else f"frames/{n}-core-s", [p[0] for p in pairs])
				record.add(f"{prefix}.wall", "frames/s", [p[1] for p in pairs])
				runs[size, n, name] = [p[0] for p in pairs]
		for live in lives.values():
			live.close()
	return runs


def run(record):
	from harness.base import Cleanup
	rounds, ms = (21, 150) if record.quick else (7, 200)
	sizes, cores = ((64,), (1,)) if record.quick else ((64, 512, 1514), (1, 2))
	with Cleanup():
		runs = compare(record, "rx", False, sizes, cores, rounds, ms)
		record.mark("rx_vs_xdp_redirect", paired_ratio(runs[64, 1, "uplinkd"], runs[64, 1, "xdp_redirect"]))
		record.mark("rx_vs_bridge", paired_ratio(runs[64, 1, "uplinkd"], runs[64, 1, "bridge"]))
	with Cleanup():
		runs = compare(record, "tx", False, sizes, cores, rounds, ms)
		record.mark("tx_vs_tc_redirect", paired_ratio(runs[64, 1, "uplinkd"], runs[64, 1, "tc_redirect"]))
		record.mark("tx_vs_bridge", paired_ratio(runs[64, 1, "uplinkd"], runs[64, 1, "bridge"]))
	if record.quick:
		return
	for direction in ("rx", "tx"):
		with Cleanup():
			compare(record, direction, True, sizes, cores, rounds, ms)
