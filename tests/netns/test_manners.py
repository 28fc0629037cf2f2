# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Requests that scripts repeat, outputs that pipes end, and the description of the interface."""
import json
import re
import socket
import subprocess

from harness.base import BUILD, wait_until
from harness.bed import Bed, port_mac, switch


def started(n_ports=2):
    bed = Bed(n_uplinks=2, n_ports=n_ports)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0]), ("test", 200, [])])])
    bed.usable("eth0", "eth1")
    return bed


def test_port_add_and_del_may_be_repeated():
    bed = started()
    add = ["port", "add", "vs", "prod", "p1", "--mac", port_mac(1)]
    assert bed.daemon.ctl(*add).stdout == "p1 attached to vs/prod\n"
    assert bed.daemon.ctl(*add, check=False).returncode == 1
    assert bed.daemon.ctl(*add, "--may-exist").stdout == "p1 is a port of vs/prod already\n"
    assert bed.daemon.json(*add, "--may-exist")["existed"] is True
    for other in (
        ["port", "add", "vs", "test", "p1", "--mac", port_mac(1)],
        ["port", "add", "vs", "prod", "p1", "--mac", port_mac(7)],
    ):
        done = bed.daemon.ctl(*other, "--may-exist", check=False)
        assert done.returncode == 1 and "p1" in done.stderr, done
    assert bed.daemon.ctl("port", "del", "p1").stdout == "p1 detached\n"
    assert bed.daemon.ctl("port", "del", "p1", check=False).returncode == 1
    assert bed.daemon.ctl("port", "del", "p1", "--if-exists").stdout == "p1 is not a port\n"


def test_port_add_and_del_say_what_will_happen():
    bed = started()
    done = bed.daemon.ctl("port", "add", "vs", "prod", "later", "--mac", port_mac(9))
    assert "does not exist yet and is attached as soon as it appears" in done.stdout
    done = bed.daemon.ctl("port", "del", "p0")
    assert "next reload or start attaches it again" in done.stdout
    bed.daemon.ctl("reload")
    assert "p0" in {p["name"] for p in bed.daemon.json("show", "ports")}


def test_drain_and_undrain_may_be_repeated():
    bed = started()
    for command, drained in (("drain", True), ("undrain", False)):
        bed.daemon.ctl("uplink", command, "eth1")
        bed.daemon.ctl("uplink", command, "eth1")
        assert bed.daemon.uplink("eth1")["drained"] is drained
    done = bed.daemon.ctl("uplink", "drain", "eth9", check=False)
    assert done.returncode == 1 and "eth9: is not an uplink" in done.stderr, done


def test_all_errors_of_a_request_name_the_program():
    bed = started()
    bed.daemon.write({"switches": [{"name": "vs", "uplinks": [], "mtu": 7, "chanel": "lacp"}]})
    done = bed.daemon.ctl("reload", check=False)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 3, done
    assert all(line.startswith(f"uplinkctl: {bed.daemon.config_path}:") for line in lines), done
    assert "the most similar is 'channel'" in done.stderr


def test_a_monitor_ends_with_the_reader_of_its_pipe():
    bed = started()
    command = bed.hv.command(
        BUILD / "uplinkctl", "--run-dir", bed.daemon.run_dir, "monitor", "--past"
    )
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE)
    assert process.stdout.readline()
    process.stdout.close()
    try:
        wait_until(lambda: process.poll() is not None, 30, "uplinkctl monitor to end")
    finally:
        process.kill()
        process.wait()


# ---- Varlink ----
NAME = r"[A-Za-z](?:_?[A-Za-z0-9])*"
TYPE = rf"\??(?:\[\]|\[string\])?\??(?:bool|int|float|string|object|{NAME})"
STRUCT = rf"\((?:{NAME}: {TYPE}(?:, {NAME}: {TYPE})*)?\)"
MEMBER = re.compile(
    rf"(?:method (?P<method>[A-Z][A-Za-z0-9]*){STRUCT} -> {STRUCT}"
    rf"|type [A-Z][A-Za-z0-9]* {STRUCT}|error [A-Z][A-Za-z0-9]* {STRUCT})"
)


def varlink(bed, method, **parameters):
    """As varlinkctl does: a request and its reply, each with a NUL at its end."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(bed.daemon.run_dir / "uplinkd.sock"))
        client.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
        reply = b""
        while not reply.endswith(b"\0"):
            reply += client.recv(65536)
    return json.loads(reply[:-1])["parameters"]


def test_each_interface_describes_itself_in_the_language_of_varlink():
    bed = started()
    methods = set()
    interfaces = varlink(bed, "org.varlink.service.GetInfo")["interfaces"]
    assert {"org.varlink.service", "io.uplinkd"} == set(interfaces)
    for interface in interfaces:
        text = varlink(bed, "org.varlink.service.GetInterfaceDescription", interface=interface)[
            "description"
        ]
        lines = [l for l in text.splitlines() if l and not l.startswith("#")]
        assert lines[0] == f"interface {interface}"
        for line in lines[1:]:
            member = MEMBER.fullmatch(line)
            assert member, line
            if member["method"]:
                methods.add(f"{interface}.{member['method']}")
    for method in methods - {"io.uplinkd.Monitor", "io.uplinkd.Rollback"}:
        reply = varlink(bed, method)
        assert "not found" not in str(reply).lower(), (method, reply)


def test_replies_have_the_described_fields():
    bed = started()
    text = varlink(bed, "org.varlink.service.GetInterfaceDescription", interface="io.uplinkd")[
        "description"
    ]
    for method in ("Status", "Configuration"):
        described = re.search(rf"method {method}\(.*?\) -> \((.*)\)", text)[1]
        fields = {f.split(": ")[0]: "?" in f for f in described.split(", ")}
        reply = varlink(bed, f"io.uplinkd.{method}")
        assert set(reply) <= set(fields), method
        assert {f for f, optional in fields.items() if not optional} <= set(reply), method
