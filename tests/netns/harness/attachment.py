# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Interfaces in attachment bridges, and frames of their machines."""
import json

from .base import wait_until
from .bed import outside_mac, switch
from .capture import expect
from .frames import tag, udp4

OUTSIDE = outside_mac(5)
BRIDGE = "br-prod"


def group(name="prod", vlan=100, bridge=BRIDGE, **more):
    return {"name": name, "vlan": vlan, "bridge": bridge, **more}


def start(bed, *groups, **more):
    bed.start([switch("vs", bed.uplink_names, list(groups) or [group()], **more)])
    bed.usable(*bed.uplink_names)
    return bed.daemon


def enslave(bed, ifname, bridge=BRIDGE):
    bed.hv.ip("link", "set", ifname, "master", bridge)


def release(bed, ifname):
    bed.hv.ip("link", "set", ifname, "nomaster")


def ports(bed):
    return {p["name"]: p for p in bed.daemon.json("show", "ports")}


def wait_port(bed, name, group="prod", state="present"):
    def found():
        port = ports(bed).get(name)
        return port if port and port["group"] == group and port["state"] == state else None

    wait_until(found, 60, lambda: f"{name} {state} in {group}: {ports(bed)}")
    # answered after the change, which ends with isolation, address state and flood lists
    bed.daemon.call("Status")
    return wait_until(found, 60, lambda: f"{name} {state} in {group}: {ports(bed)}")


def wait_gone(bed, name):
    wait_until(lambda: name not in ports(bed), 30, lambda: f"{name} to leave: {ports(bed)}")


def to_wire(bed, machine, frame, vid=100):
    """Sends until the frame leaves: the first one from an unknown address is dropped."""
    machine.send(frame)
    wire = frame[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + frame[12:]

    def arrived():
        if any(wire in nic.frames() for nic in bed.far_uplinks()):
            return True
        machine.send(frame)
        return False

    wait_until(arrived, 30, "the frame of the machine to leave by an uplink")


def from_wire(bed, machine, mac, vid=100):
    frame = udp4(mac, OUTSIDE, "192.0.2.3", "192.0.2.1", b"in" * 9, [tag(vid)])
    bed.nic("sw0").send(frame)
    expect(machine, frame[:12] + frame[16:])


def hello(mac):
    return udp4(OUTSIDE, mac, "192.0.2.1", "192.0.2.3", b"out" * 9)


def bridge_counters(bed, bridge=BRIDGE):
    text = bed.hv.ip("-json", "-stats", "link", "show", "dev", bridge).stdout
    stats = json.loads(text)[0]["stats64"]
    return [stats[way][kind] for way in ("rx", "tx") for kind in ("packets", "dropped")]


def problems(bed):
    status = bed.daemon.status()
    found = status["daemon"]["problems"] + [f for s in status["switches"] for f in s["problems"]]
    return {f["code"]: f["message"] for f in found}
