# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What uplinkctl shows, over the control socket: types, members of the group, control.group-may."""
import json
import os
import socket

import pytest

from harness import base
from harness.base import BUILD, wait_until
from harness.bed import Bed, port_mac, switch
from harness.lacp_bed import ScriptBed
from harness.varlink import Interface

MEMBER = 65534  # a user without any privilege, in the control group for these tests
GROUP = "nogroup"
READING = (
    ["status"],
    ["show", "uplinks"],
    ["show", "ports"],
    ["show", "groups"],
    ["show", "lacp"],
    ["show", "fdb"],
    ["show", "counters"],
    ["show", "counters", "--all"],
    ["show", "channel"],
    ["show", "config"],
    ["diagnose"],
    ["what-if", "--without", "eth1"],
    ["which", "vs", "prod", "192.0.2.1", "192.0.2.2"],
    ["switch-config", "vs", "--vendor", "arista-eos"],
    ["diff"],
)


def service_call(daemon, method, **parameters):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
        control.settimeout(30 * base.SLOW)
        control.connect(str(daemon.run_dir / "uplinkd.sock"))
        control.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
        reply = b""
        while not reply.endswith(b"\0"):
            reply += control.recv(65536)
    return json.loads(reply[:-1])["parameters"]


def interface_of(daemon):
    reply = service_call(
        daemon, "org.varlink.service.GetInterfaceDescription", interface="io.uplinkd"
    )
    return Interface(reply["description"])


def start(control=None, **options):
    bed = Bed(n_uplinks=2, n_ports=2)
    config = {"switches": [switch("vs", ["eth0", "eth1"], [("prod", 100, [0, 1])], **options)]}
    if control:
        config["control"] = control
    bed.start(config)
    return bed


def as_member(daemon, *words, check=True):
    """uplinkctl as a member of the control group, which cannot read the pins."""
    daemon.dir.chmod(0o711)
    daemon.bpffs.chmod(0o700)
    wrap = ["setpriv", f"--reuid={MEMBER}", f"--regid={GROUP}", "--clear-groups", "--no-new-privs"]
    done = daemon.ns.run(
        *wrap,
        BUILD / "uplinkctl",
        "--run-dir",
        daemon.run_dir,
        "--bpffs",
        daemon.bpffs,
        *words,
        check=False,
    )
    assert not check or done.returncode == 0, f"{words}: {done.stderr}\n{daemon.log()}"
    return done


# ---- types ----
def read_all(daemon, interface, switch_name="vs"):
    """Every method that only reads and answers without further parameters, compared with its type."""
    replies = {}
    for method in (
        "Status",
        "Events",
        "Configuration",
        "Statistics",
        "History",
        "Switches",
        "Uplinks",
        "Ports",
        "Groups",
        "Addresses",
        "Counters",
        "Drops",
        "Lacp",
        "Channels",
        "Findings",
    ):
        done, reply = daemon.call(method)
        assert done, (method, reply)
        interface.check_reply(method, reply)
        replies[method] = reply
    for method, parameters in (
        (
            "Which",
            {
                "switch": switch_name,
                "group": "prod",
                "source": "192.0.2.1",
                "destination": "192.0.2.2",
            },
        ),
        ("WhatIf", {"without": "eth0"}),
        ("SwitchConfiguration", {"switch": switch_name, "vendor": "cisco-ios"}),
        ("Counters", {"switch": switch_name, "zeros": True}),
    ):
        done, reply = daemon.call(method, **parameters)
        assert done, (method, reply)
        interface.check_reply(method, reply)
        replies[method] = reply
    return replies


def test_replies_have_the_types_of_the_description():
    bed = start()
    bed.usable("eth0", "eth1")
    bed.confirm(0)
    interface = interface_of(bed.daemon)
    replies = read_all(bed.daemon, interface)
    assert {p["name"] for p in replies["Ports"]["ports"]} == {"p0", "p1"}
    assert replies["Switches"]["switches"][0]["daemon_alive"] is True
    assert len(replies["Counters"]["counters"]) > 50
    assert replies["Which"]["flow"]["uplink"] in ("eth0", "eth1")
    # every method is described, and the description has no other
    for name in interface.methods:
        known = bed.daemon.call(name)[1].get("method") is None
        assert known or name == "Monitor", f"{name} is described and does not exist"


