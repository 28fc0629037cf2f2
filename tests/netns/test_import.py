# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkctl import of a running network: bridges and taps of a namespace, and an Open vSwitch. The
steps of uplinkctl adopt are executed.
"""
import json
import shutil

import pytest

from harness.base import BUILD, temp_dir, wait_until
from harness.bed import Bed
from harness.machine import Machine
from harness.netns import NetNs, veth

CTL = BUILD / "uplinkctl"
GATEWAY = "192.0.2.1"


def host_with_bridge():
    """br0 with two NICs (veth), two machines and an address; br1 without a NIC."""
    ns = NetNs("import")
    for name in ("br0", "br1"):
        ns.ip("link", "add", name, "type", "bridge")
        ns.ip("link", "set", name, "up")
    for i in range(2):
        ns.ip("link", "add", f"eth{i}", "type", "veth", "peer", "name", f"wire{i}")
        ns.ip("link", "set", f"eth{i}", "master", "br0", "up")
        ns.ip("link", "set", f"wire{i}", "up")
        ns.ip("tuntap", "add", f"vm-web{i}", "mode", "tap")
        ns.ip("link", "set", f"vm-web{i}", "master", "br0", "up")
    ns.ip("address", "add", "192.0.2.10/24", "dev", "br0")
    # the kernel reports a change of the carrier a moment later
    settled = lambda flags: ("LOWER_UP" in flags) != ("NO-CARRIER" in flags)
    wait_until(lambda: all(settled(link[1]) for link in links(ns)), 30, lambda: links(ns))
    return ns


def links(ns):
    """Everything that `ip` and `bridge` show except counters and timers."""
    shown = json.loads(ns.ip("-json", "address", "show").stdout)
    return [(i["ifname"], i["flags"], i.get("master"), i["addr_info"]) for i in shown]


def test_a_running_bridge_becomes_a_valid_configuration(cleanup):
    ns = host_with_bridge()
    before = links(ns)
    done = ns.run(CTL, "--json", "import", "--uplinks", "eth0,eth1", check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["not_mapped"] == []
    assert any("br1: has no way out" in note for note in result["notes"])
    text = result["configuration"]
    assert "uplinks: [eth0, eth1]" in text
    assert "bridge: br0\n" in text and "vm-web" not in text
    mac = ns.link("br0")["address"]
    line = f'{{interface: vmk0, mac: "{mac}", host: true, address: ["192.0.2.10/24"]}} # was br0'
    assert line in text
    file = temp_dir() / "uplinkd.yaml"
    file.write_text(text)
    assert "1 switch, 2 uplinks, 1 port group, 1 port" in ns.run(CTL, "check", file).stdout
    assert links(ns) == before


def test_routes_are_keys_of_the_host_port_or_named_with_their_replacement(cleanup):
    ns = host_with_bridge()
    ns.ip("route", "add", "default", "via", "192.0.2.1")
    ns.ip("route", "add", "198.51.100.1", "dev", "br0")
    ns.ip("route", "add", "203.0.113.0/24", "via", "198.51.100.1")
    done = ns.run(CTL, "import", "--uplinks", "eth0,eth1", check=False)
    assert done.returncode == 1
    assert 'gateway: ["192.0.2.1"], routes: [{to: "198.51.100.1/32"}]}' in done.stdout
    assert "ip route add 203.0.113.0/24 via 198.51.100.1 dev vmk0" in done.stderr


def test_a_running_open_vswitch(ovs):
    """The database of the switch of the tests, read over its socket."""
    for i in range(2):
        ovs.ns.ip("link", "add", f"eth{i}", "type", "veth", "peer", "name", f"wire{i}")
        ovs.ns.ip("link", "set", f"eth{i}", "up")
    ovs.ns.ip("tuntap", "add", "vm-web0", "mode", "tap")
    ovs.vsctl("add-bond", "br0", "bond0", "eth0", "eth1", "bond_mode=balance-slb", "lacp=passive")
    ovs.vsctl("add-port", "br0", "vm-web0", "tag=100")

    def imported():
        return ovs.ns.run(CTL, "import", f"ovs:{ovs.db}").stdout

    wait_until(lambda: "vm-web0" in imported(), 30, "the port in the database")
    text = imported()
    for part in (
        "uplinks: [eth0, eth1]",
        "channel: lacp",
        "activity: passive",
        "load-balancing: src-mac",
        "vlan: 100",
        "{interface: vm-web0}",
    ):
        assert part in text, text


# a host whose Open vSwitch is the one of the tests
OWN_RUN = 'mount -t tmpfs none /run && mkdir /run/openvswitch && mount --bind "$0" /run/openvswitch'


def test_open_vswitch_is_refused_with_the_way_to_do_it(ovs):
    def adopt(*sources):
        command = ("unshare", "--mount", "sh", "-ec", f'{OWN_RUN}; exec "$@"', ovs.dir, CTL)
        return ovs.ns.run(*command, "adopt", *sources, check=False)

    done = adopt()
    assert done.returncode == 1 and "add its source: 'live ovs'" in done.stderr, done
    host_on_ovs(ovs)
    done = adopt("live", "ovs")
    assert done.returncode == 1 and "br0: belongs to Open vSwitch" in done.stderr, done
    assert "--dry-run live ovs" in done.stderr and "From a running Open vSwitch" in done.stderr


def host_on_ovs(ovs):
    """br0 of Open vSwitch with a bond to a bridge outside, the host's address and a machine."""
    world = NetNs("world")
    world.ip_batch(
        "link add br0 type bridge", f"address add {GATEWAY}/24 dev br0", "link set br0 up"
    )
    for i in range(2):
        veth(ovs.ns, f"eth{i}", world, f"sw{i}")
        for ns, name in ((ovs.ns, f"eth{i}"), (world, f"sw{i}")):
            ns.ethtool(name, tx=False)
        world.run("ethtool", "-K", f"sw{i}", "txvlan", "off")
        world.ip("link", "set", f"sw{i}", "master", "br0")
    machine = Machine(ovs.ns, 0, "192.0.2.20/24")
    machine.ns.ethtool("nic", tx=False)
    ovs.vsctl("add-bond", "br0", "bond0", "eth0", "eth1", "bond_mode=active-backup")
    ovs.vsctl("add-port", "br0", "p0")
    ovs.ns.ip_batch(
        "address add 192.0.2.10/24 dev br0", "link set br0 up", f"route add default via {GATEWAY}"
    )
    return machine


