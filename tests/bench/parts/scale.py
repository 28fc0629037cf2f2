# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Large configurations, each with start, memory, reload, rewrite of the buckets, cost of a
frame.
"""
import json
import select
import socket
import time

from harness import base
from harness.bed import outside_mac, port_mac
from harness.daemon import Uplinkd
from harness.frames import tag, udp4
from harness.netns import NetNs

from parts.beds import OUTSIDE
from parts.cost import TC_REDIRECT, XDP_REDIRECT, Meter
from parts.tools import cpu_seconds, offload, tool


class Host:
    """A hypervisor with many cables; the far ends are all in one namespace."""

    def __init__(self, n_uplinks, n_ports):
        self.hv, self.world = NetNs("hv"), NetNs("world")
        self.n_uplinks, self.n_ports = n_uplinks, n_ports
        names = [(f"eth{i}", f"sw{i}", outside_mac(i + 1)) for i in range(n_uplinks)] + [
            (f"p{i}", f"m{i}", port_mac(i)) for i in range(n_ports)
        ]
        shape = "numtxqueues 1 numrxqueues 1"
        self.hv.ip_batch(
            *[
                f"link add {near} up {shape} type veth peer name {far} address {mac} {shape} netns {self.world.name}"
                for near, far, mac in names
            ]
        )
        self.world.ip_batch(*[f"link set {far} up" for _, far, _ in names])
        offload(self.world, "m0", "gro", "on")

    def uplinks(self):
        return [f"eth{i}" for i in range(self.n_uplinks)]

    def groups(self, n_groups, first_vlan=100, teaming=lambda i: {}):
        """Distributes the ports over n_groups VLANs."""
        return [
            {
                "name": f"g{i}",
                "vlan": first_vlan + i,
                "teaming": teaming(i),
                "ports": [
                    {"interface": f"p{p}", "mac": port_mac(p)}
                    for p in range(i, self.n_ports, n_groups)
                ],
            }
            for i in range(n_groups)
        ]

    def config(self, groups, channel="static", **more):
        return {
            "switches": [
                {
                    "name": "bench",
                    "uplinks": self.uplinks(),
                    "channel": channel,
                    "up-delay-ms": 0,
                    "port-groups": groups,
                    **more,
                }
            ]
        }


def start_time(daemon):
    """Seconds from fork to READY=1."""
    start = time.monotonic()
    daemon.spawn()
    while "READY=1" not in daemon.read_notify():
        assert daemon.process.poll() is None, daemon.log()
        assert time.monotonic() < start + 120 * base.SLOW, f"not ready\n{daemon.log()}"
        select.select([daemon.notify], [], [], 0.5)
    return time.monotonic() - start


def request(daemon, method):
    """Milliseconds until the control socket has answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
        control.connect(str(daemon.run_dir / "uplinkd.sock"))
        start = time.monotonic()
        control.sendall(json.dumps({"method": f"io.uplinkd.{method}"}).encode() + b"\0")
        answer = b""
        while not answer.endswith(b"\0"):
            answer += control.recv(65536)
        taken = (time.monotonic() - start) * 1000
    assert b'"error"' not in answer, answer
    return taken


def cpu_ms(daemon):
    """CPU time of the daemon so far."""
    return int(open(f"/proc/{daemon.process.pid}/schedstat").read().split()[0]) / 1e6


def resident_mib(daemon):
    for line in open(f"/proc/{daemon.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def map_memory_mib(daemon, switch_name="bench"):
    total = 0
    for pin in (daemon.bpffs / "uplinkd" / switch_name).glob("ul_*"):
        total += json.loads(base.run("bpftool", "-j", "map", "show", "pinned", pin).stdout)[
            "bytes_memlock"
        ]
    return total / 2**20


def rewrite_ms(daemon, n_policies, uplink=0):
    """Milliseconds after the interface went down: (last poll without a changed bucket, first poll
    with all of them changed).
    """
    pin = daemon.bpffs / "uplinkd/bench/ul_policies"
    answer = json.loads(
        daemon.ns.run(tool("rewrite"), pin, f"eth{uplink}", uplink, n_policies).stdout
    )
    daemon.wait_uplinks([u["name"] for u in daemon.json("show", "uplinks")], 30)
    return answer["first_ms"], answer["last_ms"]


def udp_cases(vlan=100):
    """A UDP frame to and from port 0, by program."""
    return {
        "uplink_xdp": (
            "uplink_xdp",
            "eth0",
            udp4(port_mac(0), OUTSIDE, "10.0.1.0", "10.0.0.1", tags=[tag(vlan)]),
            XDP_REDIRECT,
        ),
        "port_tc": (
            "port_tc",
            "p0",
            udp4(OUTSIDE, port_mac(0), "10.0.0.1", "10.0.1.0"),
            TC_REDIRECT,
        ),
    }


def costs_in_turns(record, meters, case, rounds, each):
    """For each meter rounds * each figures in ns; each of the rounds measures all meters in
    turn.
    """

    def turn():
        before = sum(cpu_seconds(meter.process.pid) for meter in meters)
        found = [meter.runs(*case, rounds=each) for meter in meters]
        return found, sum(cpu_seconds(meter.process.pid) for meter in meters) - before

    found = record.quiet.rounds(rounds, turn)
    return [sum((one[i] for one in found), []) for i in range(len(meters))]


def measure(record, name, host, config, rounds=3, n_policies=1, costs=True, rewrite=True):
    """All measurements of one configuration."""
    starts, worked_to_start, reloads = [], [], []
    for i in range(rounds):
        daemon = Uplinkd(host.hv, config, log_level="warning")
        starts.append(start_time(daemon))
        worked_to_start.append(cpu_ms(daemon) / 1000)
        if i + 1 < rounds:
            daemon.teardown()
    daemon.wait_uplinks(host.uplinks(), 30)
    record.add(f"{name}.start", "s", starts)
    record.add(f"{name}.start.cpu", "s", worked_to_start)
    worked = cpu_ms(daemon)
    for _ in range(9):
        reloads.append(request(daemon, "Reload"))
    record.add(f"{name}.reload_unchanged", "ms", reloads)
    record.add(f"{name}.reload_unchanged.cpu", "ms", [(cpu_ms(daemon) - worked) / len(reloads)])
    record.add(f"{name}.rss", "MiB", [resident_mib(daemon)])
    record.add(
        f"{name}.maps",
        "MiB",
        [sum(map_memory_mib(daemon, one["name"]) for one in config["switches"])],
    )
    if rewrite:
        times = [rewrite_ms(daemon, n_policies) for _ in range(rounds)]
        record.add(f"{name}.failover_first_bucket", "ms", [t[0] for t in times])
        record.add(f"{name}.failover_last_bucket", "ms", [t[1] for t in times])
        record.add(f"{name}.bucket_rewrite", "ms", [t[1] - t[0] for t in times])
    if costs:
        meter = Meter(daemon)
        for program, case in udp_cases().items():
            (found,) = costs_in_turns(record, [meter], case, 3, 7)
            record.add(f"{name}.cost.{program}", "ns", found)
        meter.close()
    restart = []
    assert daemon.stop() == 0
    restart.append(start_time(daemon))
    record.add(f"{name}.restart", "s", restart)
    daemon.teardown()
