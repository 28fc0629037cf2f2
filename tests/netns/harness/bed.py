# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The usual test bed: a hypervisor whose uplinks and machine ports are cables into one other
namespace ('world'), where every frame can be made and seen.

Uplink i of the hypervisor is eth<i> and its far end sw<i>; port i is p<i> and its far end (the
interface of the machine) m<i>.
"""
import time

from . import base
from .capture import Nic
from .daemon import Uplinkd
from .frames import BROADCAST, udp4
from .netns import NetNs, veths
from .taps import Tap


def port_mac(number):
    return f"52:54:00:00:{number >> 8:02x}:{number & 0xff:02x}"


def outside_mac(number):
    return f"02:aa:00:00:{number >> 8:02x}:{number & 0xff:02x}"


def switch(name, uplinks, groups, channel="static", **more):
    """groups: dictionaries, or (name, vlan, [port, ...]) with ports as numbers of p<i> or
    dictionaries.
    """
    made = []
    for group in groups:
        if not isinstance(group, dict):
            group_name, vlan, ports = group
            group = {
                "name": group_name,
                "vlan": vlan,
                "ports": [port(p) if isinstance(p, int) else p for p in ports],
            }
        made.append(group)
    return {
        "name": name,
        "uplinks": list(uplinks),
        "channel": channel,
        "up-delay-ms": 0,
        "port-groups": made,
        **more,
    }


def port(number):
    return {"interface": f"p{number}", "mac": port_mac(number)}


class Bed:
    def __init__(self, n_uplinks=2, n_ports=2, tap_uplinks=False, gro_ports=(), mtu=1500):
        self._set(NetNs("hv"), NetNs("world"), [f"eth{i}" for i in range(n_uplinks)])
        cables = [self._port_cable(i, mtu) for i in range(n_ports)]
        if tap_uplinks:
            self.taps = [Tap(self.hv, name, mtu=mtu) for name in self.uplink_names]
        else:
            cables += [
                (self.hv, name, self.world, f"sw{i}", None, None, mtu)
                for i, name in enumerate(self.uplink_names)
            ]
        veths(cables)
        for i in gro_ports:
            self.world.ethtool(f"m{i}", gro=True)

    def _set(self, hv, world, uplink_names):
        self.hv, self.world, self.uplink_names = hv, world, uplink_names
        self.taps, self.nics, self.daemon = [], {}, None

    @classmethod
    def around(cls, hv, uplink_names, world=None):
        """A bed around namespaces and cables that exist already."""
        bed = cls.__new__(cls)
        bed._set(hv, world, list(uplink_names))
        return bed

    def _port_cable(self, number, mtu=1500):
        return (self.hv, f"p{number}", self.world, f"m{number}", None, port_mac(number), mtu)

    def add_port(self, number):
        veths([self._port_cable(number)])

    def start(self, config=None, text=None, start=True):
        self.daemon = Uplinkd(
            self.hv, {"switches": config} if isinstance(config, list) else config, text
        )
        if start:
            self.daemon.start()
        return self.daemon

    def nic(self, name):
        """The far end of a port (m<i>) or uplink (sw<i>)."""
        if name not in self.nics:
            self.nics[name] = Nic(self.world, name)
        return self.nics[name]

    def listen(self, *names):
        """Opens these far ends (default: all) and discards the frames received so far."""
        for name in names:
            self.nic(name).frames()

    def far_uplinks(self):
        return [self.nic(n.replace("eth", "sw")) for n in self.uplink_names]

    def tx(self, name):
        """An end for Traffic."""
        return (name, self.world, name)

    def rx_uplinks(self):
        """Ends for Traffic: the far ends of all uplinks, by the uplinks' names."""
        return self.taps or [(n, self.world, n.replace("eth", "sw")) for n in self.uplink_names]

    def up(self, ifname, on=True):
        self.world.up(ifname, on)

    def wait_address(self, name, state, deadline=30):
        """Until the own address of the port is absent, tentative or confirmed."""
        now = lambda: {p["name"]: p["address_state"] for p in self.daemon.json("show", "ports")}
        base.wait_until(lambda: now()[name] == state, deadline, lambda: f"{name} {state}: {now()}")

    def wait_present(self):
        """Until all ports have their interfaces."""
        ports = lambda: self.daemon.json("show", "ports")
        base.wait_until(lambda: all(p["present"] for p in ports()), 30, lambda: f"all: {ports()}")
        self.daemon.call("Status")  # the reply follows all writes of the change

    def confirm(self, *numbers, tags=()):
        """A frame from each machine, which confirms its address; then empties the open far ends."""
        for n in numbers:
            self.nic(f"m{n}").send(
                udp4(BROADCAST, port_mac(n), "0.0.0.0", "192.0.2.255", tags=tags)
            )
            self.wait_address(f"p{n}", "confirmed")
        time.sleep(0.1)
        self.listen(*self.nics)

    def usable(self, *names, deadline=60):
        self.daemon.wait_uplinks(names, deadline)