def test_the_commands_for_open_vswitch_move_the_host_and_back(ovs):
    """As docs/migration.md, "From a running Open vSwitch", without systemd."""
    machine = host_on_ovs(ovs)

    def reach():
        return all(
            ns.run("ping", "-q", "-c", "1", "-W", "1", GATEWAY, check=False).returncode == 0
            for ns in (ovs.ns, machine.ns)
        )

    wait_until(reach, 60, "the gateway from host and machine")
    folder = temp_dir()
    shown = ovs.ns.run(
        CTL, "--json", "adopt", "--dry-run", "live", f"ovs:{ovs.db}", check=False, env=ovs.env
    )
    plan = json.loads(shown.stdout.replace("/etc/uplinkd", str(folder)))
    assert "uplinks: [eth0, eth1]" in plan["configuration"], plan["configuration"]

    def execute_there(commands):
        for command in commands:
            ovs.ns.run("sh", "-ec", command, env=ovs.env)

    bed = Bed.around(ovs.ns, ["eth0", "eth1"])
    for step in plan["steps"][:6]:
        if step["title"] == "Start uplinkd":
            bed.start(text=plan["configuration"])
        else:
            execute_there(c for c in step["commands"] if not c.startswith("uplinkctl"))
    bed.usable("eth0", "eth1")
    assert ipv4(ovs.ns, "vmk0") == ["192.0.2.10/24"] and ipv4(ovs.ns, "br0") == []
    assert ovs.vsctl("list-ports", "br0") == ""
    wait_until(reach, 60, "the gateway by uplinkd")

    assert plan["back"][:2] == ["systemctl stop uplinkd", "uplinkd --teardown"]
    bed.daemon.teardown()
    execute_there(plan["back"][2:])
    wait_until(reach, 60, "the gateway by Open vSwitch")
    assert ovs.vsctl("list-ports", "br0").split() == ["bond0", "p0"]
    assert ipv4(ovs.ns, "br0") == ["192.0.2.10/24"]


def test_programs_that_fail_are_named(cleanup):
    ns = NetNs("import")
    done = ns.run(CTL, "import", "ovs:unix:/nonexistent/db.sock", check=False)
    assert done.returncode == 2
    assert "ovsdb-client" in done.stderr and "failed with status 1" in done.stderr
    done = ns.run("env", "PATH=/nonexistent", CTL, "import", check=False)
    assert done.returncode == 1
    assert "ip -d -j address show: cannot be run: No such file" in done.stderr


OWN_STEPS = ("Write and check the configuration", "Prepare the next boot")


def adopt(ns):
    """The plan of a host, which changes nothing."""
    before = links(ns)
    options = ("--json", "adopt", "--dry-run", "--uplinks", "eth0,eth1")
    plan = json.loads(ns.run(CTL, *options, check=False).stdout)
    assert links(ns) == before
    return plan


