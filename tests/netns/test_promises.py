# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What scripts and other programs rely on, as tables: exit statuses, names of JSON members, methods
and metrics. A change of a row is a breaking change and belongs into the changelog.
"""
import re

from harness.base import wait_until
from harness.bed import Bed, switch
from harness.lacp_bed import ScriptBed
from harness.varlink import interface_of

DONE, WRONG, SYSTEM = 0, 1, 2
FINDINGS = 1

# with a healthy switch "vs" whose uplinks are eth0 and eth1
HEALTHY = (
    (DONE, "status"),
    (DONE, "status --check"),
    (DONE, "status vs --all"),
    (DONE, "diagnose"),
    (DONE, "diagnose vs --json"),
    (DONE, "show uplinks vs -o name,state"),
    (DONE, "show channel summary"),
    (DONE, "show channel summary vs"),
    (DONE, "sh up"),
    (DONE, "top --once"),
    (DONE, "metrics"),
    (DONE, "metrics --format prometheus"),
    (DONE, "history --since 1h"),
    (DONE, "history --uplink eth1 -n 5"),
    (DONE, "what-if --without eth0"),
    (DONE, "what-if --load-balancing src-ip"),
    (DONE, "which vs prod 192.0.2.1 192.0.2.2 --sport 5 --dport 6"),
    (DONE, "switch-config vs --vendor cisco-nxos --ports Eth1/1@a,Eth1/1@b"),
    (DONE, "uplink undrain eth0"),
    (DONE, "port del nothing --if-exists"),
    (WRONG, "status other"),
    (WRONG, "diagnose other"),
    (WRONG, "diagnose --address 192.0.2.1"),
    (WRONG, "diagnose --switch-output /nonexistent"),
    (WRONG, "diagnose --switch-output /dev/null"),
    (WRONG, "show uplinks other"),
    (WRONG, "show uplinks -o nothing"),
    (WRONG, "show"),
    (WRONG, "s"),
    (WRONG, "top"),
    (WRONG, "top --once --sort x"),
    (WRONG, "metrics --format x"),
    (WRONG, "metrics --json"),
    (WRONG, "history --since x"),
    (WRONG, "history -n 0"),
    (WRONG, "what-if"),
    (WRONG, "what-if --without eth7"),
    (WRONG, "which vs other 192.0.2.1 192.0.2.2"),
    (WRONG, "switch-config vs --vendor x"),
    (WRONG, "support-bundle - --json"),
    (WRONG, "uplink drain eth7"),
    (WRONG, "port del nothing"),
    (SYSTEM, "metrics --output /nonexistent/file"),
    (SYSTEM, "support-bundle /nonexistent/file"),
)
STOPPED = (
    (DONE, "status"),
    (FINDINGS, "status --check"),
    (FINDINGS, "diagnose"),
    (DONE, "show uplinks"),
    (DONE, "history"),
    (DONE, "top --once"),
    (DONE, "metrics"),
    (DONE, "what-if --without eth0"),
    (SYSTEM, "uplink drain eth0"),
    (SYSTEM, "reload"),
    (SYSTEM, "monitor"),
)
# without pins
NOTHING = (
    (SYSTEM, "status"),
    (SYSTEM, "diagnose"),
    (SYSTEM, "show uplinks"),
    (SYSTEM, "top --once"),
    (SYSTEM, "metrics"),
    (SYSTEM, "what-if --without eth0"),
)
METHODS = set(
    """
    AddPort Addresses Channels Configuration Confirm Counters Drain Drops
    Events Findings Groups History Imbalance Lacp Monitor Pagp Ports
    Reload RemovePort Rollback Statistics Status SwitchConfiguration Switches Traffic
    Undrain Uplinks WhatIf Which
    """.split()
)
# name, as in the text, and labels
METRICS = (
    ("uplinkd_up", ()),
    ("uplinkd_build_info", ("version",)),
    ("uplinkd_loop_delay_seconds_bucket", ("thread", "le")),
    ("uplinkd_findings", ("switch", "severity")),
    ("uplinkd_finding", ("switch", "code", "severity")),
    ("uplinkd_drops_total", ("switch", "reason")),
    ("uplinkd_uplink_up", ("switch", "uplink")),
    ("uplinkd_uplink_carrier", ("switch", "uplink")),
    ("uplinkd_transmit_bytes_total", ("switch", "uplink")),
    ("uplinkd_transmit_packets_total", ("switch", "uplink")),
    ("uplinkd_receive_bytes_total", ("switch", "uplink")),
    ("uplinkd_receive_packets_total", ("switch", "uplink")),
    ("uplinkd_failovers_total", ("switch", "uplink")),
    ("uplinkd_lacp_state", ("switch", "uplink", "uplinkd_lacp_state")),
    ("uplinkd_lacp_partner_state", ("switch", "uplink")),
    ("uplinkd_lacp_pdu_gap_seconds_bucket", ("switch", "uplink", "le")),
    ("uplinkd_group_serving_uplinks", ("switch", "group")),
    ("uplinkd_port_up", ("switch", "port")),
    ("uplinkd_port_transmit_bytes_total", ("switch", "port")),
)


def start():
    bed = Bed(n_uplinks=2, n_ports=1)
    bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    wait_until(lambda: bed.daemon.ctl("diagnose", check=False).returncode == 0, 60, bed.daemon.log)
    return bed


def mistake(daemon, status, words):
    done = daemon.ctl(*words.split(), check=False)
    if done.returncode != status:
        return words, status, done.returncode, done.stderr
    # an error has a reason, and one that is no error has none
    if bool(done.stderr) != (status != DONE and not done.stdout):
        return words, done.stdout, done.stderr
    return None


def check_statuses(daemon, rows):
    """A finding of a loaded machine, such as a long round of the event loop, passes in a minute."""
    wrong, mistakes = list(rows), []

    def is_right():
        found = [(row, mistake(daemon, *row)) for row in wrong]
        wrong[:] = [row for row, text in found if text]
        mistakes[:] = [text for _, text in found if text]
        return not wrong

    wait_until(is_right, 90, lambda: "\n".join(map(str, mistakes)))


def test_exit_statuses():
    bed = start()
    check_statuses(bed.daemon, HEALTHY)
    bed.daemon.ctl("uplink", "drain", "eth1")
    check_statuses(
        bed.daemon, ((FINDINGS, "diagnose"), (DONE, "status --check"), (DONE, "status"))
    )  # a drained uplink is a note
    bed.up("sw0", False)
    bed.usable()
    check_statuses(bed.daemon, ((FINDINGS, "diagnose"), (FINDINGS, "status --check")))
    bed.up("sw0")
    bed.daemon.ctl("uplink", "undrain", "eth1")
    bed.usable("eth0", "eth1")
    bed.daemon.stop()
    checked = lambda: bed.daemon.ctl("status", "--check", check=False).returncode
    wait_until(lambda: checked() == FINDINGS, 30, "the end of the lease")
    check_statuses(bed.daemon, STOPPED)
    bed.daemon.teardown()
    check_statuses(bed.daemon, NOTHING)


def names_in(value):
    """The names of all members, but for those that name objects."""
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(names_in(v) for k, v in value.items() if k not in ("buckets",)))


def test_members_of_json_are_in_snake_case():
    it = ScriptBed().wait()
    snake = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
    for words in (
        ["status"],
        ["diagnose"],
        *(["show", what] for what in ("uplinks", "ports", "groups", "lacp", "fdb", "counters")),
        ["show", "channel"],
        ["history"],
        ["top", "--once"],
        ["what-if", "--without", "eth0"],
        ["which", "vs", "prod", "192.0.2.1", "192.0.2.2"],
        ["switch-config", "vs", "--vendor", "mikrotik"],
    ):
        found = names_in(it.daemon.json(*words))
        assert not {n for n in found if not snake.fullmatch(n)}, (words, found)
    interface = interface_of(it.daemon)
    structs = [*interface.types.values(), *(s for m in interface.methods.values() for s in m)]
    members = set().union(*(members for _, members in structs))
    assert len(members) > 100 and not {n for n in members if not snake.fullmatch(n)}, members


def test_the_methods_of_the_control_socket():
    """Methods may be added here, but none may disappear."""
    bed = start()
    assert METHODS == set(interface_of(bed.daemon).methods)


def test_the_names_of_metrics():
    it = ScriptBed(interval=0.3).wait()
    it.daemon.ctl("uplink", "drain", "eth1")  # a finding
    wait_until(lambda: "uplinkd_finding{" in it.daemon.ctl("metrics").stdout, 60)
    text = it.daemon.ctl("metrics").stdout
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for name, labels in METRICS:
        found = [line for line in lines if re.match(rf"{name}[{{ ]", line)]
        assert found, name
        assert all(f'{label}="' in found[0] for label in labels), (name, found[0])
