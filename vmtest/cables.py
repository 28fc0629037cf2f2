# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The NICs of the virtual machine and their cables; the host builds them, the guest names them by
MAC address.

Each cable joins two NICs of the same machine through a QEMU hub: 'nicN' is the end that a test
gives to the unit under test, 'farN' is the end of the switch. Hubs carry no offload headers, so
both ends see whole frames with checksums, as on a wire.
"""

from collections import namedtuple

# model of the nicN end; the far ends are all virtio-net
Cable = namedtuple("Cable", "near far model")
CABLES = tuple(
    Cable(f"nic{n}", f"far{n}", model)
    for n, model in enumerate(("virtio-net-pci", "virtio-net-pci", "e1000", "e1000"))
)

MAC_PREFIX = "02:75:6c:00"  # then 00 near or 01 far, then the number of the cable
CONTROL_PORT = "uplinkd.carrier"


def mac(nic):
    """MAC address of a NIC by its name, nicN or farN."""
    return f"{MAC_PREFIX}:{'00' if nic.startswith('nic') else '01'}:{int(nic[3:]):02x}"


def ends(nic):
    """Both ends of the cable of a NIC."""
    for cable in CABLES:
        if nic in (cable.near, cable.far):
            return cable.near, cable.far
    raise KeyError(
        f"no NIC {nic}; there are {', '.join(c.near for c in CABLES)} and their far ends"
    )


def qemu_options():
    """-device and -netdev options for all cables; NIC ids are the names for set_link of the
    monitor.
    """
    options = []
    for number, cable in enumerate(CABLES):
        for nic, model in ((cable.near, cable.model), (cable.far, "virtio-net-pci")):
            # without a speed, 802.3ad of bonding refuses a virtio-net port
            speed = ",speed=10000,duplex=full" if model.startswith("virtio") else ""
            options += [
                "-netdev",
                f"hubport,id=hub-{nic},hubid={number}",
                "-device",
                f"{model},id={nic},netdev=hub-{nic},mac={mac(nic)},romfile={speed}",
            ]
    return options
