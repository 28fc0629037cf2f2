# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The command blocks of docs/tutorial.md, for the tests that execute them."""
import re

from . import base

TEXT = (base.ROOT / "docs/tutorial.md").read_text()

# The NICs of tests are veths, whose kind does not show that they are NICs.
REPLACED = {"uplinkctl adopt": "uplinkctl adopt --uplinks eth0"}

# output that the reader sees at the end of a section
EXPECT = {
    "Start the switch": "uplinkctl show ports --json | grep -q vmk0",
    "Attach a virtual machine": "until uplinkctl show counters | grep -q vm-web1; do sleep 0.1; done",
    "Remove everything": "test ! -e /sys/fs/bpf/uplinkd && test ! -e /sys/class/net/vmk0",
    "Move a host that runs on a bridge": "grep -q 'bridge: br0' /etc/uplinkd/uplinkd.yaml",
}


def sections():
    """[(heading, [command block])]"""
    parts = re.split(r"^## \d+\. (.*)$", TEXT, flags=re.M)[1:]
    found = []
    for heading, text in zip(parts[::2], parts[1::2]):
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.M | re.S)
        for word, replacement in REPLACED.items():
            blocks = [block.replace(word, replacement) for block in blocks]
        found.append((heading, blocks))
    return found
