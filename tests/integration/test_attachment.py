# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Software that only knows Linux bridges, pointed at an attachment bridge: podman with the networks
that it calls `bridge`, and QEMU with its bridge helper. libvirt is in test_libvirt.py.
"""
import json
import os

import pytest

import guest
from containers import REFERENCE_PLUGINS, Podman, host_local, leases, outside_of, trixie_root
from harness import base
from harness.attachment import BRIDGE, bridge_counters, group, ports, start
from harness.base import wait_until
from harness.bed import Bed
from harness.machine import ping

MACS = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"]
HELPER = "/usr/lib/qemu/qemu-bridge-helper"


@pytest.fixture
def bed():
    made = Bed(n_uplinks=1, n_ports=0)
    start(made, group(vlan=0))
    made.outside = outside_of(made)
    return made


def by_mac(bed):
    return {p["mac"]: p for p in ports(bed).values()}


def wait_machines(bed, *macs):
    """Until exactly these machines are ports by the bridge."""

    def joined():
        found = by_mac(bed)
        return found.keys() == set(macs) and all(
            p["attached"] and p["address_state"] == "confirmed" for p in found.values()
        )

    wait_until(joined, 60, lambda: f"{macs}: {by_mac(bed)}\n{bed.daemon.log()}")


def wait_present(bed, n):
    """Until the frames of so many containers no longer reach the bridge; returns its counters.

    podman sets the bridge up, and it gets what a container sends before it is a port.
    """
    wait_until(
        lambda: [p["present"] for p in ports(bed).values()] == [True] * n,
        60,
        lambda: f"{n} ports: {ports(bed)}\n{bed.daemon.log()}",
    )
    return bridge_counters(bed)


def assert_containers(bed, podman, seen):
    """Two containers reach each other and the host outside, come, go and leave nothing."""
    macs = [one["MacAddress"] for one in seen]
    addresses = [one["IPAddress"] for one in seen]
    before = wait_present(bed, 2)
    podman.ping("c0", addresses[1])
    podman.ping("c1", addresses[0])
    for name in ("c0", "c1"):
        podman.ping(name, "192.0.2.1")
    ping(bed.outside, addresses[0])
    wait_machines(bed, *macs)
    podman.podman("stop", "--time", "0", "c0")
    wait_machines(bed, macs[1])
    assert bridge_counters(bed) == before
    podman.podman("start", "c0")
    before = wait_present(bed, 2)
    podman.ping("c0", addresses[1])
    podman.podman("rm", "--force", "--time", "0", "c0", "c1")
    wait_machines(bed)
    assert bed.hv.exists(BRIDGE) and bridge_counters(bed) == before
    problems = lambda: bed.daemon.json("status")["switches"][0]["problems"]
    wait_until(lambda: not problems(), 30, problems)


def test_podman_with_the_bridge_plugin_of_cni(bed):
    folder = bed.daemon.dir / "net.d"
    folder.mkdir()
    store = bed.daemon.dir / "leases"
    plugin = {"type": "bridge", "bridge": BRIDGE, "isGateway": False, "ipMasq": False}
    network = {
        "cniVersion": "0.4.0",
        "name": "net1",
        "plugins": [{**plugin, "capabilities": {"mac": True}, "ipam": host_local(store)}],
    }
    (folder / "net1.conflist").write_text(json.dumps(network))
    podman = Podman(
        bed.hv,
        'network_backend="cni"\n'
        f'cni_plugin_dirs=["{REFERENCE_PLUGINS}"]\n'
        f'network_config_dir="{folder}"',
    )
    seen = [
        podman.start(f"c{i}", "net1", *options)["NetworkSettings"]["Networks"]["net1"]
        for i, options in enumerate(([], ["--mac-address", MACS[0]]))
    ]
    assert seen[1]["MacAddress"] == MACS[0]
    assert_containers(bed, podman, seen)
    assert not leases(store)


@pytest.mark.slow
def test_podman_with_the_bridge_driver_of_netavark(bed):
    podman = Podman(
        bed.hv,
        'network_backend="netavark"\n'
        'firewall_driver="none"\n'
        f'network_config_dir="{bed.daemon.dir}/networks"',
        root=trixie_root(),
    )
    podman.podman(
        *("network", "create", "--driver", "bridge", "--opt", "mode=unmanaged"),
        *("--interface-name", BRIDGE, "--disable-dns", "--subnet", "192.0.2.0/24"),
        *("--gateway", "192.0.2.1", "net1"),
    )
    seen = [
        podman.start(f"c{i}", "net1", "--ip", f"192.0.2.{50 + i}", "--mac-address", MACS[i])[
            "NetworkSettings"
        ]["Networks"]["net1"]
        for i in range(2)
    ]
    assert_containers(bed, podman, seen)


# ---- QEMU without libvirt ----
ALLOW = r"""
set -eu
mount --make-rprivate /
mkdir -p /etc/qemu
mount -t tmpfs none /etc/qemu
echo "allow $BRIDGE" > /etc/qemu/bridge.conf
exec "$@"
"""


def start_guest(bed, name, mac, address, peer):
    folder = base.temp_dir()
    console = guest.Console(folder / "console")
    command = [
        *("qemu-system-x86_64", "-accel", "tcg", "-m", 160, "-nodefaults", "-display", "none"),
        *("-name", name, "-kernel", guest.kernel(), "-initrd", guest.make_initrd(folder)),
        *("-append", f"console=ttyS0 quiet panic=-1 nic={mac},{address}/24 peer={peer}"),
        *("-serial", f"file:{console.path}"),
        *("-netdev", f"bridge,id=net0,br={BRIDGE},helper={HELPER}"),
        *("-device", f"virtio-net-pci,netdev=net0,mac={mac}"),
    ]
    process = base.spawn(
        bed.hv.command("unshare", "--mount", "bash", "-c", ALLOW, "bash", *command),
        env={**os.environ, "BRIDGE": BRIDGE},
        stderr=open(folder / "errors", "w"),
    )
    return process, console


def test_qemu_with_its_bridge_helper(bed):
    guests = [
        start_guest(bed, "web1", MACS[0], "192.0.2.11", "192.0.2.12"),
        start_guest(bed, "web2", MACS[1], "192.0.2.12", "192.0.2.1"),
    ]
    guests[0][1].wait("reply 192.0.2.12", 3)
    guests[1][1].wait("reply 192.0.2.1", 3)
    wait_machines(bed, *MACS)
    base.stop_process(guests[0][0])
    wait_machines(bed, MACS[1])
    ping(bed.outside, "192.0.2.12")
    base.stop_process(guests[1][0])
    wait_machines(bed)
    assert bridge_counters(bed) == [0, 0, 0, 0]
