# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A daemon that is killed while one set of maps replaces another: the next start finishes or takes
back the exchange. No frame is lost meanwhile, and one set remains.
"""
import contextlib
import json
import os

from harness.base import run
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.kills import killed_at, killed_in_request, need_strace, points, request_points
from harness.lacp_bed import problems
from harness.pinned import change_word, set_meta
from harness.settings import assert_no_programs
from harness.traffic import Traffic, paced

OUTSIDE = outside_mac(5)
# every rename is a step of the exchange
CALLS = {"rename": None, "bpf": 3, "unlink": 2, "membarrier": 1}


def small(bed):
    return [switch("vs", bed.uplink_names, [("prod", 100, [0, 1])])]


def grown(bed):
    """More ports than the set has room for: a host port, and others without an interface."""
    config = small(bed)
    config[0]["port-groups"].append(
        {
            "name": "more",
            "vlan": 200,
            "ports": [{"interface": "vmk9", "host": True}]
            + [{"interface": f"later{i}", "mac": port_mac(1000 + i)} for i in range(300)],
        }
    )
    return config


@contextlib.contextmanager
def no_loss(bed, what):
    streams = [
        Traffic(
            bed.tx("m0"),
            bed.rx_uplinks(),
            src_mac=port_mac(0),
            dst_mac=OUTSIDE,
            rate=paced(1000),
        ),
        Traffic(
            bed.tx("sw0"),
            [bed.tx("m1")],
            src_mac=OUTSIDE,
            dst_mac=port_mac(1),
            vlan=100,
            rate=paced(1000),
        ),
    ]
    for stream in streams:
        stream.flow(200)
    yield
    for stream in streams:
        stream.flow(200)
    for stream in streams:
        stream.stop().assert_clean(what)


def assert_one_set(bed, what):
    sets = sorted(os.listdir(bed.daemon.bpffs / "uplinkd"))
    assert sets == ["vs", "vs_saved"], f"{what}: {sets}\n{bed.daemon.log()}"
    found = {code for code, _ in problems(bed.daemon)}
    assert not found & {"stale_programs", "detached", "foreign_xdp", "foreign_tc"}, (what, found)


def assert_nothing_left(bed, what):
    bed.daemon.teardown()
    assert not (bed.daemon.bpffs / "uplinkd").exists(), what
    assert not bed.hv.exists("vmk9"), what
    for name in (*bed.uplink_names, "p0", "p1"):
        assert_no_programs(bed.hv, name)


def begin(bed):
    bed.daemon.write({"switches": small(bed)})
    bed.daemon.start()
    bed.usable(*bed.uplink_names, deadline=30)


def test_killed_in_growth():
    """By turns the next start has the larger configuration and the former one."""
    need_strace()
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start(small(bed), start=False)

    def grow():
        bed.daemon.write({"switches": grown(bed)})
        bed.daemon.ctl("reload", check=False)

    begin(bed)
    places = request_points(bed.daemon, CALLS, grow)
    assert_nothing_left(bed, "complete run")
    hit = 0
    for turn, (call, number) in enumerate(places):
        what = f"killed at {call} {number}"
        begin(bed)
        with no_loss(bed, what):
            hit += killed_in_request(bed.daemon, call, number, grow)
            former = turn % 2 == 1
            if former:
                bed.daemon.write({"switches": small(bed)})
            bed.daemon.start()
            bed.usable(*bed.uplink_names, deadline=30)
            assert_one_set(bed, what)
            assert bed.hv.exists("vmk9") != former, what
        assert_nothing_left(bed, what)
    assert hit, places


def test_killed_in_an_exchange_with_another_abi_version():
    need_strace()
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start(small(bed), start=False)

    def other_version():
        begin(bed)
        bed.daemon.stop()
        set_meta(bed.daemon.bpffs, "abi_version")

    other_version()
    places = points(bed.daemon, CALLS)
    assert_nothing_left(bed, "complete run")
    hit = 0
    for call, number in places:
        what = f"killed at {call} {number}"
        other_version()
        with no_loss(bed, what):
            hit += killed_at(bed.daemon, call, number)
            bed.daemon.start()
            bed.usable(*bed.uplink_names, deadline=30)
            assert_one_set(bed, what)
        assert_nothing_left(bed, what)
    assert hit, places


def test_killed_in_port_add():
    need_strace()
    bed = Bed(n_uplinks=2, n_ports=3)
    bed.start(small(bed), start=False)
    add = lambda: bed.daemon.ctl(
        "port", "add", "vs", "prod", "p2", "--mac", port_mac(2), check=False
    )
    begin(bed)
    places = request_points(bed.daemon, {"bpf": 4, "sendto": 3, "write": 1}, add)
    bed.daemon.ctl("port", "del", "p2")
    hit = 0
    for call, number in places:
        what = f"killed at {call} {number}"
        with no_loss(bed, what):
            hit += killed_in_request(bed.daemon, call, number, add)
            bed.daemon.start()
            bed.usable(*bed.uplink_names, deadline=30)
            bed.daemon.ctl("port", "del", "p2", check=False)  # it may not have been added
            assert_one_set(bed, what)
        assert_no_programs(bed.hv, "p2")
    assert hit, places
    assert_nothing_left(bed, "port add")


def test_tables_of_an_adopted_set_are_repaired():
    """A killed daemon may have counted a spilled key that it did not insert."""
    bed = Bed(n_uplinks=1, n_ports=2)
    bed.start(small(bed))
    bed.usable("eth0")
    bed.daemon.kill()
    spilled = 48  # in struct ul_match_row
    before = {
        name: change_word(bed.daemon.bpffs, name, spilled, lambda n: n + 1)
        for name in ("ul_fdb", "ul_ifaces")
    }
    bed.daemon.start()
    bed.usable("eth0")
    for name, number in before.items():
        assert change_word(bed.daemon.bpffs, name, spilled, lambda n: n) == number, name


def test_stale_programs_are_reported():
    """Programs of another set, as an exchange of 0.1.0 could leave them: the pins are replaced."""
    beds = [Bed(n_uplinks=1, n_ports=2) for _ in range(2)]
    for bed in beds:
        bed.start(small(bed))
        bed.usable("eth0")
    assert "stale_programs" not in {code for code, _ in problems(beds[0].daemon)}
    pin = lambda bed: bed.daemon.bpffs / "uplinkd" / "vs" / "prog_uplink_xdp"
    pin(beds[0]).unlink()
    with beds[0].hv:
        run("bpftool", "prog", "pin", "id", program_id(pin(beds[1])), pin(beds[0]))
    assert ("stale_programs", "eth0") in problems(beds[0].daemon)


def program_id(path):
    return json.loads(run("bpftool", "-j", "prog", "show", "pinned", path).stdout)["id"]
