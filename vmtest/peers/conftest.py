# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Uses the daemon and the traffic generator of tests/netns; their objects end with the test."""

import os
import sys

import pytest

sys.path.insert(
    1, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "tests", "netns")
)

from harness.base import Cleanup  # noqa: E402
from harness.daemon import Uplinkd  # noqa: E402


@pytest.fixture(autouse=True)
def harness_cleanup():
    with Cleanup() as scope:
        yield scope


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    # printed at once: the machine may die before the summary
    said = [
        line
        for line in report.longreprtext.splitlines()
        if "control: connection of process" not in line
    ]
    item.config.get_terminal_writer().line("\n".join(["", f"FAILURE {item.name}:", *said[-60:]]))
    for daemon in list(Uplinkd.alive):
        try:
            counters = daemon.counters_text()
        except Exception as error:  # the report must appear whatever the state of the daemon
            counters = f"counters: {error}"
        report.sections.append((f"uplinkd in {daemon.ns.name}", f"{counters}\n{daemon.log()}"))
