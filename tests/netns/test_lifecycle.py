# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Start, restart, crash, reload and teardown: traffic continues, changed settings are restored, and
an invalid request changes nothing.
"""
import contextlib
import json
import os
import re

import pytest

from harness.base import BUILD, holds_for, run, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.capture import expect
from harness.features import needs_carrier_check
from harness.frames import tag, udp4
from harness.kills import need_strace
from harness.pinned import set_meta
from harness.settings import assert_no_programs, attach_other_xdp, set_ipv6, settings_of
from harness.traffic import Traffic, paced

OUTSIDE = outside_mac(5)


def untag(frame):
    return frame[:12] + frame[16:]


def one_switch(bed, ports=(0,), **more):
    return [switch("vs", bed.uplink_names, [("prod", 100, list(ports))], **more)]


def start(n_uplinks=2, n_ports=1, **more):
    bed = Bed(n_uplinks=n_uplinks, n_ports=n_ports)
    bed.start(one_switch(bed, range(n_ports), **more))
    bed.usable(*bed.uplink_names)
    return bed


@contextlib.contextmanager
def traffic_both_ways(bed, what):
    """Frames from port to uplinks, from an uplink to the port (not TCP: XDP), and between two
    ports; none may be lost in the block.
    """
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
    if bed.world.exists("m1"):
        streams.append(
            Traffic(
                bed.tx("m1"),
                [bed.tx("m0")],
                src_mac=port_mac(1),
                dst_mac=port_mac(0),
                rate=paced(2000),
            )
        )
    flow = lambda: [s.flow(500) for s in streams]
    flow()
    yield streams
    flow()
    for stream in streams:
        stream.stop().assert_clean(what)


@contextlib.contextmanager
def multicast(bed, what):
    """Frames that port_tc sends by its slow path; none may be lost in the block."""
    stream = Traffic(
        bed.tx("m0"),
        bed.rx_uplinks(),
        src_mac=port_mac(0),
        dst_mac="01:00:5e:00:00:07",
        rate=paced(2000),
    )
    stream.flow(500)
    yield stream
    stream.flow(500)
    stream.stop().assert_clean(what)


def ping_frame(bed, number=0, src=OUTSIDE):
    """A frame from an uplink that must reach port 0, as proof that the switch works."""
    return udp4(
        port_mac(0), src, "192.0.2.1", f"192.0.2.{number}", os.urandom(8) + b"proof", [tag(100)]
    )


def assert_forwards(bed):
    bed.listen("m0", *[u.replace("eth", "sw") for u in bed.uplink_names])
    into = ping_frame(bed)
    bed.nic("sw0").send(into)
    expect(bed.nic("m0"), untag(into))
    out = udp4(OUTSIDE, port_mac(0), "192.0.2.4", "192.0.2.2", os.urandom(8) + b"proof")
    tagged = out[:12] + b"\x81\x00\x00\x64" + out[12:]
    bed.nic("m0").send(out)
    seen = lambda: any(tagged in nic.frames() for nic in bed.far_uplinks())
    wait_until(seen, 30, lambda: f"the frame at an uplink\n{bed.daemon.counters_text()}")


# ---- restart, crash ----
def test_restart_loses_nothing():
    bed = start(n_ports=2)
    with traffic_both_ways(bed, "restart"):
        for _ in range(2):
            bed.daemon.restart()


def test_crash_and_start_lose_nothing():
    bed = start(n_ports=2)
    with traffic_both_ways(bed, "SIGKILL") as streams:
        bed.daemon.kill()
        for stream in streams:
            stream.flow(500)
        bed.daemon.start()
        bed.usable("eth0", "eth1")


def test_failure_while_no_daemon_runs():
    needs_carrier_check()
    bed = start(n_uplinks=2)
    traffic = Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0), dst_mac=OUTSIDE)
    traffic.flow(1000)
    bed.daemon.kill()
    traffic.cut("eth1")
    traffic.flow(2000)
    bed.daemon.start()
    bed.usable("eth0")
    traffic.flow(1000)
    figures = traffic.stop()
    figures.assert_clean("cut without daemon", but=("cutting",))
    figures.assert_outage("eth1")
    assert figures.phase("cut").ends["eth1"] == 0


def test_restart_keeps_counters_and_pins():
    """Counters go on, the pins are the same objects, a second daemon for the same run directory is
    refused.
    """
    bed = start(n_ports=2)
    assert_forwards(bed)
    before = {p: os.stat(p).st_ino for p in pins(bed)}
    counted = bed.daemon.counter("p0", "to_uplink")
    assert counted > 0 and before
    second = bed.daemon.run_to_end()
    assert second.returncode == 2 and "run" in second.stderr, second
    bed.daemon.restart()
    assert {p: os.stat(p).st_ino for p in pins(bed)} == before, "adopted, not replaced"
    assert bed.daemon.counter("p0", "to_uplink") >= counted
    assert_forwards(bed)


def pins(bed):
    """Without the iterators of the kernel."""
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(bed.daemon.bpffs)
        for name in names
        if not name.endswith(".debug")
    ]


def slow_arrays(bed):
    return [os.path.basename(p) for p in pins(bed) if "/ul_slow_" in p]


# ---- upgrade, growth ----
@pytest.mark.parametrize("what", ["programs", "abi_version"])
def test_upgrade_loses_nothing(what):
    """The new daemon finds programs or maps of another version. Programs are exchanged in their
    links; maps are replaced by new ones with the same contents.
    """
    bed = start(n_ports=2)
    assert_forwards(bed)
    before = {p: os.stat(p).st_ino for p in pins(bed) if p.endswith("ul_ports")}
    slow_before = slow_arrays(bed)
    with traffic_both_ways(bed, f"other {what}") as streams, multicast(bed, f"other {what}"):
        bed.daemon.stop()
        set_meta(bed.daemon.bpffs, what)
        bed.daemon.start()
        bed.usable("eth0", "eth1")
        for stream in streams:
            stream.flow(500)
    after = {p: os.stat(p).st_ino for p in pins(bed) if p.endswith("ul_ports")}
    assert before.keys() == after.keys() and (before == after) == (
        what == "programs"
    ), "the same maps, or others at the same path"
    assert len(slow_before) == len(slow_arrays(bed)) == 1, "one program array per generation"
    assert slow_before != slow_arrays(bed)
    assert bed.daemon.counter("p0", "no_slow_path") == 0
    assert_forwards(bed)


@pytest.mark.parametrize("path", ["new programs", "teardown"])
def test_pins_that_cannot_be_removed(path):
    """The reason is reported, not what follows from pins that stay; the next attempt succeeds."""
    need_strace()
    bed = start(n_ports=2)
    bed.daemon.stop()
    options = ["--teardown"] if path == "teardown" else []
    if path == "new programs":
        set_meta(bed.daemon.bpffs, "programs")
    fault = "inject=?unlink,unlinkat:error=EIO"  # "?": arm64 has no unlink
    done = bed.daemon.run_to_end(
        *options, wrap=["strace", "-f", "-qq", "-o", "/dev/null", "-e", fault]
    )
    text = done.stdout + done.stderr
    assert done.returncode == 2, text
    assert "Input/output error" in text
    assert "File exists" not in text and "Directory not empty" not in text, text
    bed.daemon.start()
    bed.usable("eth0", "eth1")
    assert_forwards(bed)
    bed.daemon.teardown()
    assert not (bed.daemon.bpffs / "uplinkd").exists()


def test_former_maps_that_cannot_be_removed():
    """A directory where pins are cannot be unlinked. The new maps serve; the rest is tried again."""
    bed = start(n_ports=2)
    bed.daemon.stop()
    set_meta(bed.daemon.bpffs, "abi_version")
    (bed.daemon.bpffs / "uplinkd" / "vs" / "obstacle").mkdir()
    bed.daemon.start()
    bed.usable("eth0", "eth1")
    former = bed.daemon.bpffs / "uplinkd" / "vs_old"
    assert [p.name for p in former.iterdir()] == ["obstacle"], "everything else went"
    bed.daemon.log_has(f"{former}: the former maps cannot be removed; it is tried again")
    findings = lambda: {f["code"] for f in bed.daemon.json("status")["switches"][0]["problems"]}
    assert "former_maps" in findings()
    assert_forwards(bed)
    (former / "obstacle").rmdir()
    wait_until(lambda: not former.exists(), 30, "the next attempt")
    assert "former_maps" not in findings()


def test_growth_loses_nothing():
    """More ports than the map set has room for: a larger set replaces it with the same contents."""
    bed = start(n_ports=2)
    assert_forwards(bed)
    counted = bed.daemon.counter("p0", "to_uplink")
    more = one_switch(bed, (0, 1))
    more[0]["port-groups"] += [
        {
            "name": f"g{i}",
            "vlan": 200 + i,
            "ports": [{"interface": f"later{i}", "mac": port_mac(1000 + i)}],
        }
        for i in range(400)
    ]
    with traffic_both_ways(bed, "growth"):
        bed.daemon.write({"switches": more})
        bed.daemon.ctl("reload")
        wait_until(lambda: len(bed.daemon.json("show", "ports")) == 402, 30, "the new ports")
    assert bed.daemon.counter("p0", "to_uplink") > counted, "counters continue"
    assert_forwards(bed)


def test_growth_in_one_respect_shrinks_no_other():
    """The set has room for more ports than are left when it becomes too small for the groups."""
    bed = start(n_ports=2)
    many = one_switch(bed, (0, 1))
    many[0]["port-groups"][0]["ports"] += [
        {"interface": f"later{i}", "mac": port_mac(1000 + i)} for i in range(400)
    ]
    bed.daemon.write({"switches": many})
    bed.daemon.ctl("reload")
    assert_forwards(bed)
    more = one_switch(bed, (0, 1))
    more[0]["port-groups"] += [{"name": f"g{i}", "vlan": 200 + i} for i in range(400)]
    with traffic_both_ways(bed, "growth"):
        bed.daemon.write({"switches": more})
        bed.daemon.ctl("reload")
        wait_until(lambda: len(bed.daemon.json("show", "groups")) == 401, 30, "the new groups")
    assert {p["name"] for p in bed.daemon.json("show", "ports")} == {"p0", "p1"}
    assert_forwards(bed)


# ---- reload ----
def test_reload_loses_nothing():
    bed = start(n_ports=4)
    config = one_switch(bed, (0, 1))
    with traffic_both_ways(bed, "reload"):
        bed.daemon.ctl("reload")  # the same file
        more = one_switch(bed, (0, 1))
        more[0]["port-groups"].append({"name": "new", "vlan": 200, "ports": [port(2)]})
        bed.daemon.write({"switches": more})
        bed.daemon.ctl("reload")
        wait_until(
            lambda: "p2" in {p["name"] for p in bed.daemon.json("show", "ports")},
            30,
            "the new port",
        )
        more[0]["port-groups"][1]["ports"].append(port(3))
        bed.daemon.write({"switches": more})
        bed.daemon.signal(1)  # SIGHUP has the same effect
        wait_until(
            lambda: "p3" in {p["name"] for p in bed.daemon.json("show", "ports")},
            30,
            "the port of the second reload",
        )
        bed.daemon.write({"switches": config})
        bed.daemon.ctl("reload")
        wait_until(
            lambda: {p["name"] for p in bed.daemon.json("show", "ports")} == {"p0", "p1"},
            30,
            "ports removed",
        )


def test_reload_changes_a_vlan():
    bed = start(n_ports=2)
    config = one_switch(bed, (0, 1))
    config[0]["port-groups"] = [
        {"name": "prod", "vlan": 100, "ports": [port(0)]},
        {"name": "new", "vlan": 200, "ports": [port(1)]},
    ]
    bed.daemon.write({"switches": config})
    bed.daemon.ctl("reload")
    bed.listen("m0", "m1", "sw0")
    frame = udp4(port_mac(1), OUTSIDE, "192.0.2.1", "192.0.2.2", b"x" * 20, [tag(200)])
    bed.nic("sw0").send(frame)
    expect(bed.nic("m1"), untag(frame))
    bed.nic("sw0").send(udp4(port_mac(1), OUTSIDE, "192.0.2.1", "192.0.2.2", b"x" * 20, [tag(100)]))
    wait_until(
        lambda: bed.daemon.counter("eth0", "unknown_unicast") == 1, 30, bed.daemon.counters_text
    )
    assert bed.nic("m1").frames() == []


def test_reload_adds_and_removes_a_switch_and_an_uplink():
    bed = Bed(n_uplinks=3, n_ports=2)
    first = switch("vs", ["eth0"], [("prod", 100, [0])])
    bed.start([first])
    bed.usable("eth0")
    bed.daemon.write(
        {
            "switches": [
                {**first, "uplinks": ["eth0", "eth1"]},
                switch("two", ["eth2"], [("prod", 100, [1])]),
            ]
        }
    )
    bed.daemon.ctl("reload")
    bed.usable("eth0", "eth1", "eth2")
    assert {s.name for s in (bed.daemon.bpffs / "uplinkd").iterdir()} == {
        "vs",
        "vs_saved",
        "two",
        "two_saved",
    }
    assert_forwards(bed)
    bed.daemon.write({"switches": [first]})
    bed.daemon.ctl("reload")
    bed.usable("eth0")
    assert {s.name for s in (bed.daemon.bpffs / "uplinkd").iterdir()} == {"vs", "vs_saved"}
    for name in ("eth1", "eth2", "p1"):
        assert_no_programs(bed.hv, name)
    assert_forwards(bed)


@pytest.mark.parametrize("active", [None, ["eth1", "eth2"]])
def test_reload_that_inserts_an_uplink_in_front(active):
    """All uplinks behind it are renumbered: an uplink that stays loses nothing in either
    direction.
    """
    bed = Bed(n_uplinks=3, n_ports=1, mtu=9000)
    teaming = {"load-balancing": "port-id", **({"active": active} if active else {})}
    make = lambda uplinks: switch(
        "vs", uplinks, [("prod", 100, [0])], channel="none", teaming=teaming
    )
    bed.start([make(["eth1", "eth2"])])
    bed.usable("eth1", "eth2")
    streams = [Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0), dst_mac=OUTSIDE)]
    streams += [
        Traffic(
            bed.tx(far),
            [bed.tx("m0")],
            src_mac=outside_mac(n),
            dst_mac=port_mac(0),
            vlan=100,
            rate=paced(4000),
        )
        for n, far in ((1, "sw1"), (2, "sw2"))
    ]
    flow = lambda: [s.flow(500) for s in streams]
    flow()
    bed.daemon.write({"switches": [make(["eth0", "eth1", "eth2"])]})
    bed.daemon.ctl("reload")
    bed.usable("eth0", "eth1", "eth2")
    flow()
    for stream in streams:
        stream.stop().assert_clean("an uplink in front")


def test_bad_reload_changes_nothing():
    bed = start(n_ports=2)
    with traffic_both_ways(bed, "bad reload"):
        generation = bed.daemon.json("show", "groups")
        bed.daemon.write(
            text="switches:\n  - name: vs\n    uplinks: [eth0, eth0]\n    channel: static\n    mtu: 99\n"
            "    port-groups: [{name: x, vlan: 5000, ports: []}]\n"
        )
        done = bed.daemon.ctl("reload", check=False)
        assert done.returncode == 1, done
        for wanted in (
            "switches[0].uplinks[1]",
            "switches[0].mtu",
            "switches[0].port-groups[0].vlan",
        ):
            assert wanted in done.stdout + done.stderr, done
        bed.daemon.signal(1)
        bed.daemon.log_has("5000")
        assert bed.daemon.json("show", "groups") == generation
    bed.usable("eth0", "eth1")


# ---- configurations that are refused ----
MISTAKES = """
switches:
  - name: Not_A_Name
    uplinks: [eth0, eth1, eth0]
    channel: sideways
    mtu: 100
    colour: red
    teaming: {load-balancing: port-id, active: [eth7]}
    port-groups:
      - name: a
        vlan: 5000
        ports:
          - {interface: eth1, mac: "52:54:00:00:00:01"}
          - {interface: p1, mac: "01:00:00:00:00:01"}
      - name: a
        vlan: "10,5000-20"
        ports: [{interface: p1, mac: "52:54:00:00:00:01"}]
