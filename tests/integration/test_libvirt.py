# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Real libvirt with TCG guests: domains that name nothing but the attachment bridge."""
import json

from harness.base import BUILD, wait_until
from harness.bed import Bed, switch
from harness.netns import NetNs
from libvirt_host import LibvirtHost

BRIDGE = "<source bridge='br-prod'/>"
MAC = ["52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"]
ADDRESS = ["192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"]


def ports(bed):
    return {p["mac"]: p for p in bed.daemon.json("show", "ports")}


def wait_port(bed, mac, state="confirmed"):
    wait_until(
        lambda: ports(bed).get(mac, {}).get("address_state") == state,
        60,
        lambda: f"port {mac} {state}: {ports(bed)}\n{bed.daemon.log()}",
    )
    return ports(bed)[mac]


def bridge_packets(bed, name="br-prod"):
    stats = json.loads(bed.hv.ip("-json", "-stats", "link", "show", "dev", name).stdout)[0][
        "stats64"
    ]
    return stats["rx"]["packets"], stats["tx"]["packets"]


def start_bed():
    bed = Bed(n_uplinks=2, n_ports=0)
    bed.start(
        [switch("vs", bed.uplink_names, [{"name": "prod", "vlan": 100, "bridge": "br-prod"}])]
    )
    bed.usable(*bed.uplink_names)
    return bed


def test_two_guests_on_the_bridge():
    bed = start_bed()
    host = LibvirtHost(bed.hv).start()
    consoles = [
        host.define(
            "web1", [(BRIDGE, MAC[0], ADDRESS[0]), ("", MAC[2], ADDRESS[2])], peer="192.0.2.2"
        ),
        host.define("web2", [(BRIDGE, MAC[1], ADDRESS[1])], peer="192.0.2.1"),
    ]
    for name in ("web1", "web2"):
        host.virsh("start", name)
    consoles[0].wait("reply 192.0.2.2", 3)
    consoles[1].wait("reply 192.0.2.1")
    for mac in MAC[:2]:
        port = wait_port(bed, mac)
        assert port["attached"] and port["group"] == "prod"
    assert bridge_packets(bed) == (0, 0)

    # stop and start: libvirt gives its taps new names
    host.virsh("destroy", "web1")
    wait_until(lambda: MAC[0] not in ports(bed), 60, "the port to leave")
    host.virsh("destroy", "web2")
    host.virsh("start", "web2")
    host.virsh("start", "web1")
    consoles[0].wait("reply 192.0.2.2", 3)

    # hot-plug and unplug
    host.plug("web1", BRIDGE, MAC[2])
    has_address = lambda: consoles[0].count(f"eth1 has {ADDRESS[2]}")  # said once
    wait_until(has_address, 120, lambda: f"eth1\n{consoles[0].text()[-2000:]}")
    wait_until(
        lambda: ports(bed).get(MAC[2], {}).get("attached"), 60, lambda: f"plugged: {ports(bed)}"
    )
    host.plug("web1", BRIDGE, MAC[2], "detach-device")
    wait_until(lambda: MAC[2] not in ports(bed), 60, lambda: f"unplugged: {ports(bed)}")

    # the guests run on while libvirtd and uplinkd are restarted
    before = ports(bed)
    host.restart()
    bed.daemon.restart()
    bed.daemon.kill()
    bed.daemon.start()
    assert {m: p["slot"] for m, p in ports(bed).items()} == {
        m: p["slot"] for m, p in before.items()
    }
    consoles[0].wait("reply 192.0.2.2", 3)
    host.virsh("destroy", "web2")
    wait_until(lambda: MAC[1] not in ports(bed), 60, "the port to leave")
    assert bridge_packets(bed) == (0, 0)


def test_migration_between_two_hosts():
    """web1 moves to another host; web2, which stays, reaches it before and after."""
    beds = [start_bed(), start_bed()]
    for bed in beds:
        bed.hv.ethtool("eth0", tx=False)
        bed.daemon.ctl("uplink", "drain", "eth1")
    # the physical switch: a bridge that passes tags
    world = NetNs("switch")
    for i, bed in enumerate(beds):
        bed.world.ip("link", "set", "sw0", "name", f"cable{i}", "netns", world.name)
        world.run("ethtool", "-K", f"cable{i}", "tx", "off", "txvlan", "off")
    world.ip_batch("link add lan type bridge", "link set lan up")
    world.ip_batch(*[f"link set cable{i} up master lan" for i in range(2)])
    hosts = [LibvirtHost(bed.hv).start() for bed in beds]
    moving = hosts[0].define("web1", [(BRIDGE, MAC[0], ADDRESS[0])], peer="192.0.2.2")
    staying = hosts[0].define("web2", [(BRIDGE, MAC[1], ADDRESS[1])], peer="192.0.2.1")
    for name in ("web1", "web2"):
        hosts[0].virsh("start", name)
    staying.wait("reply 192.0.2.1", 3)
    hosts[0].virsh("migrate", "web1", hosts[1].uri, "--live", "--p2p", "--tunnelled", timeout=300)
    wait_until(lambda: MAC[0] not in ports(beds[0]), 60, "the port to leave the source")
    assert wait_port(beds[1], MAC[0])["attached"]
    staying.wait("reply 192.0.2.1", 3)
    moving.wait("reply 192.0.2.2", 3)
    for bed in beds:
        assert bridge_packets(bed) == (0, 0)


