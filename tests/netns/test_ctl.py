# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkctl: every command and documented JSON structure, with and without the daemon, and the maps
as shown by bpftool.
"""
import json
import signal

import pytest

from harness.base import run, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.capture import expect
from harness.frames import udp4

NUMBER, BOOL, TEXT = int, bool, str
UPLINK = {
    "switch": TEXT,
    "name": TEXT,
    "index": NUMBER,
    "ifindex": NUMBER,
    "mac": TEXT,
    "carrier": BOOL,
    "admin_up": BOOL,
    "usable": BOOL,
    "drained": BOOL,
    "xdp_mode": TEXT,
    "speed_mbps": NUMBER,
    "tx_packets": NUMBER,
    "tx_bytes": NUMBER,
    "rx_packets": NUMBER,
    "rx_bytes": NUMBER,
}
WHICH = {
    "switch": TEXT,
    "group": TEXT,
    "hash": NUMBER,
    "bucket": NUMBER,
    "buckets": NUMBER,
    "uplink": TEXT,
    "ifindex": NUMBER,
    "reason": TEXT,
}
COUNTER = {
    "switch": TEXT,
    "scope": TEXT,
    "name": TEXT,
    "reason": TEXT,
    "packets": NUMBER,
    "bytes": NUMBER,
}
READING = (
    ["status"],
    ["show", "uplinks"],
    ["show", "ports"],
    ["show", "groups"],
    ["show", "fdb"],
    ["show", "counters"],
    ["which", "one", "prod", "192.0.2.1", "192.0.2.2"],
)


def has_shape(record, shape):
    for key, kind in shape.items():
        assert key in record and type(record[key]) is kind, f"{key}: {record}"


@pytest.fixture
def two_switches():
    bed = Bed(n_uplinks=3, n_ports=3)
    bed.start(
        [
            switch("one", ["eth0", "eth1"], [("prod", 100, [0]), ("trunk", "10,20-30", [1])]),
            switch("two", ["eth2"], [("native", 0, [2])]),
        ]
    )
    bed.usable("eth0", "eth1", "eth2")
    bed.listen("m0", "sw0", "sw1", "sw2")
    return bed


def test_json_structure(two_switches):
    bed = two_switches
    daemon = bed.daemon
    frame = udp4(outside_mac(1), port_mac(0), "192.0.2.1", "192.0.2.3", b"x" * 30)
    bed.nic("m0").send(frame)
    expect(bed.nic("sw0"), frame[:12] + b"\x81\x00\x00\x64" + frame[12:])

    uplinks = daemon.json("show", "uplinks")
    assert [(u["switch"], u["name"], u["index"]) for u in uplinks] == [
        ("one", "eth0", 0),
        ("one", "eth1", 1),
        ("two", "eth2", 0),
    ]
    for uplink in uplinks:
        has_shape(uplink, UPLINK)
        link = bed.hv.link(uplink["name"])
        assert (uplink["ifindex"], uplink["mac"]) == (link["ifindex"], link["address"])
        assert (
            uplink["xdp_mode"] in ("native", "generic", "none")
            and uplink["carrier"]
            and uplink["admin_up"]
            and uplink["usable"]
        )
    assert (uplinks[0]["tx_packets"], uplinks[0]["tx_bytes"]) == (1, len(frame)), uplinks[0]

    has_shape(daemon.json("which", "one", "prod", "192.0.2.1", "192.0.2.2"), WHICH)
    counters = daemon.json("show", "counters")
    for counter in counters:
        has_shape(counter, COUNTER)
        assert counter["scope"] in ("uplink", "port", "switch") and counter["packets"] > 0
    assert {
        "switch": "one",
        "scope": "port",
        "name": "p0",
        "reason": "to_uplink",
        "packets": 1,
        "bytes": len(frame),
    }.items() <= next(c for c in counters if c["name"] == "p0").items()
    every = daemon.json("show", "counters", "--all")
    assert {c["reason"] for c in every if c["name"] == "p0"} >= {
        "forged_source",
        "vlan_from_access",
        "no_uplink",
    }

    ports = {p["name"]: p for p in daemon.json("show", "ports")}
    assert (
        ports["p0"]["group"] == "prod"
        and ports["p0"]["mac"] == port_mac(0)
        and ports["p0"]["delivery"] in ("tc", "xdp")
    )
    groups = {g["name"]: g for g in daemon.json("show", "groups")}
    assert (
        groups["prod"]["vlan"] == "100"
        and groups["trunk"]["vlan"] == "10,20-30"
        and groups["native"]["vlan"] == "0"
    )
    assert (
        groups["prod"]["active"] == ["eth0", "eth1"]
        and sum(groups["prod"]["buckets"].values()) == 1024
    )
    assert {(e["mac"], e["port"]) for e in daemon.json("show", "fdb")} >= {
        (port_mac(n), f"p{n}") for n in range(3)
    }
    assert {u["switch"] for u in daemon.json("show", "uplinks", "two")} == {"two"}
    json.loads(daemon.ctl("--json", "status").stdout)


@pytest.mark.parametrize("state", ["running", "stopped", "killed"])
def test_reading_needs_no_daemon(two_switches, state):
    daemon = two_switches.daemon
    two_switches.nic("m0").send(
        udp4(outside_mac(1), port_mac(0), "192.0.2.1", "192.0.2.3", b"x" * 30)
    )
    wait_until(lambda: daemon.counter("p0", "to_uplink") == 1, 30, "something to show")
    if state == "stopped":
        daemon.freeze()
    elif state == "killed":
        daemon.kill()
    for words in READING:
        text = daemon.ctl(*words).stdout
        assert "eth0" in text or "p0" in text or "prod" in text, (words, text)
        json.loads(daemon.ctl("--json", *words).stdout)
    status = daemon.ctl("status").stdout
    for name in ("one", "two", "eth0", "eth1", "eth2", "prod"):
        assert name in status, status
    if state == "stopped":
        daemon.thaw()


def test_changes_are_refused_without_a_daemon(two_switches):
    daemon = two_switches.daemon
    daemon.stop()
    for words in (
        ["port", "add", "one", "prod", "p9", "--mac", port_mac(9)],
        ["port", "del", "p0"],
        ["uplink", "drain", "eth0"],
        ["uplink", "undrain", "eth0"],
        ["reload"],
    ):
        done = daemon.ctl(*words, check=False)
        assert done.returncode == 2 and "uplinkd" in done.stderr, (words, done)


def test_cut_is_shown_without_a_daemon(two_switches):
    bed = two_switches
    bed.daemon.kill()
    bed.up("sw1", False)
    wait_until(lambda: not bed.daemon.uplink("eth1")["carrier"], 30, "carrier")
    assert not bed.daemon.uplink("eth1")["usable"]
    for n in range(8):
        assert (
            bed.daemon.json("which", "one", "prod", "192.0.2.1", f"192.0.2.{n}")["uplink"] == "eth0"
        )


def test_exit_status(two_switches):
    daemon = two_switches.daemon
    assert daemon.ctl("--help").returncode == 0
    for words in (
        [],
        ["nonsense"],
        ["show"],
        ["show", "nothing"],
        ["which", "one"],
        ["which", "three", "prod", "192.0.2.1", "192.0.2.2"],
        ["which", "one", "nothing", "192.0.2.1", "192.0.2.2"],
        ["which", "one", "prod", "not-an-address", "192.0.2.2"],
        ["which", "one", "prod", "192.0.2.1", "2001:db8::1"],
        ["status", "three"],
        ["--no-such-option"],
        ["uplink", "drain", "p0"],
        ["port", "del", "nothing"],
    ):
        done = daemon.ctl(*words, check=False)
        assert done.returncode == 1 and done.stderr, (words, done)
    daemon.bpffs = daemon.dir
    assert daemon.ctl("status", check=False).returncode == 2
    daemon.bpffs = daemon.dir / "bpf"


def test_check(two_switches):
    daemon = two_switches.daemon
    assert daemon.ctl("check", daemon.config_path).returncode == 0
    bad = daemon.dir / "bad.yaml"
    bad.write_text("switches: [{name: x, uplinks: [eth0], mtu: 1, typo: 1}]\n")
    done = daemon.ctl("check", bad, check=False)
    assert (
        done.returncode == 1
        and f"{bad}:1: switches[0].mtu: 1: must be 1280-9216" in done.stdout + done.stderr
    )
    assert "switches[0].typo" in done.stdout + done.stderr


def test_which_explains_the_choice(two_switches):
    bed = two_switches
    normal = bed.daemon.json("which", "one", "prod", "192.0.2.1", "192.0.2.2")
    assert normal["uplink"] == "eth1" and normal["hash"] == 3
    bed.up("sw1", False)
    bed.usable("eth0", "eth2")
    moved = bed.daemon.json("which", "one", "prod", "192.0.2.1", "192.0.2.2")
    assert (
        moved["uplink"] == "eth0"
        and moved["reason"] != normal["reason"]
        and "eth1" in moved["reason"]
    ), moved
    bed.up("sw0", False)
    bed.usable("eth2")
    none = bed.daemon.json("which", "one", "prod", "192.0.2.1", "192.0.2.2")
    assert none["uplink"] is None and none["reason"]


def test_bpftool_shows_field_names(two_switches):
    folder = two_switches.daemon.bpffs / "uplinkd" / "one"
    wanted = {
        "ul_meta": ("abi_version", "generation"),
        "ul_uplinks": ("ifindex", "flags", "mac"),
        "ul_ports": ("group", "max_frame"),
        "ul_groups": ("vlan_mode", "policy"),
        "ul_policies": ("n_buckets", "bucket"),
        "ul_stats": ("sent", "packets"),
    }
    for name, fields in wanted.items():
        dump = run("bpftool", "-j", "map", "dump", "pinned", folder / name).stdout
        for field in fields:
            assert f'"{field}"' in dump, f"{name}: no field {field}"
    meta = json.loads(run("bpftool", "-j", "map", "dump", "pinned", folder / "ul_meta").stdout)[0][
        "formatted"
    ]["value"]
    assert meta["n_uplinks"] == 2 and meta["abi_version"] >= 1


def test_socket_is_restricted_to_root(two_switches):
    socket = two_switches.daemon.run_dir / "uplinkd.sock"
    assert socket.is_socket() and socket.stat().st_mode & 0o007 == 0


def test_sighup_and_sigterm(two_switches):
    daemon = two_switches.daemon
    before = json.loads(
        run(
            "bpftool", "-j", "map", "dump", "pinned", daemon.bpffs / "uplinkd" / "one" / "ul_meta"
        ).stdout
    )
    daemon.signal(signal.SIGHUP)
    generation = lambda: json.loads(
        run(
            "bpftool", "-j", "map", "dump", "pinned", daemon.bpffs / "uplinkd" / "one" / "ul_meta"
        ).stdout
    )[0]["formatted"]["value"]["generation"]
    wait_until(
        lambda: generation() > before[0]["formatted"]["value"]["generation"], 30, "a new generation"
    )
    assert daemon.stop() == 0