"""


def test_every_error_is_reported_and_nothing_is_changed():
    bed = Bed(n_uplinks=2, n_ports=2)
    before = settings_of(bed.hv, "eth0")
    daemon = bed.start(text=MISTAKES, start=False)
    done = daemon.run_to_end()
    assert done.returncode == 1, done
    for path in (
        "switches[0].name",
        "switches[0].uplinks[2]",
        "switches[0].channel",
        "switches[0].mtu",
        "switches[0].colour",
        "switches[0].port-groups[0].vlan",
        "switches[0].port-groups[1].name",
        "switches[0].port-groups[1].vlan",
    ):
        assert re.search(
            rf"{daemon.config_path}:\d+: {re.escape(path)}: ", done.stderr
        ), f"{path} in\n{done.stderr}"
    assert "1280-9216" in done.stderr and "eth0" in done.stderr
    assert daemon.run_to_end("--check").returncode == 1
    checked = daemon.ctl("check", daemon.config_path, check=False)
    assert checked.returncode == 1 and "switches[0].mtu" in checked.stdout + checked.stderr
    assert not pins(bed) and settings_of(bed.hv, "eth0") == before
    assert_no_programs(bed.hv, "eth0")


@pytest.mark.parametrize(
    "change,wanted",
    [
        (
            {"channel": "none", "teaming": {"load-balancing": "src-dst-ip"}},
            ["load-balancing", "channel", "port-id"],
        ),
        (
            {"channel": "static", "teaming": {"load-balancing": "port-id"}},
            ["load-balancing", "channel", "src-dst-ip"],
        ),
        ({"channel": "static", "teaming": {"active": ["eth0"], "standby": ["eth1"]}}, ["standby"]),
        ({"channel": "static", "teaming": {"failure-detection": "beacon"}}, ["failure-detection"]),
        ({"uplinks": ["eth0", "p0"]}, ["p0"]),
        ({"uplinks": []}, ["uplinks"]),
        ({"uplinks": "eth0"}, ["uplinks"]),
    ],
    ids=lambda c: "-".join(c) if isinstance(c, dict) else "",
)
def test_conflicting_settings(change, wanted):
    bed = Bed(n_uplinks=2, n_ports=1)
    config = one_switch(bed)
    config[0].update(change)
    done = bed.start(config, start=False).run_to_end("--check")
    assert done.returncode == 1 and all(w in done.stderr for w in wanted), done


def test_valid_file_in_plain_yaml():
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = bed.start(
        text="""
