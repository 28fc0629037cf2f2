# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A guest that boots in seconds under TCG: Debian's cloud kernel, virtio_net and busybox.

It gives each NIC that it finds the address of the kernel command line (nic=MAC,ADDRESS/LENGTH; NICs
that are plugged later, too), pings the address of peer=, and writes one line per reply or loss to
the serial console.
"""
import gzip
import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness import base
from harness.base import BUILD, wait_until

UNPACKED = BUILD / "unpacked" / "libvirt"

INIT = """#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
for module in $($bb cat /modules); do $bb insmod /$module; done
$bb echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
$bb ip link set lo up
parameters() {
    for word in $($bb cat /proc/cmdline); do
        case $word in $1=*) echo ${word#$1=};; esac
    done
}
peer=$(parameters peer)
echo "guest: up"
while :; do
    for path in /sys/class/net/eth*; do
        [ -e $path ] || continue
        name=${path##*/} mac=$($bb cat $path/address)
        for nic in $(parameters nic); do
            [ ${nic%%,*} = $mac ] || continue
            [ -e /$name.$mac ] && continue
            $bb rm -f /$name.*
            $bb ip address flush dev $name
            $bb ip address add ${nic#*,} dev $name
            $bb ip link set $name up
            : > /$name.$mac
            echo "guest: $name has ${nic#*,}"
        done
    done
    for address in $peer; do
        if $bb ping -c 1 -W 1 $address >/dev/null 2>&1; then echo "guest: reply $address"
        else echo "guest: no reply $address"; fi
    done
    $bb sleep 0.2
done
"""


def kernel():
    return next((UNPACKED / "boot").glob("vmlinuz-*"))


def modules():
    """Files of virtio_net and what it depends on, in the order of loading."""
    found = {p.name.split(".ko")[0]: p for p in (UNPACKED / "lib/modules").rglob("*.ko*")}
    order = []

    def add(name):
        path = found.get(name)
        if not path or path in order:
            return
        info = subprocess.run(
            ["modinfo", "-F", "depends", path], capture_output=True, text=True, check=True
        )
        for other in filter(None, info.stdout.strip().split(",")):
            add(other)
        order.append(path)

    for name in ("virtio_pci", "virtio_net", "acpiphp"):
        add(name)
    return order


def make_initrd(folder):
    root = Path(folder) / "initrd"
    for name in ("bin", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    shutil.copy(UNPACKED / "bin/busybox", root / "bin/busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    names = []
    for path in modules():
        data = path.read_bytes()
        name = path.name
        if name.endswith(".xz"):
            data, name = lzma.decompress(data), name[:-3]
        (root / name).write_bytes(data)
        names.append(name)
    (root / "modules").write_text("\n".join(names) + "\n")
    os.mknod(root / "dev/console", 0o600 | 0o020000, os.makedev(5, 1))
    listing = "\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*"))) + "\n"
    archive = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],
        cwd=root,
        input=listing.encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    path = Path(folder) / "initrd.gz"
    path.write_bytes(gzip.compress(archive, 1))
    return path


class Console:
    """The serial console of a guest, as a file."""

    def __init__(self, path):
        self.path = Path(path)

    def text(self):
        return self.path.read_text(errors="replace") if self.path.exists() else ""

    def count(self, line):
        return len(re.findall(rf"^guest: {re.escape(line)}\r?$", self.text(), re.MULTILINE))

    def wait(self, line, more=1, deadline=120):
        """Until the line was written this many times more."""
        target = self.count(line) + more
        wait_until(
            lambda: self.count(line) >= target,
            deadline,
            lambda: f"{line!r} on the console\n{self.text()[-2000:]}",
        )
