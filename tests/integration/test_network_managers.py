# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""systemd-networkd and NetworkManager next to uplinkd, each configured to manage every interface:
they leave uplinks and ports alone, and configure the host ports that are handed over to them.
"""
import json
import socket
import struct

import pytest
import yaml

from harness import base
from harness.base import wait_until
from harness.bed import Bed, switch
from nspawn import LIBRARIES, Machine, system

CATCH_ALL = "[Match]\nName=*\n\n[Network]\nDHCP=yes\n\n[Link]\nMTUBytes=1400\n"
CATCH_ALL_NM = """[connection]
id=all
type=ethernet
multi-connect=3
autoconnect=true

[ethernet]
mtu=1400

[ipv4]
method=auto
may-fail=true

[ipv6]
method=auto
"""
NETWORKD, NM = "systemd-networkd", "NetworkManager"


class Host:
    """A machine with uplinkd and one of the managers, and a DHCP server behind its uplink."""

    def __init__(self, manager):
        self.manager = manager
        self.bed = Bed(n_uplinks=2, n_ports=1)
        self._allow_ipv6()
        packages = ["network-manager"] if manager == NM else []
        self.machine = Machine(system(*packages, *LIBRARIES), self.bed.hv)
        self.machine.install_uplinkd()
        if manager == NM:
            self.machine.write(
                "/etc/NetworkManager/system-connections/all.nmconnection", CATCH_ALL_NM, 0o600
            )
            # manages veth interfaces of every name, as it does NICs
            self.machine.write(
                "/etc/udev/rules.d/86-all.rules",
                'SUBSYSTEM=="net", ENV{NM_UNMANAGED}="0"\n',
            )
        else:
            self.machine.write("/etc/systemd/network/99-all.network", CATCH_ALL)
            self.enable(NETWORKD)
        self._serve()

    def _allow_ipv6(self):
        with self.bed.hv:
            for which in ("default", "all"):
                with open(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6", "w") as setting:
                    setting.write("0")

    def _serve(self):
        world = self.bed.world
        world.ip("addr", "add", "192.0.2.1/24", "dev", "sw0")
        folder = base.temp_dir()
        base.spawn(
            world.command(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--port=0",
                "--interface=sw0",
                "--bind-interfaces",
                "--dhcp-authoritative",
                "--dhcp-range=192.0.2.100,192.0.2.200,1h",
                "--dhcp-option=option:dns-server,192.0.2.53",
                f"--dhcp-leasefile={folder}/leases",
                f"--pid-file={folder}/pid",
                "--user=root",
            ),
            stderr=open(folder / "log", "w"),
        )

    def enable(self, unit):
        folder = "/etc/systemd/system/multi-user.target.wants"
        self.machine.write(f"{folder}/{unit}.service", link=f"/lib/systemd/system/{unit}.service")

    def configure(self, *ports, uplinks=("eth0",), **more):
        groups = [{"name": "g", "vlan": 0, "bridge": "br-g", "ports": list(ports)}]
        config = {"switches": [switch("vs", uplinks, groups, channel="none", **more)]}
        self.machine.write("/etc/uplinkd/uplinkd.yaml", yaml.safe_dump(config))

    def link(self, name):
        return self.bed.hv.link(name)

    def addresses(self, name):
        """Empty also while there is no such interface."""
        shown = self.bed.hv.ip("-json", "addr", "show", "dev", name, check=False).stdout
        found = json.loads(shown)[0]["addr_info"] if shown.strip() else []
        return {a["local"] for a in found if a["scope"] == "global"}

    def route_lines(self):
        return self.bed.hv.ip("route", "show").stdout

    def state(self, name):
        """The state of the interface as the manager reports it; None: not known to it yet."""
        if self.manager == NETWORKD:
            shown = self.machine.run("networkctl", "--no-pager", "list", "--no-legend").stdout
            return {line.split()[1]: line.split()[4] for line in shown.splitlines()}.get(name)
        shown = self.machine.run("nmcli", "-g", "DEVICE,STATE", "device").stdout
        return dict(line.split(":")[:2] for line in shown.splitlines()).get(name)

    def managed(self, name):
        """None: not known to the manager yet."""
        state = self.state(name)
        return state and state != "unmanaged"

    def wait_managed(self, name, yes):
        self.machine.wait(lambda: self.managed(name) is yes, f"{name} {'' if yes else 'un'}managed")

    def wait_configured(self, name):
        """Until the manager has nothing left to do: while it takes over, addresses may be absent."""
        self.machine.wait(
            lambda: self.state(name) in ("configured", "connected"), f"{name} configured"
        )

    def usable(self):
        shown = json.loads(self.machine.run("uplinkctl", "--json", "show", "uplinks").stdout)
        return {u["name"] for u in shown if u["usable"]}

    def problems(self):
        status = json.loads(self.machine.run("uplinkctl", "--json", "status").stdout)
        return [p["code"] for s in status["switches"] for p in s["problems"]] + [
            p["code"] for p in status.get("problems", [])
        ]


STATIC = {
    "interface": "vmk0",
    "host": True,
    "address": ["192.0.2.10/24"],
    "gateway": "192.0.2.1",
    "routes": [{"to": "198.51.100.0/24", "via": "192.0.2.2", "metric": 7}],
}
GUEST = {"interface": "p0", "mac": "52:54:00:00:00:01"}


@pytest.fixture(params=[NETWORKD, NM])
def host(request, cleanup):
    return Host(request.param)


def assert_static(host):
    host.machine.wait(lambda: host.addresses("vmk0") == {"192.0.2.10"}, "the address of vmk0")
    for route in (
        "default via 192.0.2.1 dev vmk0 proto 117",
        "198.51.100.0/24 via 192.0.2.2 dev vmk0 proto 117 metric 7",
    ):
        host.machine.wait(lambda: route in host.route_lines(), route)


def assert_no_problems(host):
    host.machine.wait(lambda: host.problems() == [], "no problems")


def test_interfaces_of_uplinkd_are_left_alone(host):
    host.configure(STATIC, GUEST)
    # without uplinkd the manager takes all interfaces
    host.machine.boot()
    host.machine.wait(lambda: host.link("eth0")["mtu"] == 1400, "the manager's MTU")
    host.machine.wait(lambda: host.addresses("eth0"), "the manager's address")
    host.machine.stop()
    for name in ("eth0", "eth1", "p0"):
        host.bed.hv.ip_batch(f"addr flush dev {name}", f"link set {name} mtu 1500")
    # at boot it never sees them
    host.enable("uplinkd")
    host.machine.boot()
    host.machine.wait(lambda: host.link("vmk0"), "the host port")
    host.wait_managed("eth1", True)
    for name in ("eth0", "vmk0", "vmk0-sw", "p0", "br-g"):
        host.wait_managed(name, False)
        assert host.link(name)["mtu"] == 1500, name
    assert_static(host)
    assert not any(host.addresses(name) for name in ("eth0", "p0", "br-g"))
    assert_no_problems(host)
    # an uplink that joins at run time, also as an unprivileged daemon
    host.configure(STATIC, GUEST, uplinks=("eth0", "eth1"))

    def reloaded():
        """Fails when the manager has given it an address again."""
        host.bed.hv.ip("addr", "flush", "dev", "eth1")
        return host.machine.run("systemctl", "reload", "uplinkd", check=False).returncode == 0

    host.machine.wait(reloaded, "the reload")
    host.wait_managed("eth1", False)
    host.machine.wait(lambda: host.link("eth1")["mtu"] == 1500, "the MTU of the switch")
    host.machine.wait(lambda: host.usable() == {"eth0", "eth1"}, "usable uplinks")
    # one that leaves belongs to the manager again, and so do all after a teardown
    host.configure(STATIC, GUEST)
    host.machine.run("systemctl", "reload", "uplinkd")
    host.wait_managed("eth1", True)
    assert_static(host)
    host.machine.run("systemctl", "stop", "uplinkd")
    assert host.managed("eth0") is False, "the data plane continues"
    host.machine.run("uplinkd", "--teardown")
    host.wait_managed("eth0", True)
    for folder in ("systemd/network", "NetworkManager/conf.d", "udev/rules.d"):
        assert "uplinkd" not in host.machine.shell(f"ls /run/{folder}").stdout


def test_a_host_port_is_handed_over(host):
    static = {**STATIC, "routes": []}
    dynamic = {"interface": "vmk1", "host": True, "dhcp": True}
    host.configure(static, dynamic)
    host.enable("uplinkd")
    host.machine.boot()
    host.machine.wait(lambda: host.addresses("vmk1"), "an address by DHCP")
    for name, yes in (("vmk1", True), ("vmk0", False), ("vmk1-sw", False)):
        host.wait_managed(name, yes)
    assert host.link("vmk1")["mtu"] == 1500
    mac = host.link("vmk1")["address"]
    host.machine.wait(lambda: host.addresses("vmk0") == {"192.0.2.10"}, "the address of vmk0")
    # a name server added to a port with static settings hands it over; its settings stay
    host.configure({**static, "dns": ["192.0.2.53"]}, dynamic)
    host.machine.run("systemctl", "reload", "uplinkd")
    host.wait_configured("vmk0")
    wait_until(lambda: host.addresses("vmk0") == {"192.0.2.10"}, 30, "the static address")
    base.holds_for(lambda: host.addresses("vmk0") == {"192.0.2.10"}, 3, "the static address")
    assert "default via 192.0.2.1 dev vmk0" in host.route_lines()
    assert_no_problems(host)
    # the same address after a reboot
    host.machine.stop()
    host.bed.hv.ip("link", "del", "vmk1")
    host.machine.boot()
    host.machine.wait(lambda: host.link("vmk1") and host.addresses("vmk1"), "vmk1 after a reboot")
    assert host.link("vmk1")["address"] == mac


class Carriers:
    """The carriers of interfaces over time, from link events."""

    RTM_NEWLINK, RTMGRP_LINK, IFF_RUNNING = 16, 1, 0x40

    def __init__(self, ns, *names):
        self.names = {ns.link(name)["ifindex"]: name for name in names}
        with ns:
            self.socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
            )
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, self.RTMGRP_LINK))

    def changes(self):
        """[{name: carrier}] after each change; an event that was lost is an error."""
        now, found = {name: True for name in self.names.values()}, []
        while True:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return found
            length, kind = struct.unpack_from("=IH", data)
            index, flags = struct.unpack_from("=iI", data, 20)
            if kind == self.RTM_NEWLINK and index in self.names:
                now = {**now, self.names[index]: bool(flags & self.IFF_RUNNING)}
                if not found or found[-1] != now:
                    found.append(now)


def test_networkmanager_leaves_the_uplinks_up(cleanup):
    """It sets an interface down that its files exclude from now on, unless it is released before."""
    host = Host(NM)
    host.configure(STATIC, GUEST, uplinks=("eth0", "eth1"), **{"take-addresses": True})
    host.machine.boot()
    for name in ("eth0", "eth1"):
        host.wait_managed(name, True)
    host.wait_configured("eth0")
    carriers = Carriers(host.bed.hv, "eth0", "eth1")
    host.machine.run("systemctl", "start", "uplinkd")
    for name in ("eth0", "eth1"):
        host.wait_managed(name, False)
    host.machine.wait(lambda: host.usable() == {"eth0", "eth1"}, "usable uplinks")
    base.holds_for(lambda: host.usable() == {"eth0", "eth1"}, 3, "usable uplinks")
    changes = carriers.changes()
    assert changes == [{"eth0": True, "eth1": True}], changes
    host.machine.wait(lambda: host.addresses("vmk0") == {"192.0.2.10"}, "the address of vmk0")
    # it is NetworkManager's again, as an interface that it has not seen before
    host.machine.run("systemctl", "stop", "uplinkd")
    host.machine.run("uplinkd", "--teardown")
    host.wait_managed("eth0", True)
    host.wait_configured("eth0")
