# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Test beds of LACP: uplinkd against Open vSwitch or a scripted partner, with traffic."""
import time

from . import base
from .base import wait_until
from .bed import Bed, outside_mac, port_mac, switch
from .lacp import OvsChannel, ScriptedPartner
from .netns import NetNs, veth
from .ovs import Host
from .traffic import Traffic, paced

OUTSIDE = outside_mac(5)
FLOWS = 64


def lacp_switch(uplinks, rate="fast", **lacp):
    more = {
        key.replace("_", "-"): lacp.pop(key)
        for key in ("teaming", "up_delay_ms", "receive")
        if key in lacp
    }
    return switch(
        "vs",
        uplinks,
        [("prod", 100, [0])],
        channel="lacp",
        lacp={"rate": rate, **{k.replace("_", "-"): v for k, v in lacp.items()}},
        **more,
    )


def ports_of(daemon):
    return {p["uplink"]: p for p in daemon.json("show", "lacp")}


def in_use(daemon, *uplinks):
    """Exactly these uplinks collect and distribute at both ends."""

    def good(port):
        return all(
            {"synchronization", "collecting", "distributing"} <= set(port[side]["state"])
            for side in ("actor", "partner")
        )

    return {name for name, port in ports_of(daemon).items() if good(port)} == set(uplinks)


class OvsTraffic(Traffic):
    """Traffic at a rate that Open vSwitch in user space carries without loss.

    Its process may not run for some tenths of a second. The traffic lasts as long as at 1,000/s.
    """

    RATE = 250

    def __init__(self, tx, rx, **more):
        super().__init__(tx, rx, rate=paced(self.RATE), **more)

    def flow(self, frames=1000):
        return super().flow(frames * self.RATE // 1000)

    @classmethod
    def frames_in(cls, seconds):
        return seconds * base.SLOW * paced(cls.RATE)


class OvsBed:
    """uplinkd over n uplinks to a channel of Open vSwitch, behind which a host listens in VLAN
    100.
    """

    def __init__(self, ovs, n=2, lacp="active", rate="fast", **config):
        self.ovs = ovs
        self.host = Host(ovs, "192.0.2.50/24", tag=100, mac=OUTSIDE)
        hv, world = NetNs("hv"), NetNs("world")
        self.names = [f"eth{i}" for i in range(n)]
        self.channel = OvsChannel(ovs, hv, self.names, lacp=lacp, rate=rate)
        veth(hv, "p0", world, "m0", mac_b=port_mac(0))
        self.bed = Bed.around(hv, self.names, world)
        self.config = config
        self.daemon = self.bed.start([lacp_switch(self.names, **config)], start=False)

    def reconfigure(self, **changes):
        self.config.update(changes)
        self.daemon.write({"switches": [lacp_switch(self.names, **self.config)]})
        self.daemon.ctl("reload")

    def members(self, *names):
        return [self.channel.cables[n] for n in names or self.names]

    def agreed(self, *names):
        return self.channel.in_use(*self.members(*names)) and in_use(
            self.daemon, *(names or self.names)
        )

    def wait(self, *names, deadline=60):
        start = time.monotonic()
        wait_until(
            lambda: self.agreed(*names),
            deadline,
            lambda: f"LACP on {names or self.names}: {self.channel.states()}\n{self.daemon.ctl('show', 'lacp').stdout}\n{self.daemon.log()}",
        )
        return time.monotonic() - start

    def start(self):
        self.daemon.start()
        self.wait()
        return self

    def ends(self, name):
        """Both ends of the cable of an uplink."""
        return [(self.bed.hv, name), (self.ovs.ns, self.channel.cables[name])]

    def traffic(self):
        """Both directions: (out, in)."""
        out = OvsTraffic(
            self.bed.tx("m0"),
            [("h0", self.host.ns, "h0")],
            flows=FLOWS,
            src_mac=port_mac(0),
            dst_mac=OUTSIDE,
        )
        back = OvsTraffic(
            ("h0", self.host.ns, "h0"),
            [self.bed.tx("m0")],
            flows=FLOWS,
            src_mac=OUTSIDE,
            dst_mac=port_mac(0),
            src="10.0.1.1",
            dst="10.0.0.0",
        )
        return out, back


def both(streams, command, *words):
    for stream in streams:
        getattr(stream, command)(*words)


class ScriptBed:
    """uplinkd over n (or the named) uplinks to a scripted partner, which does not send on mute
    ones.
    """

    def __init__(
        self,
        n=2,
        short=True,
        interval=0.9,
        with_partner=True,
        uplinks=None,
        mute=(),
        start=True,
        **config,
    ):
        self.bed = Bed(n_uplinks=n, n_ports=1)
        self.names = list(uplinks or self.bed.uplink_names)
        self.far = {name: name.replace("eth", "sw") for name in self.bed.uplink_names}
        self.partner = (
            ScriptedPartner(self.bed.world, self.far.values(), short=short, interval=interval)
            if with_partner
            else None
        )
        for name in mute:
            self.partner[self.far[name]].mute = True
        self.config = config
        self.daemon = self.bed.start([lacp_switch(self.names, **config)], start=start)

    def write(self, uplinks=None, **changes):
        """Writes another configuration file with these uplinks and settings."""
        self.names = list(uplinks or self.names)
        self.config.update(changes)
        self.daemon.write({"switches": [lacp_switch(self.names, **self.config)]})

    def reconfigure(self, uplinks=None, **changes):
        self.write(uplinks, **changes)
        self.daemon.ctl("reload")

    def port(self, name):
        return self.partner[self.far[name]]

    def change(self, name):
        return self.partner.change(self.far[name])

    def wait(self, *names, deadline=60):
        def agreed():
            return self.partner.agreed(*(self.far[n] for n in names or self.names)) and in_use(
                self.daemon, *(names or self.names)
            )

        wait_until(
            agreed,
            deadline,
            lambda: f"LACP on {names or self.names}\n{self.daemon.ctl('show', 'lacp').stdout}\n{self.daemon.log()}",
        )
        return self

    def lacpdus(self, name, since=0.0):
        """[(time, actor, partner)] of the LACPDUs that uplinkd sent."""
        return self.partner.lacpdus_of_uplinkd(self.far[name], since)

    def traffic(self, **more):
        return Traffic(
            self.bed.tx("m0"),
            self.bed.rx_uplinks(),
            rate=paced(5000),
            flows=FLOWS,
            src_mac=port_mac(0),
            dst_mac=OUTSIDE,
            **more,
        )


def problems(daemon):
    return {
        (p["code"], p["object"]): p
        for s in daemon.json("status")["switches"]
        for p in s["problems"]
    }
