# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Frames lost, duration of the loss and longest gap when one of two uplinks fails or returns.

A machine sends numbered frames at a steady rate. Only frames sent after the kernel had confirmed
the event are counted.
"""
import time

from harness import base
from harness.base import Cleanup
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.features import programs_see_carrier
from harness.lacp import ScriptedPartner, silence
from harness.traffic import Traffic, paced

from parts import beds

HAS_MARKS = True
FLOWS = 64
RATES = (1000, 10000, 100000)  # frames per second


SILENCE = 5.0  # seconds in which LACP can notice a silent partner: the short timeout is 3
TRIES = 4  # something else may have slowed the generator down
PEER_TIME = 0.5  # seconds for a peer to notice an event at an uplink


class Subject:
    """A forwarder over two uplinks, and the uplink at which the event occurs."""

    daemon = None

    def __init__(self, near, far, machine):
        """machine: an end for Traffic"""
        self.near, self.far, self.machine, self.victim = near, far, machine, "eth1"

    def choose_victim(self):
        """The uplink that carries most, because some forwarders use only one."""
        traffic = self.traffic(paced(1000))
        traffic.flow(200)
        ends = traffic.stop().phases[0].ends
        self.victim = max(("eth0", "eth1"), key=lambda name: ends[name])

    def survivor(self):
        return "eth0" if self.victim == "eth1" else "eth1"

    def far_victim(self):
        return self.victim.replace("eth", "sw")

    def traffic(self, rate):
        ends = [(f"eth{i}", self.far, f"sw{i}") for i in range(2)] + [
            ("near", self.near, self.victim)
        ]
        return Traffic(
            self.machine, ends, rate=rate, flows=FLOWS, src_mac=port_mac(0), dst_mac=outside_mac(1)
        )

    def wait_for_cut(self):
        time.sleep(PEER_TIME * base.SLOW)  # the peer has no state to query

    def wait_for_all(self):
        time.sleep(PEER_TIME * base.SLOW)


class Uplinkd(Subject):
    def __init__(self, channel="static", **more):
        self.bed = Bed(n_uplinks=2, n_ports=1)
        super().__init__(self.bed.hv, self.bed.world, self.bed.tx("m0"))
        self.partner = (
            ScriptedPartner(self.bed.world, ("sw0", "sw1")) if channel == "lacp" else None
        )
        self.daemon = self.bed.start(
            [switch("bench", self.bed.uplink_names, [("prod", 100, [0])], channel=channel, **more)]
        )
        self.bed.usable(*self.bed.uplink_names)

    def wait_for_cut(self):
        self.bed.usable(self.survivor())

    def wait_for_all(self):
        self.bed.usable("eth0", "eth1")


class Peer(Subject):
    def __init__(self, make, lacp=False):
        self.place = beds.Place(n_ports=1, n_uplinks=2)
        super().__init__(self.place.hv, self.place.outside, ("m0", self.place.machines[0], "m0"))
        self.partner = ScriptedPartner(self.place.outside, ("sw0", "sw1")) if lacp else None
        make(self.place)


def lost(figures, *kinds):
    """(frames lost, milliseconds from the first to the last of them, longest time without any
    frame)
    """
    phases = [p for p in figures.phases if p.kind in kinds]
    lasted = [
        (p.last_lost - p.first_lost + 1) * 1000 / figures.rate if p.lost else 0.0 for p in phases
    ]
    return sum(p.lost for p in phases), max(lasted), max(p.longest_gap_ms for p in phases)


def add(record, name, found):
    record.add(f"{name}.lost", "frames", [f[0] for f in found])
    record.add(f"{name}.lost_for", "ms", [f[1] for f in found])
    record.add(f"{name}.longest_gap", "ms", [f[2] for f in found])


def carrier(subject, rate, frames, admin):
    subject.choose_victim()
    end = "near" if admin else subject.victim
    traffic = subject.traffic(rate)
    traffic.flow(frames)
    traffic.cut(end)
    traffic.flow(frames)
    subject.wait_for_cut()
    traffic.restore(end)
    subject.wait_for_all()
    traffic.mark()
    traffic.flow(frames)
    return traffic.stop()


def cut_and_failback(record, name, subject, rate, rounds, admin=False, stopped=False):
    cuts, backs = [], []
    for _ in range(rounds):
        if stopped:
            subject.choose_victim()
            subject.daemon.freeze()
            traffic = subject.traffic(rate)
            traffic.flow(rate // 4)
            traffic.cut(subject.victim)
            traffic.flow(rate // 4)
            figures = traffic.stop()
            subject.daemon.thaw()
            subject.wait_for_cut()
            subject.far.up(subject.far_victim())
            subject.wait_for_all()
        else:
            figures = carrier(subject, rate, max(rate // 4, 200), admin)
            backs.append(lost(figures, "restored", "mark"))
        cuts.append(lost(figures, "cut"))
    add(record, name, cuts)
    if backs:
        add(record, f"{name}.failback", backs)
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
        subject.daemon.ctl("uplink", "drain", subject.victim)

    def undrain():
        subject.daemon.ctl("uplink", "undrain", subject.victim)
        subject.wait_for_all()

    for name, action in (
        ("drain", drain),
        ("undrain", undrain),
        ("daemon_restart", subject.daemon.restart),
    ):
        found = []
        for _ in range(rounds):
            subject.choose_victim()
            if name == "undrain":
                drain()
            found.append(during(subject, rate, action))
            if name == "drain":
                undrain()
        add(record, f"failover.uplinkd.{name}.{rate}", found)


def silent_loss(record, name, subject, rates, rounds):
    """The cable of an uplink loses everything, with its carrier up: only LACP can notice it."""

    def fall_silent():
        with silence(
            [(subject.near, subject.victim), (subject.far, subject.far_victim())], everything=True
        ):
            time.sleep(SILENCE)  # the traffic continues meanwhile

    for rate in rates:
        found = []
        for _ in range(rounds):
            base.wait_until(
                lambda: subject.partner.agreed("sw0", "sw1"),
                30,
                f"{name} and its partner to agree on both links",
            )
            subject.choose_victim()
            found.append(during(subject, rate, fall_silent))
        add(record, f"failover.{name}.lacp_silent.{rate}", found)


def peers(record):
    """name -> (with a static channel or the nearest that the peer has, with LACP)"""

    def openvswitch(datapath):
        return (lambda p: beds.with_openvswitch(p, datapath=datapath)), (
            lambda p: beds.with_openvswitch(p, datapath=datapath, lacp=True)
        )

    found = {"openvswitch_userspace": openvswitch("netdev")}
    kernel = beds.kernel_peers()
    for name in ("bonding_bridge_vlan", "teamd_bridge_vlan", "openvswitch_kernel"):
        if kernel[name].why:
            record.leave_out(f"{name} (failover)", kernel[name].why)
        elif name.startswith("bonding"):
            for miimon in (100, 10):
                found[f"bonding_miimon_{miimon}"] = (
                    lambda p, m=miimon: beds.with_bridge(p, 0, beds.static_bond(m)),
                    lambda p, m=miimon: beds.with_bridge(p, 0, beds.lacp_bond(m)),
                )
        elif name.startswith("teamd"):
            found["teamd"] = beds.with_team, lambda p: beds.with_team(p, lacp=True)
        else:
            found[name] = openvswitch("system")
    return found


def sendable(record, subject, rates):
    """Those of rates that this machine reaches; an emulated one is far too slow for some."""
    found = []
    for rate in rates:
        sent = 0
        for _ in range(TRIES):
            traffic = subject.traffic(rate)
            traffic.flow(rate * base.SLOW)  # a second
            sent = max(sent, traffic.stop().rate)
            if sent >= 0.9 * rate:
                found.append(rate)
                break
        else:
            record.leave_out(
                f"failover at {rate} frames/s",
                f"the generator reaches only {sent:.0f}/s on this machine",
            )
    return found


def run_marks(record, subject, rates, rounds):
    for rate in rates:
        runs = cut_and_failback(record, f"failover.uplinkd.carrier.{rate}", subject, rate, rounds)
        if rate == 100000:
            record.mark("failover_lost_100k", max(runs))
        if programs_see_carrier():
            runs = cut_and_failback(
                record,
                f"failover.uplinkd.carrier_daemon_stopped.{rate}",
                subject,
                rate,
                rounds,
                stopped=True,
            )
            if rate == 100000:
                record.mark("failover_lost_100k_stopped", max(runs))
        if not record.quick:
            cut_and_failback(
                record, f"failover.uplinkd.admin_down.{rate}", subject, rate, rounds, admin=True
            )
            measure_actions(record, subject, rate, rounds)
    if not programs_see_carrier():
        record.leave_out(
            "failover with the daemon stopped", "the kernel has no bpf_rdonly_cast (6.2)"
        )


def run(record):
    rounds, silences = (2, 1) if record.emulated else (3, 2)
    with Cleanup():
        subject = Uplinkd()
        rates = sendable(record, subject, RATES[-1:] if record.quick else RATES)
        run_marks(record, subject, rates, rounds)
    if record.quick:
        return
    with Cleanup():
        silent_loss(
            record, "uplinkd", Uplinkd(channel="lacp", lacp={"rate": "fast"}), rates, silences
        )
    for name, (static, lacp) in peers(record).items():
        try:
            with Cleanup():
                subject = Peer(static)
                for rate in rates:
                    cut_and_failback(
                        record, f"failover.{name}.carrier.{rate}", subject, rate, rounds
                    )
                    cut_and_failback(
                        record,
                        f"failover.{name}.admin_down.{rate}",
                        subject,
                        rate,
                        rounds,
                        admin=True,
                    )
            with Cleanup():
                silent_loss(record, name, Peer(lacp, lacp=True), rates, silences)
        except AssertionError as error:
            record.leave_out(f"{name} (failover, from here on)", str(error))
