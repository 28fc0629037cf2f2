# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What uplinkctl shows, over the control socket: types, members of the group, control.group-may."""
import contextlib
import json
import os
import re
import socket
import tarfile

import pytest

from harness import base
from harness.base import wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.frames import udp4
from harness.lacp import Flood
from harness.lacp_bed import ScriptBed
from harness.varlink import interface_of

MEMBER = 65534  # a user without any privilege, in the control group for these tests
GROUP = "nogroup"
STRANGERS = 65533  # a group without a meaning
# what reads, and whether two calls print the same: others contain ages, rates and times
READING = (
    (["status"], False),
    (["status", "--check"], False),
    (["show", "uplinks"], True),
    (["show", "ports"], True),
    (["show", "groups"], True),
    (["show", "lacp"], False),
    (["show", "fdb"], True),
    (["show", "counters"], True),
    (["show", "counters", "--all"], True),
    (["show", "channel"], True),
    (["show", "config"], True),
    (["diagnose"], False),
    (["what-if", "--without", "eth1"], False),
    (["what-if", "--load-balancing", "src-ip"], False),
    (["which", "vs", "prod", "192.0.2.1", "192.0.2.2"], True),
    (["switch-config", "vs", "--vendor", "arista-eos"], True),
    (["diff"], True),
    (["history"], False),
    (["top", "--once"], False),
    (["metrics"], False),
    (["metrics", "--format", "prometheus"], False),
)


def start(control=None, **options):
    bed = Bed(n_uplinks=2, n_ports=2)
    config = {"switches": [switch("vs", ["eth0", "eth1"], [("prod", 100, [0, 1])], **options)]}
    if control:
        config["control"] = control
    bed.start(config)
    return bed


def as_member(daemon, *words, check=True):
    """uplinkctl as a member of the control group."""
    return daemon.ctl_as(MEMBER, GROUP, *words, check=check)


def as_stranger(daemon, *words):
    return daemon.ctl_as(MEMBER, STRANGERS, *words, check=False)


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
        "Pagp",
        "Channels",
        "Findings",
        "Traffic",
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
        ("Imbalance", {"switch": switch_name, "uplink": "eth0"}),
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
        control.settimeout(60 * base.SLOW)
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
        ("Imbalance", {"switch": "vs"}, "uplink: must be a string"),
        ("Imbalance", {"uplink": "eth7"}, "eth7: is not an uplink of vs"),
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
def titles(text):
    """Text without figures, for outputs that differ in them."""
    return re.sub(r"[0-9.,]+[kMGT]?", "0", re.sub(r" +", " ", text))


def wait_same(daemon, words, of):
    """Until root and a member read the same at a time when nothing changes between both."""
    texts = []

    def is_same():
        root, member = daemon.ctl(*words, check=False), as_member(daemon, *words, check=False)
        texts[:] = of(root.stdout), of(member.stdout)
        return texts[0] == texts[1]

    wait_until(is_same, 30, lambda: f"{words}: {texts}")


@pytest.mark.parametrize("may", ["read", "change"])
def test_members_of_the_group_read_what_root_reads(may):
    bed = start({"group": GROUP, "group-may": may}, channel="static")
    daemon = bed.daemon
    bed.usable("eth0", "eth1")
    bed.confirm(0, 1)
    for words, is_same in READING:
        root, member = daemon.ctl(*words, check=False), as_member(daemon, *words, check=False)
        # On a loaded machine there may be a finding: long rounds of the event loop.
        allowed = {0, 1} if words[0] == "diagnose" or "--check" in words else {0}
        assert {member.returncode, root.returncode} <= allowed, (words, member.stderr)
        assert bool(member.stdout) == bool(root.stdout) and not member.stderr, (words, member)
        if is_same and member.stdout != root.stdout:
            wait_same(daemon, words, str)
    for words in (
        ["status", "--check"],
        ["top", "--once"],
        ["metrics"],
        ["what-if", "--without", "eth1"],
    ):
        wait_same(daemon, words, titles)
    shown = json.loads(as_member(daemon, "--json", "show", "ports").stdout)
    assert {p["name"] for p in shown} == {"p0", "p1"}
    wrong = as_member(daemon, "show", "ports", "other", check=False)
    assert wrong.returncode == 1 and "other: no such switch" in wrong.stderr


