# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The control socket as systemd's varlinkctl sees it (systemd 257, of Debian 13)."""
import json

import pytest

from harness.base import run
from harness.bed import Bed, switch
from nspawn import system

# it connects through /proc
ENTER = 'mount --bind "$1" "$2/mnt"; mount -t proc proc "$2/proc"; shift; exec chroot "$@"'


class Varlinkctl:
    """Runs in another Debian, without its service manager."""

    def __init__(self, daemon):
        self.root, self.daemon = system("systemd", suite="trixie"), daemon

    def __call__(self, *words, check=True):
        return run(
            *["unshare", "--mount", "sh", "-euc", ENTER, "sh", self.daemon.run_dir, self.root],
            *["varlinkctl", *words],
            check=check,
            timeout=120,
        )


@pytest.mark.slow
def test_varlinkctl_shows_and_calls_all_that_can_be_read():
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    varlinkctl = Varlinkctl(daemon)
    socket = "/mnt/uplinkd.sock"
    assert "io.uplinkd" in varlinkctl("info", socket).stdout
    shown = varlinkctl("introspect", socket, "io.uplinkd").stdout
    for name in ("Uplinks", "Ports", "Lacp", "Findings", "Which", "Statistics", "Monitor"):
        assert f"method {name}(" in shown, name
    assert "type Uplink(" in shown and "type Finding(" in shown
    assert "io.uplinkd.Switches" in varlinkctl("list-methods", socket, "io.uplinkd").stdout
    reply = varlinkctl("--json=short", "call", socket, "io.uplinkd.Uplinks", "{}").stdout
    assert {u["name"] for u in json.loads(reply)["uplinks"]} == {"eth0", "eth1"}
    question = {"switch": "vs", "group": "prod", "source": "192.0.2.1", "destination": "192.0.2.2"}
    reply = varlinkctl("--json=short", "call", socket, "io.uplinkd.Which", json.dumps(question))
    assert json.loads(reply.stdout)["flow"]["uplink"] in ("eth0", "eth1")
    wrong = varlinkctl("call", socket, "io.uplinkd.Uplinks", '{"switch": "no"}', check=False)
    assert wrong.returncode != 0 and "io.uplinkd.InvalidRequest" in wrong.stdout + wrong.stderr
