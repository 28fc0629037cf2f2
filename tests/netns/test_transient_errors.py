# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Errors that pass: what runs keeps running, the error is reported, and the attempt is repeated."""
import contextlib
import re
import shutil
from pathlib import Path

import pytest

from harness import base
from harness.base import wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.frames import BROADCAST, udp4
from harness.settings import set_ipv6, settings_of
from harness.traffic import Traffic

OUTSIDE = outside_mac(5)
LEARNED = "52:54:00:77:00:01"
SAMPLES = 4


def start():
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0, 1])])])
    bed.usable(*bed.uplink_names)
    return bed


def traced(daemon, *options):
    """The daemon stays the child of the harness: the tracer is a separate process."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    daemon.privileges = ["strace", "-D", "-f", "-qq", *options]


def is_traced(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return not re.search(r"^TracerPid:\s+0$", status, re.M)


def count_calls(daemon, name):
    log = daemon.dir / "strace"
    traced(daemon, "-o", log, "-e", f"trace={name}")
    daemon.restart()
    assert daemon.stop() == 0
    return len(re.findall(rf"\b{name}\(", log.read_text()))


def is_healed(daemon):
    ports = daemon.json("show", "ports")
    uplinks = daemon.json("show", "uplinks")
    return (
        all(u["usable"] and not u.get("error") for u in uplinks)
        and all(p["ifindex"] and not p.get("error") for p in ports)
        and not daemon.json("status")["switches"][0]["problems"]
    )


@pytest.mark.parametrize("error", ["ENOMEM", "EINTR"])
def test_a_call_that_fails_while_a_set_is_adopted(error):
    bed = start()
    daemon = bed.daemon
    # strace replaces the call by one that does not exist
    daemon.sandbox = "errno"
    n = count_calls(daemon, "bpf")
    assert n > SAMPLES
    traffic = Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0), dst_mac=OUTSIDE)
    traffic.flow(300)
    for sample in range(SAMPLES):
        when = 1 + sample * (n - 1) // (SAMPLES - 1)
        traced(daemon, "-o", "/dev/null", "-e", f"inject=bpf:error={error}:when={when}")
        daemon.spawn()
        wait_until(
            lambda: daemon.process.poll() is not None or "READY=1" in daemon.read_notify(),
            30,
            f"the start with {error} of call {when}",
        )
        if daemon.process.poll() is not None:
            # as the service manager does: never the status of a wrong configuration
            assert daemon.wait() == 2
            daemon.privileges = []
            daemon.start()
        wait_until(lambda: is_healed(daemon), 30, lambda: f"call {when}\n{daemon.log()}")
        traffic.flow(300)
        daemon.stop()
    traffic.stop().assert_clean(f"one {error} per start")


def test_a_control_socket_that_cannot_be_opened_is_tried_again():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])], start=False)
    daemon.run_dir.mkdir()
    obstacle = daemon.run_dir / "uplinkd.sock"
    obstacle.mkdir()
    daemon.start()
    bed.usable("eth0")
    daemon.log_has(f"{obstacle}: cannot listen; it is tried again")
    assert daemon.ctl("reload", check=False).returncode == 2
    obstacle.rmdir()
    wait_until(lambda: daemon.ctl("reload", check=False).returncode == 0, 30, "the socket")
    assert daemon.stop() == 0


@contextlib.contextmanager
def failing(daemon, call, error, *options):
    """Every call of this name fails in the running daemon."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    fault = ["-e", f"inject={call}:error={error}", *options]
    tracer = base.spawn(
        ["strace", "-f", "-qq", "-o", "/dev/null", *fault, "-p", str(daemon.process.pid)]
    )
    try:
        wait_until(lambda: is_traced(daemon.process.pid), 30, "the tracer")
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def restart_for_tracing(daemon):
    """strace replaces the call by one that does not exist."""
    daemon.sandbox = "errno"
    daemon.restart()


def problem_codes(daemon):
    return [p["code"] for p in daemon.json("status")["daemon"].get("problems", [])]


