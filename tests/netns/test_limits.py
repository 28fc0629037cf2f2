# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The limits of descriptors and of control connections: what exceeds them is refused with the
reason, LACP continues, and nothing turns in a circle.
"""
import contextlib
import json
import os
import resource
import socket
import time
from pathlib import Path

import pytest

from harness.base import wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.lacp import IN_USE
from harness.lacp_bed import ScriptBed
from harness.traffic import Traffic

EXPIRES = 3.0  # a partner at fast rate, after its last LACPDU
MAX_CLIENTS = 64
MAX_PORTS = 4096
MAX_SWITCHES = 64
UNIT_LIMIT = 8192  # LimitNOFILE= of uplinkd.service
TURNS = 500  # of the worker, in the time of some LACPDUs; a loop that spins makes ten thousands
TURNS_PER_S = 100  # more on a machine that needs longer


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def opened(daemon, before):
    folder, links = f"/proc/{daemon.process.pid}/fd", []
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.append(os.readlink(f"{folder}/{name}"))
    return f"{before} descriptors, not {len(links)}: {sorted(links)}"


def use_up_descriptors(daemon):
    """The lowest free number is the limit. Returns the former limits."""
    pid, kind = daemon.process.pid, resource.RLIMIT_NOFILE
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = next(n for n in range(len(used) + 1) if n not in used)
    _, hard = resource.prlimit(pid, kind)
    return resource.prlimit(pid, kind, (free, hard))


def refused_connection(daemon):
    """The refusal; nothing while a descriptor is free that was in use when the limit was set."""
    use_up_descriptors(daemon)
    done = daemon.ctl("reload", check=False)
    assert done.returncode in (0, 2), done
    return done if "connection is refused" in done.stderr else None


@contextlib.contextmanager
def connections(daemon, n):
    """Clients that are connected and silent."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(n):
            client = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            client.connect(str(daemon.run_dir / "uplinkd.sock"))
            client.settimeout(30)
            clients.append(client)
        yield clients


def has_no_client(daemon):
    """Accepted sockets have the name of the listening one."""
    path = str(daemon.run_dir / "uplinkd.sock")
    with open(f"/proc/{daemon.process.pid}/net/unix") as sockets:
        return sum(line.rstrip().endswith(path) for line in sockets) == 1


def turns(daemon):
    return sum(daemon.call("Statistics")[1]["worker"]["counts"])


def allowed_since(begin, requests):
    return TURNS + requests + TURNS_PER_S * (time.monotonic() - begin)


def lacpdus(it, name, n):
    """Waits for this many more LACPDUs; all say that the uplink is in use, and none is late."""
    begin = time.monotonic()
    found = wait_until(
        lambda: (found := it.lacpdus(name, begin))[n - 1 :] and found, 30, f"{n} LACPDUs"
    )
    times = [begin, *(at for at, _, _ in found)]
    assert max(b - a for a, b in zip(times, times[1:])) < EXPIRES, times
    assert all(actor.state & IN_USE == IN_USE for _, actor, _ in found), found


def test_connections_are_refused_while_no_descriptor_is_free():
    it = ScriptBed().wait()
    it.daemon.ctl("reload")  # opens what is opened with the first use
    begin, first = time.monotonic(), turns(it.daemon)
    wait_until(lambda: has_no_client(it.daemon), 30, "the client to be gone")
    before = descriptors(it.daemon)
    limits = use_up_descriptors(it.daemon)
    refused = wait_until(lambda: refused_connection(it.daemon), 30, "no free descriptor")
    assert "the connection is refused: Too many open files" in refused.stderr, refused
    assert "LimitNOFILE=" in refused.stderr, refused
    with connections(it.daemon, 200):
        lacpdus(it, "eth0", 4)
    resource.prlimit(it.daemon.process.pid, resource.RLIMIT_NOFILE, limits)
    it.daemon.log_has("a connection is refused")
    assert turns(it.daemon) - first < allowed_since(begin, 200)
    it.daemon.ctl("reload")
    wait_until(lambda: descriptors(it.daemon) <= before, 30, lambda: opened(it.daemon, before))


