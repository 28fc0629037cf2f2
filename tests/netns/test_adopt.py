# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""`uplinkctl adopt`: a running host with a bridge, taps, addresses and routes moves to uplinkd, under
confirm, and comes back by itself. Bonds are in vmtest/peers/test_adopt.py.
"""
import json
import shutil
import time

import pytest

from harness import base
from harness.adopt import GATEWAY, HOST, OUTSIDE, connection, enable_ipv6, snapshot
from harness.base import wait_until
from harness.daemon import Uplinkd
from harness.kills import killed_in_request, need_strace, request_points
from harness.machine import Machine, ping
from harness.netns import NetNs, veth

EMPTY = "switches: []\n"
GUEST = "192.0.2.20"
LONG = "600"


def wait_for_guards():
    """The guards of uplinkctl end with the switch-over, or with the folder of the daemon."""
    guards = lambda: [c for _, c in base.processes_of(base.OWN_PREFIX) if " adopt " in c]
    wait_until(lambda: not guards(), 30, guards)


def prepare_for(daemon, user):
    """What `uplinkd --prepare` does, without the machine's RCU setting."""
    for folder in (daemon.bpffs / "uplinkd", daemon.run_dir):
        folder.mkdir()
        shutil.chown(folder, user)
    daemon.bpffs.chmod(0o711)
    daemon.run_as(user)


class Host:
    """br0 with eth0 (a cable to the world) and p0 (a machine); everything that a host may have."""

    def __init__(self, user=None):
        base.Cleanup.current().add(wait_for_guards)
        self.world, self.ns = NetNs("world"), NetNs("hv")
        enable_ipv6(self.ns)
        self.world.ip("address", "add", f"{OUTSIDE}/32", "dev", "lo")
        veth(self.ns, "eth0", self.world, "sw0")
        self.ns.ethtool("eth0", tx=False)
        self.world.ethtool("sw0", tx=False)
        self.world.run("ethtool", "-K", "sw0", "txvlan", "off")
        self.world.ip("address", "add", f"{GATEWAY}/24", "dev", "sw0")
        self.machine = Machine(self.ns, 0, f"{GUEST}/24")
        self.ns.ip_batch(
            "link add br0 type bridge",
            "link set br0 address 02:00:00:00:00:10 up",
            "link set eth0 master br0",
            "link set p0 master br0",
            f"address add {HOST}/24 brd + dev br0",
            f"address add 192.0.2.11/24 dev br0 label br0:1",
            "address add 198.51.100.7/32 dev br0 scope link",
            "address add 2001:db8::10/64 dev br0 nodad",
            f"route add default via {GATEWAY} dev br0 src {HOST} metric 50",
            f"route add default via 198.51.100.9 dev br0 onlink metric 60",
            "route add 198.51.100.9 dev br0",
            f"route add 10.0.0.0/8 via {GATEWAY} dev br0 table 77 mtu 1400",
            "route add default via 2001:db8::1 dev br0 metric 2000",
            "route add 2001:db8:1::/48 dev br0 table 77",
            "neigh add 192.0.2.30 lladdr 02:00:00:00:00:30 dev br0 nud permanent",
            "rule add iif br0 lookup 77 priority 1000",
            f"rule add from {HOST} lookup 77 priority 1001",
        )
        options = "hairpin on cost 7 flood off"
        self.ns.run("bridge", "link", "set", "dev", "p0", *options.split())
        self.daemon = Uplinkd(self.ns, text=EMPTY)
        if user:
            prepare_for(self.daemon, user)
        self.daemon.start()
        wait_until(self.answers, 30, "answer of the host")

    def answers(self, address=OUTSIDE):
        command = ("ping", "-q", "-c", "1", "-W", "1", "-I", HOST, address)
        return self.ns.run(*command, check=False).returncode == 0

    def ctl(self, *arguments, **options):
        return self.daemon.ctl("adopt", *arguments, "--uplinks", "eth0", **options)

    def port(self, name):
        """The record of a port; {} for none."""
        return {p["name"]: p for p in self.daemon.json("show", "ports")}.get(name, {})

    def attached(self, name):
        """Whether the bridge made it a port, and its frames no longer reach the bridge."""
        port = self.port(name)
        return port.get("attached") and port["present"]

    def wait_learned(self, machine):
        """Until frames of the machine pass: the switch drops the first ones of a new address."""
        command = ("ping", "-q", "-c", "1", "-W", "1", GATEWAY)
        wait_until(
            lambda: machine.ns.run(*command, check=False).returncode == 0,
            60,
            lambda: f"{machine.address} to be learned\n{self.daemon.log()}",
        )

    def state(self):
        return self.daemon.json("show", "config").get("switch_over")

    def wait_returned(self, what=""):
        """A rollback that the kernel refuses at first is tried again."""
        wait_until(lambda: self.state() is None, 60, lambda: f"{what} {self.state()}")

    def snapshot(self):
        return snapshot(self.ns)

    def wait_as(self, before):
        wait_until(
            lambda: self.snapshot() == before,
            150,
            lambda: f"the host as before:\n{before}\n{self.snapshot()}\n{self.daemon.log()}",
        )


