# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Open vSwitch in user space as the physical switch, with a private database and namespace.

Open vSwitch has no static EtherChannel: its bonds without LACP drop frames that arrive at a member
other than the one where the source MAC was learned. So a channel is a separate bridge with flows:
frames of any member go to the main bridge through one port, and frames from there go to a live
member by hash.
"""
import shutil
from pathlib import Path

from . import base
from .base import run, wait_until
from .netns import NetNs, veth


def schema():
    """The database schema that belongs to the ovsdb-tool in PATH."""
    return Path(shutil.which("ovsdb-tool")).parents[1] / "share/openvswitch/vswitch.ovsschema"


class OvsSwitch:
    def __init__(self):
        self.ns = NetNs("ovs")
        self.dir = base.temp_dir()
        self.env = {
            "OVS_RUNDIR": str(self.dir),
            "OVS_LOGDIR": str(self.dir),
            "OVS_DBDIR": str(self.dir),
            "OVS_SYSCONFDIR": str(self.dir),
        }
        self.db = f"unix:{self.dir}/db.sock"
        self._ports = 0
        run("ovsdb-tool", "create", self.dir / "conf.db", schema())
        self._daemon(
            "ovsdb-server",
            f"--remote=punix:{self.dir}/db.sock",
            f"--unixctl={self.dir}/ovsdb.ctl",
            self.dir / "conf.db",
        )
        wait_until((self.dir / "db.sock").exists, 30, "socket of ovsdb-server")
        self.vsctl("--no-wait", "init")
        self._daemon("ovs-vswitchd", self.db, f"--unixctl={self.dir}/vswitchd.ctl")
        self.vsctl(
            "add-br",
            "br0",
            "--",
            "set",
            "bridge",
            "br0",
            "datapath_type=netdev",
            "fail-mode=standalone",
        )

    def _daemon(self, name, *options):
        with open(self.dir / f"{name}.log", "w") as log:
            base.spawn(
                self.ns.command(
                    "env",
                    *[f"{k}={v}" for k, v in self.env.items()],
                    # another machine, which is not busy
                    *("nice", "-n", "-40", name),
                    "-vconsole:warn",
                    "-vfile:off",
                    "-vsyslog:off",
                    *options,
                ),
                stdout=log,
                stderr=log,
            )

    def vsctl(self, *arguments):
        return self.ns.run(
            "ovs-vsctl", f"--db={self.db}", "--timeout=60", *arguments, env=self.env
        ).stdout

    def ofctl(self, bridge, command, *arguments):
        return self.ns.run(
            "ovs-ofctl",
            "-O",
            "OpenFlow15",
            command,
            f"unix:{self.dir}/{bridge}.mgmt",
            *arguments,
            env=self.env,
        ).stdout

    def appctl(self, *arguments):
        return self.ns.run(
            "ovs-appctl", "-t", f"{self.dir}/vswitchd.ctl", *arguments, env=self.env
        ).stdout

    def logs(self):
        return "\n".join(p.read_text() for p in self.dir.glob("*.log"))

    # ---- cables ----
    def cable(self, ns, ifname, mtu=1500, near_mac=None):
        """A cable from ifname in ns; returns the name of the near end.

        Neither checksums nor segmentation are left to hardware, because a veth has none.
        """
        mine = f"s{self._ports}"
        self._ports += 1
        veth(ns, ifname, self.ns, mine, mac_a=near_mac, mtu=mtu)
        self.ns.ip("link", "set", mine, "arp", "off")
        for where, name in ((ns, ifname), (self.ns, mine)):
            where.ethtool(name, tx=False, sg=False, tso=False, gso=False)
        return mine

    def port(self, ns, ifname, tag=None, trunks=None, **options):
        """Access port (tag), trunk (list of VLANs) or a port of VLAN 0 (neither)."""
        mine = self.cable(ns, ifname, **options)
        self.vsctl(
            "add-port",
            "br0",
            mine,
            *self._vlans(tag, trunks),
            "--",
            "set",
            "interface",
            mine,
            f"mtu_request={options.get('mtu', 1500)}",
        )
        return mine

    @staticmethod
    def _vlans(tag, trunks):
        if tag is not None:
            return [f"tag={tag}"]
        return [f"trunks={','.join(map(str, trunks))}", "vlan_mode=trunk"] if trunks else []

    def static_channel(self, ns, ifnames, trunks=None, tag=None, mtu=1500):
        """A static EtherChannel: the cables of ifnames are one port of the switch. Returns the near
        ends.
        """
        bridge = f"chan{self._ports}"
        members = [self.cable(ns, name, mtu=mtu) for name in ifnames]
        self.vsctl(
            "add-br",
            bridge,
            "--",
            "set",
            "bridge",
            bridge,
            "datapath_type=netdev",
            "fail-mode=secure",
            "protocols=OpenFlow13,OpenFlow15",
            "--",
            "add-port",
            "br0",
            f"{bridge}-a",
            *self._vlans(tag, trunks),
            "--",
            "set",
            "interface",
            f"{bridge}-a",
            "type=patch",
            f"options:peer={bridge}-b",
            "--",
            "add-port",
            bridge,
            f"{bridge}-b",
            "--",
            "set",
            "interface",
            f"{bridge}-b",
            "type=patch",
            f"options:peer={bridge}-a",
            "ofport_request=100",
            *[
                w
                for i, m in enumerate(members)
                for w in (
                    "--",
                    "add-port",
                    bridge,
                    m,
                    "--",
                    "set",
                    "interface",
                    m,
                    f"ofport_request={i + 1}",
                    f"mtu_request={mtu}",
                )
            ],
        )
        buckets = ",".join(f"bucket=watch_port:{i + 1},output:{i + 1}" for i in range(len(members)))
        self.ofctl(
            bridge,
            "add-group",
            f"group_id=1,type=select,selection_method=hash,fields(ip_src,ip_dst,eth_src,eth_dst),{buckets}",
        )
        self.ofctl(bridge, "add-flow", "in_port=100,actions=group:1")
        for i in range(len(members)):
            self.ofctl(bridge, "add-flow", f"in_port={i + 1},actions=output:100")
        return members


class Host:
    """A machine at an access port of the switch, with an address."""

    def __init__(self, ovs, address, tag=None, mtu=1500, mac=None):
        self.ns = NetNs("host")
        self.address = address.split("/")[0]
        ovs.port(self.ns, "h0", tag=tag, mtu=mtu, near_mac=mac)
        self.ns.ip("addr", "add", address, "dev", "h0")
