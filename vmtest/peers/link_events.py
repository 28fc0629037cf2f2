# SPDX-License-Identifier: GPL-2.0
"""Two ways to learn of a carrier change, side by side: RTM_NEWLINK and polling of sysfs; and a neighbour that flaps."""

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
TUNSETIFF, TUNSETCARRIER = 0x400454ca, 0x400454e2
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000


class LinkWatch:
    """Watches one interface of this namespace from the moment of making."""

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
        """Carrier states in the messages about our interface that are waiting."""
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
            data = data[(length + 3) & ~3:]
        return states

    def wait(self, up, start, timeout_s=15):
        """(seconds until sysfs said so, seconds until RTM_NEWLINK said so) since `start` of time.monotonic(); None for what
        never did."""
        by_poll = by_event = None
        while (by_poll is None or by_event is None) and time.monotonic() < start + timeout_s:
            select.select([self.socket], [], [], 0.002)
            announced = up in self._announced()
            # sysfs is read after the messages: what they tell is there by then
            if by_poll is None and self.polled() == up:
                by_poll = time.monotonic() - start
            if by_event is None and announced:
                by_event = time.monotonic() - start
        return by_poll, by_event


class FlappingTap:
    """A tap whose carrier goes up and down: like a machine's port, and not an urgent device to linkwatch, so each change puts
    off the events of others by up to a second."""

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