def routes_of(ns, *words):
    return ns.ip(*words).stdout


def check_moved(host):
    ns = host.ns
    assert host.daemon.json("show", "uplinks")[0]["name"] == "eth0"
    assert ns.link("vmk0")["address"] == "02:00:00:00:00:10"
    assert "master" not in ns.link("eth0") and ns.link("p0")["master"] == "br0"
    wait_until(lambda: host.attached("p0"), 30, "p0 in the attachment bridge")
    addresses = ns.ip("address", "show", "dev", "vmk0").stdout
    for text in (f"{HOST}/24", "192.0.2.11/24", "198.51.100.7/32", "2001:db8::10/64"):
        assert text in addresses, addresses
    assert HOST not in ns.ip("address", "show", "dev", "br0").stdout
    main = routes_of(ns, "route", "show")
    assert f"default via {GATEWAY} dev vmk0 src {HOST} metric 50" in main
    assert "default via 198.51.100.9 dev vmk0 metric 60 onlink" in main
    other = routes_of(ns, "route", "show", "table", "77")
    assert f"10.0.0.0/8 via {GATEWAY} dev vmk0 mtu 1400" in other
    six = routes_of(ns, "-6", "route", "show", "table", "all")
    assert "default via 2001:db8::1 dev vmk0 metric 2000" in six
    assert "2001:db8:1::/48 dev vmk0 table 77" in six
    assert (
        "192.0.2.30 lladdr 02:00:00:00:00:30 PERMANENT"
        in ns.ip("neigh", "show", "dev", "vmk0", "nud", "permanent").stdout
    )
    assert "1000:	from all iif vmk0 lookup 77" in ns.ip("rule", "show").stdout
    left = [r for r in (main + other + six).splitlines() if "dev br0" in r and "kernel" not in r]
    assert not left, left


def test_the_host_moves_and_a_connection_lives_on(cleanup):
    host = Host()
    with connection(host.ns, host.world) as exchange:
        exchange(b"before")
        done = host.ctl("--confirm", LONG)
        assert "uplinkctl confirm" in done.stdout, done.stdout
        check_moved(host)
        exchange(b"on uplinkd")
        host.wait_learned(host.machine)
        ping(host.machine.ns, GATEWAY)
        ping(host.machine.ns, HOST)
        host.daemon.ctl("confirm")
        assert host.state() is None
        host.daemon.restart()
        exchange(b"after a restart")
        check_moved(host)
    text = host.daemon.config_path.read_text()
    assert 'vmk0, mac: "02:00:00:00:00:10"' in text and "bridge: br0" in text
    assert "p0" not in text, "its name may be another machine's tomorrow"
    assert host.daemon.ctl("adopt", "--undo", check=False).returncode == 1


def test_machines_keep_the_name_of_their_bridge(cleanup):
    """A machine that starts again, as libvirt or podman start it, becomes a port by the bridge."""
    host = Host()
    host.ctl("--confirm", LONG)
    check_moved(host)
    host.daemon.ctl("confirm")
    codes = [p["code"] for p in host.daemon.json("status")["switches"][0]["problems"]]
    assert not {c for c in codes if c.startswith("attachment")}, codes
    before = bridge_received(host)
    host.wait_learned(host.machine)
    ping(host.machine.ns, GATEWAY)
    assert bridge_received(host) == before, "no frame passes the bridge"
    host.ns.ip("link", "del", "p0")
    wait_until(lambda: not host.port("p0"), 30, "the end of the port")
    machine = Machine(host.ns, 1, "192.0.2.21/24")
    host.ns.ip("link", "set", "p1", "master", "br0")
    wait_until(lambda: host.attached("p1"), 30, "the port of the new machine")
    # until then the bridge, which is up, gets what the machine sends
    before = bridge_received(host)
    host.wait_learned(machine)
    ping(machine.ns, GATEWAY)
    ping(machine.ns, HOST)
    assert bridge_received(host) == before, "no frame passes the bridge"


def bridge_received(host):
    shown = json.loads(host.ns.ip("-json", "-stats", "link", "show", "dev", "br0").stdout)
    return shown[0]["stats64"]["rx"]["packets"]


