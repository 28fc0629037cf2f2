# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What the random changes intend: the state that the switches must reach, and who receives a frame.

`va` is an LACP channel of two cables; `vb` has two taps without a channel. Ports come from one
pool. A port belongs to a group by the file, by a request, or as a member of an attachment bridge.
"""
import copy
from dataclasses import dataclass, field

from harness import model
from harness.bed import port, port_mac, switch

UPLINKS = {"va": ("eth0", "eth1"), "vb": ("tap0", "tap1")}
CHANNELS = {"va": "lacp", "vb": "none"}
GROUPS = {"va": ("prod", "lab", "nest"), "vb": ("web", "guest")}
SWITCH_OF = {group: name for name, groups in GROUPS.items() for group in groups}
LEARNING, LEARNED = "nest", 16  # its ports may have so many addresses
BRIDGED, BRIDGE = "guest", "br-guest"
PORTS = 8
VLANS = {
    "prod": (100, 101),
    "lab": (200, 201),
    "nest": (400,),
    "web": (100, 101),
    "guest": (300, 301),
}
MTUS = (1500, 1600, 2000)
UNUSED_VLAN = 999
FILE, RUNTIME, MEMBER = "file", "run-time", "member"


def far_end(uplink):
    """The observer of an uplink: the far end of its cable, or the tap itself."""
    return uplink.replace("eth", "sw")


@dataclass
class Place:
    group: str
    how: str


@dataclass
class Intent:
    vlans: dict = field(default_factory=lambda: {g: ids[0] for g, ids in VLANS.items()})
    mtus: dict = field(default_factory=lambda: {name: MTUS[0] for name in UPLINKS})
    places: dict = field(
        default_factory=lambda: {
            number: Place(group, FILE)
            for number, group in enumerate(("prod", "prod", "lab", "nest", "web", "web"))
        }
    )
    present: set = field(default_factory=lambda: set(range(PORTS)))  # ports with an interface
    drained: set = field(default_factory=set)
    down: set = field(default_factory=set)  # uplinks without carrier
    silent: set = field(default_factory=set)  # uplinks whose partner sends nothing

    def copy(self):
        return copy.deepcopy(self)

    # ---- configuration ----
    def config(self):
        return {"switches": [self._switch(name) for name in UPLINKS]}

    def _switch(self, name):
        groups = [self._group(group) for group in GROUPS[name]]
        more = {"lacp": {"rate": "fast"}} if CHANNELS[name] == "lacp" else {}
        return switch(
            name, UPLINKS[name], groups, channel=CHANNELS[name], mtu=self.mtus[name], **more
        )

    def _group(self, group):
        ports = [
            port(number)
            for number, place in sorted(self.places.items())
            if place == Place(group, FILE)
        ]
        more = {}
        if group == LEARNING:
            limits = {"limit": LEARNED, "policy": "drop", "unicast-flooding": False, "age-s": 10}
            more["security"] = {"mac-learning": limits}
        if group == BRIDGED:
            more["bridge"] = BRIDGE
        return {"name": group, "vlan": self.vlans[group], "ports": ports, **more}

    # ---- expected state ----
    def usable(self, name):
        bad = self.drained | self.down | self.silent
        return [uplink for uplink in UPLINKS[name] if uplink not in bad]

    def ports(self):
        """{name: what `uplinkctl show ports` must say}"""
        return {
            f"p{number}": {
                "switch": SWITCH_OF[place.group],
                "group": place.group,
                "present": number in self.present,
                "runtime": place.how != FILE,
                "attached": place.how == MEMBER,
                "error": None,
            }
            for number, place in self.places.items()
        }

    def free(self, present=None):
        """Ports of the pool that belong to no group."""
        return [
            n for n in range(PORTS) if n not in self.places and present in (None, n in self.present)
        ]

    def placed(self, *how):
        return [n for n, place in sorted(self.places.items()) if place.how in how]

    def connected(self):
        """Ports that can send and receive."""
        return [n for n in sorted(self.places) if n in self.present]

    def findings(self):
        """Codes of the findings that this state causes; others are defects."""
        found = set()
        for name in UPLINKS:
            usable = self.usable(name)
            if not usable:
                found |= {"no_uplink"}
        if self.down:
            found |= {"uplink_no_carrier", "uplink_down"}
        if self.drained:
            found |= {"uplink_drained"}
        if self.silent:
            found |= {"lacp_no_lacpdu", "lacp_late_lacpdus", "uplink_waiting"}
        if any(number not in self.present for number in self.places):
            found |= {"port_missing"}
        return found

    # ---- receivers ----
    def switch_model(self, name, pinned):
        """The independent model of a switch (harness/model.py). pinned: {port: far end of the uplink
        that serves it}, without a channel.
        """
        channel = CHANNELS[name] != "none"
        made = model.Switch([far_end(u) for u in UPLINKS[name]], channel=channel)
        for number in self.connected():
            group = self.places[number].group
            if SWITCH_OF[group] == name:
                made.ports.append(
                    model.Port(
                        f"m{number}",
                        port_mac(number),
                        "vst",
                        self.vlans[group],
                        pinned=pinned.get(number),
                    )
                )
        return made
