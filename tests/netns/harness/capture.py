# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Raw packet sockets: whole frames sent and received on an interface, VLAN tags included."""
import errno
import select
import socket
import struct
import time

from . import base
from .base import Cleanup
from .frames import describe

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, PACKET_VNET_HDR = 263, 8, 23, 15
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6
VNET_HDR_LEN = 10


class Nic:
    """One interface of a namespace: send(frame); frames() returns the frames since the last call.

    With vnet_hdr each frame begins with a virtio_net_hdr.
    """

    def __init__(self, ns, ifname, vnet_hdr=False):
        self.ns, self.ifname = ns, ifname
        with ns:
            self.socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0
            )
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        if vnet_hdr:
            self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.header = VNET_HDR_LEN if vnet_hdr else 0
        self.socket.bind((ifname, ETH_P_ALL))
        self.waiting = []  # read, but after a frame that expect() was looking for
        Cleanup.current().add(self.close)

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def send(self, frame):
        end = time.monotonic() + 30 * base.SLOW
        while True:
            try:
                return self.socket.send(frame)
            except OSError as error:
                if error.errno not in (errno.ENOBUFS, errno.EAGAIN) or time.monotonic() > end:
                    raise
                select.select([], [self.socket], [], 0.01)

    def _receive(self):
        data, ancillary, _, _ = self.socket.recvmsg(70000, 64)
        for level, kind, value in ancillary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & TP_STATUS_VLAN_VALID:
                    tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                    at = 12 + self.header
                    data = data[:at] + struct.pack("!HH", tpid, tci) + data[at:]
        return data

    def frames(self):
        found, self.waiting = self.waiting, []
        while True:
            try:
                found.append(self._receive())
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # reported once when the link goes down
                    raise


def expect(nic, frame, deadline=30, **where):
    """Waits until exactly this frame arrives at nic; returns the frames that came before it."""
    other = []

    def arrived():
        frames = nic.frames()
        for at, got in enumerate(frames):
            if got == frame:
                nic.waiting = frames[at + 1 :]
                return True
            other.append(got)
        return False

    base.wait_until(
        arrived,
        deadline,
        lambda: f"{nic.ifname} to receive {describe(frame)}; received {[describe(f) for f in other]} {where or ''}",
    )
    return other


def first_of(nics, frame, deadline=30):
    """Waits for the frame and returns its receiver among nics; a second receiver is a failure."""

    def arrived():
        return [nic for nic in nics if frame in nic.frames()]

    found = base.wait_until(
        arrived, deadline, lambda: f"one of {[n.ifname for n in nics]} to receive {describe(frame)}"
    )
    assert len(found) == 1, f"{describe(frame)} arrived at {[n.ifname for n in found]}"
    return found[0]