# as in the manual
switches:
  - name: vswitch0
    mtu: 1500
    uplinks: [eth0, eth1]
    channel: static
    teaming:
      load-balancing: src-dst-ip
      active: [eth1, eth0]
    security: {promiscuous: false, forged-transmits: false}
    port-groups:
      - name: prod
        vlan: 100
        teaming: {}
        ports:
          - {interface: p0, mac: "52:54:00:00:00:00"}
control: {group: root}
""",
        start=False,
    )
    assert daemon.run_to_end("--check").returncode == 0
    daemon.start()
    bed.usable("eth0", "eth1")
    assert (
        daemon.json("which", "vswitch0", "prod", "192.0.2.1", "192.0.2.1")["uplink"] == "eth1"
    ), "index 0 is the first of the active list"
    assert_forwards(bed)


# ---- teardown ----
def test_teardown_restores_everything():
    bed = Bed(n_uplinks=2, n_ports=2)
    for name in ("eth0", "eth1", "p0"):
        set_ipv6(bed.hv, name)
    bed.hv.ip("link", "set", "eth1", "down")  # one is down before
    bed.hv.ip("link", "set", "eth1", "mtu", "1400")
    before = {name: settings_of(bed.hv, name) for name in ("eth0", "eth1", "p0", "p1")}
    bed.start(one_switch(bed, (0, 1), mtu=1600))
    bed.usable("eth0", "eth1")
    during = settings_of(bed.hv, "eth0")
    assert (
        during["mtu"] == 1600
        and during["ipv6"] == "1"
        and "NOARP" in during["flags"]
        and during["promiscuity"] == 1
    ), during
    assert settings_of(bed.hv, "p0")["ipv6"] == "1"
    bed.daemon.restart()  # the saved settings survive
    bed.daemon.teardown()
    for name, settings in before.items():
        assert settings_of(bed.hv, name) == settings, name
        assert_no_programs(bed.hv, name)
    assert not pins(bed) and not (bed.daemon.bpffs / "uplinkd").exists()
    assert bed.daemon.run_to_end("--teardown").returncode == 0, "nothing to do is no error"


def test_teardown_without_a_clean_stop():
    bed = start(n_ports=1)
    bed.daemon.kill()
    bed.daemon.teardown()
    assert not pins(bed) and not (bed.daemon.bpffs / "uplinkd").exists()
    assert_no_programs(bed.hv, "eth0")
    bed.daemon.start()  # and from the beginning
    bed.usable("eth0", "eth1")
    assert_forwards(bed)


# ---- interfaces that appear and disappear ----
def make_uplink(bed, number):
    from harness.netns import veth

    veth(bed.hv, f"eth{number}", bed.world, f"sw{number}")


def test_interfaces_missing_at_start_are_attached_later():
    bed = Bed(n_uplinks=1, n_ports=1)
    bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0, 1])])])
    bed.usable("eth0")
    assert bed.daemon.uplink("eth1")["ifindex"] == 0
    make_uplink(bed, 1)
    bed.add_port(1)
    bed.uplink_names.append("eth1")
    bed.usable("eth0", "eth1")
    bed.wait_present()
    bed.listen("m1", "sw0", "sw1")
    frame = udp4(port_mac(1), OUTSIDE, "192.0.2.1", "192.0.2.2", b"x" * 20, [tag(100)])
    bed.nic("sw1").send(frame)
    expect(bed.nic("m1"), untag(frame))
    assert_forwards(bed)


def test_interfaces_that_vanish_and_reappear():
    bed = start(n_uplinks=2, n_ports=2)
    traffic = Traffic(bed.tx("m0"), [bed.rx_uplinks()[0]], src_mac=port_mac(0), dst_mac=OUTSIDE)
    traffic.flow(200)
    bed.hv.ip("link", "del", "eth1")
    bed.hv.ip("link", "del", "p1")
    bed.usable("eth0")
    wait_until(
        lambda: [p["name"] for p in bed.daemon.json("show", "ports") if not p["present"]] == ["p1"],
        30,
        "p1 to be missing",
    )
    traffic.mark()
    traffic.flow(1000)
    figures = traffic.stop()
    assert figures.phase("mark").lost == 0, f"all flows on the remaining uplink\n{figures}"
    bed.nics.pop("sw1", None)
    bed.nics.pop("m1", None)
    make_uplink(bed, 1)
    bed.add_port(1)
    bed.usable("eth0", "eth1")
    bed.wait_present()
    bed.listen("m1", "sw1", "sw0", "m0")
    frame = udp4(port_mac(1), OUTSIDE, "192.0.2.1", "192.0.2.2", b"x" * 20, [tag(100)])
    bed.nic("sw1").send(frame)
    expect(bed.nic("m1"), untag(frame))
    assert_forwards(bed)


def test_interface_renamed():
    """Under another name it is no uplink: its settings are restored, and saved again with the
    name.
    """
    bed = Bed(n_uplinks=2, n_ports=1)
    set_ipv6(bed.hv, "eth1")

    def settings(name):
        found = settings_of(bed.hv, name)
        # it is down when it gets its name, so this may be the restored state
        return {
            **found,
            "flags": set(found["flags"]) - {"UP"},
        }

    before = settings("eth1")
    bed.start(one_switch(bed, mtu=1600))
    bed.usable("eth0", "eth1")
    for _ in range(2):
        bed.hv.ip_batch("link set eth1 down", "link set eth1 name other", "link set other up")
        bed.usable("eth0")
        wait_until(
            lambda: settings("other") == before, 30, lambda: f"{before}, got {settings('other')}"
        )
        assert_no_programs(bed.hv, "other")
        bed.hv.ip_batch("link set other down", "link set other name eth1", "link set eth1 up")
        bed.usable("eth0", "eth1")
        assert_forwards(bed)
    bed.daemon.teardown()
    assert settings("eth1") == before


# ---- instances and the log ----
def test_instances_side_by_side():
    """Two hypervisors, and two instances in one namespace with separate run directories and
    bpffs.
    """
    beds = [start(n_ports=1), start(n_ports=1)]
    other = Bed.around(beds[0].hv, ["eth8"], beds[0].world)
    from harness.netns import veth

    veth(other.hv, "eth8", other.world, "sw8")
    veth(other.hv, "p8", other.world, "m8", mac_b=port_mac(8))
    second = other.start([switch("vs", ["eth8"], [("prod", 100, [8])])])
    other.usable("eth8")
    for bed in beds:
        assert_forwards(bed)
    other.listen("m8")
    frame = udp4(port_mac(8), OUTSIDE, "192.0.2.1", "192.0.2.2", b"x" * 20, [tag(100)])
    other.nic("sw8").send(frame)
    expect(other.nic("m8"), untag(frame))
    beds[0].daemon.teardown()
    other.nic("sw8").send(frame)
    expect(other.nic("m8"), untag(frame))
    assert_forwards(beds[1])
    assert second.process.poll() is None


def test_xdp_of_another_program_is_respected():
    bed = Bed(n_uplinks=2, n_ports=1)
    number = attach_other_xdp(bed.hv, "eth1")
    daemon = bed.start(one_switch(bed), start=False)
    done = daemon.run_to_end()
    assert done.returncode == 2, done
    assert (
        "eth1" in done.stderr and str(number) in done.stderr and "bpftool" in done.stderr
    ), done.stderr
    assert bed.hv.link("eth1")["xdp"]["prog"]["id"] == number
    assert_no_programs(bed.hv, "eth0")


def test_missing_bpffs():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start(one_switch(bed), start=False)
    plain = daemon.dir / "plain"
    plain.mkdir()
    daemon.bpffs = plain
    done = daemon.run_to_end()
    assert done.returncode == 2 and "mount" in done.stderr and "bpf" in done.stderr, done
    daemon.bpffs = daemon.dir / "absent"
    done = daemon.run_to_end()
    assert done.returncode == 2 and str(daemon.bpffs) in done.stderr, done
    daemon.bpffs = daemon.dir / "bpf"


def test_options():
    for program in ("uplinkd", "uplinkctl"):
        done = run(BUILD / program, "--help")
        assert f"{program} [" in done.stdout and "Exit status" in done.stdout
        assert re.search(r"\d+\.\d+\.\d+", run(BUILD / program, "--version").stdout)
    assert run(BUILD / "uplinkd", "--no-such-option", check=False).returncode == 1
    done = run(BUILD / "uplinkd", "-c", "/nowhere/uplinkd.yaml", "--check", check=False)
    assert done.returncode == 1 and "/nowhere/uplinkd.yaml" in done.stderr


def test_watchdog_and_clean_log():
    """The watchdog of systemd is served if configured; a quiet start logs no warning or error."""
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = bed.start(one_switch(bed), start=False)
    os.environ["WATCHDOG_USEC"] = "300000"
    try:
        daemon.start()
    finally:
        del os.environ["WATCHDOG_USEC"]
    bed.usable("eth0", "eth1")
    wait_until(
        lambda: daemon.read_notify().count("WATCHDOG=1") >= 2,
        30,
        lambda: f"watchdog: {daemon.messages}",
    )
    daemon.stop()
    loud = [line for line in daemon.log_path.read_text().splitlines() if re.match(r"<[0-4]>", line)]
    assert not loud, loud
    holds_for(lambda: bed.hv.link("eth0")["xdp"], 0.05, "the data plane stays after a stop")
