# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The daemon as a user with four capabilities, as docs/uplinkd.service runs it: the handover of what
root created, everything that it does afterwards, and what it refuses.
"""
import contextlib
import os
import pwd

import pytest

from harness.base import wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.daemon import CAPABILITIES
from harness.lacp_bed import ScriptBed
from harness.privileges import USER, as_service, prepare
from harness.settings import assert_no_programs, set_ipv6, settings_of
from harness.traffic import Traffic, paced

OTHER = "bin"
OUTSIDE = outside_mac(5)
RCU = "/sys/kernel/rcu_expedited"


def uid_of(user):
    return pwd.getpwnam(user).pw_uid


def configuration(bed, ports=(0,), **more):
    return [switch("vs", bed.uplink_names, [("prod", 100, list(ports))], **more)]


def prepared(bed, config):
    return as_service(bed.start(config, start=False))


def owners_below(folder):
    return {os.lstat(os.path.join(where, name)).st_uid
            for where, folders, files in os.walk(folder)
            for name in [".", *folders, *files]}  # fmt: skip


def status_of(process):
    lines = open(f"/proc/{process.pid}/status").read().splitlines()
    return dict(line.split(":", 1) for line in lines)


@contextlib.contextmanager
def traffic(bed, what):
    """From the machine to the uplinks and back; nothing may be lost in the block."""
    streams = [
        Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0), dst_mac=OUTSIDE),
        Traffic(
            bed.tx("sw0"),
            [bed.tx("m0")],
            src_mac=OUTSIDE,
            dst_mac=port_mac(0),
            vlan=100,
            rate=paced(4000),
        ),
    ]
    flow = lambda: [s.flow(500) for s in streams]
    flow()
    yield flow
    flow()
    for stream in streams:
        stream.stop().assert_clean(what)


# ---- handover ----
def test_a_service_user_takes_over_what_root_created():
    bed = Bed(n_uplinks=2, n_ports=3)
    daemon = bed.start(configuration(bed))
    bed.usable("eth0", "eth1")
    daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    with traffic(bed, "handover") as flow:
        daemon.stop()
        flow()
        done = prepare(daemon)
        assert done.returncode == 0, done.stderr
        assert owners_below(daemon.bpffs / "uplinkd") == {uid_of(USER)}
        assert owners_below(daemon.run_dir) == {uid_of(USER)}
        daemon.run_as(USER).start()
        flow()
        bed.usable("eth0", "eth1")
        daemon.ctl("port", "add", "vs", "prod", "p2", "--mac", port_mac(2))
    assert {p["name"] for p in daemon.json("show", "ports")} == {"p0", "p1", "p2"}
    problems = lambda: daemon.json("status")["switches"][0]["problems"]
    wait_until(lambda: problems() == [], 30, problems)
    assert "adopted" not in daemon.log() or "error" not in daemon.log()


def test_the_daemon_has_a_user_and_four_capabilities():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = prepared(bed, configuration(bed)).start()
    found = status_of(daemon.process)
    assert set(found["Uid"].split()) == {str(uid_of(USER))}
    bits = {"bpf": 39, "perfmon": 38, "net_admin": 12, "net_raw": 13}
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert int(found[kind], 16) == sum(1 << bits[c] for c in CAPABILITIES)


def test_everything_that_a_daemon_does_works_without_root():
    bed = Bed(n_uplinks=3, n_ports=2)
    names = [f"eth{i}" for i in range(3)]
    set_ipv6(bed.hv, "eth0")
    before = {name: settings_of(bed.hv, name) for name in names}
    bed.uplink_names = names[:2]
    groups = [
        {"name": "prod", "vlan": 100, "ports": [port(0)], "security": {"mac-learning": True}},
        {"name": "host", "vlan": 200, "ports": [{"interface": "vmk0", "host": True,
                                                 "address": ["192.0.2.9/24"]}]},
    ]  # fmt: skip
    daemon = prepared(bed, [switch("vs", names[:2], groups, mtu=1400)]).start()
    bed.usable("eth0", "eth1")
    assert settings_of(bed.hv, "eth0")["ipv6"] == "1"
    assert "192.0.2.9" in bed.hv.ip("addr", "show", "vmk0").stdout
    daemon.write({"switches": [switch("vs", names, groups, mtu=1450)]})
    daemon.ctl("reload")
    bed.usable(*names)
    daemon.ctl("uplink", "drain", "eth1")
    daemon.ctl("uplink", "undrain", "eth1")
    daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
    daemon.ctl("port", "del", "p1")
    daemon.restart()
    bed.usable(*names)
    log = daemon.log_path.read_text()
    assert "ermission denied" not in log and "not permitted" not in log, log
    daemon.teardown()
    for name in names:
        assert settings_of(bed.hv, name) == before[name]
        assert_no_programs(bed.hv, name)
    assert not (daemon.bpffs / "uplinkd").exists()


def test_lacp_without_root():
    bed = ScriptBed(n=2, start=False)
    as_service(bed.daemon).start()
    bed.wait()
    bed.daemon.restart()
    bed.wait()


@pytest.mark.alone
def test_the_rcu_setting_belongs_to_the_user_until_the_end():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(configuration(bed), start=False)
    prepare(daemon)
    assert os.stat(RCU).st_uid == uid_of(USER)
    assert daemon.run_to_end("--finish").returncode == 0
    assert os.stat(RCU).st_uid == 0


# ---- refusals ----
def test_what_belongs_to_root_is_not_misread():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(configuration(bed))
    with traffic(bed, "refused start"):
        daemon.stop()
        daemon.bpffs.chmod(0o1711)
        daemon.run_as(USER).spawn()
        assert daemon.wait() == 2
        os.chown(daemon.run_dir, uid_of(USER), -1)
        os.chown(daemon.run_dir / "lock", uid_of(USER), -1)
        os.chown(daemon.run_dir / "switches", uid_of(USER), -1)
        daemon.spawn()
        assert daemon.wait() == 2
    log = daemon.log()
    assert f"{daemon.run_dir}/lock: cannot be opened" in log and "another XDP" not in log
    assert f"{daemon.bpffs}/uplinkd: belongs to root" in log and "uplinkd --prepare USER" in log
    daemon.privileges = []


@pytest.mark.parametrize("missing", CAPABILITIES)
def test_a_missing_capability_is_named(missing):
    bed = Bed(n_uplinks=1, n_ports=1)
    before = settings_of(bed.hv, "eth0")
    daemon = prepared(bed, configuration(bed))
    daemon.run_as(USER, [c for c in CAPABILITIES if c != missing]).spawn()
    assert daemon.wait() == 2
    assert f"CAP_{missing.upper()} is missing" in daemon.log()
    assert "AmbientCapabilities=" in daemon.log()
    assert settings_of(bed.hv, "eth0") == before


def test_a_folder_of_another_user_is_refused():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(configuration(bed), start=False)
    folder = daemon.bpffs / "uplinkd"
    daemon.bpffs.chmod(0o1777)
    folder.mkdir(0o700)
    os.chown(folder, uid_of(OTHER), -1)
    daemon.spawn()
    assert daemon.wait() == 2
    wanted = f"{folder}: belongs to user {uid_of(OTHER)}, and this process runs as user 0; remove"
    assert wanted in daemon.log()
    (folder / "vs").mkdir()
    done = daemon.run_to_end("--teardown")
    assert done.returncode == 2 and wanted in done.stderr
    done = prepare(daemon)
    assert done.returncode == 2 and f"{folder}: belongs to user {uid_of(OTHER)}" in done.stderr
    assert folder.stat().st_uid == uid_of(OTHER)
    (folder / "vs").rmdir()
    folder.rmdir()


def test_a_file_system_in_which_all_may_replace_pins_is_refused():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(configuration(bed), start=False)
    daemon.bpffs.chmod(0o0777)
    daemon.spawn()
    assert daemon.wait() == 2
    assert f"{daemon.bpffs}: every user may replace what is in it" in daemon.log()
    daemon.bpffs.chmod(0o0711)
    daemon.start()


def test_prepare_follows_no_link_and_gives_nothing_of_others():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(configuration(bed))
    daemon.stop()
    target = daemon.dir / "target"
    target.write_text("x")
    os.symlink(target, daemon.run_dir / "link")
    os.link(target, daemon.run_dir / "second-name")
    foreign = daemon.run_dir / "foreign"
    foreign.write_text("x")
    os.chown(foreign, uid_of(OTHER), -1)
    done = prepare(daemon)
    assert done.returncode == 2
    assert "second-name: has 2 names" in done.stderr
    assert f"foreign: belongs to user {uid_of(OTHER)}" in done.stderr
    assert target.stat().st_uid == 0 and foreign.stat().st_uid == uid_of(OTHER)
    assert (daemon.run_dir / "lock").stat().st_uid == uid_of(USER)


def test_prepare_names_a_user_that_does_not_exist():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(configuration(bed), start=False)
    done = daemon.run_to_end("--prepare", "no-such-user")
    assert done.returncode == 2
    assert "user no-such-user does not exist; create it with 'systemd-sysusers'" in done.stderr


# ---- members of the control group ----
def test_run_time_ports_are_not_interfaces_of_the_host():
    bed = Bed(n_uplinks=2, n_ports=2)
    vmk0 = {"name": "host", "vlan": 200, "ports": [{"interface": "vmk0", "host": True}]}
    prod = {"name": "prod", "vlan": 100, "ports": [port(0)]}
    daemon = bed.start([switch("vs", ["eth0"], [prod, vmk0])])
    bed.hv.ip("address", "add", "192.0.2.1/24", "dev", "eth1")
    for interface, status, reason in (
        ("lo", 2, "carries no Ethernet frames"),
        ("eth0", 1, "eth0"),
        ("eth1", 1, "has an address of the host"),
        ("vmk0", 1, "vmk0"),
        ("vmk0-sw", 1, "far end of a host port"),
    ):
        words = ["vs", "prod", interface, "--mac", port_mac(9)]
        done = daemon.ctl("port", "add", *words, check=False)
        assert done.returncode == status and reason in done.stderr, (interface, done.stderr)
    assert {p["name"] for p in daemon.json("show", "ports")} == {"p0", "vmk0"}
    assert_no_programs(bed.hv, "eth1")
    # a machine's tap has a link-local address only
    set_ipv6(bed.hv, "p1")
    wait_until(lambda: "fe80" in bed.hv.ip("address", "show", "p1").stdout, 30, "fe80 of p1")
    daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
