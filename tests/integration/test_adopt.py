# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""`uplinkctl adopt` on a Debian with its service manager, whose bridge is configured by ifupdown, by
systemd-networkd or by NetworkManager: the switch-over, the next boot with changed files, and the
way back.
"""
import json
import shutil

import pytest

from harness import base
from harness.adopt import GATEWAY, HOST, OUTSIDE, connection, enable_ipv6, snapshot
from harness.base import wait_until
from harness.machine import Machine as Guest
from harness.machine import ping
from harness.netns import NetNs, veth
from nspawn import LIBRARIES, Machine, system

IFUPDOWN, NETWORKD, NM = "ifupdown", "networkd", "NetworkManager"
INTERFACES = f"""auto lo
iface lo inet loopback

auto br0
iface br0 inet static
	address {HOST}/24
	gateway {GATEWAY}
	bridge_ports eth0
	bridge_stp off
	bridge_fd 0
"""
# The NIC stays without bridge and addresses; uplinkd sets it up.
CHANGED_INTERFACES = "auto lo\niface lo inet loopback\n"
NETWORKD_FILES = {
    "10-br0.netdev": "[NetDev]\nName=br0\nKind=bridge\n",
    "10-eth0.network": "[Match]\nName=eth0\n\n[Network]\nBridge=br0\n",
    "11-br0.network": f"[Match]\nName=br0\n\n[Network]\nAddress={HOST}/24\nGateway={GATEWAY}\n",
}
FOLDER = "/etc/systemd/network"
NM_FILES = {
    "br0.nmconnection": f"""[connection]
id=br0
type=bridge
interface-name=br0

[bridge]
stp=false

[ipv4]
method=manual
address1={HOST}/24,{GATEWAY}

[ipv6]
method=disabled
""",
    "eth0.nmconnection": """[connection]
id=eth0
type=ethernet
interface-name=eth0
master=br0
slave-type=bridge
""",
}
NM_FOLDER = "/etc/NetworkManager/system-connections"
# as it manages a NIC
NM_RULE = 'SUBSYSTEM=="net", KERNEL=="eth0", ENV{NM_UNMANAGED}="0"\n'


class Host:
    """A machine whose address is on br0 with eth0, with a guest in it."""

    def __init__(self, files):
        self.files = files
        self.world, self.ns = NetNs("world"), NetNs("hv")
        enable_ipv6(self.ns)
        self.world.ip("address", "add", f"{OUTSIDE}/32", "dev", "lo")
        veth(self.ns, "eth0", self.world, "sw0")
        self.ns.ethtool("eth0", tx=False)
        self.world.ethtool("sw0", tx=False)
        self.world.run("ethtool", "-K", "sw0", "txvlan", "off")
        self.world.ip("address", "add", f"{GATEWAY}/24", "dev", "sw0")
        packages = {IFUPDOWN: ["ifupdown", "bridge-utils"], NM: ["network-manager"]}
        self.machine = Machine(system(*packages.get(files, []), *LIBRARIES), self.ns)
        self.machine.install_uplinkd()
        self.write_files()
        self.machine.boot()
        self.wait_answer()
        self.guest = Guest(self.ns, 0, "192.0.2.20/24")
        self.ns.ip("link", "set", "p0", "master", "br0")
        ping(self.guest.ns, GATEWAY)
        # as a package does
        self.machine.run("systemctl", "enable", "uplinkd")

    def write_files(self):
        if self.files == IFUPDOWN:
            self.machine.write("/etc/network/interfaces", INTERFACES)
            return
        if self.files == NM:
            self.machine.write("/etc/udev/rules.d/86-eth0.rules", NM_RULE)
            for name, text in NM_FILES.items():
                self.machine.write(f"{NM_FOLDER}/{name}", text, 0o600)
            return
        for name, text in NETWORKD_FILES.items():
            self.machine.write(f"{FOLDER}/{name}", text)
        self.machine.write(
            "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
            link="/lib/systemd/system/systemd-networkd.service",
        )

    def change_files(self):
        """As the report of adopt says."""
        if self.files == IFUPDOWN:
            self.machine.write("/etc/network/interfaces", CHANGED_INTERFACES)
            return
        folder, names = (NM_FOLDER, NM_FILES) if self.files == NM else (FOLDER, NETWORKD_FILES)
        for name in names:
            self.machine.path(f"{folder}/{name}").unlink()

    def answers(self):
        command = ("ping", "-q", "-c", "1", "-W", "1", "-I", HOST, OUTSIDE)
        return self.ns.run(*command, check=False).returncode == 0

    def wait_answer(self):
        self.machine.wait(self.answers, "answer of the host")

    def ctl(self, *arguments, **options):
        return self.machine.run("uplinkctl", *arguments, **options)

    def adopt(self, *arguments):
        # the kind of a veth does not show that it is the NIC
        done = self.ctl("adopt", "--uplinks", "eth0", *arguments, check=False, timeout=300)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.machine.journal()[-8000:]}"
        return done.stdout

    def unit(self, name):
        return self.machine.run(
            "systemctl", "show", f"--property={name}", "--value", "uplinkd"
        ).stdout.strip()

    def addresses(self, name):
        shown = json.loads(self.ns.ip("-json", "address", "show", "dev", name).stdout)[0]
        return [a["local"] for a in shown["addr_info"] if a["family"] == "inet"]

    def is_moved(self):
        link = self.ns.link
        if not link("vmk0"):
            return False
        ports = {p["name"]: p for p in json.loads(self.ctl("--json", "show", "ports").stdout)}
        return (
            self.addresses("vmk0") == [HOST]
            and self.addresses("br0") == []
            and "master" not in link("eth0")
            and link("p0")["master"] == "br0"
            and ports.get("p0", {}).get("attached")
            and ports["p0"]["present"]
            and f"default via {GATEWAY} dev vmk0" in self.ns.ip("route", "show").stdout
        )

    def assert_moved(self):
        """And it stays so: no manager takes anything back."""
        self.machine.wait(self.is_moved, "the host on uplinkd")
        base.holds_for(self.is_moved, 3, lambda: f"the host on uplinkd\n{self.ns.ip('a').stdout}")

    def power_cycle(self):
        """The kernel's objects of this host end with it; the cables stay."""
        self.machine.stop()
        # other namespaces may hold the mount for a while, and with it the programs
        shutil.rmtree(self.machine.bpffs / "uplinkd")
        for name in ("br0", "vmk0"):
            self.ns.ip("link", "del", name, check=False)
        self.ns.ip_batch("link set eth0 nomaster", "address flush dev eth0", "link set eth0 down")
        self.machine.reboot()


