# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The cost of each program per kind of frame, with the maps of a running daemon: BPF_PROG_TEST_RUN
minus an empty program.
"""

from collections import namedtuple

from harness import base
from harness.bed import port_mac, switch
from harness.daemon import Uplinkd
from harness.frames import arp_request, eth, ETH_IP, ETH_IPV6, ipv4, ipv6, tag, udp4, udp6
from harness.lacp import Info, ScriptedPartner, lacpdu

from parts.beds import OUTSIDE, Place
from parts.tools import OBJECTS, Lines, tool

HAS_MARKS = True

XDP_DROP, XDP_PASS, XDP_REDIRECT = 1, 2, 4
TC_SHOT, TC_REDIRECT = 2, 7
NONE = -1
REPEAT = 100000
IPV4_DESTINATION = 30  # in a frame without a tag
FLOWS = 64
# with a channel
METHODS = (
    "src-dst-ip",
    "src-ip",
    "dst-ip",
    "src-dst-ip-port",
    "src-mac",
    "dst-mac",
    "src-dst-mac",
)
ALONE = ("port-id", "src-mac", "failover-order")  # without


def tcp4(dst, src, tags=()):
    return eth(dst, src, ETH_IP, ipv4("10.0.1.0", "10.0.0.1", 6, bytes(20)), tags)


def tcp6(dst, src, tags=()):
    return eth(dst, src, ETH_IPV6, ipv6("fd00::2", "fd00::1", 6, bytes(20)), tags)


class Meter(Lines):
    """Programs of one switch of a daemon."""

    def __init__(self, daemon, switch_name="bench"):
        super().__init__(daemon.ns.command(tool("cost"), OBJECTS))
        self.pins = daemon.bpffs / "uplinkd" / switch_name

    def runs(self, program, ifname, frame, expect, tci=NONE, rounds=9):
        kind = "xdp" if program.endswith("xdp") else "tc"
        answer = self.request(
            "case", self.pins / f"prog_{program}", kind, ifname, tci, frame.hex(), rounds, REPEAT
        )
        assert (
            answer["retval"] == expect
        ), f"{program} at {ifname}: verdict {answer['retval']} instead of {expect} for {frame.hex()}"
        return answer["ns"]

    def info(self, program):
        return self.request("info", self.pins / f"prog_{program}")


def undisturbed(runs):
    """The lower quartile: the cost of a frame on an otherwise idle core."""
    return sorted(runs)[len(runs) // 4]


def receive_cases():
    """(name, program, frame from the outside, verdict, tag outside the data). p0: VST 100, p1: EST,
    p2: VGT 200-300.
    """
    vst, est, vgt = port_mac(0), port_mac(1), port_mac(2)
    udp_args = ("10.0.1.0", "10.0.0.1")
    return [
        (
            "uplink_xdp.udp4.vst.hit",
            "uplink_xdp",
            udp4(vst, OUTSIDE, *udp_args, tags=[tag(100)]),
            XDP_REDIRECT,
            NONE,
        ),
        (
            "uplink_xdp.udp4.est.hit",
            "uplink_xdp",
            udp4(est, OUTSIDE, *udp_args),
            XDP_REDIRECT,
            NONE,
        ),
        (
            "uplink_xdp.udp4.vgt.hit",
            "uplink_xdp",
            udp4(vgt, OUTSIDE, *udp_args, tags=[tag(200)]),
            XDP_REDIRECT,
            NONE,
        ),
        (
            "uplink_xdp.udp6.vst.hit",
            "uplink_xdp",
            udp6(vst, OUTSIDE, "fd00::2", "fd00::1", tags=[tag(100)]),
            XDP_REDIRECT,
            NONE,
        ),
        (
            "uplink_xdp.arp.vst.hit",
            "uplink_xdp",
            arp_request(OUTSIDE, "10.0.1.0", "10.0.0.1", dst=vst, tags=[tag(100)]),
            XDP_REDIRECT,
            NONE,
        ),
        ("uplink_xdp.tcp4.vst.pass", "uplink_xdp", tcp4(vst, OUTSIDE, [tag(100)]), XDP_PASS, NONE),
        (
            "uplink_xdp.broadcast.vst.pass",
            "uplink_xdp",
            arp_request(OUTSIDE, "10.0.1.0", "10.0.0.1", tags=[tag(100)]),
            XDP_PASS,
            NONE,
        ),
        (
            "uplink_xdp.udp4.unknown_vlan",
            "uplink_xdp",
            udp4(vst, OUTSIDE, *udp_args, tags=[tag(99)]),
            XDP_DROP,
            NONE,
        ),
        (
            "uplink_xdp.udp4.miss",
            "uplink_xdp",
            udp4("02:00:00:00:12:34", OUTSIDE, *udp_args, tags=[tag(100)]),
            XDP_DROP,
            NONE,
        ),
        ("uplink_tc.tcp4.vst.hit", "uplink_tc", tcp4(vst, OUTSIDE), TC_REDIRECT, 100),
        ("uplink_tc.tcp4.est.hit", "uplink_tc", tcp4(est, OUTSIDE), TC_REDIRECT, NONE),
        ("uplink_tc.tcp4.vgt.hit", "uplink_tc", tcp4(vgt, OUTSIDE), TC_REDIRECT, 200),
        ("uplink_tc.tcp6.vst.hit", "uplink_tc", tcp6(vst, OUTSIDE), TC_REDIRECT, 100),
        (
            "uplink_tc.udp4.miss",
            "uplink_tc",
            udp4("02:00:00:00:12:34", OUTSIDE, *udp_args),
            TC_SHOT,
            100,
        ),
        (
            "uplink_tc.broadcast.vst.1_copy",
            "uplink_tc",
            arp_request(OUTSIDE, "10.0.1.0", "10.0.0.1"),
            TC_SHOT,
            100,
        ),
    ]


def send_cases():
    """(name, port, frame of a machine, verdict, tag outside the data)"""
    udp_args = ("10.0.0.1", "10.0.1.0")
    return [
        ("udp4.vst.uplink", 0, udp4(OUTSIDE, port_mac(0), *udp_args), TC_REDIRECT, NONE),
        ("udp4.est.uplink", 1, udp4(OUTSIDE, port_mac(1), *udp_args), TC_REDIRECT, NONE),
        ("udp4.vgt.uplink", 2, udp4(OUTSIDE, port_mac(2), *udp_args), TC_REDIRECT, 200),
        ("udp6.vst.uplink", 0, udp6(OUTSIDE, port_mac(0), "fd00::1", "fd00::2"), TC_REDIRECT, NONE),
        (
            "arp.vst.uplink",
            0,
            arp_request(port_mac(0), "10.0.0.1", "10.0.1.0", dst=OUTSIDE),
            TC_REDIRECT,
            NONE,
        ),
        ("udp4.vst.local", 0, udp4(port_mac(3), port_mac(0), *udp_args), TC_REDIRECT, NONE),
        ("udp4.vst.forged", 0, udp4(OUTSIDE, "02:00:00:00:12:34", *udp_args), TC_SHOT, NONE),
        (
            "arp.vst.broadcast.1_copy",
            0,
            arp_request(port_mac(0), "10.0.0.1", "10.0.1.0"),
            TC_REDIRECT,
            NONE,
        ),
    ]


Case = namedtuple("Case", "name program ifname frame verdict tci")


def all_cases():
    """Every case with the arguments of Meter.runs() in their order."""
    return [
        Case(f"port_tc.{name}", "port_tc", f"p{port}", frame, verdict, tci)
        for name, port, frame, verdict, tci in send_cases()
    ] + [
        Case(name, program, "eth0", frame, verdict, tci)
        for name, program, frame, verdict, tci in receive_cases()
    ]


def confirm_ports(meter):
    """One frame from each machine. Until then frames to it take the slow path and leave by an
    uplink as well.
    """
    for number, tci in enumerate((NONE, NONE, 200, NONE)):
        frame = udp4(OUTSIDE, port_mac(number), "10.0.0.1", "10.0.1.0")
        meter.runs("port_tc", f"p{number}", frame, TC_REDIRECT, tci, 1)


STEPS = [
    ("xdp", "redirect_map"),
    ("xdp", "adjust_head"),
    ("xdp", "count"),
    ("xdp", "find_interface"),
    ("xdp", "look_up_uplink"),
    ("tc", "redirect"),
    ("tc", "vlan_push"),
]


def groups(n_ports=4):
    def ports(*numbers):
        return [{"interface": f"p{i}", "mac": port_mac(i)} for i in numbers if i < n_ports]

    return [
        {"name": "vst", "vlan": 100, "ports": ports(0, 3)},
        {"name": "est", "vlan": 0, "ports": ports(1)},
        {"name": "vgt", "vlan": "200-300", "ports": ports(2)},
    ]


def start(place, channel, method):
    uplinks = [f"eth{i}" for i in range(place.n_uplinks)]
    more = {"lacp": {"rate": "fast"}} if channel == "lacp" else {}
    config = switch(
        "bench", uplinks, groups(), channel=channel, teaming={"load-balancing": method}, **more
    )
    daemon = Uplinkd(place.hv, {"switches": [config]}, log_level="warning").start()
    daemon.wait_uplinks(uplinks)
    return daemon


def measure_receive(record, meter, suffix, rounds):
    for name, program, frame, verdict, tci in receive_cases():
        runs = meter.runs(program, "eth0", frame, verdict, tci, rounds)
        record.add(f"cost.{name}{suffix}", "ns", runs)
        if name == "uplink_xdp.udp4.vst.hit" and not suffix:
            record.mark("cost_uplink_xdp_ns", undisturbed(runs))


def measure_sizes(record, meter):
    for program in ("uplink_xdp", "uplink_tc", "port_tc"):
        info = meter.info(program)
        record.add(f"size.{program}.instructions", "insns", [info["instructions"]])
        record.add(f"size.{program}.jited", "bytes", [info["jited_bytes"]])
        record.add(f"size.{program}.verified", "insns", [info["verified_instructions"]])


def measure_methods(record, wanted, rounds):
    place = Place(n_ports=4, n_uplinks=2)
    for channel, method in wanted:
        daemon = start(place, channel, method)
        meter = Meter(daemon)
        confirm_ports(meter)
        suffix = "" if channel == "static" else ".no_channel"
        for name, port, frame, verdict, tci in send_cases():
            runs = meter.runs("port_tc", f"p{port}", frame, verdict, tci, rounds)
            record.add(f"cost.port_tc.{method}{suffix}.{name}", "ns", runs)
            if name == "udp4.vst.uplink" and method == "src-dst-ip":
                record.mark("cost_port_tc_ns", undisturbed(runs))
        if method == "src-dst-ip" or (channel, method) == ("none", "src-mac"):
            measure_receive(record, meter, suffix, rounds)
        if method == "src-dst-ip":
            record.add(
                "cost.uplink_xdp.lacpdu.no_lacp.pass",
                "ns",
                meter.runs("uplink_xdp", "eth0", foreign_lacpdu(), XDP_PASS, NONE, rounds),
            )
            measure_sizes(record, meter)
            for kind, step in STEPS:
                record.add(
                    f"cost.step.{step}",
                    "ns",
                    meter.request("step", f"step_{step}", kind, rounds, REPEAT)["ns"],
                )
        meter.close()
        daemon.teardown()


def measure_flows(record, rounds):
    """Three uplinks in use, which is no power of two, and a different flow in each run."""
    place = Place(n_ports=4, n_uplinks=3)
    for method in ("src-dst-ip", "src-dst-ip-port"):
        daemon = start(place, "static", method)
        meter = Meter(daemon)
        confirm_ports(meter)
        name, port, frame, verdict, tci = send_cases()[0]
        meter.request("flows", IPV4_DESTINATION + 3, FLOWS - 1)
        record.add(
            f"cost.port_tc.{method}.3_uplinks.{FLOWS}_flows.{name}",
            "ns",
            meter.runs("port_tc", f"p{port}", frame, verdict, tci, rounds),
        )
        meter.request("flows", 0, 0)
        record.add(
            f"cost.port_tc.{method}.3_uplinks.1_flow.{name}",
            "ns",
            meter.runs("port_tc", f"p{port}", frame, verdict, tci, rounds),
        )
        meter.close()
        daemon.teardown()


def foreign_lacpdu():
    """From an unknown partner."""
    return lacpdu(Info("02:00:00:00:77:01", key=1, port=1, state=0x3F), Info(), OUTSIDE)


def measure_lacp(record, rounds):
    """LACP frames above the rate limit: the cost of a flood. The last information of the partner is
    compared with its stored form.
    """
    place = Place(n_ports=4, n_uplinks=2)
    partner = ScriptedPartner(place.outside, ("sw0", "sw1"))
    daemon = start(place, "lacp", "src-dst-ip")
    base.wait_until(lambda: partner.agreed("sw0", "sw1"), 30, "agreement with the partner")
    meter = Meter(daemon)
    for name, frame in (
        ("flood_of_the_partners_own", partner["sw0"].frame()),
        ("flood_of_others", foreign_lacpdu()),
    ):
        record.add(
            f"cost.uplink_xdp.lacpdu.{name}.drop",
            "ns",
            meter.runs("uplink_xdp", "eth0", frame, XDP_DROP, NONE, rounds),
        )
    meter.close()
    partner.stop()
    daemon.teardown()


def run(record):
    wanted = [("static", "src-dst-ip")]
    if not record.quick:
        wanted += [("static", m) for m in METHODS if m != "src-dst-ip"] + [
            ("none", m) for m in ALONE
        ]
    rounds = 15 if record.quick else 9
    with base.Cleanup():
        measure_methods(record, wanted, rounds)
    if record.quick:
        return
    with base.Cleanup():
        measure_flows(record, rounds)
    with base.Cleanup():
        measure_lacp(record, rounds)