def test_a_rollback_that_fails_is_repeated():
    """Every bpf() fails while a reload is applied and rolled back."""
    bed = start()
    daemon = bed.daemon
    restart_for_tracing(daemon)
    groups = [("prod", 100, [0]), ("lab", 200, [1])]
    daemon.write({"switches": [switch("vs", bed.uplink_names, groups)]})
    with failing(daemon, "bpf", "ENOMEM"):
        assert daemon.ctl("reload", check=False).returncode == 2
        assert problem_codes(daemon) == ["configuration_incomplete"]
    wait_until(
        lambda: not problem_codes(daemon) and is_healed(daemon),
        30,
        lambda: f"{problem_codes(daemon)}\n{daemon.log()}",
    )
    daemon.log_has("the configuration in force is restored completely")
    groups = {p["name"]: p["group"] for p in daemon.json("show", "ports")}
    assert groups == {"p0": "prod", "p1": "prod"}
    daemon.ctl("reload")


def test_learning_continues_after_a_growth_that_failed():
    """The events of the larger maps cannot be read."""
    bed = start()
    daemon = bed.daemon
    restart_for_tracing(daemon)
    learning = {"security": {"mac-learning": True}, "ports": [{"interface": "p0"}]}
    groups = [{"name": "prod", "vlan": 100, **learning}]
    daemon.write({"switches": [switch("vs", bed.uplink_names, groups)]})
    daemon.ctl("reload")
    more = [(f"more{i}", 200 + i, []) for i in range(100)]
    daemon.write({"switches": [switch("vs", bed.uplink_names, groups + more)]})
    with failing(daemon, "epoll_create1", "EMFILE"):
        assert daemon.ctl("reload", check=False).returncode == 2
        daemon.log_has("cannot read the events of the programs: Too many open files")
        assert problem_codes(daemon) == ["configuration_incomplete"]
    wait_until(lambda: not problem_codes(daemon), 30, daemon.log)
    frame = udp4(BROADCAST, LEARNED, "192.0.2.7", "192.0.2.255")
    known = lambda: [entry["mac"] for entry in daemon.json("show", "fdb")]
    wait_until(
        lambda: bed.nic("m0").send(frame) or LEARNED in known(), 30, lambda: f"learned: {known()}"
    )
    daemon.ctl("reload")
    assert len(daemon.json("show", "groups")) == 101


def test_a_set_whose_lock_cannot_be_compared_is_not_adopted_without_it():
    bed = start()
    daemon = bed.daemon
    assert daemon.stop() == 0
    pins = daemon.bpffs / "uplinkd" / "vs"
    fault = ("-o", "/dev/null", "-P", pins, "-e", "inject=newfstatat,stat,statx:error=ENOMEM")
    traced(daemon, *fault)
    daemon.spawn()
    assert daemon.wait() == 2
    daemon.log_has(f"{pins}: cannot be compared with its lock: Cannot allocate memory")
    daemon.privileges = []
    daemon.start()
    wait_until(lambda: is_healed(daemon), 30, daemon.log)
    daemon.stop()


def test_settings_that_cannot_be_restored_are_restored_later():
    bed = Bed(n_uplinks=2, n_ports=1)
    set_ipv6(bed.hv, "eth1")
    before = settings_of(bed.hv, "eth1")
    daemon = bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0])])])
    bed.usable(*bed.uplink_names)
    restart_for_tracing(daemon)
    problems = lambda: {p["code"]: p for p in daemon.status()["daemon"]["problems"]}
    setting = "/proc/sys/net/ipv6/conf/eth1/disable_ipv6"
    with failing(daemon, "openat", "ENOMEM", "-P", setting):
        daemon.write({"switches": [switch("vs", ["eth0"], [("prod", 100, [0])])]})
        daemon.ctl("reload")
        assert "an interface that left" in problems()["not_released"]["message"]
        assert settings_of(bed.hv, "eth1") != before
    wait_until(lambda: not problems(), 60, daemon.log)
    assert settings_of(bed.hv, "eth1") == before
    daemon.stop()
