# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What a switch-over (`uplinkctl adopt`) must keep or restore: a TCP connection from the management
address, and the state of the host.
"""
import json
import socket
from contextlib import contextmanager
from pathlib import Path

from . import base

HOST, GATEWAY, OUTSIDE = "192.0.2.10", "192.0.2.1", "203.0.113.1"


def enable_ipv6(ns):
    with ns:
        for which in ("all", "default"):
            setting = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
            if setting.exists():
                setting.write_text("0")


@contextmanager
def connection(ns, world):
    """A TCP connection from HOST in ns to OUTSIDE in world; yields a function that uses it both
    ways."""
    with world, socket.create_server((OUTSIDE, 4000)) as listener:
        with ns, socket.socket() as client:
            client.settimeout(60 * base.SLOW)
            client.bind((HOST, 0))
            client.connect((OUTSIDE, 4000))
            server, _ = listener.accept()
            server.settimeout(60 * base.SLOW)

            def exchange(text):
                for one, other in ((client, server), (server, client)):
                    one.sendall(text)
                    assert other.recv(len(text), socket.MSG_WAITALL) == text

            with server:
                yield exchange


def snapshot(ns):
    """What the rollback restores: all but timers, ifindexes of new interfaces and link-local
    addresses that are still being checked."""
    ip = lambda *words: json.loads(ns.ip("-json", "-details", *words).stdout)
    links = {
        link["ifname"]: (
            link["address"],
            link.get("master"),
            sorted(set(link["flags"]) & {"UP", "NOARP", "PROMISC"}),
            link["mtu"],
            {
                k: link.get("linkinfo", {}).get("info_slave_data", {}).get(k)
                for k in ("cost", "hairpin", "isolated", "learning", "flood", "priority")
            },
            [
                {k: a.get(k) for k in ("local", "prefixlen", "scope", "label", "broadcast")}
                for a in link["addr_info"]
                if a["scope"] != "link" or a["family"] == "inet"
            ],
        )
        for link in ip("address", "show")
    }
    routes = [ns.ip(v, "route", "show", "table", "all").stdout for v in ("-4", "-6")]
    routes = [sorted(line for line in r.splitlines() if "fe80:" not in line) for r in routes]
    rules = [ns.ip(v, "rule", "show").stdout for v in ("-4", "-6")]
    neighbours = ns.ip("neigh", "show", "nud", "permanent").stdout
    return links, routes, rules, neighbours