def test_a_vlan_device_of_the_bridge_is_set_down(cleanup):
    """Otherwise the host would use the bridge, by which no frame passes any longer."""
    host = Host()
    if host.ns.ip(*"link add link br0 name br0.50 type vlan id 50".split(), check=False).returncode:
        pytest.skip("this kernel has no VLAN devices")
    host.ns.ip_batch("address add 198.51.100.50/24 dev br0.50", "link set br0.50 up")
    before = host.snapshot()
    host.ctl("--confirm", LONG)
    check_moved(host)
    assert "UP" not in host.ns.link("br0.50")["flags"]
    assert "198.51.100.50/24" in host.ns.ip("address", "show", "dev", "vmk1").stdout
    codes = [p["code"] for p in host.daemon.json("status")["switches"][0]["problems"]]
    assert not {c for c in codes if c.startswith("attachment")}, codes
    host.daemon.ctl("adopt", "--undo")
    host.wait_as(before)


def test_a_daemon_of_another_user_does_the_same(cleanup):
    """The service is not root: it has four capabilities."""
    host = Host(user="daemon")
    before = host.snapshot()
    host.ctl("--confirm", LONG)
    check_moved(host)
    host.daemon.ctl("adopt", "--undo")
    host.wait_as(before)


def test_the_addresses_of_a_nic_without_a_bridge_move(cleanup):
    host = Host()
    host.ns.ip_batch(
        "link set eth0 nomaster",
        "link del br0",
        "address add 192.0.2.40/24 dev eth0",
        f"route add default via {GATEWAY} dev eth0",
    )
    mac = host.ns.link("eth0")["address"]
    before = host.snapshot()
    host.ctl("--confirm", LONG)
    assert "192.0.2.40/24" in host.ns.ip("address", "show", "dev", "vmk0").stdout
    assert host.ns.link("vmk0")["address"] == mac
    assert f"default via {GATEWAY} dev vmk0" in host.ns.ip("route", "show").stdout
    ping(host.ns, OUTSIDE)
    host.daemon.ctl("adopt", "--undo")
    host.wait_as(before)
    ping(host.ns, OUTSIDE)


def adopt_for(host, seconds, exchange):
    """A machine that is too slow to check the host before the deadline gets a later one."""
    before, begin = host.snapshot(), time.monotonic()
    try:
        host.ctl("--confirm", str(seconds))
        check_moved(host)
        exchange(b"on uplinkd")
    except AssertionError:
        if time.monotonic() - begin < seconds:
            raise
        host.wait_as(before)
        adopt_for(host, 6 * seconds, exchange)


def test_without_a_confirmation_everything_comes_back(cleanup):
    host = Host()
    before = host.snapshot()
    with connection(host.ns, host.world) as exchange:
        adopt_for(host, 10, exchange)
        host.wait_as(before)
        exchange(b"back")
    assert not host.ns.exists("vmk0")
    host.wait_returned()
    ping(host.machine.ns, GATEWAY)
    # the file that was not confirmed is not in force, and the next attempt succeeds
    host.daemon.restart()
    assert host.snapshot() == before
    host.ctl("--confirm", LONG)
    check_moved(host)


def test_undo_restores_the_former_set_up_at_once(cleanup):
    host = Host()
    before = host.snapshot()
    host.ctl("--confirm", LONG)
    done = host.daemon.ctl("adopt", "--undo")
    assert done.stdout == "the former set-up is restored\n"
    host.wait_as(before)
    assert host.daemon.ctl("adopt", "--undo", check=False).returncode == 1


@pytest.mark.parametrize("how", ["start", "undo", "teardown"])
def test_a_killed_daemon_can_be_rolled_back(cleanup, how):
    """The deadline passes while no daemon runs; the next start, or the administrator, undoes it."""
    host = Host()
    before = host.snapshot()
    host.ctl("--confirm", LONG)
    host.daemon.kill()
    check = host.ns.ip("address", "show", "dev", "vmk0").stdout
    assert HOST in check, "the data plane stays"
    if how == "undo":
        done = host.daemon.ctl("adopt", "--undo")
        assert "the former set-up is restored" in done.stdout
    elif how == "teardown":
        done = host.daemon.run_to_end("--teardown")
        assert done.returncode == 0, done
    else:
        set_state(host, deadline_ms=1)
        host.daemon.start()
        host.wait_returned()
    host.wait_as(before)


def set_state(host, deadline_ms=None, phase=None, boot_id=None):
    path = host.daemon.run_dir / "state/configuration.json"
    state = json.loads(path.read_text())
    if deadline_ms:
        state["pending"]["deadline_ms"] = deadline_ms
    if phase:
        state["switch_over"]["phase"] = phase
    if boot_id:
        state["switch_over"]["boot_id"] = state["pending"]["boot_id"] = boot_id
    path.write_text(json.dumps(state))


