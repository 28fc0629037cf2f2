# SPDX-License-Identifier: GPL-2.0
"""What this kernel can do; a test is skipped only for something found missing here, and says so."""
import functools
from pathlib import Path

import pytest

from . import base


@functools.cache
def programs_see_carrier():
    """bpf_rdonly_cast (6.2): the programs look at an uplink's carrier themselves; before, only the daemon does."""
    return " bpf_rdonly_cast" in Path("/proc/kallsyms").read_text()


def needs_carrier_check():
    if not programs_see_carrier():
        pytest.skip(
            "this kernel has no bpf_rdonly_cast (6.2), so the carrier is the daemon's business"
        )


@functools.cache
def gro_of_tagged_frames():
    """GRO merges behind a VLAN tag only with the kernel's 8021q support, as a module or built in."""
    from .netns import NetNs

    if "8021q" in base.run("lsmod", check=False).stdout:
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
def xdp_features_are_told():
    """Netdev generic netlink (6.3) says what an interface takes by XDP_REDIRECT."""
    return " netdev_nl_dev_get_doit" in Path("/proc/kallsyms").read_text()
