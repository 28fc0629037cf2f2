# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Features of this kernel. A test is skipped only for a feature found missing here."""
import functools
from pathlib import Path

import pytest

from . import base


@functools.cache
def programs_see_carrier():
    """bpf_rdonly_cast (6.2): programs read the carrier of an uplink; before, only the daemon
    does.
    """
    return " bpf_rdonly_cast" in Path("/proc/kallsyms").read_text()


def needs_carrier_check():
    if not programs_see_carrier():
        pytest.skip(
            "this kernel has no bpf_rdonly_cast (6.2), so only the daemon reads the carrier"
        )


@functools.cache
def gro_of_tagged_frames():
    """GRO merges behind a VLAN tag only with the kernel's 8021q support, built in or as a
    module.
    """
    from .netns import NetNs

    if Path("/sys/module/8021q").exists():
        return True
    with base.Cleanup():
        ns = NetNs("probe")
        ns.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        return (
            ns.ip(
                "link", "add", "link", "v0", "name", "v0.5", "type", "vlan", "id", "5", check=False
            ).returncode
            == 0
        )


@functools.cache
def xdp_features_are_reported():
    """Netdev generic netlink (6.3) reports whether an interface accepts XDP_REDIRECT."""
    return " netdev_nl_dev_get_doit" in Path("/proc/kallsyms").read_text()
