# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""What root does before the start of a daemon that runs as another user."""
from .base import Cleanup

USER = "daemon"  # exists everywhere; the unit has another one


def prepare(daemon, user=USER):
    """As the service manager does before the start. The RCU setting is the machine's."""
    Cleanup.current().add(lambda: daemon.run_to_end("--finish"))
    daemon.bpffs.chmod(0o1700)  # as systemd mounts it
    return daemon.run_to_end("--prepare", user)


def as_service(daemon):
    """Prepared, and with the user and the capabilities of the unit from its next start on."""
    done = prepare(daemon)
    assert done.returncode == 0, done.stderr
    return daemon.run_as(USER)