def test_one_more_connection_than_the_limit_replaces_a_silent_one():
    it = ScriptBed().wait()
    before = descriptors(it.daemon)
    begin, first = time.monotonic(), turns(it.daemon)
    with connections(it.daemon, MAX_CLIENTS) as clients:
        it.daemon.ctl("reload")
        closed = [c for c in clients if select_readable(c)]
        assert closed and len(closed) < 8, "only the silent ones that were in the way"
        assert all(c.recv(1) == b"" for c in closed)
        lacpdus(it, "eth1", 4)
        statistics = it.daemon.call("Statistics")[1]
        assert statistics["control"]["crowded_out"] >= len(closed)
        assert sum(statistics["worker"]["counts"]) - first < allowed_since(begin, 2 * MAX_CLIENTS)
    wait_until(lambda: descriptors(it.daemon) <= before, 30, lambda: opened(it.daemon, before))
    it.daemon.ctl("reload")


def select_readable(client):
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        client.settimeout(30)


def test_a_limit_below_the_need_of_the_file_is_refused_before_anything_is_attached():
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0, 1])])], start=False)
    done = bed.daemon.run_to_end(wrap=["prlimit", "--nofile=60:60"])
    assert done.returncode == 2, done
    assert "file descriptors, and the limit is 60; raise LimitNOFILE= of the service" in done.stderr
    root = bed.daemon.bpffs / "uplinkd"
    assert not root.exists() or not list(root.iterdir())
    assert "xdp" not in bed.hv.link("eth0")


@pytest.mark.slow  # half a minute
def test_as_many_switches_as_there_may_be():
    """With the unit's limit of descriptors: LACP on each uplink, and no loop that spins."""
    bed = Bed(n_uplinks=2 * MAX_SWITCHES, n_ports=1)
    pairs = [bed.uplink_names[i : i + 2] for i in range(0, 2 * MAX_SWITCHES, 2)]
    config = [
        switch(f"vs{i}", pair, [], channel="lacp", lacp={"rate": "fast"})
        for i, pair in enumerate(pairs)
    ]
    bed.start(config, start=False)
    bed.daemon.start(300, wrap=["prlimit", f"--nofile={UNIT_LIMIT}:{UNIT_LIMIT}"])
    assert len(bed.daemon.json("show", "lacp")) == 2 * MAX_SWITCHES
    assert descriptors(bed.daemon) <= 24 * MAX_SWITCHES + 3 * 2 * MAX_SWITCHES
    with bed.hv:
        packet_sockets = Path(f"/proc/{bed.daemon.process.pid}/net/packet").read_text()
    assert sum(" 8809 " in line for line in packet_sockets.lower().splitlines()) == len(
        bed.uplink_names
    )
    begin, first = time.monotonic(), turns(bed.daemon)
    for name in (bed.uplink_names[0], bed.uplink_names[-1]):
        nic = bed.nic(name.replace("eth", "sw"))
        nic.frames()
        is_lacpdu = lambda frame: frame[12:14] == b"\x88\x09"
        wait_until(lambda: any(map(is_lacpdu, nic.frames())) or None, 30, f"an LACPDU from {name}")
    assert turns(bed.daemon) - first < allowed_since(begin, 4)
    done = bed.daemon.ctl("reload")
    assert done.returncode == 0
    bed.daemon.teardown()


def test_as_many_ports_as_a_switch_may_have():
    """Most of their interfaces do not exist. The maps have no more slots than the daemon's tables."""
    bed = Bed(n_uplinks=1, n_ports=1)
    config = [switch("vs", ["eth0"], [("prod", 100, [0])])]
    absent = [
        {"interface": f"x{n}", "mac": f"02:00:00:02:{n >> 8:02x}:{n & 255:02x}"}
        for n in range(MAX_PORTS - 1)
    ]
    few = bed.start(config).config
    bed.usable("eth0")
    many = json.loads(json.dumps(few))
    many["switches"][0]["port-groups"].append({"name": "many", "vlan": 200, "ports": absent})
    traffic = Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0), dst_mac=outside_mac(5))
    traffic.flow(200)
    for config, number in ((many, MAX_PORTS), (few, 1), (many, MAX_PORTS)):
        bed.daemon.write(config)
        bed.daemon.ctl("reload")
        assert len(bed.daemon.json("show", "ports")) == number
        traffic.flow(200)
    done = bed.daemon.ctl("port", "add", "vs", "prod", "p9", "--mac", port_mac(9), check=False)
    assert done.returncode == 1 and f"must be at most {MAX_PORTS}" in done.stderr, done
    traffic.stop().assert_clean("changes of other ports")
    assert bed.daemon.stop() == 0
