# SPDX-License-Identifier: GPL-2.0
"""Who must receive what: a small model of the switch, written from docs/design promises only (VLAN and Receiving), to be compared with the wire.

A frame is (source, destination, tags, rest); tags are (tpid, tci), outermost first. Names of observers are the far ends: m<i> and sw<i>."""
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
    pinned: str = (
        None  # without a channel: the far end of the uplink that it takes group addresses from
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


def is_group(dst):
    return mac(dst)[0] & 1


def member(port, vlan, service):
    """Does the port belong to the VLAN, for a frame with or without a service tag?"""
    if port.mode == "vgt":
        return vlan in port.vlans
    return not service and port.vid == vlan


def form_for(port, vlan, tags):
    """The tags that port gets, from those that the frame has on the wire in its VLAN."""
    if port.mode == "vst":
        return tags[1:]
    return tags


def receivers(switch, vlan, tags, dst, skip=None, from_uplink=None):
    """Ports that get the frame, with their tags; None: no port owns the address."""
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
    """Route based on IP hash, through at most one tag behind the outer one; ANY where the rule does not say."""
    if len(tags) > 2 or rest[:2] != struct.pack("!H", ETH_IP):
        return ANY
    src, dst = (int(ipaddress.IPv4Address(rest[at : at + 4])) for at in (14, 18))
    return switch.uplinks[(src ^ dst) % len(switch.uplinks)]


def from_port(switch, port, src, dst, tags, rest):
    """[(observer, whole frame)]"""
    vlan = vid_of(tags)
    original = tags
    if port.mode == "vgt":
        if vlan not in port.vlans or (
            not vlan and len(tags) > 1
        ):  # nor behind a trunk port's priority tag
            return []
    else:
        # A priority tag must not hide another one, which a switch that takes it off would then obey.
        if vlan or is_service(tags) or len(tags) > 1:
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
    local = receivers(switch, vlan, tags, dst, from_uplink=uplink)
    return [(far, build(src, dst, form, rest)) for far, form in local or []]
