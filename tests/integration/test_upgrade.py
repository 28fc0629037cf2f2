# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Upgrade from 0.1.0, whose unit runs as root, to the unit with a user, by the service manager."""
import json

from harness.bed import Bed, port_mac, switch
from harness.old_version import build_old
from harness.settings import assert_no_programs, set_ipv6, settings_of
from harness.traffic import Traffic
from nspawn import LIBRARIES, Machine, system

NAMES = ("eth0", "eth1", "p0", "p1")
CONFIG = {"switches": [switch("vs", ["eth0", "eth1"], [("prod", 0, [0])])]}


class Host:
    def __init__(self):
        self.bed = Bed(n_uplinks=2, n_ports=2)
        for name in NAMES:
            set_ipv6(self.bed.hv, name)
        self.bed.hv.ip("link", "set", "eth0", "mtu", "1400")
        self.machine = Machine(system(*LIBRARIES), self.bed.hv)
        self.machine.write("/etc/uplinkd/uplinkd.yaml", json.dumps(CONFIG))
        self.install_old()
        self.machine.boot()
        # udev gives the interfaces their addresses
        self.before = {name: settings_of(self.bed.hv, name) for name in NAMES}

    def install_old(self):
        """As its `make install`, without the documents."""
        old = build_old()
        for program in ("uplinkd", "uplinkctl"):
            self.machine.copy_in(old / program, "/usr/sbin")
        self.machine.copy_in(old.parent / "docs/uplinkd.service", "/usr/lib/systemd/system")

    def json(self, *arguments):
        return json.loads(self.machine.run("uplinkctl", "--json", *arguments).stdout)

    def wait_usable(self):
        usable = lambda: [u["name"] for u in self.json("show", "uplinks") if u["usable"]]
        self.machine.wait(lambda: usable() == ["eth0", "eth1"], "usable uplinks")

    def user(self):
        pid = self.machine.run("systemctl", "show", "-P", "MainPID", "uplinkd").stdout.strip()
        return self.machine.run("stat", "-c", "%U", f"/proc/{pid}").stdout.strip()

    def owners(self, folder):
        """Less the files by which uplinkd-interfaces.service, of root, says that it is done."""
        files = self.machine.run("find", folder, "!", "-name", "drop-ins.*", "-printf", "%u\n")
        return set(files.stdout.split())


def test_upgrade_from_the_unit_of_root():
    it = Host()
    machine = it.machine
    machine.run("systemctl", "start", "uplinkd")
    it.wait_usable()
    assert it.user() == "root"
    assert it.owners("/sys/fs/bpf/uplinkd") == it.owners("/run/uplinkd") == {"root"}
    machine.run("uplinkctl", "port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    traffic = Traffic(it.bed.tx("m0"), it.bed.rx_uplinks(), src_mac=port_mac(0))
    traffic.flow(2000)

    machine.install_uplinkd()
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "uplinkd")
    it.wait_usable()
    traffic.flow(2000)
    traffic.stop().assert_clean("upgrade")
    assert it.user() == "uplinkd"
    assert it.owners("/sys/fs/bpf/uplinkd") == it.owners("/run/uplinkd") == {"uplinkd"}
    present = lambda: {p["name"] for p in it.json("show", "ports") if p["present"]}
    machine.wait(lambda: present() == {"p0", "p1"}, "both ports")
    problems = lambda: it.json("status")["switches"][0]["problems"]
    machine.wait(lambda: problems() == [], "no problems")

    machine.run("systemctl", "stop", "uplinkd")
    machine.run("uplinkd", "--teardown")
    assert "uplinkd" not in machine.run("ls", "/sys/fs/bpf").stdout
    for name in NAMES:
        assert settings_of(it.bed.hv, name) == it.before[name], name
        assert_no_programs(it.bed.hv, name)
