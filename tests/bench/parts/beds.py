# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""One hypervisor with uplinks and some ports, connected by uplinkd or by one of its peers.

eth<i> are the uplinks (far ends sw<i>), p<i> the ports (far ends m<i>, the machines). The cables
have two queues, as a NIC has on two cores; uplinks insert tags in 'hardware', as NICs do.
"""
import os
import shutil
from collections import namedtuple
from pathlib import Path

from harness import base, ovs
from harness.bed import outside_mac, port_mac, switch
from harness.daemon import Uplinkd
from harness.netns import NetNs
from harness.taps import Tap

from parts.tools import Live, end, offload

VLAN = 100
OUTSIDE = outside_mac(1)


class Place:
    """The namespaces and cables; nothing forwards yet."""

    def __init__(self, n_ports=1, n_uplinks=1, tap_ports=False, queues=2, apart=False, wire=False):
        """apart: each machine and the outside have a separate network namespace, so that their IP
        stacks communicate through the cables. wire: frames from the outside reach the uplinks as
        from a NIC (see lay_wire()).
        """
        self.hv, self.outside = NetNs("hv"), NetNs("outside")
        self.machines = (
            [NetNs(f"machine{i}") for i in range(n_ports)] if apart else [self.outside] * n_ports
        )
        self.n_ports, self.n_uplinks, self.taps = n_ports, n_uplinks, []
        self.workers = []  # processes that forward in user space
        self.by_packet_socket = (
            False  # forwards in user space: no unfinished checksums, no frames above the MTU
        )
        self.wire = NetNs("wire") if wire else None
        for i in range(n_uplinks):
            if wire:
                self.lay_wire(i, queues)
            else:
                self.cable(self.hv, f"eth{i}", self.outside, f"sw{i}", outside_mac(i + 1), queues)
        for i in range(n_ports):
            if tap_ports:
                self.taps.append(Tap(self.hv, f"p{i}"))
            else:
                self.cable(self.hv, f"p{i}", self.machines[i], f"m{i}", port_mac(i), queues)
                offload(self.machines[i], f"m{i}", "gro", "on")

    def cable(self, near_ns, near, far_ns, far, far_mac, queues):
        shape = f"numtxqueues {queues} numrxqueues {queues}"
        near_ns.ip_batch(
            f"link add {near} {shape} type veth peer name {far} address {far_mac} {shape} netns {far_ns.name}",
            f"link set {near} up",
        )
        far_ns.ip("link", "set", far, "up")
        if queues > 1 and near_ns == self.hv:
            self.queue_by_cpu(near, queues)

    def lay_wire(self, i, queues):
        """sw<i> - w<i>, an XDP redirect, x<i> - eth<i>: frames of the outside arrive at the uplink
        in pages of a page pool, unshared, as from the driver of a NIC.

        A plain veth passes the frames of the sender, which it has to copy for an XDP program.
        """
        self.cable(self.wire, f"w{i}", self.outside, f"sw{i}", outside_mac(i + 1), queues)
        self.cable(self.wire, f"x{i}", self.hv, f"eth{i}", f"02:bb:00:00:00:{i:02x}", queues)
        self.queue_by_cpu(f"eth{i}", queues)
        offload(self.outside, f"sw{i}", "tx", "off")  # a wire carries finished checksums
        offload(self.hv, f"eth{i}", "gro", "on")  # without, a veth accepts no frames of XDP
        Live(
            "--redirect-xdp",
            f"{end(self.wire, f'w{i}')}:x{i}",
            "--redirect-tc",
            f"{end(self.wire, f'x{i}')}:w{i}",
        )

    def join_outside(self):
        """The outside receives at sw0 the frames of every uplink, as a switch would forward
        them.
        """
        for i in range(1, self.n_uplinks):
            Live("--redirect-ingress", f"{end(self.outside, f'sw{i}')}:sw0")

    def queue_by_cpu(self, ifname, queues):
        """XPS, as NIC drivers set it up; without it the kernel hashes each frame that did not come
        through a receive queue.

        In a private mount namespace, because /sys shows the network namespace that mounted it.
        """
        settings = " && ".join(
            f"echo {1 << i:x} >/sys/class/net/{ifname}/queues/tx-{i}/xps_cpus"
            for i in range(min(queues, os.cpu_count()))
        )
        self.hv.run(
            "unshare",
            "--mount",
            "sh",
            "-c",
            f"mount -t sysfs sysfs /sys && {{ [ ! -e /sys/class/net/{ifname}/queues/tx-0/xps_cpus ] || {{ {settings}; }}; }}",
        )

    def like_nics(self):
        """GRO and tag insertion, as NICs have them."""
        for i in range(self.n_uplinks):
            offload(self.hv, f"eth{i}", "gro", "on", "txvlan", "on")


def with_uplinkd(place, vlan=VLAN, channel="static", **more):
    ports = [{"interface": f"p{i}", "mac": port_mac(i)} for i in range(place.n_ports)]
    uplinks = [f"eth{i}" for i in range(place.n_uplinks)]
    config = switch(
        "bench", uplinks, [{"name": "prod", "vlan": vlan, "ports": ports}], channel=channel, **more
    )
    place.daemon = Uplinkd(place.hv, {"switches": [config]}, log_level="warning").start()
    place.daemon.wait_uplinks(uplinks)
    place.like_nics()
    return place


def bridge_netfilter(ns, on):
    """Switches br_netfilter off where it is built in: every bridged frame would visit iptables.

    Hosts that are tuned for speed do the same.
    """
    with ns:
        for name in ("iptables", "ip6tables", "arptables"):
            path = Path(f"/proc/sys/net/bridge/bridge-nf-call-{name}")
            if path.exists():
                path.write_text(str(int(on)))


def vlan_filtering_works(ns):
    ns.ip("link", "add", "probe0", "type", "bridge")
    works = (
        ns.ip(
            "link", "set", "probe0", "type", "bridge", "vlan_filtering", "1", check=False
        ).returncode
        == 0
    )
    ns.ip("link", "del", "probe0")
    return works


def add_bridge(ns):
    """br0, which forwards at once, floods multicast and passes no frame to netfilter."""
    settings = "stp_state 0 mcast_snooping 0 forward_delay 0"
    ns.ip("link", "add", "br0", "type", "bridge", *settings.split())
    bridge_netfilter(ns, False)


def with_bridge(place, vlan=0, bond=None, tagged=True):
    """vlan: access VLAN of the ports, tagged (or not) on the uplinks, where the kernel can filter
    VLANs; 0: none. bond: options of a bond over the uplinks.
    """
    trunk = "eth0"
    add_bridge(place.hv)
    if bond:
        trunk = "bond0"
        place.hv.ip("link", "add", trunk, "type", "bond", *bond.split())
        for i in range(place.n_uplinks):
            place.hv.ip_batch(
                f"link set eth{i} down", f"link set eth{i} master {trunk}", f"link set eth{i} up"
            )
        place.hv.ip("link", "set", trunk, "up")
    attach_to_bridge(place, trunk, vlan, tagged)
    place.like_nics()
    return place


def attach_to_bridge(place, trunk, vlan, tagged):
    if vlan:
        place.hv.ip(
            "link", "set", "br0", "type", "bridge", "vlan_filtering", "1", "vlan_default_pvid", "0"
        )
    place.hv.ip_batch(
        "link set br0 up",
        f"link set {trunk} master br0",
        *[f"link set p{i} master br0" for i in range(place.n_ports)],
    )
    words = ["vlan", str(vlan)] if vlan else []
    if vlan:
        place.hv.run(
            "bridge",
            "vlan",
            "add",
            "dev",
            trunk,
            "vid",
            vlan,
            *([] if tagged else ["pvid", "untagged"]),
        )
        for i in range(place.n_ports):
            place.hv.run("bridge", "vlan", "add", "dev", f"p{i}", "vid", vlan, "pvid", "untagged")
    for i in range(place.n_ports):
        place.hv.run(
            "bridge", "fdb", "replace", port_mac(i), "dev", f"p{i}", "master", "static", *words
        )
    place.hv.run("bridge", "fdb", "replace", OUTSIDE, "dev", trunk, "master", "static", *words)


def static_bond(miimon):
    return f"mode balance-xor xmit_hash_policy layer2+3 miimon {miimon}"


def lacp_bond(miimon):
    return f"mode 802.3ad lacp_rate fast xmit_hash_policy layer2+3 miimon {miimon}"


def with_team(place, vlan=0, lacp=False, tagged=True):
    """The loadbalance runner of teamd is the static channel."""
    add_bridge(place.hv)
    directory = base.temp_dir()
    device = (
        f"team{abs(hash(place.hv.name)) % 100000}"  # its control socket is shared by all namespaces
    )
    ports = ",".join(f'"eth{i}":{{}}' for i in range(place.n_uplinks))
    runner = '"name":"lacp","active":true,"fast_rate":true' if lacp else '"name":"loadbalance"'
    (directory / "conf").write_text(
        f'{{"device":"{device}","runner":{{{runner},"tx_hash":["ipv4","ipv6","eth"]}},'
        f'"link_watch":{{"name":"ethtool"}},"ports":{{{ports}}}}}'
    )
    for i in range(place.n_uplinks):
        place.hv.ip("link", "set", f"eth{i}", "down")
    Path("/run/teamd").mkdir(exist_ok=True)
    base.spawn(
        place.hv.command(
            "teamd", "-U", "-f", directory / "conf", "-t", device, "-p", directory / "pid"
        )
    )
    base.wait_until(lambda: place.hv.exists(device), 30, "the device of teamd")
    place.hv.ip("link", "set", device, "up")
    attach_to_bridge(place, device, vlan, tagged)
    place.like_nics()
    return place


def with_openvswitch(place, vlan=0, datapath="netdev", lacp=False, tagged=True):
    """Two uplinks: a bond by source addresses, or with LACP by whole flows.

    netdev: in user space, through AF_PACKET (the build of Debian has no AF_XDP); system: the
    datapath of the kernel.
    """
    directory = base.temp_dir()
    environment = [f"OVS_{k}DIR={directory}" for k in ("RUN", "LOG", "DB", "SYSCONF")]
    database = f"unix:{directory}/db.sock"
    quiet = ("-vconsole:off", "-vfile:off", "-vsyslog:off")

    def daemon(name, *options):
        return base.spawn(place.hv.command("env", *environment, name, *quiet, *options))

    def vsctl(*words):
        base.run("ovs-vsctl", f"--db={database}", "--timeout=20", *words)

    base.run("ovsdb-tool", "create", directory / "conf.db", ovs.schema())
    daemon(
        "ovsdb-server",
        f"--remote=punix:{directory}/db.sock",
        f"--unixctl={directory}/ovsdb.ctl",
        directory / "conf.db",
    )
    base.wait_until((directory / "db.sock").exists, 30, "socket of ovsdb-server")
    vsctl("--no-wait", "init")
    place.workers = [daemon("ovs-vswitchd", database, f"--unixctl={directory}/vswitchd.ctl").pid]
    vsctl(
        "add-br",
        "br0",
        "--",
        "set",
        "bridge",
        "br0",
        f"datapath_type={datapath}",
        "fail-mode=standalone",
    )
    trunks = [f"trunks={vlan}" if tagged else f"tag={vlan}"] if vlan else []
    uplinks = [f"eth{i}" for i in range(place.n_uplinks)]
    if len(uplinks) > 1:
        how = (
            ("bond_mode=balance-tcp", "lacp=active", "other_config:lacp-time=fast")
            if lacp
            else ("bond_mode=balance-slb",)
        )
        vsctl(
            "add-bond",
            "br0",
            "bond0",
            *uplinks,
            *how,
            "other_config:bond-rebalance-interval=0",
            *trunks,
        )
    else:
        vsctl("add-port", "br0", "eth0", *trunks)
    for i in range(place.n_ports):
        vsctl("add-port", "br0", f"p{i}", *([f"tag={vlan}"] if vlan else []))
    place.by_packet_socket = datapath == "netdev"
    place.teach = lambda: add_openvswitch_entries(place, directory, vlan)
    place.teach()
    place.like_nics()
    return place


def add_openvswitch_entries(place, directory, vlan):
    """Installs entries in Open vSwitch, because the machines send nothing to learn from."""
    for name, mac in [("eth0", OUTSIDE)] + [(f"p{i}", port_mac(i)) for i in range(place.n_ports)]:
        place.hv.run(
            "ovs-appctl",
            "-t",
            f"{directory}/vswitchd.ctl",
            "fdb/add",
            "br0",
            name,
            str(vlan),
            mac,
            check=False,
        )


# ---- frames of a rate test ----
def towards_port(place, size, vlan=VLAN):
    """Frames that arrive at the uplink for port 0; size is without the tag."""
    tag = ["--vlan", vlan] if vlan else []
    return [
        "--into",
        end(place.outside, "sw0"),
        "--size",
        size + (4 if vlan and size > 64 else 0),
        "--src",
        OUTSIDE,
        "--dst",
        port_mac(0),
        *tag,
    ]


def towards_uplink(place, size):
    """Frames that port 0 sends to the outside, starting where the host has received them, because
    the machine's share of sending is not the work of the switch.

    Those of a tap are written by a process, as by an emulator. Several uplinks share 64 flows.
    """
    source = ["--write-fd", place.taps[0].fd] if place.taps else ["--through", end(place.hv, "p0")]
    return [
        *source,
        "--size",
        size,
        "--src",
        port_mac(0),
        "--dst",
        OUTSIDE,
        *(["--flows", 64] if place.n_uplinks > 1 else []),
    ]


# make(place, vlan, tagged=True), or None and the missing feature
Peer = namedtuple("Peer", "make why n_uplinks")


def openvswitch_userspace():
    return Peer(lambda p, vlan, tagged=True: with_openvswitch(p, vlan, tagged=tagged), None, 2)


def kernel_peers():
    """Most need a distribution kernel, for instance in one of the machines of vmtest. Those that
    support bonds have one over two uplinks.
    """
    with base.Cleanup():
        ns = NetNs("probe")
        filtering = vlan_filtering_works(ns)
        bonding = ns.ip("link", "add", "probe1", "type", "bond", check=False).returncode == 0
        team = ns.ip("link", "add", "probe2", "type", "team", check=False).returncode == 0
    base.run("sh", "-c", "modprobe openvswitch", check=False)
    no_filter = (
        None
        if filtering
        else "the kernel has no VLAN filtering of bridges (CONFIG_BRIDGE_VLAN_FILTERING)"
    )
    no_bonding = no_filter or (None if bonding else "the kernel has no bonding")
    no_team = no_filter or (
        None
        if team and shutil.which("teamd")
        else "the kernel has no team driver, or there is no teamd"
    )
    no_datapath = (
        None if Path("/sys/module/openvswitch").exists() else "the kernel has no openvswitch module"
    )
    found = {
        "bridge_vlan": Peer(
            lambda p, vlan, tagged=True: with_bridge(p, vlan, None, tagged), no_filter, 1
        ),
        "bonding_bridge_vlan": Peer(
            lambda p, vlan, tagged=True: with_bridge(p, vlan, static_bond(100), tagged),
            no_bonding,
            2,
        ),
        "teamd_bridge_vlan": Peer(
            lambda p, vlan, tagged=True: with_team(p, vlan, tagged=tagged), no_team, 2
        ),
        "openvswitch_kernel": Peer(
            lambda p, vlan, tagged=True: with_openvswitch(p, vlan, "system", tagged=tagged),
            no_datapath,
            2,
        ),
    }
    return {name: peer._replace(make=None) if peer.why else peer for name, peer in found.items()}
