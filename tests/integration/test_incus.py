# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Incus of Debian trixie with NICs in an attachment bridge, which it does not manage."""
import shutil

import pytest

from containers import outside_of
from harness import base
from harness.attachment import BRIDGE, bridge_counters, group, ports, start
from harness.base import run, wait_until
from harness.bed import Bed
from harness.machine import ping
from nspawn import Machine, system

PRESEED = """
storage_pools: [{name: default, driver: dir}]
profiles: [{name: default, devices: {root: {path: /, pool: default, type: disk}}}]
"""
METADATA = "architecture: x86_64\ncreation_date: 1\nproperties: {description: busybox}\n"
INIT = "#!/bin/sh\nwhile :; do sleep 1000; done\n"
MACS = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"]


def make_image():
    """A unified image with busybox."""
    folder = base.temp_dir()
    root = folder / "rootfs"
    for name in ("bin", "dev", "etc", "proc", "run", "sbin", "sys", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "sleep", "ping", "ip"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "sbin/init").write_text(INIT)
    (root / "sbin/init").chmod(0o755)
    (folder / "metadata.yaml").write_text(METADATA)
    run("tar", "-C", folder, "-czf", folder / "box.tar.gz", "metadata.yaml", "rootfs")
    return folder / "box.tar.gz"


class Incus:
    def __init__(self, bed):
        self.machine = Machine(system("incus-base", "incus-client", suite="trixie"), bed.hv)
        self.machine.copy_in(make_image(), "/root")
        self.machine.boot()
        self.run("admin", "init", "--preseed", text_input=PRESEED)
        self.run("image", "import", "/root/box.tar.gz", "--alias", "box")

    def run(self, *arguments, **options):
        done = self.machine.run("incus", *arguments, check=False, timeout=300, **options)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def launch(self, name, mac, address):
        self.run("init", "box", name, "--config", "security.privileged=true")
        nic = ("nic", "nictype=bridged", f"parent={BRIDGE}", f"hwaddr={mac}")
        self.run("config", "device", "add", name, "eth0", *nic)
        self.start(name, address)

    def start(self, name, address):
        self.run("start", name)
        self.run("exec", name, "--", "/bin/ip", "address", "add", f"{address}/24", "dev", "eth0")
        self.run("exec", name, "--", "/bin/ip", "link", "set", "eth0", "up")

    def ping(self, name, address):
        shown = self.run("exec", name, "--", "/bin/ping", "-c", "3", "-W", "5", address)
        assert " 0% packet loss" in shown, shown


@pytest.mark.slow
def test_containers_of_incus():
    bed = Bed(n_uplinks=1, n_ports=0)
    start(bed, group(vlan=0))
    outside = outside_of(bed)
    incus = Incus(bed)
    attached = lambda: {p["mac"] for p in ports(bed).values() if p["attached"] and p["present"]}
    joined = lambda *macs: wait_until(lambda: attached() == set(macs), 60, lambda: ports(bed))
    # the address of a port is that of the first frame
    wait_present = lambda n: wait_until(
        lambda: [p["present"] for p in ports(bed).values()] == [True] * n, 60, lambda: ports(bed)
    )
    incus.launch("c0", MACS[0], "192.0.2.11")
    incus.launch("c1", MACS[1], "192.0.2.12")
    wait_present(2)
    incus.ping("c0", "192.0.2.12")
    incus.ping("c1", "192.0.2.1")
    joined(*MACS)
    ping(outside, "192.0.2.11")
    incus.run("stop", "--force", "c0")
    joined(MACS[1])
    incus.start("c0", "192.0.2.11")
    wait_present(2)
    incus.ping("c0", "192.0.2.12")
    # a NIC that is added and removed at run time
    incus.run("config", "device", "remove", "c1", "eth0")
    joined(MACS[0])
    nic = ("nic", "nictype=bridged", f"parent={BRIDGE}", f"hwaddr={MACS[1]}")
    incus.run("config", "device", "add", "c1", "eth0", *nic)
    incus.run("exec", "c1", "--", "/bin/ip", "address", "add", "192.0.2.12/24", "dev", "eth0")
    incus.run("exec", "c1", "--", "/bin/ip", "link", "set", "eth0", "up")
    wait_present(2)
    incus.ping("c1", "192.0.2.1")
    joined(*MACS)
    for name in ("c0", "c1"):
        incus.run("delete", "--force", name)
    joined()
    assert bridge_counters(bed) == [0, 0, 0, 0]
