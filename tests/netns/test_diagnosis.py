# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""status on a terminal of a given size, its exit status for scripts, the event loop's delay, and
the main findings of diagnose against a running switch.
"""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import pytest

from harness.base import BUILD, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.frames import udp4
from harness.lacp import Flood
from harness.terminal import Terminal

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(daemon, rows, columns, *words):
    """The lines that uplinkctl prints on a terminal of this size, without colour."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    command = daemon.ns.command(
        BUILD / "uplinkctl", "--run-dir", daemon.run_dir, "--bpffs", daemon.bpffs, *words
    )
    environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8")
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    text = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # EIO: the process has closed its end
            break
        if not more:
            break
        text += more
    os.close(master)
    process.wait()
    return ESCAPE.sub("", text.decode()).replace("\r", "").splitlines()


@pytest.fixture(scope="module")
def large():
    """60 groups with 200 ports on four uplinks, two of which are dead."""
    bed = Bed(n_uplinks=4, n_ports=200)
    groups = [(f"group{n:02}", 100 + n, [p for p in range(200) if p % 60 == n]) for n in range(60)]
    bed.start([switch("large", ["eth0", "eth1", "eth2", "eth3"], groups)])
    bed.usable("eth0", "eth1", "eth2", "eth3")
    bed.up("sw1", False)
    bed.up("sw2", False)
    bed.usable("eth0", "eth3")
    return bed


def status_on_terminal(large):
    """As soon as there is no other finding, such as a long round of the event loop."""

    def settled():
        lines = on_terminal(large.daemon, 24, 80, "status")
        return lines[0] == "large: 2 warnings" and lines

    return wait_until(settled, 150, lambda: on_terminal(large.daemon, 24, 80, "status"))


def test_status_fits_the_screen_and_starts_with_what_is_wrong(large):
    lines = status_on_terminal(large)
    text = "\n".join(lines)
    assert len(lines) < 24 and all(len(line) <= 80 for line in lines), text
    assert lines[1].startswith("  ▲ eth1 has no carrier: its flows use eth0 and eth3"), text
    assert lines[3].startswith("  ▲ eth2 has no carrier"), text
    assert re.search(r"large: static channel.*4 uplinks, 60\s+groups, 200 ports", text), text
    assert re.search(r"60 groups .*src-dst-ip +eth0 eth3 +- +200", text), text
    for rows in (12, 10):
        lines = on_terminal(large.daemon, rows, 80, "status")
        assert len(lines) < rows and "eth1" in "\n".join(lines), (rows, lines)
    everything = on_terminal(large.daemon, 24, 80, "status", "--all")
    assert sum("group" in line and "eth0 eth3" in line for line in everything) == 60
    assert all(len(line) <= 80 for line in everything), everything


def test_status_fits_a_terminal_of_tmux(large):
    """24 x 80: nothing scrolls out at the top, and no line is continued on the next one."""
    lines, terminal = [], None

    def settled():
        nonlocal lines, terminal
        terminal = Terminal(large.daemon, "status")
        terminal.shows("ended 0")
        lines = terminal.screen().rstrip("\n").splitlines()
        return lines[0].rstrip() == "large: 2 warnings"

    wait_until(settled, 150, lambda: lines)
    assert lines[1].startswith("  ▲ eth1 has no carrier: its flows use eth0 and eth3"), lines
    assert lines[3].startswith("  ▲ eth2 has no carrier"), lines
    ended = next(n for n, line in enumerate(lines) if line.startswith("ended 0"))
    printed = status_on_terminal(large)
    assert ended == len(printed) < 24, (ended, printed)
    history = terminal.run("display-message", "-p", "#{history_size}").stdout.strip()
    assert history == "0", "lines that scrolled out"


@pytest.mark.parametrize("what", ["uplinks", "ports", "groups", "fdb", "counters", "lacp"])
def test_no_table_is_wider_than_the_terminal(large, what):
    for columns in (80, 60, 132):
        lines = on_terminal(large.daemon, 24, columns, "show", what)
        assert lines and all(len(line) <= columns for line in lines), (columns, lines)
    piped = large.daemon.ctl("show", what).stdout.splitlines()
    assert all(len(line) <= 80 for line in piped), piped


def test_chosen_columns(large):
    daemon = large.daemon
    lines = daemon.ctl("show", "groups", "-o", "name,vlan").stdout.splitlines()
    assert lines[0].split() == ["GROUP", "VLAN"] and lines[1].split() == ["group00", "100"], lines
    assert len(lines) == 61
    names = [
        line.split()[0] for line in daemon.ctl("show", "ports", "-o", "help").stdout.splitlines()
    ]
    every = daemon.ctl("show", "ports", "-o", ",".join(names)).stdout.splitlines()
    assert len(every) == 201 and len(every[0]) > 80, every[0]
    wrong = daemon.ctl("show", "ports", "-o", "colour", check=False)
    assert wrong.returncode == 1 and "unknown column: must be switch" in wrong.stderr, wrong


