# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Machines with an IP stack behind ports, and iperf3 between two of them."""
import json
import subprocess

from . import base
from .bed import port_mac
from .netns import NetNs, veth


class Machine:
    """A namespace whose interface `nic` is the far end of port p<number>, with default offloads."""

    def __init__(self, hv, number, address, mtu=1500, gro=False):
        self.ns = NetNs(f"vm{number}")
        self.address = address.split("/")[0]
        veth(hv, f"p{number}", self.ns, "nic", mac_b=port_mac(number), mtu=mtu)
        self.ns.ip("addr", "add", address, "dev", "nic")
        if gro:
            self.ns.ethtool("nic", gro=True)


def ping(ns, address, size=56, count=3):
    """All replies must arrive; size is that of the payload, which is not fragmented.

    All requests are sent at once (-l). After the last one ping waits for the last reply, at most
    for an interval, or two round trips; -W applies if no reply has come at all.
    """
    done = ns.run(
        "ping",
        "-q",
        "-c",
        count,
        "-l",
        count,
        "-i",
        20 * base.SLOW,
        "-W",
        20 * base.SLOW,
        "-M",
        "do",
        "-s",
        size,
        address,
        check=False,
    )
    assert (
        done.returncode == 0 and " 0% packet loss" in done.stdout
    ), f"ping {address}: {done.stdout}{done.stderr}"


def iperf(client_ns, server_ns, address, *options, megabytes=32):
    """TCP from client to server (-R: back) until so much has arrived; returns the report.

    Nothing may be damaged: iperf3 checks the count, TCP the bytes.
    """
    server = base.spawn(
        server_ns.command("iperf3", "-s", "-1", "-B", address, "--forceflush"),
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in server.stdout:
        if "listening" in line.lower():
            break
    done = client_ns.run(
        "iperf3",
        "-c",
        address,
        "-J",
        "-n",
        f"{int(megabytes / base.SLOW) or 1}M",
        *options,
        check=False,
        timeout=120,
    )
    report = json.loads(done.stdout)
    assert (
        done.returncode == 0 and "error" not in report
    ), f"iperf3 {options}: {report.get('error')} {done.stderr}"
    base.stop_process(server)
    return report["end"]
