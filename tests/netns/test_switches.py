# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Switches and uplinks that are added, removed, moved and renamed; requests that fail: a removed
object leaves nothing behind, and a failed request changes nothing.
"""
import contextlib
import fcntl
import grp
import itertools
import os
import pathlib
import shutil
import stat

import pytest

from harness.base import run, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.capture import expect
from harness.daemon import Uplinkd
from harness.frames import tag, udp4
from harness.pinned import set_meta
from harness.settings import assert_no_programs, attach_other_xdp, set_ipv6, settings_of
from test_lifecycle import assert_forwards, one_switch, pins, start, traffic_both_ways

OUTSIDE = outside_mac(5)


def switches_of(bed):
    folder = bed.daemon.bpffs / "uplinkd"
    # journals are no folders
    return {s.name for s in folder.iterdir() if s.is_dir()} if folder.is_dir() else set()


def remembered(bed):
    return (bed.daemon.run_dir / "switches").read_text().split()


def two_switches(**more):
    bed = Bed(n_uplinks=2, n_ports=2)
    both = [
        switch("vs", ["eth0"], [("prod", 100, [0])], **more),
        switch("two", ["eth1"], [("prod", 100, [1])], **more),
    ]
    return bed, both


def second_daemon(bed, config):
    """Another instance that shares the BPF file system but not the run directory."""
    other = Uplinkd(bed.hv, {"switches": config})
    other.bpffs = bed.daemon.bpffs
    return other


def change(bed, config, how):
    bed.daemon.write({"switches": config})
    if how == "reload":
        bed.daemon.ctl("reload")
    else:
        bed.daemon.restart()


# ---- objects removed from the file ----
def test_switch_that_cannot_be_removed_is_removed_later():
    """A directory where pins are cannot be unlinked."""
    bed, both = two_switches()
    bed.start(both)
    bed.usable("eth0", "eth1")
    problems = lambda: {p["code"]: p for p in bed.daemon.status()["daemon"]["problems"]}
    assert not problems()
    obstacle = bed.daemon.bpffs / "uplinkd" / "two" / "obstacle"
    obstacle.mkdir()
    bed.daemon.write({"switches": both[:1]})
    bed.daemon.ctl("reload", check=False)
    assert "two left the configuration" in problems()["switch_not_removed"]["message"]
    assert_no_programs(bed.hv, "eth1")
    assert remembered(bed) == ["vs", "two"]
    obstacle.rmdir()
    wait_until(lambda: switches_of(bed) == {"vs"}, 60, bed.daemon.log)
    assert not problems() and remembered(bed) == ["vs"]
    assert_forwards(bed)


def test_switch_removed_from_the_file_while_no_daemon_ran():
    bed, both = two_switches()
    before = {name: settings_of(bed.hv, name) for name in ("eth1", "p1")}
    bed.start(both)
    bed.usable("eth0", "eth1")
    change(bed, both[:1], "restart")
    bed.usable("eth0")
    assert switches_of(bed) == {"vs"} and remembered(bed) == ["vs"]
    assert_no_programs(bed.hv, "eth1")
    assert_no_programs(bed.hv, "p1")
    assert settings_of(bed.hv, "eth1") == before["eth1"]
    assert_forwards(bed)


def test_switch_that_cannot_be_removed_yet_is_not_forgotten():
    bed, both = two_switches()
    bed.start(both)
    bed.usable("eth0", "eth1")
    bed.daemon.stop()
    bed.daemon.write({"switches": both[:1]})
    with open_folder(bed.daemon.bpffs / "uplinkd" / "two") as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        bed.daemon.start()
        assert switches_of(bed) == {"vs", "two"} and set(remembered(bed)) == {"vs", "two"}
        bed.daemon.log_has("two: cannot be removed")
    bed.daemon.ctl("reload")
    assert switches_of(bed) == {"vs"} and remembered(bed) == ["vs"]
    assert_no_programs(bed.hv, "eth1")


@contextlib.contextmanager
def open_folder(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_switch_is_renamed(how):
    bed = start(n_uplinks=2, n_ports=1)
    before = remembered(bed)
    change(bed, [{**one_switch(bed)[0], "name": "other"}], how)
    bed.usable("eth0", "eth1")
    assert before == ["vs"] and switches_of(bed) == {"other"} and remembered(bed) == ["other"]
    assert_forwards(bed)
    bed.daemon.teardown()
    assert not pins(bed)
    assert_no_programs(bed.hv, "eth0")


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_uplink_moves_out_of_a_removed_switch(how):
    bed, both = two_switches()
    bed.start(both)
    bed.usable("eth0", "eth1")
    change(bed, [{**both[0], "uplinks": ["eth0", "eth1"]}], how)
    bed.usable("eth0", "eth1")
    assert switches_of(bed) == {"vs"} and {
        u["switch"] for u in bed.daemon.json("show", "uplinks")
    } == {"vs"}
    assert_forwards(bed)


def test_uplink_of_another_instance_is_refused():
    bed = start(n_uplinks=2, n_ports=1)
    other = second_daemon(bed, [switch("mine", ["eth1"], [])])
    done = other.run_to_end()
    assert done.returncode == 2 and "eth1" in done.stderr and "vs" in done.stderr, done
    assert switches_of(bed) == {"vs"}
    assert_forwards(bed)


def test_list_of_switches_that_cannot_be_written():
    """A full or broken run directory is no reason to fail after everything is applied."""
    bed = start(n_uplinks=2, n_ports=2)
    listed = bed.daemon.run_dir / "switches"
    listed.unlink()
    listed.mkdir()
    for _ in range(3):
        bed.daemon.ctl("reload")
        bed.daemon.ctl("port", "add", "vs", "prod", "later", "--mac", port_mac(9))
        bed.daemon.ctl("port", "del", "later")
    bed.daemon.log_has("switches: cannot be written")
    assert_forwards(bed)
    bed.daemon.restart()
    listed.rmdir()
    bed.daemon.ctl("reload")
    assert remembered(bed) == ["vs"] and os.listdir(bed.daemon.run_dir).count("switches.new") == 0


# ---- old and new together ----
def test_all_groups_are_renamed():
    bed = start(n_uplinks=2, n_ports=2)
    groups = lambda name: [
        {"name": f"{name}{i}", "vlan": 100 + i, "ports": [port(0), port(1)] if i == 0 else []}
        for i in range(40)
    ]
    for name in ("old", "new", "third"):
        bed.daemon.write({"switches": [{**one_switch(bed)[0], "port-groups": groups(name)}]})
        with traffic_both_ways(bed, "renamed groups"):
            bed.daemon.ctl("reload")
        assert {g["name"] for g in bed.daemon.json("show", "groups")} == {
            f"{name}{i}" for i in range(40)
        }
    assert_forwards(bed)


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_all_teaming_settings_change(how):
    bed = Bed(n_uplinks=5, n_ports=1)
    orders = list(itertools.permutations(bed.uplink_names))[:120]
    groups = lambda orders: [
        {
            "name": f"g{i}",
            "vlan": 100 + i,
            "teaming": {"load-balancing": "failover-order", "active": list(order)},
            "ports": [port(0)] if i == 0 else [],
        }
        for i, order in enumerate(orders)
    ]
    first = switch("vs", bed.uplink_names, groups(orders[:60]), channel="none")
    bed.start([first])
    bed.usable(*bed.uplink_names)
    change(bed, [{**first, "port-groups": groups(orders[60:])}], how)
    served = lambda: {g["name"]: g["serving"] for g in bed.daemon.json("show", "groups")}
    wanted = {f"g{i}": [order[0]] for i, order in enumerate(orders[60:])}
    wait_until(lambda: served() == wanted, 30, served)
    far = orders[60][0].replace("eth", "sw")
    bed.listen("m0", far)
    frame = udp4(port_mac(0), OUTSIDE, "192.0.2.1", "192.0.2.2", b"in" * 9, [tag(100)])
    bed.nic(far).send(frame)
    assert expect(bed.nic("m0"), frame[:12] + frame[16:]) == []
    frame = udp4(OUTSIDE, port_mac(0), "192.0.2.2", "192.0.2.1", b"out" * 9)
    bed.nic("m0").send(frame)
    expect(bed.nic(far), frame[:12] + b"\x81\x00\x00\x64" + frame[12:])


# ---- XDP ----
def bed_without_native_xdp(n_ports):
    """A veth accepts no native XDP when its other end has more transmit than it has receive
    queues.
    """
    bed = Bed(n_uplinks=0, n_ports=n_ports)
    bed.hv.ip(
        "link",
        "add",
        "eth0",
        "numrxqueues",
        "1",
        "type",
        "veth",
        "peer",
        "name",
        "sw0",
        "numtxqueues",
        "2",
        "netns",
        bed.world.name,
    )
    bed.world.run("ethtool", "-L", "sw0", "tx", "2")
    bed.hv.up("eth0")
    bed.world.up("sw0")
    bed.uplink_names.append("eth0")
    return bed


def assert_xdp(bed, mode):
    wait_until(
        lambda: bed.daemon.uplink("eth0")["xdp_mode"] == mode,
        30,
        lambda: f"{mode}: {bed.daemon.uplink('eth0')}",
    )
    attached = lambda: bed.hv.link("eth0").get("xdp", {}).get("mode")
    wanted = {"native": 1, "generic": 2, "none": None}[mode]
    wait_until(lambda: attached() == wanted, 30, lambda: f"{mode}: {bed.hv.link('eth0')}")


def test_generic_xdp_is_reported_and_detached_when_not_allowed():
    bed = bed_without_native_xdp(n_ports=1)
    config = lambda receive: [switch("vs", ["eth0"], [("prod", 100, [0])], receive=receive)]
    bed.start(config("xdp"))
    bed.usable("eth0")
    assert_xdp(bed, "generic")
    bed.daemon.ctl("reload")
    assert_xdp(bed, "generic")
    bed.daemon.restart()
    assert_xdp(bed, "generic")
    change(bed, config("auto"), "reload")
    assert_xdp(bed, "none")
    assert_forwards(bed)
    change(bed, config("xdp"), "restart")
    assert_xdp(bed, "generic")
    change(bed, config("auto"), "restart")
    assert_xdp(bed, "none")
    assert_forwards(bed)


def test_removed_uplink_keeps_nothing_of_another_abi():
    bed = start(n_uplinks=2, n_ports=2)
    bed.daemon.stop()
    set_meta(bed.daemon.bpffs, "abi_version")
    bed.daemon.write({"switches": [switch("vs", ["eth0"], [("prod", 100, [0])])]})
    bed.daemon.start()
    bed.usable("eth0")
    assert_no_programs(bed.hv, "eth1")
    assert_no_programs(bed.hv, "p1")
    assert_forwards(bed)


# ---- failures ----
def test_first_start_that_fails_leaves_nothing():
    bed = Bed(n_uplinks=3, n_ports=2)
    before = settings_of(bed.hv, "eth0")
    bed.start([switch("two", ["eth1"], [("prod", 100, [1])])])
    bed.usable("eth1")
    other = second_daemon(
        bed, [switch("one", ["eth0"], [("prod", 100, [0])]), switch("two", ["eth2"], [])]
    )
    done = other.run_to_end()
    assert done.returncode == 2 and "another uplinkd serves this switch" in done.stderr, done
    assert switches_of(bed) == {"two"} and settings_of(bed.hv, "eth0") == before
    for name in ("eth0", "eth2", "p0"):
        assert_no_programs(bed.hv, name)
    assert bed.daemon.uplink("eth1")["usable"]


def test_uplink_enslaved_to_a_bridge_does_not_block_other_changes():
    bed = start(n_uplinks=2, n_ports=2)
    bed.hv.ip_batch("link add br0 type bridge", "link set eth1 master br0")
    bed.daemon.ctl("port", "add", "vs", "prod", "later", "--mac", port_mac(9))
    bed.daemon.ctl("port", "del", "later")
    bed.daemon.ctl("reload")
    # but it is not saved again
    bed.daemon.write({"switches": [switch("vs", ["eth0"], []), switch("two", ["eth1"], [])]})
    done = bed.daemon.ctl("reload", check=False)
    assert done.returncode == 2 and "nomaster" in done.stderr, done
    assert switches_of(bed) == {"vs"}
    bed.hv.ip("link", "set", "eth1", "nomaster")
    bed.daemon.ctl("reload")
    bed.usable("eth0", "eth1")


def test_foreign_xdp_program_does_not_block_other_changes():
    if not run("sh", "-c", "command -v clang", check=False).stdout:
        pytest.skip("no clang to compile another program with")
    bed = bed_without_native_xdp(n_ports=2)
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])])
    bed.usable("eth0")
    assert_xdp(bed, "none")
    number = attach_other_xdp(bed.hv, "eth0", "xdpgeneric")
    bed.daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    bed.daemon.ctl("reload")
    assert (
        bed.daemon.uplink("eth0")["usable"] and bed.hv.link("eth0")["xdp"]["prog"]["id"] == number
    )
    assert_forwards(bed)


def test_failure_of_the_system_is_no_invalid_request():
    bed = Bed(n_uplinks=1, n_ports=1)
    config = one_switch(bed)
    config[0]["port-groups"].append(
        {
            "name": "full",
            "vlan": 200,
            "ports": [{"interface": f"later{i}", "mac": port_mac(1000 + i)} for i in range(255)],
        }
    )
    bed.start(config)
    bed.usable("eth0")
    size = (
        256
        if bed.daemon.ctl(
            "port", "add", "vs", "prod", "first", "--mac", port_mac(8), check=False
        ).returncode
        == 0
        else 0
    )
    in_the_way = bed.daemon.bpffs / "uplinkd" / "vs_next" / "ul_meta"  # no larger set can be made
    in_the_way.mkdir(parents=True)
    try:
        failed = None
        for i in range(300):
            done = bed.daemon.ctl(
                "port", "add", "vs", "prod", f"more{i}", "--mac", port_mac(2000 + i), check=False
            )
            if done.returncode:
                failed = done
                break
        assert failed and failed.returncode == 2, (size, failed)
        assert (
            bed.daemon.ctl(
                "port", "add", "vs", "nowhere", "x", "--mac", port_mac(9), check=False
            ).returncode
            == 1
        )
        assert bed.daemon.ctl("port", "del", "x", check=False).returncode == 1
    finally:
        in_the_way.rmdir()
        in_the_way.parent.rmdir()
    assert_forwards(bed)


# ---- teardown ----
def test_teardown_reports_a_switch_of_another_daemon():
    bed, both = two_switches()
    bed.start(both)
    bed.usable("eth0", "eth1")
    other = second_daemon(bed, both)
    done = other.run_to_end("--teardown")
    assert done.returncode == 2 and "another uplinkd serves this switch" in done.stderr, done
    assert switches_of(bed) == {"vs", "two"}
    # One that cannot be removed does not block the others.
    bed.daemon.stop()
    with open_folder(bed.daemon.bpffs / "uplinkd" / "vs") as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert bed.daemon.run_to_end("--teardown").returncode == 2
        assert switches_of(bed) == {"vs"} and remembered(bed) == ["vs"]
    bed.daemon.teardown()
    assert switches_of(bed) == set() and not (bed.daemon.run_dir / "switches").exists()


def test_teardown_finds_every_pinned_switch():
    """Without the run directory and the file, and of another ABI."""
    bed, both = two_switches()
    for name in ("eth0", "eth1", "p0"):
        set_ipv6(bed.hv, name)
    before = {name: settings_of(bed.hv, name) for name in ("eth0", "eth1", "p0", "p1")}
    bed.start(both)
    bed.usable("eth0", "eth1")
    bed.daemon.kill()
    set_meta(bed.daemon.bpffs, "abi_version")
    shutil.rmtree(bed.daemon.run_dir)
    bed.daemon.config_path.unlink()
    bed.daemon.teardown()
    assert not (bed.daemon.bpffs / "uplinkd").exists()
    for name, settings in before.items():
        assert settings_of(bed.hv, name) == settings, name
        assert_no_programs(bed.hv, name)


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_teardown_of_another_abi(listed):
    bed = start(n_uplinks=1, n_ports=1)
    bed.daemon.stop()
    set_meta(bed.daemon.bpffs, "abi_version")
    if not listed:
        (bed.daemon.run_dir / "switches").unlink()
    with open_folder(bed.daemon.bpffs / "uplinkd" / "vs") as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert bed.daemon.run_to_end("--teardown").returncode == 2
        done = bed.daemon.run_to_end()
        assert (
            done.returncode == 2 and "another uplinkd serves this switch" in done.stderr
        ), "its switch is not adopted either"
        assert switches_of(bed) == {"vs"}
    bed.daemon.teardown()
    assert not pins(bed)
    assert_no_programs(bed.hv, "eth0")
    assert_no_programs(bed.hv, "p0")


# ---- changes that a reload reports ----
def test_control_section_on_reload():
    bed = start(n_uplinks=1, n_ports=1)
    daemon, config = bed.daemon, {"switches": one_switch(bed)}
    socket = daemon.run_dir / "uplinkd.sock"
    daemon.write({**config, "control": {"socket": str(daemon.dir / "other.sock")}})
    done = daemon.ctl("reload", check=False)
    assert (
        done.returncode == 1 and "control.socket" in done.stderr and "restart" in done.stderr
    ), done
    daemon.write({**config, "control": {"socket": str(socket), "group": "daemon"}})
    daemon.ctl("reload")
    assert (socket.stat().st_gid, stat.S_IMODE(socket.stat().st_mode)) == (
        grp.getgrnam("daemon").gr_gid,
        0o660,
    )
    daemon.write(config)
    daemon.ctl("reload")
    assert (socket.stat().st_gid, stat.S_IMODE(socket.stat().st_mode)) == (0, 0o600)


def test_sighup_during_start():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(one_switch(bed), start=False)
    text = daemon.config_path.read_bytes()
    daemon.config_path.unlink()
    os.mkfifo(daemon.config_path)
    daemon.spawn()
    pipe = wait_until(lambda: writing_end(daemon.config_path), 30, "uplinkd to read its file")
    try:
        (daemon.dir / "whole").write_bytes(text)
        os.replace(daemon.dir / "whole", daemon.config_path)
        daemon.signal(1)
        os.write(pipe, text)
    finally:
        os.close(pipe)
    wait_until(
        lambda: "READY=1" in daemon.read_notify() or daemon.process.poll() is not None,
        30,
        daemon.log,
    )
    assert daemon.process.poll() is None, f"exit status {daemon.process.returncode}"
    daemon.log_has("configuration applied")
    bed.usable("eth0")


def writing_end(path):
    """The writing end of a pipe that has a reader; None: no reader yet."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_unfinished_map_set_is_not_adopted():
    """The leftover of a killed daemon that was creating a map set."""
    bed = start(n_uplinks=1, n_ports=1)
    left = bed.daemon.bpffs / "uplinkd" / "vs_next"
    left.mkdir()
    run(
        "bpftool",
        "map",
        "create",
        left / "ul_meta",
        "type",
        "array",
        "key",
        "4",
        "value",
        "96",
        "entries",
        "1",
        "name",
        "ul_meta",
    )
    try:
        assert [s["name"] for s in bed.daemon.json("status")["switches"]] == ["vs"]
    finally:
        bed.daemon.teardown()
    assert not pins(bed)


@pytest.mark.alone
def test_expedited_grace_periods_end_after_attaching_many_ports():
    """Expedited grace periods are requested while many ports are attached, and only then."""
    knob = pathlib.Path("/sys/kernel/rcu_expedited")
    before = knob.read_text()
    bed = Bed(n_uplinks=1, n_ports=40)
    bed.start([switch("vs", ["eth0"], [("prod", 100, range(40))])])
    bed.usable("eth0")
    assert len([p for p in bed.daemon.json("show", "ports") if p["ifindex"]]) == 40
    assert knob.read_text() == before