def test_check_for_scripts():
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    # a daemon that gets no CPU for longer than its lease is a finding, too
    checked = lambda: daemon.ctl("status", "--check", check=False)
    wait_until(lambda: checked().returncode == 0, 150, checked)
    bed.up("sw1", False)
    bed.usable("eth0")
    wait_until(lambda: checked().stdout.startswith("vs: 1 warning\n"), 150, checked)
    assert checked().returncode == 1
    assert daemon.ctl("status", check=False).returncode == 0
    bed.up("sw1", True)
    bed.usable("eth0", "eth1")
    wait_until(lambda: checked().returncode == 0, 150, checked)
    status = daemon.status()["daemon"]
    assert 0 < status["minute_loop_delay_us"] <= status["worst_loop_delay_us"], status
    assert 0 <= status["worst_loop_delay_age_ms"] <= status["uptime_ms"], status


def diagnose_under_traffic(bed, replies):
    """The findings while machine 0 sends to many addresses and the switch replies on `replies`."""
    end = threading.Event()
    nics = [bed.nic(name) for name in ("m0", *replies)]

    def send():
        while not end.wait(0.002):
            for n in range(4):
                nics[0].send(udp4(outside_mac(n), port_mac(0), "192.0.2.1", f"192.0.2.{8 + n}"))
                for far in nics[1:]:
                    far.send(
                        udp4(
                            port_mac(0),
                            outside_mac(n),
                            f"192.0.2.{8 + n}",
                            "192.0.2.1",
                            tags=[(0x8100, 100)],
                        )
                    )

    thread = threading.Thread(target=send)
    thread.start()
    try:
        done = bed.daemon.ctl("diagnose", "--json", check=False)
    finally:
        end.set()
        thread.join()
    findings = {(f["code"], f["object"]): f for f in json.loads(done.stdout)}
    assert done.returncode == bool(findings), done
    return findings


def test_a_member_that_receives_nothing():
    bed = Bed(n_uplinks=2, n_ports=1)
    bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    found = {}

    def findings(replies):
        found.clear()
        found.update(diagnose_under_traffic(bed, replies))
        return set(found)

    wait_until(lambda: findings(["sw0", "sw1"]) == set(), 150, lambda: found)
    wait_until(lambda: findings(["sw0"]) == {("uplink_silent", "eth1")}, 150, lambda: found)
    silent = found["uplink_silent", "eth1"]
    assert silent["certainty"] == "likely" and silent["decides"], silent
    assert "src-dst-ip hash mod 2 = 1" in silent["evidence"][1], silent


@pytest.mark.parametrize("pairs", [[3], [2, 3]], ids=["one-pair", "two-pairs"])
def test_an_imbalance_with_the_pair_behind_it_and_a_method_that_helps(pairs):
    """Connections from 192.0.2.1: to an address that the hash puts on eth0, or one for each uplink."""
    bed = Bed(n_uplinks=2, n_ports=1)
    bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    frames = [
        udp4(
            outside_mac(n),
            port_mac(0),
            "192.0.2.1",
            f"192.0.2.{n}",
            b"x" * 1400,
            sport=40000 + 2 * i,
        )
        for i in range(16)
        for n in pairs
    ]
    flood = Flood(bed.world, "m0", frames)
    found = {}

    def diagnose():
        done = json.loads(bed.daemon.ctl("diagnose", "--json", check=False).stdout)
        found.clear()
        found.update({f["code"]: f for f in done})
        return found

    if len(pairs) == 1:
        wait_until(lambda: "imbalance" in diagnose(), 120, lambda: found)
        finding = found["imbalance"]
        assert finding["object"] == "eth0" and finding["certainty"] == "proven", finding
        evidence = "\n".join(finding["evidence"])
        assert "192.0.2.1 to 192.0.2.3: 100 % of all bytes" in evidence, evidence
        assert "load-balancing: src-dst-ip-port" in finding["remedy"], finding
    else:
        wait_until(lambda: bed.daemon.counter("eth0", "sent") > 20000, 120, "traffic")
        assert "imbalance" not in diagnose(), found
    assert flood.stop() > 0


def test_diagnose_has_the_evidence():
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    diagnose = lambda: daemon.ctl("diagnose", check=False)
    healthy = lambda: (done := diagnose()).returncode == 0 and done
    assert "no problems" in wait_until(healthy, 150, diagnose).stdout
    bed.up("sw1", False)
    bed.usable("eth0")
    done = diagnose()
    assert done.returncode == 1, done
    for part in (
        "uplink_no_carrier  eth1  warning, proven",
        "evidence  eth1: ifindex",
        "no carrier, not usable",
        "meaning   The interface is up",
        "host      check cable",
        "switch    show interfaces status",
    ):
        assert part in done.stdout, (part, done.stdout)
    assert all(len(line) <= 80 for line in on_terminal(daemon, 24, 80, "diagnose"))


def test_what_if_names_the_buckets_that_move():
    bed = Bed(n_uplinks=4, n_ports=1)
    uplinks = [f"eth{i}" for i in range(4)]
    daemon = bed.start([switch("vs", uplinks, [("prod", 100, [0])])])
    bed.usable(*uplinks)
    served = lambda: daemon.json("show", "groups")[0]["buckets"]
    before = served()
    answer = daemon.json("what-if", "--without", "eth1,eth3")
    moved = {name: before[name] for name in ("eth0", "eth2")}
    for move in answer["moves"]:
        assert move["from"] in ("eth1", "eth3"), answer
        moved[move["to"]] += move["buckets"]
    bed.up("sw1", False)
    bed.up("sw3", False)
    bed.usable("eth0", "eth2")
    wait_until(lambda: served() == moved, 30, lambda: (served(), moved))