def test_the_types_hold_with_lacp_and_findings():
    bed = start(channel="lacp")
    bed.up("sw1", False)
    wait_until(
        lambda: bed.daemon.uplink("eth1")["state"] == "no carrier", 30, "eth1 without carrier"
    )
    replies = read_all(bed.daemon, interface_of(bed.daemon))
    assert len(replies["Lacp"]["switches"][0]["uplinks"]) == 2
    codes = {f["code"] for f in replies["Findings"]["switches"][0]["findings"]}
    assert "uplink_no_carrier" in codes, codes


def test_events_have_the_type_of_the_description():
    bed = start()
    interface = interface_of(bed.daemon)
    bed.usable("eth0", "eth1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
        control.settimeout(30 * base.SLOW)
        control.connect(str(bed.daemon.run_dir / "uplinkd.sock"))
        control.sendall(b'{"method": "io.uplinkd.Monitor", "more": true}\0')
        received = b""
        while b"uplink-state" not in received or not received.endswith(b"\0"):
            received += control.recv(65536)
            if b"subscribed" in received and not bed.daemon.uplink("eth0")["drained"]:
                bed.daemon.ctl("uplink", "drain", "eth0")
    for text in received[:-1].split(b"\0"):
        reply = json.loads(text)
        assert reply["continues"]
        interface.check_reply("Monitor", reply["parameters"])


@pytest.mark.parametrize(
    "method, parameters, reason",
    (
        ("Uplinks", {"switch": "other"}, "other: no such switch; existing switches: vs"),
        ("Uplinks", {"switch": 5}, "switch: must be a string"),
        ("Counters", {"zeros": "yes"}, "zeros: must be true or false"),
        ("Which", {"switch": "vs"}, "needs the strings switch, group and source"),
        ("Which", {"switch": "vs", "group": "x", "source": "p0"}, "x: no such port group"),
        ("WhatIf", {}, "--without or --load-balancing is missing"),
        ("WhatIf", {"without": "eth7"}, "eth7: is not an uplink of vs"),
        ("SwitchConfiguration", {"switch": "vs", "vendor": "x"}, "must be cisco-ios"),
        ("Findings", {"switch_output": "nothing"}, "has none of the known outputs"),
    ),
)
def test_wrong_requests_have_a_reason(method, parameters, reason):
    bed = start()
    done, reply = bed.daemon.call(method, **parameters)
    assert not done and reason in reply["message"], reply


# ---- members of the group ----
def test_members_of_the_group_read_what_root_reads():
    bed = start({"group": GROUP}, channel="static")
    daemon = bed.daemon
    bed.usable("eth0", "eth1")
    bed.confirm(0, 1)
    for words in READING:
        root, member = daemon.ctl(*words, check=False), as_member(daemon, *words, check=False)
        assert member.returncode == root.returncode, (words, member.stderr)
        if words not in (["status"], ["show", "lacp"]) and words[0] != "what-if":
            assert member.stdout == root.stdout, words
    shown = json.loads(as_member(daemon, "--json", "show", "ports").stdout)
    assert {p["name"] for p in shown} == {"p0", "p1"}
    wrong = as_member(daemon, "show", "ports", "other", check=False)
    assert wrong.returncode == 1 and "other: no such switch" in wrong.stderr


def test_others_are_told_what_they_need():
    bed = start()  # without a group
    done = as_member(bed.daemon, "show", "uplinks", check=False)
    assert done.returncode == 2
    assert "permission denied: needs root or membership in its group" in done.stderr


def test_members_that_may_only_read_change_nothing():
    bed = start({"group": GROUP, "group-may": "read"})
    daemon = bed.daemon
    bed.usable("eth0", "eth1")
    for words in (
        ["uplink", "drain", "eth0"],
        ["uplink", "undrain", "eth0"],
        ["port", "add", "vs", "prod", "p9", "--mac", port_mac(9)],
        ["port", "del", "p0"],
        ["reload"],
        ["confirm"],
        ["rollback"],
    ):
        done = as_member(daemon, *words, check=False)
        assert done.returncode == 2, words
        assert "members of the control group may only read (control.group-may: read)" in done.stderr
    as_member(daemon, "show", "uplinks")
    assert not daemon.uplink("eth0")["drained"]
    assert {p["name"] for p in daemon.json("show", "ports")} == {"p0", "p1"}
    daemon.ctl("uplink", "drain", "eth0")  # root may always
    # a reload applies the key to connections that come after it
    daemon.write({**daemon.config, "control": {"group": GROUP}})
    daemon.ctl("reload")
    as_member(daemon, "uplink", "undrain", "eth0")
    assert not daemon.uplink("eth0")["drained"]


# ---- many and hostile readers ----
def test_readers_that_read_nothing_do_not_hold_up_the_others():
    bed = start()
    bed.usable("eth0", "eth1")
    request = b'{"method": "io.uplinkd.Counters", "parameters": {"zeros": true}}\0'
    silent = []
    try:
        for _ in range(40):
            control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            silent.append(control)
            control.connect(str(bed.daemon.run_dir / "uplinkd.sock"))
            control.sendall(request * 100)
        for _ in range(3):
            done, reply = bed.daemon.call("Findings")
            assert done, reply
        assert {u["state"] for u in bed.daemon.call("Uplinks")[1]["uplinks"]} == {"in use"}
    finally:
        for control in silent:
            control.close()


def test_clients_that_leave_before_the_second_snapshot_leave_nothing_behind():
    bed = start()
    bed.usable("eth0", "eth1")
    fds = lambda: len(os.listdir(f"/proc/{bed.daemon.process.pid}/fd"))
    bed.daemon.call("Findings")
    bed.daemon.call("Uplinks")
    before = fds()
    for _ in range(50):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
            control.connect(str(bed.daemon.run_dir / "uplinkd.sock"))
            control.sendall(b'{"method": "io.uplinkd.Findings"}\0')
    bed.daemon.call("Findings")
    wait_until(lambda: fds() <= before, 30, lambda: f"{before} descriptors again: {fds()}")


# ---- counters of the daemon ----
def statistics(daemon):
    done, reply = daemon.call("Statistics")
    assert done, reply
    return reply, {u["uplink"]: u for u in reply["uplinks"]}


def test_failovers_are_counted_at_the_uplink_that_failed():
    bed = start()
    bed.usable("eth0", "eth1")
    assert [u["failovers"] for u in statistics(bed.daemon)[0]["uplinks"]] == [0, 0]
    bed.up("sw1", False)
    wait_until(lambda: statistics(bed.daemon)[1]["eth1"]["failovers"] == 1, 30, "a failover")
    bed.up("sw1")
    bed.usable("eth0", "eth1")
    bed.daemon.ctl("uplink", "drain", "eth0")
    bed.daemon.wait_uplinks({"eth1"})
    assert {n: u["failovers"] for n, u in statistics(bed.daemon)[1].items()} == {
        "eth0": 0,
        "eth1": 1,
    }
    # the counters follow the uplinks when these change places
    bed.daemon.config["switches"][0]["uplinks"] = ["eth1", "eth0"]
    bed.daemon.write(bed.daemon.config)
    bed.daemon.ctl("reload")
    assert {n: u["failovers"] for n, u in statistics(bed.daemon)[1].items()} == {
        "eth0": 0,
        "eth1": 1,
    }


def test_the_gaps_between_lacpdus_are_counted():
    it = ScriptBed(interval=0.3).wait()
    gaps = lambda: statistics(it.daemon)[1]["eth0"]["lacp_pdu_gaps"]
    assert len(gaps()["counts"]) == len(gaps()["bounds"]) + 1
    wait_until(lambda: sum(gaps()["counts"]) >= 2, 30, "two gaps")
    before = sum(gaps()["counts"])
    it.bed.up("sw0", False)
    wait_until(lambda: not it.daemon.uplink("eth0")["usable"], 30, "a cut")
    assert sum(gaps()["counts"]) >= before, "a cut resets nothing"


def test_the_threads_and_the_socket_are_counted():
    bed = start()
    first, _ = statistics(bed.daemon)
    for thread in ("worker", "timely"):
        wait_until(
            lambda: sum(statistics(bed.daemon)[0][thread]["counts"]) > sum(first[thread]["counts"]),
            30,
            f"another round of {thread}",
        )
    second, _ = statistics(bed.daemon)
    assert all(second[thread]["sum"] > 0 for thread in ("worker", "timely"))
    assert second["control"]["requests"] > first["control"]["requests"]
