# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The container of nspawn.py: the properties that other tests need."""
from harness.bed import Bed
from nspawn import LIBRARIES, Machine, system


def test_a_machine_has_its_own_interfaces_units_and_files():
    bed = Bed(n_uplinks=1, n_ports=0)
    machine = Machine(system(*LIBRARIES), bed.hv)
    machine.install_uplinkd()
    machine.boot()
    assert machine.run("networkctl", "--version").stdout.startswith("systemd 252")
    shown = machine.run("udevadm", "info", "/sys/class/net/eth0").stdout
    assert "ID_NET_DRIVER=veth" in shown, "udev handled the interface of the namespace"
    assert "uplinkd" in machine.run("id", "uplinkd").stdout
    machine.shell("echo kept > /root/kept; echo lost > /run/lost")
    machine.reboot()
    assert machine.path("/root/kept").read_text() == "kept\n"
    assert machine.run("test", "-e", "/run/lost", check=False).returncode == 1
