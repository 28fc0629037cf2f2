# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Two ways to notice a carrier change, RTM_NEWLINK and polling of sysfs; and a neighbour that
flaps.

The two need separate changes: since Linux 6.8 reading the carrier in sysfs makes linkwatch send its
pending events, so polling hides the delay that RTM_NEWLINK has without it.
"""

import fcntl
import os
import select
import socket
import struct
import threading
import time

from util import run

RTM_NEWLINK = 16
RTMGRP_LINK = 1
IFF_LOWER_UP = 0x10000
TUNSETIFF, TUNSETCARRIER = 0x400454CA, 0x400454E2
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000


class LinkWatch:
    """Watches one interface of this namespace from its construction on."""

    def __init__(self, device):
        self.index = socket.if_nametoindex(device)
        self.carrier_file = os.open(f"/sys/class/net/{device}/carrier", os.O_RDONLY)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((0, RTMGRP_LINK))
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()
        os.close(self.carrier_file)

    def polled(self):
        return os.pread(self.carrier_file, 1, 0) == b"1"

    def _announced(self):
        """Carrier states in the pending messages about the interface."""
        states = []
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return states
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            if kind == RTM_NEWLINK:
                index, flags = struct.unpack_from("=iI", data, 16 + 4)
                if index == self.index:
                    states.append(bool(flags & IFF_LOWER_UP))
            data = data[(length + 3) & ~3 :]
        return states

    def wait_event(self, up, start, timeout_s=15):
        """Seconds from `start` (of time.monotonic()) until RTM_NEWLINK; None: never. Does not read
        sysfs.
        """
        while time.monotonic() < start + timeout_s:
            select.select([self.socket], [], [], 0.1)
            if up in self._announced():
                return time.monotonic() - start
        return None

    def wait_poll(self, up, start, timeout_s=15):
        """The same for sysfs, read every 2 ms."""
        while time.monotonic() < start + timeout_s:
            if self.polled() == up:
                return time.monotonic() - start
            time.sleep(0.002)
        return None


class FlappingTap:
    """A tap whose carrier goes up and down, like the port of a machine.

    linkwatch does not treat it as urgent, so each change delays the events of others by up to a
    second.
    """

    def __init__(self, name="flap0", period_s=0.1):
        self.period_s = period_s
        self.changes = 0
        self.stopping = threading.Event()
        self.fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        run(f"ip link set {name} up")
        self.thread = threading.Thread(target=self._flap)

    def _flap(self):
        while not self.stopping.wait(self.period_s):
            fcntl.ioctl(self.fd, TUNSETCARRIER, struct.pack("i", self.changes % 2))
            self.changes += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        os.close(self.fd)
