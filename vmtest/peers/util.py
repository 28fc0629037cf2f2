# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Common parts of the peers and their tests: commands, namespaces, cables of veth, waiting."""

import itertools
import json
import os
import shlex
import subprocess
import time
from contextlib import contextmanager

import qemu_link
from qemu_link import ends

_numbers = itertools.count(1)


def unique(prefix):
    """A name that no other test uses at the same time, within the 15 characters of the kernel."""
    return f"{prefix}{os.getpid() % 10000}x{next(_numbers)}"


def run(*command, check=True, timeout_s=60):
    """Runs a command given as words or as one string; returns its standard output.

    A failure shows the output.
    """
    words = [str(word) for word in (shlex.split(command[0]) if len(command) == 1 else command)]
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if check and done.returncode:
        raise RuntimeError(
            f"{shlex.join(words)}: exit status {done.returncode}: {done.stderr or done.stdout}"
        )
    return done.stdout


def wait_until(condition, what, timeout_s=60, describe=None):
    """Waits for a true result and returns it; the message of a time-out includes `describe`."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            state = f"; state: {describe()}" if describe else ""
            raise TimeoutError(f"after {timeout_s} s still no {what}{state}")
        time.sleep(0.2)  # each look is a process or two, which cost 0.1 s in an emulated machine


class Netns:
    """A network namespace. Not `ip netns exec`, which hides the pins under /sys."""

    def __init__(self, name=None):
        self.name = name or unique("ns")

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        self.ip("link set lo up")
        # no automatic address configuration on the wires
        self.run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1")
        return self

    def __exit__(self, *_):
        run("ip", "netns", "del", self.name)

    @property
    def enter(self):
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def run(self, command, **options):
        return run(
            *self.enter, *(shlex.split(command) if isinstance(command, str) else command), **options
        )

    def ip(self, command):
        return run("ip", "-n", self.name, *shlex.split(command))

    def show(self, device):
        """`ip -d -j link show` of one interface."""
        return json.loads(run("ip", "-n", self.name, "-d", "-j", "link", "show", "dev", device))[0]

    def carrier(self, device):
        return "LOWER_UP" in self.show(device)["flags"]

    def ping(self, address, count=1, timeout_s=1):
        """True if at least one answer came."""
        command = shlex.split(f"ping -n -q -i 0.2 -c {count} -W {timeout_s} {address}")
        return (
            subprocess.run(
                self.enter + command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            ).returncode
            == 0
        )

    @contextmanager
    def daemon(self, command, log):
        """Runs a program in the foreground until the end of the block."""
        with open(log, "wb") as file:
            process = subprocess.Popen(
                self.enter + shlex.split(command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Link:
    """One cable between the peer (near) and the unit under test (far)."""

    def __init__(self, near_ns, near, far_ns, far):
        self.near_ns, self.near, self.far_ns, self.far = near_ns, near, far_ns, far

    def cut(self):
        """The far end loses its carrier, as when the port of the switch is shut."""
        self.near_ns.ip(f"link set {self.near} down")

    def heal(self):
        self.near_ns.ip(f"link set {self.near} up")

    def drop(self, protocol="all"):
        """Loses frames silently, carrier stays: all frames, or of one EtherType (0x8809: LACP
        only).

        On egress of both ends, because packet sockets precede ingress filters.
        """
        for ns, device in ((self.near_ns, self.near), (self.far_ns, self.far)):
            ns.run(f"tc qdisc add dev {device} clsact")
            ns.run(
                f"tc filter add dev {device} egress protocol {protocol} prio 1 matchall action drop"
            )

    def restore(self):
        for ns, device in ((self.near_ns, self.near), (self.far_ns, self.far)):
            ns.run(f"tc qdisc del dev {device} clsact")


class NicLink(Link):
    """A cable of vmtest/cables.py, cut by the QEMU monitor: the carrier behaves as on real
    hardware.
    """

    def cut(self):
        qemu_link.cut(self.far)

    def heal(self):
        qemu_link.heal(self.far)


@contextmanager
def veth_links(near_ns, far_ns, count=2):
    """Cables of veth, up at both ends, without transmit offloads so that frames, tags included, are
    whole on the wire.
    """
    links = [Link(near_ns, f"p{n}", far_ns, f"u{n}") for n in range(count)]
    for link in links:
        run(
            f"ip link add {link.near} netns {near_ns.name} type veth peer name {link.far} netns {far_ns.name}"
        )
        for ns, device in ((near_ns, link.near), (far_ns, link.far)):
            ns.run(f"ethtool -K {device} tx off txvlan off")
            ns.ip(f"link set {device} up")
    try:
        yield links
    finally:
        for link in links:
            near_ns.ip(f"link del {link.near}")


@contextmanager
def nic_links(near_ns, far_ns, nics=("nic0", "nic1")):
    """Cables of the machine's NICs; afterwards they return to the first namespace, healed."""
    links = [NicLink(near_ns, ends(nic)[1], far_ns, nic) for nic in nics]
    for link in links:
        for ns, device in ((near_ns, link.near), (far_ns, link.far)):
            run(f"ip link set {device} netns {ns.name}")
            ns.ip(f"link set {device} up")
    try:
        yield links
    finally:
        for link in links:
            link.heal()
            for ns, device in ((near_ns, link.near), (far_ns, link.far)):
                ns.ip(f"link set {device} down")
                ns.ip(f"link set {device} netns 1")