HOOK = """#!/bin/sh
export UPLINKCTL={folder}/uplinkctl
echo "$@" >> {folder}/operations
exec {build}/uplinkd-libvirt-hook "$@"
"""
UPLINKCTL = """#!/bin/sh
exec {build}/uplinkctl --run-dir {run} --bpffs {bpffs} "$@"
"""
METADATA = """<u:ports xmlns:u="urn:uplinkd:ports">{}</u:ports>"""


def hook_of(bed):
    """The hook with this instance of uplinkd."""
    folder = bed.daemon.dir
    path = folder / "uplinkctl"
    path.write_text(UPLINKCTL.format(build=BUILD, run=bed.daemon.run_dir, bpffs=bed.daemon.bpffs))
    path.chmod(0o755)
    return HOOK.format(folder=folder, build=BUILD)


def test_hook_for_ethernet_interfaces():
    bed = Bed(n_uplinks=1, n_ports=0)
    groups = [
        {"name": "prod", "vlan": 100, "ports": []},
        {"name": "dev 2", "vlan": 200, "ports": []},
    ]
    bed.start([switch("vs", bed.uplink_names, groups)])
    bed.usable("eth0")
    host = LibvirtHost(bed.hv, hook_of(bed)).start()
    named = "<target dev='vm-web1'/>"
    prod = METADATA.format("<u:port switch='vs' group='prod'/>")
    consoles = [
        host.define("web1", [(named, MAC[0], ADDRESS[0])], "192.0.2.2", prod),
        # vnetN: another name at each start
        host.define("web2", [("<!-- -->", MAC[1], ADDRESS[1])], "192.0.2.1", prod),
    ]
    for name in ("web1", "web2"):
        host.virsh("start", name)
    consoles[0].wait("reply 192.0.2.2", 3)
    assert ports(bed)[MAC[0]]["name"] == "vm-web1" and ports(bed)[MAC[1]]["runtime"]
    first = ports(bed)[MAC[1]]["name"]

    # renumbered
    host.virsh("destroy", "web2")
    wait_until(lambda: MAC[1] not in ports(bed), 60, "the port to leave")
    dev = METADATA.format(f"<u:port switch='vs' group='dev 2' mac='{MAC[2]}'/>")
    host.define("other", [("<!-- -->", MAC[2], ADDRESS[2])], "", dev)
    host.virsh("start", "other")
    name = ports(bed)[MAC[2]]["name"]
    assert name != first and ports(bed)[MAC[2]]["group"] == "dev 2"
    # the next name belongs to the port of a guest that is gone
    following = f"vnet{int(name[4:]) + 1}"
    bed.daemon.ctl("port", "add", "vs", "prod", following, "--mac", "52:54:00:00:00:77")
    host.virsh("start", "web2")
    consoles[0].wait("reply 192.0.2.2", 3)
    assert ports(bed)[MAC[1]]["name"] == following and ports(bed)[MAC[1]]["group"] == "prod"
    assert "52:54:00:00:00:77" not in ports(bed)

    # ports that were lost meanwhile come back with libvirtd
    host.stop()
    bed.daemon.ctl("port", "del", "vm-web1")
    host.start()
    wait_until(lambda: MAC[0] in ports(bed), 60, lambda: ports(bed))
    consoles[0].wait("reply 192.0.2.2", 3)
    for name in ("web1", "web2", "other"):
        host.virsh("destroy", name)
    wait_until(lambda: not ports(bed), 60, lambda: ports(bed))

    # mistakes end the start of the guest, with the reason
    wrong = METADATA.format("<u:port switch='vs' group='none'/>")
    host.define("web3", [("<!-- -->", MAC[2], ADDRESS[2])], "", wrong)
    done = host.virsh("start", "web3", check=False)
    assert done.returncode and "no port group none in this switch" in done.stderr, done.stderr
    host.define(
        "web4", [("<!-- -->", MAC[2], ADDRESS[2])], "", METADATA.format("<u:port switch='vs'/>")
    )
    done = host.virsh("start", "web4", check=False)
    assert done.returncode and "group: must be the name of a group" in done.stderr, done.stderr
    seen = (bed.daemon.dir / "operations").read_text()
    for operation in (
        "prepare begin",
        "start begin",
        "started begin",
        "stopped end",
        "release end",
        "reconnect begin",
    ):
        assert f" {operation} " in seen, operation