def test_a_restart_before_the_deadline_continues_to_wait(cleanup):
    host = Host()
    host.ctl("--confirm", LONG)
    host.daemon.kill()
    host.daemon.start()
    assert host.state() == "done"
    check_moved(host)
    host.daemon.ctl("confirm")
    check_moved(host)


def test_an_unfinished_switch_over_is_taken_back_at_the_start(cleanup):
    host = Host()
    before = host.snapshot()
    host.ctl("--confirm", LONG)
    host.daemon.kill()
    set_state(host, phase="cut")
    host.daemon.start()
    host.wait_as(before)


def test_after_a_reboot_nothing_is_put_back(cleanup):
    """After a reboot the kernel has no objects of either side; the former files set up the host."""
    host = Host()
    host.ctl("--confirm", LONG)
    host.daemon.kill()
    set_state(host, boot_id="11111111-2222-4333-8444-555555555555")
    host.daemon.start()
    assert host.state() is None
    assert not host.ns.exists("vmk0")
    assert HOST not in host.ns.ip("address", "show", "dev", "br0").stdout


def test_a_guard_acts_for_a_daemon_that_does_not_come_back(cleanup):
    host = Host()
    before = host.snapshot()
    host.ctl("--confirm", "10")
    host.daemon.kill()
    host.wait_as(before)


def test_what_is_not_mapped_is_refused(cleanup):
    host = Host()
    host.ns.run("bridge", "link", "set", "dev", "p0", "isolated", "on")
    before = host.snapshot()
    done = host.ctl(check=False)
    assert done.returncode == 1 and "p0: isolated: not mapped" in done.stderr, done
    assert "--leave" in done.stderr
    assert host.snapshot() == before and host.daemon.config_path.read_text() == EMPTY
    host.ctl("--leave", "--confirm", LONG)
    check_moved(host)


@pytest.mark.skipif(not shutil.which("nft"), reason="nft is not installed")
def test_filters_that_are_bypassed_have_to_be_accepted(cleanup):
    host = Host()
    rules = "table bridge filter { chain forward { type filter hook forward priority 0; drop; }; }"
    host.ns.run("nft", "-f", "-", text_input=rules)
    before = host.snapshot()
    done = host.ctl(check=False)
    assert done.returncode == 1 and "chain forward, hook forward" in done.stderr, done
    assert "--yes" in done.stderr and host.snapshot() == before
    host.ctl("--yes", "--confirm", LONG)
    check_moved(host)


# the state is written at each rename, and each step of the switch-over is a message of netlink
CALLS = {"sendto": 5, "rename": None, "bpf": 1}


def test_a_daemon_that_is_killed_at_any_step_takes_it_back(cleanup):
    need_strace()
    host = Host()
    before = host.snapshot()

    def request():
        host.ctl("--confirm", LONG, check=False)

    places = request_points(host.daemon, CALLS, request)
    host.daemon.ctl("adopt", "--undo")
    host.wait_as(before)
    hits = 0
    for call, number in places:
        hits += killed_in_request(host.daemon, call, number, request)
        host.daemon.start()
        if host.state() == "done":
            host.daemon.ctl("adopt", "--undo")
        host.wait_returned((call, number))
        host.wait_as(before)
    assert hits > len(places) / 2, f"{hits} of {places}"


def test_a_guest_that_ends_meanwhile_stops_nothing(cleanup):
    host = Host()
    host.ctl("--confirm", LONG)
    host.ns.ip("link", "del", "p0")
    done = host.daemon.ctl("adopt", "--undo")
    assert "is restored" in done.stdout
    wait_until(host.answers, 30, "answer of the host")


def test_a_configuration_with_switches_is_not_replaced(cleanup):
    host = Host()
    veth(host.ns, "eth9", host.world, "sw9")
    own = {"switches": [{"name": "mine", "uplinks": ["eth9"], "channel": "none"}]}
    host.daemon.write(own)
    text = host.daemon.config_path.read_text()
    done = host.ctl(check=False)
    assert done.returncode == 1 and "has a configuration" in done.stderr, done
    assert host.daemon.config_path.read_text() == text
    host.daemon.ctl("reload")
    host.daemon.write(text=EMPTY)
    done = host.ctl(check=False)
    assert done.returncode == 1 and "has switches already" in done.stderr, done
    assert HOST in host.ns.ip("address", "show", "dev", "br0").stdout


def test_without_a_daemon_and_systemd_it_is_refused(cleanup):
    host = Host()
    host.daemon.stop()
    done = host.ctl(check=False)
    assert done.returncode == 2 and "switches: []" in done.stderr, done
