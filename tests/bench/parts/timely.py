# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""How late LACPDUs leave and how long a cut is not acted on while the rest of the daemon waits: for
the RTNL, for the reader of its log, for clients, or while it removes ports or reads a large file.

The interval of LACPDUs at fast rate is LACP_INTERVAL; a longer one is that much late. Times of
arrival are the kernel's. A cut is acted on when the flags in the map have no carrier.
"""
import contextlib
import json
import os
import signal
import socket
import struct
import threading
import time

from harness import base, rtnl
from harness.base import BUILD, Cleanup
from harness.lacp_bed import ScriptBed
from harness.netns import veths
from harness.privileges import as_service

HAS_MARKS = False
LACP_INTERVAL = 0.9  # seconds
HOLD = 10  # seconds
UNIT_NICE = -10  # of uplinkd.service, which gives no real-time priority
ATTEMPTS = 5
MEBIBYTE = 1 << 20
LARGEST_FILE = 16 * MEBIBYTE  # that is not refused
SO_TIMESTAMPNS, SCM_TIMESTAMPNS = 35, 35


class Arrivals:
    """The times at which LACPDUs arrive at the far end of an uplink."""

    def __init__(self, ns, ifname):
        with ns:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x8809))
            self.socket.bind((ifname, 0x8809))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.times = []

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                _, control, _, source = self.socket.recvmsg(2048, 256)
                if source[2] == socket.PACKET_OUTGOING:
                    continue
                for _, kind, data in control:
                    if kind == SCM_TIMESTAMPNS:
                        seconds, nanoseconds = struct.unpack("qq", data[:16])
                        self.times.append(seconds + nanoseconds / 1e9)

    def worst_late_ms(self):
        self.read()
        gaps = [b - a for a, b in zip(self.times, self.times[1:])]
        return max(0.0, (max(gaps) - LACP_INTERVAL) * 1000)


def watch_carrier(it, index):
    """A Tool that writes "cleared TIME" when the flags of the uplink in the map lose the carrier."""
    record_size, flags_at, carrier = 64, 4, 4
    return rtnl.Tool(
        it.bed.hv,
        BUILD / "tests/tools/map_watch",
        it.daemon.bpffs / "uplinkd/vs/ul_uplinks",
        index * record_size + flags_at,
        carrier,
    )


class Case:
    """A switch with three uplinks in an LACP channel at fast rate. The daemon has the user, the
    capabilities and the priority of uplinkd.service.
    """

    def __init__(self, receive):
        self.it = ScriptBed(n=3, receive=receive, start=False)
        daemon = as_service(self.it.daemon)
        daemon.privileges = ["nice", "-n", str(UNIT_NICE), *daemon.privileges]
        daemon.start()
        self.it.wait()
        self.arrivals = Arrivals(self.it.bed.world, self.it.far["eth0"])
        self.cuts, self.late = [], []

    @contextlib.contextmanager
    def measured(self, window):
        """Adds how late the worst LACPDU of at least these seconds was."""
        time.sleep(LACP_INTERVAL * 1.5)
        self.arrivals.read()
        del self.arrivals.times[:-1]
        start = time.monotonic()
        yield
        time.sleep(max(LACP_INTERVAL * 1.5, start + window - time.monotonic()))
        self.late.append(self.arrivals.worst_late_ms())

    def cut_in_hold(self, then=None):
        """Cuts eth1 just before the RTNL is held, and returns when the lock is free again. then: is
        called while it is held.
        """
        far = self.it.far["eth1"]
        for _ in range(ATTEMPTS):
            watch = watch_carrier(self.it, 1)
            found = rtnl.cut_and_hold(self.it.bed.hv, self.it.bed.world, far, HOLD)
            seen = watch.time_of("cleared")
            if found:
                break
            self.restore()
        assert found, f"the lock was held before the cut in {ATTEMPTS} attempts"
        hold, cut = found
        # the cut is in force before its process has the time
        self.cuts.append(max(0.0, seen - cut) * 1000)
        if then:
            then()
        if hold.runs():
            hold.time_of("released")

    def restore(self):
        self.it.bed.up(self.it.far["eth1"])
        self.it.wait(deadline=30)

    def add(self, record, name):
        record.add(f"timely.{name}.lacpdu_late", "ms", self.late)
        if self.cuts:
            record.add(f"timely.{name}.cut_seen", "ms", self.cuts)


def with_ports(config, ports):
    """The configuration with a group that has these ports."""
    config = json.loads(json.dumps(config))
    group = {
        "name": "many",
        "vlan": 200,
        "ports": [
            {"interface": name, "mac": f"02:00:00:02:{i >> 8:02x}:{i & 255:02x}"}
            for i, name in enumerate(ports)
        ],
    }
    config["switches"][0]["port-groups"].append(group)
    return config


def as_large_file(config, size):
    """The configuration as a file of this size, which the daemon parses completely."""
    text = json.dumps(config) + "\n"
    comment = "# " + "a comment " * 12 + "\n"
    return text + comment * ((size - len(text)) // len(comment))


def make_interfaces(it, number):
    """The names of new interfaces for ports."""
    names = [f"x{n}" for n in range(number)]
    veths([(it.bed.hv, n, it.bed.world, f"y{n}", None, None, 1500) for n in names])
    return names


def wait_ports(it, number):
    base.wait_until(lambda: len(it.daemon.json("show", "ports")) == number, 600, f"{number} ports")


def rtnl_held(record, receive, runs, window):
    with Cleanup():
        case = Case(receive)
        for _ in range(runs):
            with case.measured(window):
                case.cut_in_hold()
            case.restore()
        case.add(record, f"rtnl_held_10s.{receive}")


def ports_removed(record, receive, ports, window):
    """All ports but one come in one reload, and leave in another."""
    with Cleanup():
        case = Case(receive)
        it = case.it
        before = it.daemon.config
        config = with_ports(before, make_interfaces(it, ports))
        for config, n in ((config, ports + 1), (before, 1)):
            with case.measured(window):
                it.daemon.write(config)
                it.daemon.signal(signal.SIGHUP)  # a client would not wait that long
                wait_ports(it, n)
        case.add(record, f"{ports}_ports_come_and_leave.{receive}")


class Disturbance:
    """A log without a reader, two clients that flood the control socket, and endless reloads of a
    large file.
    """

    def __init__(self, it):
        self.it, self.ending = it, False
        it.daemon.stop()
        self.log = os.pipe()
        it.daemon.start(stderr=self.log[1])
        it.wait(deadline=30)
        other = os.open(f"/proc/self/fd/{self.log[1]}", os.O_WRONLY | os.O_NONBLOCK)
        for chunk in (4096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(other, b"x" * chunk)
        os.close(other)
        self.threads = [threading.Thread(target=self._flood, daemon=True) for _ in range(2)]
        self.threads.append(threading.Thread(target=self._reload, daemon=True))
        for thread in self.threads:
            thread.start()
        Cleanup.current().add(self.stop)

    def _flood(self):
        request = b'{"method": "io.uplinkd.Status", "parameters": {}}\0'
        while not self.ending:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.it.daemon.run_dir / "uplinkd.sock"))
                for _ in range(100):
                    client.sendall(request)
                client.recv(65536)

    def _reload(self):
        while not self.ending:
            self.it.daemon.signal(signal.SIGHUP)
            time.sleep(0.5)

    def stop(self):
        self.ending = True
        for thread in self.threads:
            thread.join()
        if self.it.daemon.process:
            self.it.daemon.stop()
        for end in self.log:
            os.close(end)


def all_together(record, receive, runs, window, ports, size):
    """While the RTNL is held after a cut, the file loses all ports but one: they leave when the lock
    is free again.
    """
    with Cleanup():
        case = Case(receive)
        it = case.it
        few = it.daemon.config
        many = as_large_file(with_ports(few, make_interfaces(it, ports)), size)
        few = as_large_file(few, size)
        Disturbance(it)
        for _ in range(runs):
            it.daemon.write(text=many)
            wait_ports(it, ports + 1)
            with case.measured(window):
                case.cut_in_hold(lambda: it.daemon.write(text=few))
                wait_ports(it, 1)
            case.restore()
        case.add(record, f"all_together.{ports}_ports.{receive}")


def run(record):
    """QUICK=1: one short run of each with few ports."""
    small = record.quick or record.emulated
    runs, window = (1, 10) if small else (3, 60)
    ports, size = (100, MEBIBYTE) if small else (4000, LARGEST_FILE)
    for receive in ("auto", "tc"):
        rtnl_held(record, receive, runs, window)
        ports_removed(record, receive, ports, window)
        all_together(record, receive, runs, window, ports, size)
