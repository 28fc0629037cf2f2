# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A model of the switch: the receivers of each frame, to be compared with the wire.

It follows only the specification in docs/design (VLAN and Receiving). A frame is (source,
destination, tags, rest); tags are (tpid, tci), outermost first. Observers are named by the far
ends: m<i> and sw<i>.
"""
import ipaddress
import struct
from dataclasses import dataclass, field

from .frames import CTAG, ETH_IP, STAG, mac

ANY = "any one uplink"


@dataclass
class Port:
    far: str
    mac: str
    mode: str  # est, vst, vgt
    vid: int = 0
    vlans: frozenset = frozenset()  # vgt: the list; 0 = untagged
    qinq: bool = False  # vgt: frames with a service tag
    pinned: str = (
        None  # without a channel: the far end of the uplink from which it accepts group addresses
    )


@dataclass
class Switch:
    uplinks: list  # far ends, in order
    ports: list = field(default_factory=list)
    channel: bool = True

    def has(self, name):
        return name in self.uplinks or any(p.far == name for p in self.ports)


def build(src, dst, tags, rest):
    return mac(dst) + mac(src) + b"".join(struct.pack("!HH", *t) for t in tags) + rest


def vid_of(tags):
    return tags[0][1] & 0xFFF if tags else 0


def is_service(tags):
    return bool(tags) and tags[0][0] == STAG


def belongs_nowhere(tags):
    """Tags of older provider switches, and a tag behind a priority tag, which a switch that removes
    the first would obey.
    """
    return bool(tags) and (tags[0][0] not in (CTAG, STAG) or (not vid_of(tags) and len(tags) > 1))


def is_group(dst):
    return mac(dst)[0] & 1


def member(port, vlan, service):
    """Whether the port is a member of the VLAN, for a frame with or without a service tag."""
    if port.mode == "vgt":
        return vlan in port.vlans and (port.qinq or not service)
    return not service and port.vid == vlan


def form_for(port, vlan, tags):
    """Tags of the frame at the port, from the tags of the frame on the wire in its VLAN."""
    return tags if port.mode == "vgt" else tags[1:]


def receivers(switch, vlan, tags, dst, skip=None, from_uplink=None):
    """Ports that receive the frame, with their tags; None: no port owns the address."""
    service = is_service(tags)
    if is_group(dst):
        takes = [p for p in switch.ports if p is not skip and member(p, vlan, service)]
        if from_uplink and not switch.channel:
            takes = [p for p in takes if p.pinned == from_uplink]
        return [(p.far, form_for(p, vlan, tags)) for p in takes]
    owners = [p for p in switch.ports if p.mac == dst and member(p, vlan, service)]
    if not owners:
        return None
    owner = owners[0]
    return [] if owner is skip else [(owner.far, form_for(owner, vlan, tags))]


def uplink_by_ip_hash(switch, tags, rest):
    """Route based on IP hash, through at most one tag behind the outer one; ANY if undefined."""
    if len(tags) > 2 or rest[:2] != struct.pack("!H", ETH_IP):
        return ANY
    src, dst = (int(ipaddress.IPv4Address(rest[at : at + 4])) for at in (14, 18))
    return switch.uplinks[(src ^ dst) % len(switch.uplinks)]


def from_port(switch, port, src, dst, tags, rest):
    """[(observer, whole frame)]"""
    vlan = vid_of(tags)
    original = tags
    if belongs_nowhere(tags):
        return []
    if port.mode == "vgt":
        if not member(port, vlan, is_service(tags)):
            return []
    else:
        if vlan or is_service(tags):
            return []
        if port.mode == "vst":
            pcp = tags[0][1] & 0xF000 if tags else 0
            tags = [(CTAG, pcp | port.vid)] + list(tags[1:])
            vlan = port.vid
    local = receivers(switch, vlan, tags, dst, skip=port)
    found = [(far, build(src, dst, form, rest)) for far, form in local or []]
    if local is None or is_group(dst):
        uplink = uplink_by_ip_hash(switch, original, rest) if switch.channel else port.pinned
        found.append((uplink, build(src, dst, tags, rest)))
    return found


def from_uplink(switch, uplink, src, dst, tags, rest):
    vlan = vid_of(tags)
    if belongs_nowhere(tags):
        return []
    local = receivers(switch, vlan, tags, dst, from_uplink=uplink)
    return [(far, build(src, dst, form, rest)) for far, form in local or []]
