# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Switches to test against, each in a separate namespace at the near end of two cables.

The far ends (u0 and u1, or NICs) are in the namespace that the caller gives, for the unit under
test.

    with Netns() as uut, peers.bonding(uut) as peer:
        peer.host(100, "192.0.2.1/24")                  # an address behind the channel, in VLAN 100
        ...start the unit under test on peer.far...
        peer.wait_distributing()
        peer.links[0].cut()

Every context waits until the switch is there, not until LACP has agreed, because there may be no
partner yet, and cleans up. `links` chooses the cables: util.veth_links (default) or
functools.partial(nic_links, nics=("nic0", "nic1")).
"""

import json
import os
import re
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from util import Netns, run, unique, veth_links, wait_until

# LACP port state, from bit 0 on
STATE_BITS = (
    "activity",
    "short_timeout",
    "aggregation",
    "synchronization",
    "collecting",
    "distributing",
    "defaulted",
    "expired",
)
AGREED = {"aggregation", "synchronization", "collecting", "distributing"}


def state_names(bits):
    return {name for n, name in enumerate(STATE_BITS) if bits >> n & 1}


class Peer:
    """A switch at the near end. Subclasses implement a host in a VLAN and the LACP state."""

    def __init__(self, ns, links):
        self.ns, self.links = ns, links
        self.ports = [link.near for link in links]
        self.far = [link.far for link in links]

    def host(self, vid, address):
        """Makes an interface with an address in a VLAN, as of a machine behind the switch; its
        name.
        """
        raise NotImplementedError

    def lacp(self):
        """{port: (actor state, partner state)}, each a set of STATE_BITS; only ports that have a
        state.
        """
        raise NotImplementedError

    def partners(self):
        """{port: (system, key)} of the unit under test, from LACPDUs that the peer received."""
        raise NotImplementedError

    def end_channel(self):
        """As when the switch restarts: the channel is gone, and its ports carry nothing."""
        raise NotImplementedError

    def begin_channel(self):
        """Restores the channel that ended, with its hosts."""
        raise NotImplementedError

    def distributing(self):
        """The ports on which the peer and its partner both collect and distribute.

        Bonding keeps the state of a port that lost its carrier, so the port must be usable as well.
        """
        usable = self.usable()
        return [
            port
            for port, (actor, partner) in self.lacp().items()
            if port in usable and AGREED <= actor and AGREED <= partner
        ]

    def wait_distributing(self, ports=None, timeout_s=60):
        """Waits until exactly these ports (default: all) are in use by LACP."""
        wanted = sorted(self.ports if ports is None else ports)
        wait_until(
            lambda: sorted(self.distributing()) == wanted,
            f"LACP on exactly {wanted}",
            timeout_s,
            self.lacp,
        )

    def usable(self):
        """The ports on which the peer itself sends without LACP, because it regards them as up."""
        return [port for port in self.ports if self.ns.carrier(port)]


def vlan_interface(ns, parent, vid, address):
    """An 802.1Q sub-interface with an address; vid 0: the parent itself."""
    name = parent
    if vid:
        name = f"{parent}.{vid}"
        ns.ip(f"link add link {parent} name {name} type vlan id {vid}")
    ns.ip(f"address add {address} dev {name}")
    ns.ip(f"link set {name} up")
    return name


# ---- kernel bonding ----
class Bonding(Peer):
    def __init__(self, ns, links, device="bond0"):
        super().__init__(ns, links)
        self.device, self.hosts = device, []
        self.make = None  # makes the bond

    def host(self, vid, address):
        self.hosts.append((vid, address))
        return vlan_interface(self.ns, self.device, vid, address)

    def end_channel(self):
        self.ns.ip(f"link del {self.device}")

    def begin_channel(self):
        self.make()
        for vid, address in self.hosts:
            vlan_interface(self.ns, self.device, vid, address)

    def lacp(self):
        states = {}
        for port in self.ports:
            slave = self.ns.show(port).get("linkinfo", {}).get("info_slave_data", {})
            if "ad_actor_oper_port_state" in slave:
                states[port] = (
                    state_names(slave["ad_actor_oper_port_state"]),
                    state_names(slave["ad_partner_oper_port_state"]),
                )
        return states

    def partners(self):
        said = self.ns.run(f"cat /proc/net/bonding/{self.device}")
        return {
            port: (system, int(key))
            for port, system, key in re.findall(
                r"Slave Interface: (\S+)\n.*?details partner lacp pdu:.*?system mac address: (\S+)\n.*?oper key: (\d+)",
                said,
                re.DOTALL,
            )
        }

    def usable(self):
        return [
            port
            for port in self.ports
            if self.ns.show(port).get("linkinfo", {}).get("info_slave_data", {}).get("mii_status")
            == "UP"
        ]


def make_bond(ns, ports, mode="802.3ad", rate="fast", device="bond0", options=""):
    """A bond over ports that are in the namespace; options: more of `ip link add type bond`, such
    as min_links 2.
    """
    lacp = f"lacp_rate {rate} " if mode == "802.3ad" else ""
    ns.ip(
        f"link add {device} type bond mode {mode} miimon 50 xmit_hash_policy layer2+3 {lacp}{options}"
    )
    for port in ports:
        ns.ip(f"link set {port} down")
        ns.ip(f"link set {port} master {device}")
        ns.ip(f"link set {port} up")
    ns.ip(f"link set {device} up")


@contextmanager
def bonding(uut, mode="802.3ad", rate="fast", options="", links=veth_links):
    """Kernel bonding: mode 802.3ad, or balance-xor for a static channel; hosts are 8021q
    interfaces.
    """
    with Netns(unique("bond")) as ns, links(ns, uut) as cables:
        peer = Bonding(ns, cables)
        peer.make = partial(make_bond, ns, peer.ports, mode, rate, options=options)
        peer.make()
        try:
            wait_until(lambda: len(peer.usable()) == len(cables), "bonding to see its ports up")
            yield peer
        finally:
            ns.ip("link del bond0")


# ---- teamd ----
class Team(Peer):
    def __init__(self, ns, links, device, directory):
        super().__init__(ns, links)
        self.device, self.directory, self.hosts = device, directory, []
        self.running = ExitStack()  # teamd, from begin_channel() to end_channel()

    def host(self, vid, address):
        self.hosts.append((vid, address))
        return vlan_interface(self.ns, self.device, vid, address)

    def end_channel(self):
        """teamd ends and removes its device."""
        self.running.close()

    def begin_channel(self):
        log = f"{self.directory}/log"
        process = self.running.enter_context(
            self.ns.daemon(
                f"teamd -U -f {self.directory}/config -t {self.device} -p {self.directory}/pid", log
            )
        )
        wait_until(
            lambda: process.poll() is not None or len(self.usable()) == len(self.ports),
            "teamd with its ports up",
            describe=self.state,
        )
        if process.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise RuntimeError(f"teamd ended: {file.read()}")
        self.ns.ip(f"link set {self.device} up")
        for vid, address in self.hosts:
            vlan_interface(self.ns, self.device, vid, address)

    def state(self):
        """Output of `teamdctl state dump`, {} while teamd does not answer."""
        said = self.ns.run(f"teamdctl -U {self.device} state dump", check=False)
        return json.loads(said) if said else {}

    def lacp(self):
        return {
            port: (
                state_names(info["runner"]["actor_lacpdu_info"]["state"]),
                state_names(info["runner"]["partner_lacpdu_info"]["state"]),
            )
            for port, info in self.state().get("ports", {}).items()
            if "actor_lacpdu_info" in info.get("runner", {})
        }

    def partners(self):
        theirs = {
            port: info["runner"]["partner_lacpdu_info"]
            for port, info in self.state()["ports"].items()
        }
        return {port: (info["system"], info["key"]) for port, info in theirs.items()}

    def usable(self):
        return [port for port, info in self.state().get("ports", {}).items() if info["link"]["up"]]


@contextmanager
def teamd(uut, runner="lacp", rate="fast", options=None, links=veth_links):
    """teamd: runner lacp, or loadbalance for a static channel; options: more keys of its runner."""
    # its control socket carries the name of the device and is shared by all namespaces
    device = unique("team")
    lacp = {"active": True, "fast_rate": rate == "fast"} if runner == "lacp" else {}
    with Netns(unique("team")) as ns, links(
        ns, uut
    ) as cables, tempfile.TemporaryDirectory() as directory:
        for link in cables:
            ns.ip(f"link set {link.near} down")
        config = {
            "device": device,
            "link_watch": {"name": "ethtool"},
            "ports": {link.near: {} for link in cables},
            "runner": {
                "name": runner,
                "tx_hash": ["eth", "ipv4", "ipv6"],
                **lacp,
                **(options or {}),
            },
        }
        with open(os.path.join(directory, "config"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        os.makedirs("/run/teamd", exist_ok=True)
        peer = Team(ns, cables, device, directory)
        with peer.running:
            peer.begin_channel()
            yield peer


# ---- Open vSwitch ----
class OpenVswitch(Peer):
    """The daemons run in the namespace with a separate database, sockets and logs."""

    def __init__(self, ns, links, directory, lacp):
        super().__init__(ns, links)
        self.directory, self.bonded = directory, lacp != "off"
        self.hosts = {}  # VLAN: its hosts

    def vsctl(self, *words):
        return self.ns.run(
            ["ovs-vsctl", f"--db=unix:{self.directory}/db.sock", "--timeout=60", *words]
        )

    def appctl(self, *words):
        return self.ns.run(["ovs-appctl", "-t", f"{self.directory}/vswitchd.ctl", *words])

    def ofctl(self, command, *words):
        return self.ns.run(
            [
                "ovs-ofctl",
                "-O",
                "OpenFlow13",
                "--names",
                command,
                f"unix:{self.directory}/br0.mgmt",
                *words,
            ]
        )

    def channel(self, lacp, rate):
        """Makes one channel of the ports.

        Bonds of Open vSwitch without LACP are for switches without a channel: they drop broadcast
        on all members but one. A static channel is a group of OpenFlow instead, with flows by
        hosts.
        """
        self.begin_channel = partial(self.channel, lacp, rate)
        if self.bonded:
            self.vsctl(
                "add-bond",
                "br0",
                "bond0",
                *self.ports,
                f"lacp={lacp}",
                "bond_mode=balance-tcp",
                f"other_config:lacp-time={rate}",
                "other_config:bond-detect-mode=carrier",
            )
            return
        for port in self.ports:
            self.vsctl("add-port", "br0", port)
        buckets = [f"bucket=watch_port:{port},output:{port}" for port in self.ports]
        self.ofctl("add-group", ",".join(["group_id=1,type=select", *buckets]))

    def host(self, vid, address):
        name = f"vlan{vid}-{len(self.hosts.setdefault(vid, []))}"
        self.hosts[vid].append(name)
        tag = [f"tag={vid}"] if vid and self.bonded else []
        self.vsctl("add-port", "br0", name, *tag, "--", "set", "interface", name, "type=internal")
        if not self.bonded:
            push = f"push_vlan:0x8100,set_field:{0x1000 | vid}->vlan_vid," if vid else ""
            self.ofctl("add-flow", f"in_port={name},actions={push}group:1")
            of_vlan, pop = (f"dl_vlan={vid}", "pop_vlan,") if vid else ("vlan_tci=0", "")
            for port in self.ports:
                self.ofctl(
                    "add-flow", f"in_port={port},{of_vlan},actions={pop}{','.join(self.hosts[vid])}"
                )
        self.ns.ip(f"address add {address} dev {name}")
        self.ns.ip(f"link set {name} up")
        return name

    def end_channel(self):
        self.vsctl("del-port", "br0", "bond0")

    def members(self):
        """{port: its part of `lacp/show`}."""
        parts = re.split(r"\n(?:member|slave): ", self.appctl("lacp/show"))[1:]
        return {part.split(":")[0]: part for part in parts}

    def lacp(self):
        words = {"timeout": "short_timeout", "synchronized": "synchronization"}
        return {
            port: tuple(
                {
                    words.get(word, word)
                    for word in re.search(rf"{side} state: *(.*)", part).group(1).split()
                }
                for side in ("actor", "partner")
            )
            for port, part in self.members().items()
        }

    def partners(self):
        return {
            port: (
                re.search(r"partner sys_id: *(\S+)", part).group(1),
                int(re.search(r"partner key: *(\d+)", part).group(1)),
            )
            for port, part in self.members().items()
        }

    def usable(self):
        if not self.bonded:
            return super().usable()
        return re.findall(
            r"^(?:member|slave) (\S+): enabled", self.appctl("bond/show", "bond0"), re.MULTILINE
        )


@contextmanager
def openvswitch(uut, lacp="active", rate="fast", datapath="system", links=veth_links):
    """Open vSwitch, datapath system (the kernel's) or netdev.

    lacp: active or passive, with balance-tcp; off: a static channel, by flow tables.
    """
    with Netns(unique("ovs")) as ns, links(
        ns, uut
    ) as cables, tempfile.TemporaryDirectory() as directory:
        for link in cables:
            # the stack of the kernel must not answer in addition to the switch
            ns.ip(f"link set {link.near} arp off")
        share = Path(shutil.which("ovsdb-tool")).parents[1] / "share/openvswitch"
        run("ovsdb-tool", "create", f"{directory}/conf.db", f"{share}/vswitch.ovsschema")
        private = f"env OVS_RUNDIR={directory} OVS_LOGDIR={directory} OVS_DBDIR={directory} OVS_SYSCONFDIR={directory}"
        database = (
            f"{private} ovsdb-server {directory}/conf.db --remote=punix:{directory}/db.sock "
            f"--unixctl={directory}/ovsdb.ctl"
        )
        switch = (
            f"{private} ovs-vswitchd unix:{directory}/db.sock --unixctl={directory}/vswitchd.ctl"
        )
        peer = OpenVswitch(ns, cables, directory, lacp)
        with ns.daemon(database, f"{directory}/ovsdb.log"):
            wait_until(lambda: os.path.exists(f"{directory}/db.sock"), "socket of ovsdb-server")
            peer.vsctl("--no-wait", "init")
            with ns.daemon(switch, f"{directory}/vswitchd.log"):
                wait_until(
                    lambda: os.path.exists(f"{directory}/vswitchd.ctl"), "socket of ovs-vswitchd"
                )
                peer.vsctl(
                    "add-br",
                    "br0",
                    "--",
                    "set",
                    "bridge",
                    "br0",
                    f"datapath_type={datapath}",
                    "protocols=OpenFlow13",
                    f"fail-mode={'standalone' if peer.bonded else 'secure'}",
                )
                try:
                    peer.channel(lacp, rate)
                    yield peer
                finally:
                    peer.vsctl("del-br", "br0")


# ---- Linux bridge ----
class Bridge(Bonding):
    """A bridge with VLAN filtering: its trunk is a bond over the cables, or each cable
    separately.
    """

    def __init__(self, ns, links, bonded):
        super().__init__(ns, links)
        self.trunks = ["bond0"] if bonded else self.ports

    def allow(self, vid):
        """Opens a VLAN on the trunks and to the hosts of the bridge."""
        for trunk in self.trunks:
            self.ns.run(f"bridge vlan add dev {trunk} vid {vid}")
        self.ns.run(f"bridge vlan add dev br0 vid {vid} self")

    def host(self, vid, address):
        if vid:
            self.allow(vid)
        return vlan_interface(self.ns, "br0", vid, address)

    def seen(self, mac):
        """The trunk on which the bridge has learned the MAC address of a machine, or None."""
        table = json.loads(self.ns.run("bridge -j fdb show br br0"))
        return next(
            (
                entry["ifname"]
                for entry in table
                if entry["mac"] == mac and "permanent" not in entry.get("state", "")
            ),
            None,
        )


@contextmanager
def bridge(uut, bond_mode=None, rate="fast", links=veth_links):
    """A Linux bridge with VLAN filtering as the physical switch.

    bond_mode None: two plain trunk ports, for teaming without a channel; 802.3ad or balance-xor:
    one channel. VLAN 1 is the native one; others are opened by host() or allow().
    """
    with Netns(unique("br")) as ns, links(ns, uut) as cables:
        peer = Bridge(ns, cables, bool(bond_mode))
        ns.ip(
            "link add br0 type bridge vlan_filtering 1 stp_state 0 forward_delay 0 mcast_snooping 0"
        )
        ns.ip("link set br0 up")
        if bond_mode:
            make_bond(ns, peer.ports, bond_mode, rate)
        try:
            for trunk in peer.trunks:
                ns.ip(f"link set {trunk} master br0")
            yield peer
        finally:
            if bond_mode:
                ns.ip("link del bond0")
            ns.ip("link del br0")
