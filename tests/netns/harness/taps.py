# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Taps that are held open, as by a virtual machine.

The tests set the carrier of a tap. Unlike veth it is no 'urgent' device, so the event of the kernel
may be a second late, as with real NICs.
"""
import fcntl
import os
import struct

from . import base
from .base import Cleanup

TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ, TUNSETCARRIER = (
    0x400454CA,
    0x400454D0,
    0x400454D8,
    0x400454E2,
)
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6 = 1, 2, 4
VNET_HDR_LEN = 10
RING = 10000  # frames that wait for a reader; the kernel's 1000 are a tenth of a second


class Tap:
    def __init__(self, ns, ifname, vnet_hdr=False, mac=None, mtu=1500, offloads=None):
        self.ns, self.ifname, self.vnet_hdr = ns, ifname, vnet_hdr
        with ns:
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet_hdr else 0)
            fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", ifname.encode(), flags))
        Cleanup.current().add(self.close)
        self.waiting = []  # as in capture.Nic
        if vnet_hdr:
            fcntl.ioctl(self.fd, TUNSETVNETHDRSZ, struct.pack("i", VNET_HDR_LEN))
            fcntl.ioctl(
                self.fd,
                TUNSETOFFLOAD,
                offloads if offloads is not None else TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
            )
        ns.ip_batch(
            *([f"link set {ifname} address {mac}"] if mac else []),
            f"link set {ifname} mtu {mtu} txqueuelen {RING} up",
        )

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def fileno(self):
        return self.fd

    def set_carrier(self, on):
        fcntl.ioctl(self.fd, TUNSETCARRIER, struct.pack("i", int(on)))

    def send(self, frame, header=bytes(VNET_HDR_LEN)):
        os.write(self.fd, header + frame if self.vnet_hdr else frame)

    def raw_frames(self):
        """With the vnet header, if the tap has one."""
        found = []
        while True:
            try:
                found.append(os.read(self.fd, 70000))
            except BlockingIOError:
                return found

    def frames(self):
        skip = VNET_HDR_LEN if self.vnet_hdr else 0
        found, self.waiting = self.waiting, []
        return found + [f[skip:] for f in self.raw_frames()]


def wait_frame(tap, condition, deadline=30, describe="a frame"):
    return base.wait_until(
        lambda: next((f for f in tap.raw_frames() if condition(f)), None),
        deadline,
        f"{tap.ifname}: {describe}",
    )
