# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""LACP and failover while everything else of the daemon waits: for the RTNL, for the reader of its
log, for a large file and for clients.

The figures are measured by tests/bench/parts/timely.py. Here the partner must not expire, and a cut
must be acted on while the lock is held.
"""
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

from harness import rtnl
from harness.base import Cleanup, wait_until
from harness.bed import port_mac
from harness.lacp import IN_USE
from harness.lacp_bed import ScriptBed

# While one test holds the RTNL of the machine, the user-space switch of another stops forwarding.
pytestmark = pytest.mark.alone

HOLD = 10  # seconds
EXPIRES = 3.0  # a partner at fast rate, after its last LACPDU


def assert_never_expired(it, name, begin, end):
    """The partner received LACPDUs all the time, and each said that the uplink is in use."""
    found = [(at, actor) for at, actor, _ in it.lacpdus(name, begin) if at <= end]
    times = [begin, *(at for at, _ in found), end]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert max(gaps) < EXPIRES, f"{name}: {max(gaps):.2f} s without an LACPDU"
    assert all(actor.state & IN_USE == IN_USE for _, actor in found), found


def wait_for_cut(it, hold, name):
    wait_until(
        lambda: not it.daemon.uplink(name)["usable"],
        HOLD,
        lambda: f"{name} to be out of use\n{it.daemon.log()}",
    )
    assert hold.runs(), "the cut was seen only when the lock was free"


def cut(it, name, seconds):
    """Cuts the cable of an uplink and holds the RTNL from then on; returns the hold."""
    for _ in range(5):
        found = rtnl.cut_and_hold(it.bed.hv, it.bed.world, it.far[name], seconds)
        if found:
            return found[0]
        it.bed.up(it.far[name])
        if it.partner:
            it.wait(deadline=30)
        it.bed.usable(*it.names)
        it.bed.listen(*it.bed.nics)  # without the announcements of this attempt
    raise AssertionError("the lock was held before the cut in five attempts")


@pytest.mark.parametrize("receive", ["auto", "tc"])
def test_lacp_and_failover_while_the_rtnl_is_held(receive):
    it = ScriptBed(receive=receive).wait()
    hold = cut(it, "eth1", HOLD)
    wait_for_cut(it, hold, "eth1")
    end = hold.time_of("released")
    assert_never_expired(it, "eth0", hold.begin, end)
    it.bed.up(it.far["eth1"])
    it.wait()


def test_announcements_while_the_rtnl_is_held():
    """Without a channel the physical switch learns from RARP where the port is now."""
    it = ScriptBed(with_partner=False)
    it.daemon.write(
        {
            "switches": [
                {
                    "name": "vs",
                    "uplinks": it.names,
                    "up-delay-ms": 0,
                    "teaming": {"active": ["eth1"], "standby": ["eth0"]},
                    "port-groups": [
                        {
                            "name": "prod",
                            "vlan": 100,
                            "ports": [{"interface": "p0", "mac": port_mac(0)}],
                        }
                    ],
                }
            ]
        }
    )
    it.daemon.ctl("reload")
    it.bed.usable(*it.names)
    it.bed.confirm(0)
    it.bed.listen("sw0")
    hold = cut(it, "eth1", HOLD)
    rarp = []
    wait_until(
        lambda: rarp.extend(f for f in it.bed.nic("sw0").frames() if b"\x80\x35" in f[12:18])
        or rarp,
        HOLD,
        lambda: f"RARP at eth0\n{it.daemon.log()}",
    )
    assert hold.runs()
    hold.time_of("released")


# ---- a log without a reader ----
@contextlib.contextmanager
def log_pipe():
    """(end to read, end to write) of a pipe."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def fill(writer):
    """Leaves no room in the pipe: the next line of the log waits for a reader."""
    other = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(other, b"x" * size)
    os.close(other)


def test_a_log_without_a_reader():
    it = ScriptBed().wait()
    it.daemon.stop()
    with log_pipe() as (_, writer):
        it.daemon.start(stderr=writer)
        it.wait()
        fill(writer)
        begin = time.monotonic()
        while time.monotonic() - begin < EXPIRES + 1:
            # each makes some lines of the log
            it.daemon.ctl("uplink", "drain", "eth1")
            it.daemon.ctl("uplink", "undrain", "eth1")
        assert_never_expired(it, "eth0", begin, time.monotonic())
        assert it.daemon.stop() == 0


# ---- all together ----
def large_file(it, ports):
    """The same switch and one more with many ports that have no interface."""
    config = json.loads(json.dumps(it.daemon.config))
    config["switches"][0]["port-groups"].append(
        {
            "name": "many",
            "vlan": 200,
            "ports": [
                {"interface": f"none{n}", "mac": f"02:00:00:01:{n >> 8:02x}:{n & 255:02x}"}
                for n in range(ports)
            ],
        }
    )
    return config


class Flood:
    """Clients that send requests and do not wait for answers."""

    def __init__(self, path, n=2):
        self.path, self.ending, self.sent = str(path), False, 0
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(n)]
        Cleanup.current().add(self.stop)
        for thread in self.threads:
            thread.start()

    def _run(self):
        request = b'{"method": "io.uplinkd.Status", "parameters": {}}\0'
        while not self.ending:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(self.path)
                for _ in range(100):
                    client.sendall(request)
                    self.sent += 1
                client.recv(65536)

    def stop(self):
        self.ending = True
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("receive", ["auto", "tc"])
def test_all_together(receive):
    it = ScriptBed(n=3, receive=receive).wait()
    it.daemon.stop()
    with log_pipe() as (_, writer):
        it.daemon.start(stderr=writer)
        it.wait()
        fill(writer)
        it.daemon.write(large_file(it, 2000))
        flood = Flood(it.daemon.run_dir / "uplinkd.sock")
        hold = cut(it, "eth1", HOLD)
        it.daemon.signal(signal.SIGHUP)
        wait_for_cut(it, hold, "eth1")
        end = hold.time_of("released")
        for name in ("eth0", "eth2"):
            assert_never_expired(it, name, hold.begin, end)
        wait_until(
            lambda: len(it.daemon.json("show", "ports")) == 2001,
            120,
            lambda: f"2001 ports\n{it.daemon.log()}",
        )
        for name in ("eth0", "eth2"):
            assert_never_expired(it, name, hold.begin, time.monotonic())
        assert flood.sent
        flood.stop()
        it.daemon.stop()
