# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Settings of an interface, to compare before and after; and changes by other programs."""
import json
from pathlib import Path

import pytest

from . import base
from .base import run


def set_ipv6(ns, name, on=True):
    with ns:
        setting = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
        if not setting.exists():
            pytest.skip("this kernel has no IPv6")
        setting.write_text("0" if on else "1")


def disable_ipv6(ns, name):
    """The setting as text; "" without IPv6."""
    with ns:
        setting = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
        return setting.read_text().strip() if setting.exists() else ""


def settings_of(ns, name):
    link = ns.link(name)
    features = json.loads(ns.run("ethtool", "--json", "-k", name, check=False).stdout or "[{}]")[0]
    if not features:  # an ethtool without --json
        features = ns.run("ethtool", "-k", name).stdout.partition("\n")[2]
    else:
        del features["ifname"]
    return {
        "flags": sorted(set(link["flags"]) - {"LOWER_UP", "NO-CARRIER"}),
        "mtu": link["mtu"],
        "promiscuity": link.get("promiscuity"),
        "ipv6": disable_ipv6(ns, name),
        "features": features,
        "address": link.get("address"),
    }


def assert_no_programs(ns, name):
    link = ns.link(name)
    assert "xdp" not in link, f"{name}: {link['xdp']}"
    for direction in ("ingress", "egress"):
        assert (
            "bpf" not in ns.run("tc", "filter", "show", "dev", name, direction, check=False).stdout
        )
    with ns:
        shown = run("bpftool", "net", "show", "dev", name, check=False).stdout
    assert "tcx" not in shown and "uplink" not in shown and "port_tc" not in shown, shown


def attach_other_xdp(ns, name, mode="xdpdrv"):
    """Attaches an XDP program of another owner with ip link; returns its id."""
    if not run("sh", "-c", "command -v clang", check=False).stdout:
        pytest.skip("no clang to compile another program with")
    folder = base.temp_dir()
    source, program = folder / "other.bpf.c", folder / "other.o"
    source.write_text(
        '#define SEC(n) __attribute__((section(n), used))\nSEC("xdp") int other(void *c) { return 2; }\nchar _license[] SEC("license") = "GPL";\n'
    )
    run("clang", "-target", "bpf", "-O2", "-c", source, "-o", program)
    # In a private mount namespace, because iproute2 mounts a BPF file system on /sys/fs/bpf if none
    # is there.
    ns.run("unshare", "-m", "ip", "link", "set", "dev", name, mode, "obj", program, "sec", "xdp")
    return ns.link(name)["xdp"]["prog"]["id"]