SLOW = pytest.mark.slow
HOSTS = [pytest.param(IFUPDOWN, marks=SLOW), NETWORKD]


@pytest.fixture
def host(request, cleanup):
    return Host(request.param)


@pytest.mark.parametrize("host", [*HOSTS, pytest.param(NM, marks=SLOW)], indirect=True)
def test_a_host_moves_and_boots_on_uplinkd(host):
    with connection(host.ns, host.world) as exchange:
        exchange(b"before")
        text = host.adopt("--confirm", "300")
        assert "uplinkd.service is disabled until the next boot is prepared" in text
        name = {IFUPDOWN: "/etc/network/interfaces:", NETWORKD: FOLDER, NM: NM_FOLDER}[host.files]
        assert name in text and "br0: remove it; uplinkd creates this bridge" in text, text
        host.assert_moved()
        exchange(b"on uplinkd")
        ping(host.guest.ns, GATEWAY)
        host.ctl("confirm")
        host.assert_moved()
        exchange(b"confirmed")
        # the service alone
        host.machine.run("systemctl", "restart", "uplinkd")
        host.ctl("wait", "--timeout", "60")
        host.assert_moved()
        exchange(b"after a restart")
    assert host.unit("UnitFileState") == "disabled" and host.unit("ActiveState") == "active"

    host.change_files()
    host.machine.run("systemctl", "enable", "uplinkd")
    host.power_cycle()
    host.wait_answer()
    host.machine.wait(lambda: host.ns.exists("br0"), "the attachment bridge")
    host.ns.ip("link", "set", "p0", "master", "br0")
    host.assert_moved()
    ping(host.guest.ns, GATEWAY)
    ping(host.guest.ns, HOST)


@pytest.mark.parametrize("host", HOSTS, indirect=True)
def test_without_a_confirmation_the_host_is_as_before(host):
    before = snapshot(host.ns)
    with connection(host.ns, host.world) as exchange:
        host.adopt("--confirm", "40")  # longer than all checks of the move
        host.assert_moved()
        exchange(b"on uplinkd")
        wait_until(
            lambda: snapshot(host.ns) == before,
            120,
            lambda: f"the host as before\n{before}\n{snapshot(host.ns)}",
        )
        exchange(b"back")
        # and no manager changes it afterwards
        base.holds_for(lambda: snapshot(host.ns) == before, 3, "the host as before")
        exchange(b"still back")
    ping(host.guest.ns, GATEWAY)
    config = lambda: json.loads(host.ctl("--json", "show", "config").stdout)
    host.machine.wait(lambda: config().get("switch_over") is None, "the end of the switch-over")
    assert host.unit("ActiveState") == "active" and host.unit("UnitFileState") == "disabled"
    files = "ls /run/systemd/network /run/udev/rules.d"
    folders = lambda: host.machine.shell(files, check=False).stdout
    host.machine.wait(lambda: "uplinkd" not in folders(), "no files for network managers")

    # the files of the host bring it up again, and nothing of uplinkd
    host.power_cycle()
    host.wait_answer()
    assert host.addresses("br0") == [HOST] and not host.ns.exists("vmk0")
    assert host.unit("ActiveState") == "inactive"
