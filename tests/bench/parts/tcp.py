# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""iperf3 through uplinkd and its peers, in turns, its two ends pinned to a CPU each.

Frames from the outside have at most the MTU: segmentation offload of the outside is off for all
networks, and GRO at the uplink is on. Machines have all offloads, as virtual machines have. rx:
through a wire like that of a NIC (beds.Place.lay_wire()); rx_veth: by a plain veth, which passes
frames whose data the TCP of the sender still holds.
"""
import itertools
import json
import os
import statistics
import subprocess

from harness import base
from harness.bed import port_mac

from parts import beds
from parts.beds import VLAN, Place
from parts.record import paired_ratios, rotated
from parts.tools import Live, cpu_seconds, end, ksoftirqds, offload

HAS_MARKS = True
ADDRESS = {"outside": "192.0.2.1", "m0": "192.0.2.10", "m1": "192.0.2.11"}
MAC = {"outside": beds.OUTSIDE, "m0": port_mac(0), "m1": port_mac(1)}
WAYS = {
    "rx": ("outside", "m0"),
    "rx_veth": ("outside", "m0"),
    "tx": ("m0", "outside"),
    "local": ("m0", "m1"),
}
WARM_UP = 1  # seconds that do not count
OTHERS_EVERY = 3  # rounds: fewer for those without a mark


class Network:
    def __init__(self, make, n_uplinks=1, wire=False):
        self.place = Place(n_ports=2, n_uplinks=n_uplinks, apart=True, wire=wire)
        place = self.place
        make(place)
        place.join_outside()
        self.ns = {"outside": place.outside, "m0": place.machines[0], "m1": place.machines[1]}
        for (
            name,
            ns,
        ) in (
            self.ns.items()
            # neighbours are known: a bond without a channel accepts broadcast from one of its links
            # only
        ):
            device = "sw0" if name == "outside" else name
            ns.ip_batch(
                f"addr add {ADDRESS[name]}/24 dev {device}",
                *[
                    f"neigh add {ADDRESS[other]} lladdr {MAC[other]} nud permanent dev {device}"
                    for other in ADDRESS
                    if other != name
                ],
            )
        offload(place.outside, "sw0", "tso", "off", "gso", "off")
        self.wire_checksums = wire or place.by_packet_socket
        if place.by_packet_socket:
            self.finish_all_frames(wire)
        self.servers = {}

    def finish_all_frames(self, wire):
        place = self.place
        for i in range(place.n_uplinks):
            if (
                wire
            ):  # a veth accepts frames of XDP also because of GRO; without it, by an XDP program
                Live("--pass", end(place.hv, f"eth{i}"))
            offload(place.hv, f"eth{i}", "gro", "off")
        for name, ns in self.ns.items():
            offload(ns, "sw0" if name == "outside" else name, "tx", "off")

    def finish_checksums(self, on):
        """Frames from a wire have a checksum, and a NIC reports that it is right. A veth cannot do
        both.

        For TCP, which stays an skb, the outside leaves checksums unfinished; for frames that XDP
        redirects it must finish them.
        """
        if not self.place.wire and not self.place.by_packet_socket and on != self.wire_checksums:
            offload(self.place.outside, "sw0", "tx", "off" if on else "on")
            self.wire_checksums = on

    def server(self, name, source):
        if name not in self.servers or self.servers[name].poll() is not None:
            process = base.spawn(
                self.ns[name].command("iperf3", "-s", "-B", ADDRESS[name]), stdout=-3, stderr=-3
            )
            probe = self.ns[source]
            base.wait_until(
                lambda: probe.run("ping", "-c1", "-W1", ADDRESS[name], check=False).returncode == 0,
                30,
                f"{name} to answer",
            )
            base.wait_until(
                lambda: "5201" in self.ns[name].run("ss", "-Hltn").stdout, 30, "iperf3 to listen"
            )
            self.servers[name] = process

    def command(self, way, seconds, streams=1, udp=None, warm_up=WARM_UP):
        """Command of the client; the server has been started."""
        source, target = WAYS[way]
        self.finish_checksums(bool(udp))
        self.server(target, source)
        pinned = ["-A", "0,1"] if os.cpu_count() > 1 else []
        return [
            "iperf3",
            "-c",
            ADDRESS[target],
            "-J",
            "-t",
            seconds,
            "-O",
            warm_up,
            "-P",
            streams,
            *pinned,
            *(["-u", "-b", udp, "-l", "1400"] if udp else []),
        ]

    def gbit(self, way, seconds, streams=1, udp=None, warm_up=WARM_UP):
        """(Gbit/s that arrived, CPU seconds per Gbit, CPU seconds)"""
        source, target = WAYS[way]
        words = self.command(way, seconds, streams, udp, warm_up)
        said, busy = base.wait_until(lambda: self._try(source, words, target), 30, f"iperf3 {way}")
        total = said["sum"] if udp else said["sum_received"]
        rate = (
            total["bytes"]
            * 8
            * ((1 - total["lost_percent"] / 100) if udp else 1)
            / total["seconds"]
            / 1e9
        )
        # the time before warm-up ended is CPU time, too
        return (
            rate,
            busy / max(rate * (total["seconds"] + warm_up), 1e-9),
            busy,
        )

    def _try(self, source, words, target):
        """(report of iperf3, CPU seconds of its two ends, of ksoftirqd and of user-space
        forwarders).

        The work of veth is done in the context of one of these.
        """
        others = [self.servers[target].pid, *ksoftirqds(), *self.place.workers]
        before = sum(map(cpu_seconds, others))
        client = subprocess.Popen(
            [str(w) for w in self.ns[source].command(*words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=base.die_with_parent,
        )
        output = client.stdout.read()
        client.stdout.close()
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = status
        answer = json.loads(output or b"{}")
        if status or not answer.get("end", {}).get("sum" if "-u" in words else "sum_received"):
            return None
        return (
            answer["end"],
            usage.ru_utime + usage.ru_stime + sum(map(cpu_seconds, others)) - before,
        )


def est(place):
    return beds.with_uplinkd(place, vlan=0)


def est_by_tc(place):
    return beds.with_uplinkd(place, vlan=0, receive="tc")


def bridge_behind_xdp(place):
    """The cost of XDP itself: on a plain veth a copy of every frame whose data TCP still holds, on
    a wire like that of a NIC none.
    """
    beds.with_bridge(place)
    Live("--pass", end(place.hv, "eth0"))


def limit(way, peer):
    """Two minimal programs that hold only the location of the other end."""
    ends = {"rx": ("eth0", "p0"), "tx": ("p0", "eth0"), "local": ("p0", "p1")}[way.split("_")[0]]

    def make(place):
        def redirect(source, target):
            kind = "peer" if peer and target != "eth0" else "tc"
            return [f"--redirect-{kind}", f"{end(place.hv, source)}:{target}"]

        place.like_nics()
        Live(*redirect(*ends), *redirect(*reversed(ends)))

    return make


def contenders(record):
    """name -> (make, number of uplinks)"""
    found = {"uplinkd": (est, 1), "bridge": (beds.with_bridge, 1)}
    if record.quick:
        return found
    found["uplinkd_receive_tc"] = est_by_tc, 1
    found["bridge_behind_xdp_pass"] = bridge_behind_xdp, 1
    found["uplinkd_2_uplinks"] = est, 2
    for name, peer in {
        "openvswitch_userspace": beds.openvswitch_userspace(),
        **beds.kernel_peers(),
    }.items():
        if peer.make:
            found[name] = (
                lambda place, peer=peer: peer.make(place, VLAN, tagged=False)
            ), peer.n_uplinks
        else:
            record.leave_out(f"{name} (TCP, UDP, latency)", peer.why)
    return found


def networks(record, wire):
    return {
        name: Network(make, n_uplinks, wire)
        for name, (make, n_uplinks) in contenders(record).items()
    }


def turn(record, field, way, seconds, streams, udp):
    """Each once, and the CPU time of all. A contender that fails is left out from then on."""
    found, own = {}, 0.0
    for name, network in list(field.items()):
        try:
            # iperf3 3.12 subtracts losses of a warm-up from later figures
            found[name] = network.gbit(way, seconds, streams, udp, 0 if udp else WARM_UP)
        except AssertionError as error:
            if name in ("uplinkd", "bridge"):
                raise
            record.leave_out(f"{'UDP' if udp else 'TCP'} {way} through {name}", str(error))
            field.pop(name)
            continue
        own += found[name][2]
    return found, own


def measure(record, field, way, streams, udp):
    for_mark = (streams, udp, way != "rx_veth") == (1, None, True)
    rounds = (2 if record.emulated else 7) if for_mark else 3
    seconds = 1 if record.quick or record.emulated or udp else 2
    numbers = itertools.count()

    def one_round():
        number = next(numbers)
        few = for_mark and number % OTHERS_EVERY
        turns = (
            {n: network for n, network in field.items() if n in ("uplinkd", "bridge")}
            if few
            else field
        )
        found, own = turn(record, rotated(turns, number), way, seconds, streams, udp)
        for name in set(field) - set(turns):
            found[name] = None
        for name in set(turns) - set(found):
            field.pop(name, None)
        return found, own

    found = record.quiet.rounds(rounds, one_round)
    taken = {name: [one[name] for one in found if one.get(name)] for name in field}
    for name, pairs in taken.items():
        if pairs:
            prefix = f"{'udp' if udp else 'tcp'}.{way}.{streams}stream.{name}"
            record.add(prefix, "Gbit/s", [p[0] for p in pairs])
            record.add(f"{prefix}.cpu", "CPU-s/Gbit", [p[1] for p in pairs])
    if streams == 1 and not udp:
        ratios = paired_ratios([p[0] for p in taken["uplinkd"]], [p[0] for p in taken["bridge"]])
        name = f"tcp_{way}_vs_bridge"
        record.add(f"ratio.{name}", "ratio", ratios)
        if for_mark:
            record.mark(name, statistics.median(ratios))


def run(record):
    shapes = (
        ((1, None),)
        if record.quick or record.emulated
        else ((1, None), (8, None), (1, "0"), (8, "0"))
    )
    for wire, ways in (
        (True, ("rx",)),
        (False, ("tx", "local") if record.quick or record.emulated else ("rx_veth", "tx", "local")),
    ):
        with base.Cleanup():
            common = networks(record, wire)
            for way in ways:
                with base.Cleanup():
                    limits = (
                        {}
                        if record.quick
                        else {
                            name: Network(limit(way, peer), wire=wire)
                            for name, peer in (
                                ("limit_tc_redirect", False),
                                ("limit_tc_redirect_peer", True),
                            )
                        }
                    )
                    for streams, udp in shapes:
                        if not (udp and way == "rx_veth"):
                            measure(
                                record, {**common, **({} if udp else limits)}, way, streams, udp
                            )
