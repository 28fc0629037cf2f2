# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Every command block of docs/tutorial.md, in order, as a new user runs it: on a fresh Debian with its
service manager, which has the source and nothing that uplinkd needs. The first section installs
packages and runs in the network namespace of this machine; the others have eth0 and eth1, two
cables to a switch that has the gateway's address.
"""
import os
import shutil

import pytest

from harness import tutorial
from harness.base import ROOT, run
from harness.bed import Bed
from nspawn import Machine, mirror, system

pytestmark = pytest.mark.slow

SOURCE = "/root/uplinkd"
BUILD_S = 1800


class Host:
    def __init__(self):
        self.bed = Bed(n_uplinks=2, n_ports=0)
        self.bed.world.ip_batch(
            "link add br0 type bridge", "address add 192.0.2.1/24 dev br0", "link set br0 up"
        )
        for name in ("sw0", "sw1"):
            self.bed.world.ip("link", "set", name, "master", "br0")
            self.bed.world.ethtool(name, tx=False)
            self.bed.world.run("ethtool", "-K", name, "txvlan", "off")
        for name in ("eth0", "eth1"):
            self.bed.hv.ethtool(name, tx=False)
        self.machine = Machine(system(), self.bed.hv)
        self.copy_source()
        self.machine.boot()

    def copy_source(self):
        ignored = shutil.ignore_patterns("build", ".git", "__pycache__")
        shutil.copytree(ROOT, self.machine.path(SOURCE), ignore=ignored, symlinks=True)

    def block(self, text, outside):
        script = f"set -eux\ncd {SOURCE}\nexport MAKEFLAGS=-j{os.cpu_count()}\n{text}"
        command = self.machine.command("bash", "-c", script)
        if outside:
            command[command.index("--all")] = "--mount --pid --ipc --uts".split()
            command = [w for c in command for w in (c if isinstance(c, list) else [c])]
        done = run(*command, check=False, timeout=BUILD_S if outside else 300)
        assert done.returncode == 0, f"{text}\n{done.stdout[-4000:]}{done.stderr[-4000:]}\n" + (
            self.machine.journal()[-4000:]
        )


def test_a_fresh_debian_follows_the_tutorial(cleanup):
    host = Host()
    shutil.copy("/etc/resolv.conf", host.machine.path("/etc/resolv.conf"))
    assert mirror() in host.machine.path("/etc/apt/sources.list").read_text()
    fresh = host.machine.run("dpkg-query", "-W", "make", "clang", check=False)
    assert fresh.returncode == 1, "nothing of what uplinkd needs is there"
    for number, (heading, blocks) in enumerate(tutorial.sections(), 1):
        for text in blocks:
            host.block(text, outside=number == 1)
        if heading in tutorial.EXPECT:
            host.block(tutorial.EXPECT[heading], outside=False)
