# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Network namespaces and links between them.

Nothing here uses `ip netns exec`, which would hide the pins of a private bpffs. Frequent actions
are system calls, because starting a process takes a tenth of a second in an emulated machine.
"""
import array
import fcntl
import json
import os
import socket
import struct
from pathlib import Path

from . import base
from .base import LIBC, Cleanup, run

CLONE_NEWNET, MS_BIND, MNT_DETACH = 0x40000000, 4096, 2
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCETHTOOL = 0x8913, 0x8914, 0x8946
IFF_UP, IFF_RUNNING, ETHTOOL_GLINK = 1, 0x40, 0x0A
# ETHTOOL_S...: struct ethtool_value
ETHTOOL_SET = {
    "tx": 0x17,
    "sg": 0x19,
    "tso": 0x1F,
    "gso": 0x24,
    "gro": 0x2C,
}
_serial = 0


def call(name, *arguments):
    """A function of libc that returns -1 on failure."""
    import ctypes

    if getattr(LIBC, name)(*arguments) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def batch(lines, *prefix):
    text = "\n".join(lines) + "\n"
    run(*prefix, "ip", "-batch", "-", text_input=text, timeout=60 + len(lines))


class NetNs:
    """`with ns:` puts this thread into the namespace, where sockets are then opened."""

    def __init__(self, role):
        global _serial
        _serial += 1
        self.name = f"{base.OWN_PREFIX}{_serial}-{role}"
        self.path = Path("/run/netns") / self.name
        self._outer = []
        self._make()
        with self:
            for which in ("default", "all"):
                setting = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
                if setting.exists():
                    setting.write_text("1")
        self.up("lo")

    def _make(self):
        """As `ip netns add` does: a new namespace, held by a mount of its file."""
        if not os.path.ismount(self.path.parent):
            # The first `ip netns add` binds the folder upon itself, including namespaces that exist
            # already, whose mounts could then not be undone.
            run("ip", "netns", "add", self.name)
            run("ip", "netns", "del", self.name)
        self.path.touch(mode=0o444, exist_ok=False)
        Cleanup.current().add(self.remove)
        self._remember()
        try:
            call("unshare", CLONE_NEWNET)
            call("mount", b"/proc/thread-self/ns/net", bytes(self.path), b"none", MS_BIND, None)
        finally:
            self._setns(self._outer.pop())

    def remove(self):
        if self.path.exists():
            LIBC.umount2(bytes(self.path), MNT_DETACH)
            self.path.unlink()

    def _remember(self):
        self._outer.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    def __enter__(self):
        self._remember()
        self._setns(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC))
        return self

    def __exit__(self, *exc):
        self._setns(self._outer.pop())

    @staticmethod
    def _setns(fd):
        try:
            call("setns", fd, CLONE_NEWNET)
        finally:
            os.close(fd)

    def _ioctl(self, request, data):
        with self, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        ) as control:
            return fcntl.ioctl(control, request, data)

    def flags(self, ifname):
        return struct.unpack(
            "16xH",
            self._ioctl(SIOCGIFFLAGS, struct.pack("16sH", ifname.encode(), 0) + bytes(22))[:18],
        )[0]

    def up(self, ifname, on=True):
        flags = self.flags(ifname)
        self._ioctl(
            SIOCSIFFLAGS,
            struct.pack("16sH", ifname.encode(), flags | IFF_UP if on else flags & ~IFF_UP)
            + bytes(22),
        )

    def wait_running(self, ifname, deadline=30):
        """Waits until frames can be sent: the kernel activates the queue some time after the
        carrier.
        """
        base.wait_until(lambda: self.flags(ifname) & IFF_RUNNING, deadline, f"{ifname} to run")
        self._ethtool(ifname, ETHTOOL_GLINK)  # waits for the lock under which that happens

    def _ethtool(self, ifname, command, value=0):
        data = array.array("B", struct.pack("II", command, value))
        self._ioctl(
            SIOCETHTOOL, struct.pack("16sQ", ifname.encode(), data.buffer_info()[0]) + bytes(16)
        )

    def command(self, *command):
        return ["nsenter", f"--net={self.path}", "--", *map(str, command)]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def ip(self, *arguments, **options):
        return self.run("ip", *arguments, **options)

    def ip_batch(self, *lines):
        """Several `ip` commands in one process."""
        batch(lines, *self.command())

    def ethtool(self, ifname, **features):
        """`ethtool -K`; features as keywords: tx, sg, tso, gso, gro."""
        for name, on in features.items():
            self._ethtool(ifname, ETHTOOL_SET[name], on)

    def exists(self, ifname):
        with self:
            return Path(f"/proc/sys/net/ipv4/conf/{ifname}").exists()

    def link(self, ifname):
        """`ip -json -details link show`: one dictionary, or None."""
        done = self.ip("-json", "-details", "link", "show", "dev", ifname, check=False)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None


def veth(a, name_a, b, name_b, mac_a=None, mac_b=None, mtu=1500):
    """A cable from interface name_a in namespace a to name_b in b."""
    veths([(a, name_a, b, name_b, mac_a, mac_b, mtu)])


def veths(cables):
    """Several cables, each as the arguments of veth()."""
    lines = []
    for a, name_a, b, name_b, mac_a, mac_b, mtu in cables:
        address_a, address_b = (f"address {m}" if m else "" for m in (mac_a, mac_b))
        lines.append(
            f"link add {name_a} {address_a} mtu {mtu} netns {a.name} type veth peer name {name_b} {address_b} mtu {mtu} netns {b.name}"
        )
    if lines:
        batch(lines)
    for a, name_a, b, name_b, *_ in cables:
        a.up(name_a)
        b.up(name_b)
    deadline = 30 + len(cables) / 10  # the kernel activates about 100 interfaces per second
    for a, name_a, b, name_b, *_ in cables:
        a.wait_running(name_a, deadline)
        b.wait_running(name_b, deadline)