def execute(ns, plan, end=None):
    """The commands of the plan, to the step whose title starts with `end`; the harness starts the
    daemon.
    """
    bed = Bed.around(ns, ["eth0", "eth1"])
    for step in plan["steps"]:
        if end and step["title"].startswith(end):
            break
        if step["title"] == "Start uplinkd":
            bed.start(text=plan["configuration"])
        elif step["title"] not in OWN_STEPS:
            for command in step["commands"]:
                ns.run("sh", "-ec", command)
    bed.usable("eth0", "eth1")
    return bed


def ipv4(ns, ifname):
    shown = json.loads(ns.ip("-json", "address", "show", "dev", ifname).stdout)[0]["addr_info"]
    return [f"{a['local']}/{a['prefixlen']}" for a in shown if a["family"] == "inet"]


def test_the_steps_of_adopt_lead_to_a_running_switch(cleanup):
    ns = host_with_bridge()
    ns.ip("route", "add", "default", "via", "192.0.2.1", "metric", "50")
    bed = execute(ns, adopt(ns))
    assert ns.exists("br0") and ns.exists("br1")
    assert ipv4(ns, "vmk0") == ["192.0.2.10/24"]
    assert "default via 192.0.2.1 dev vmk0 proto 117 metric 50" in ns.ip("route", "show").stdout
    ports = lambda: {p["name"]: p["present"] for p in bed.daemon.json("show", "ports")}
    expected = {"vm-web0": True, "vm-web1": True, "vmk0": True}
    wait_until(lambda: ports() == expected, 30, ports)


def test_the_steps_of_adopt_can_be_undone(cleanup):
    ns = host_with_bridge()
    ns.ip("route", "add", "default", "via", "192.0.2.1", "metric", "50")
    before, routes = links(ns), ns.ip("route", "show").stdout
    plan = adopt(ns)
    bed = execute(ns, plan, end="After a check")
    assert ipv4(ns, "br0") == [] and ipv4(ns, "vmk0") == ["192.0.2.10/24"]
    assert plan["back"][:2] == ["systemctl stop uplinkd", "uplinkd --teardown"]
    bed.daemon.teardown()
    for command in plan["back"][2:]:
        ns.run("sh", "-ec", command)
    now = lambda: (links(ns), ns.ip("route", "show").stdout)
    wait_until(lambda: now() == (before, routes), 30, lambda: f"{before}, {routes}: {now()}")


def test_filters_of_nftables_are_named(cleanup):
    if not shutil.which("nft"):
        pytest.skip("nft is not installed")
    ns = host_with_bridge()
    rules = """
table bridge filter {
	chain forward {
		type filter hook forward priority 0
		iifname "vm-web0" drop
	}
}
table inet host {
	chain input {
		type filter hook input priority 0
		iifname "br0" accept
	}
}
"""
    ns.run("nft", "-f", "-", text_input=rules)
    done = ns.run(CTL, "adopt", "--dry-run", "--uplinks", "eth0,eth1", check=False)
    assert done.returncode == 1
    assert "table bridge filter, chain forward, hook forward, 1 rule" in done.stdout
    assert "names br0: the addresses of br0 move to vmk0" in done.stdout


def test_tables_without_nft_are_named(cleanup):
    """A minimal Debian has no nft, and nothing to list unless other software made tables."""
    if not shutil.which("nft"):
        pytest.skip("nft is not installed")
    ns = host_with_bridge()
    folder = temp_dir()
    for name in ("ip", "bridge"):
        (folder / name).symlink_to(shutil.which(name))

    def plan():
        command = (CTL, "adopt", "--dry-run", "--uplinks", "eth0,eth1")
        return ns.run("env", f"PATH={folder}", *command, check=False)

    done = plan()
    assert done.returncode == 0 and "Not checked" not in done.stdout, done
    ns.run("nft", "add", "table", "inet", "own")
    done = plan()
    assert done.returncode == 1, done
    assert "nft is not installed, and the kernel has 1 table\n" in done.stdout


def test_a_failing_nft_is_named_and_the_plan_is_printed(cleanup):
    ns = host_with_bridge()
    folder = temp_dir()
    (folder / "nft").write_text("#!/bin/sh\nexit 3\n")
    (folder / "nft").chmod(0o755)
    path = f"PATH={folder}:/usr/sbin:/usr/bin"
    done = ns.run("env", path, CTL, "adopt", "--dry-run", "--uplinks", "eth0,eth1", check=False)
    assert done.returncode == 1
    assert "Not checked:\n - nft -j list ruleset: failed with status 3\n" in done.stdout
    assert "ip link set dev eth0 nomaster" in done.stdout
