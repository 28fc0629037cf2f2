# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The switch-over from a bond with VLAN devices and bridges to uplinkd, and back.

`uplinkctl adopt` moves the host, with LACP and with a static channel, and the move is confirmed or
comes back by itself. The commands that `uplinkctl adopt --dry-run` prints do the same by hand. A
TCP connection of the host's management address lives through all of it.
"""

import json
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import peers
import pytest
from harness import base
from harness.base import BUILD, Cleanup
from harness.daemon import Uplinkd
from harness.machine import Machine
from harness.netns import NetNs
from util import Netns, wait_until

MANAGEMENT, GATEWAY = "192.0.2.10", "192.0.2.1"
MACHINE, OUTSIDE = "198.51.100.10", "198.51.100.1"
FAR_AWAY = "203.0.113.1"  # behind the gateway
NOT_ON_THE_HOST = ("Write and check the configuration", "Prepare the next boot")


def entered(ns):
    view = NetNs.__new__(NetNs)
    view.name, view.path, view._outer = ns.name, Path("/run/netns") / ns.name, []
    return view


def make_host(hv, uplinks, mode):
    """bond0; management in VLAN 10 on it; br100 with a machine in VLAN 100."""
    view = Netns(hv.name)
    peers.make_bond(view, uplinks, mode)
    peers.vlan_interface(view, "bond0", 10, f"{MANAGEMENT}/24")
    view.ip(f"route add default via {GATEWAY}")
    view.ip("link add link bond0 name bond0.100 type vlan id 100")
    view.ip("link add br100 type bridge")
    machine = Machine(hv, 0, f"{MACHINE}/24")
    for port in ("bond0.100", "p0"):
        view.ip(f"link set {port} master br100 up")
    view.ip("link set br100 up")
    return machine


@contextmanager
def connection(client_ns, server_ns):
    """A TCP connection from the management address; yields a function that uses it both ways."""
    with server_ns, socket.create_server((FAR_AWAY, 4000)) as listener:
        with client_ns, socket.socket() as client:
            client.settimeout(120 * base.SLOW)
            client.connect((FAR_AWAY, 4000))
            server, (address, _) = listener.accept()
            assert address == MANAGEMENT
            server.settimeout(120 * base.SLOW)

            def exchange(text):
                for one, other in ((client, server), (server, client)):
                    one.sendall(text)
                    assert other.recv(len(text), socket.MSG_WAITALL) == text

            with server:
                yield exchange


def state(ns):
    """What the way back restores."""
    links = json.loads(ns.run("ip -d -j address show"))
    return {
        link["ifname"]: (
            link.get("master"),
            [a["local"] for a in link["addr_info"]],
            link.get("linkinfo", {}).get("info_data", {}).get("mode"),
        )
        for link in links
    }, ns.run("ip route show")


def n_ports(daemon):
    return daemon.json("status")["switches"][0]["ports"]


class Echo:
    """Bytes go back and forth over a connection; gap_ms: the longest time for one."""

    def __init__(self, exchange):
        self.exchange, self.gap_ms, self.n, self.error = exchange, 0, 0, None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.ended.is_set():
                begin = time.monotonic()
                self.exchange(b"x")
                self.gap_ms = max(self.gap_ms, round((time.monotonic() - begin) * 1000))
                self.n += 1
                time.sleep(0.02)
        except OSError as error:  # reported by end()
            self.error = error

    def more(self):
        """Waits for round trips that begin from now on."""
        n = self.n + 2
        wait_until(lambda: self.n >= n or self.error, "answer on the connection", 120)
        assert not self.error, self.error

    def end(self):
        self.ended.set()
        self.thread.join()
        assert not self.error, self.error
        return self.gap_ms


@pytest.mark.parametrize("keep", [True, False], ids=["confirmed", "not-confirmed"])
@pytest.mark.parametrize("mode", ["802.3ad", "balance-xor", "active-backup"])
def test_adopt_moves_a_host_with_a_live_connection(mode, keep, capsys):
    hv = NetNs("hv")
    view = Netns(hv.name)
    peer_of = peers.bridge if mode == "active-backup" else lambda ns: peers.bonding(ns, mode)
    with peer_of(view) as peer, Cleanup():
        peer.host(10, f"{GATEWAY}/24")
        peer.host(100, f"{OUTSIDE}/24")
        peer.ns.ip(f"address add {FAR_AWAY}/32 dev lo")
        machine = make_host(hv, peer.far, mode)
        daemon = Uplinkd(hv, text="switches: []\n").start()
        wait_until(lambda: view.ping(FAR_AWAY), "answer before the switch-over", 120)
        wait_until(lambda: Netns(machine.ns.name).ping(OUTSIDE), "answer to the machine", 120)
        before = state(view)
        with connection(hv, entered(peer.ns)) as exchange:
            echo = Echo(exchange)
            try:
                echo.more()
                done = daemon.ctl("adopt", "--confirm", "600" if keep else "60", timeout=300)
                assert "uplinkctl confirm" in done.stdout, done.stdout
                assert daemon.json("show", "config")["switch_over"] == "done"
                echo.more()
                assert '"master":"br100"' in view.run("ip -j link show dev p0")
                wait_until(lambda: n_ports(daemon) == 2, "the machine by its attachment bridge")
                wait_until(
                    lambda: Netns(machine.ns.name).ping(OUTSIDE), "answer to the machine", 120
                )
                if keep:
                    daemon.ctl("confirm")
                    daemon.wait_uplinks(peer.far, 120)
                    echo.more()
                else:
                    wait_until(lambda: state(view) == before, "the host as before", 300)
                    wait_until(
                        lambda: "switch_over" not in daemon.json("show", "config"),
                        "end of the switch-over",
                    )
                    echo.more()
                    wait_until(
                        lambda: Netns(machine.ns.name).ping(OUTSIDE), "answer to the machine", 120
                    )
            finally:
                gap = echo.end()
        with capsys.disabled():
            what = "confirmed" if keep else "and back"
            print(f"\nFIGURE adopt {mode}, {what}: longest round trip {gap} ms")


@pytest.mark.parametrize("mode", ["balance-xor"])
def test_a_connection_survives_the_commands_of_the_plan_and_the_way_back(mode):
    hv = NetNs("hv")
    view = Netns(hv.name)
    with peers.bonding(view, mode) as peer, Cleanup():
        peer.host(10, f"{GATEWAY}/24")
        peer.host(100, f"{OUTSIDE}/24")
        peer.ns.ip(f"address add {FAR_AWAY}/32 dev lo")
        machine = make_host(hv, peer.far, mode)
        wait_until(lambda: view.ping(FAR_AWAY), "answer before the switch-over", 120)
        wait_until(lambda: Netns(machine.ns.name).ping(OUTSIDE), "answer to the machine", 120)
        before = state(view)
        command = f"{BUILD}/uplinkctl --json adopt --dry-run"
        plan = json.loads(view.run(command, check=False) or "null")
        assert plan, view.run(["sh", "-c", f"{command} 2>&1"], check=False)
        daemon = Uplinkd(hv, text=plan["configuration"])
        with connection(hv, entered(peer.ns)) as exchange:
            exchange(b"before")
            for step in plan["steps"]:
                if step["title"].startswith("After a check"):
                    break
                if step["title"] == "Start uplinkd":
                    daemon.start()
                elif step["title"] not in NOT_ON_THE_HOST:
                    for line in step["commands"]:
                        view.run(["sh", "-ec", line])
            exchange(b"on uplinkd")
            wait_until(lambda: n_ports(daemon) == 2, "the machine by its attachment bridge")
            wait_until(lambda: Netns(machine.ns.name).ping(OUTSIDE), "answer to the machine", 120)
            daemon.teardown()
            for line in plan["back"][2:]:
                view.run(["sh", "-ec", line])
            exchange(b"on the bond again")
            wait_until(lambda: state(view) == before, "the host as before", 120)