@pytest.mark.parametrize("control", [None, {"group": GROUP}], ids=["no-group", "group"])
def test_strangers_are_refused(control):
    bed = start(control)
    bed.usable("eth0", "eth1")
    refusal = "permission denied: needs root or membership in its group"
    for words, _ in READING:
        done = as_stranger(bed.daemon, *words)
        assert done.returncode == 2 and not done.stdout, (words, done)
        assert refusal in done.stderr, (words, done.stderr)
    done = as_stranger(bed.daemon, "--json", "support-bundle", "-")
    assert done.returncode == 1, done


def bundle_of(user, daemon):
    """{name: problem} of a support bundle, as this user collects it."""
    target = daemon.dir / "bundles" / f"{len(os.listdir(daemon.dir / 'bundles'))}.tar.gz"
    done = user(daemon, "--json", "support-bundle", target)
    assert done.returncode == 0, done.stderr
    with tarfile.open(target) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    items = {i["name"]: i["problem"] for i in json.loads(done.stdout)["items"]}
    assert names == {*items, "manifest.json"}
    return items


def test_a_support_bundle_of_a_member_lacks_nothing_and_that_of_a_stranger_says_what():
    bed = start({"group": GROUP})
    daemon = bed.daemon
    bed.usable("eth0", "eth1")
    (daemon.dir / "bundles").mkdir()
    (daemon.dir / "bundles").chmod(0o777)
    root = bundle_of(lambda daemon, *words: daemon.ctl(*words), daemon)
    member = bundle_of(as_member, daemon)
    stranger = bundle_of(as_stranger, daemon)
    assert set(root) == set(member) == set(stranger)
    of_switches = {n for n in root if re.fullmatch(r"[a-z-]+\.(json|txt|yaml)", n)}
    of_switches.remove("versions.json")
    assert len(of_switches) >= 12
    assert not any(root[n] or member[n] for n in of_switches), (root, member)
    for name in of_switches:
        assert "permission denied" in stranger[name], (name, stranger[name])


def test_a_member_has_the_pairs_behind_an_imbalance_and_shares_the_sample():
    bed = start({"group": GROUP, "group-may": "read"}, channel="static")
    daemon = bed.daemon
    bed.usable("eth0", "eth1")
    frames = [
        udp4(outside_mac(3), port_mac(0), "192.0.2.1", "192.0.2.3", b"x" * 1400, sport=40000 + i)
        for i in range(16)
    ]
    Flood(bed.world, "m0", frames)
    found = {}

    def diagnose():
        text = as_member(daemon, "--json", "diagnose", check=False).stdout
        found.clear()
        found.update({f["code"]: f for f in json.loads(text)})
        return "imbalance" in found

    wait_until(diagnose, 60, lambda: found)
    evidence = "\n".join(found["imbalance"]["evidence"])
    assert "192.0.2.1 to 192.0.2.3: 100 % of all bytes" in evidence, evidence
    assert "load-balancing: src-dst-ip-port" in found["imbalance"]["remedy"], found
    # one sample for all, also for those who leave before its end
    folder = f"/proc/{daemon.process.pid}/fd"

    def sockets():
        n = 0
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                n += os.readlink(f"{folder}/{fd}").startswith("socket:")
        return n

    before = sockets()
    for _ in range(20):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
            control.connect(str(daemon.run_dir / "uplinkd.sock"))
            control.sendall(
                b'{"method": "io.uplinkd.Imbalance", "parameters": {"uplink": "eth0"}}\0'
            )
    replies = []

    def is_shared():
        """False also when the time for which a sample is kept ends between two requests."""
        replies[:] = [daemon.call("Imbalance", switch="vs", uplink="eth0") for _ in range(4)]
        return replies == replies[:1] * 4

    wait_until(is_shared, 30, lambda: replies)
    first = replies[0]
    wait_until(lambda: sockets() <= before, 30, lambda: f"{sockets()} sockets, before {before}")
    interface_of(daemon).check_reply("Imbalance", first[1])


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
