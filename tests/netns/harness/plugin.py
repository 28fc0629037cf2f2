# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Shared by the test folders that run on this kernel: root, tools, clean-up, and the report of a
failing test. The conftest.py of a folder imports all of it.
"""
import os

import pytest

from harness import base
from harness.base import BUILD, Cleanup
from harness.bed import Bed
from harness.daemon import Uplinkd
from harness.ovs import OvsSwitch


def pytest_configure(config):
    if os.geteuid():
        pytest.exit("these tests need root: sudo make check", 2)
    missing = [
        p
        for p in ("uplinkd", "uplinkctl", "uplinkd-net", "tests/tools/pktgen")
        if not (BUILD / p).exists()
    ]
    if missing:
        pytest.exit(
            f"not built: {', '.join(str(BUILD / p) for p in missing)}: run make check, or set UL_BUILD",
            2,
        )
    base.install_traps()
    base.sweep_dead_runs()


@pytest.fixture(autouse=True)
def cleanup():
    """Undoes everything that a test made through the harness when it ends, in reverse order."""
    with Cleanup() as scope:
        yield scope


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left():
    """Check at the end of the session: no namespace, mount, process or directory of the run
    remains.
    """
    with Cleanup():
        yield
    left = {kind: items for kind, items in base.leftovers().items() if items}
    assert not left, f"left behind: {left}"


@pytest.fixture
def bed(cleanup):
    """Makes a Bed; the arguments are Bed's."""
    return lambda *args, **kwargs: Bed(*args, **kwargs)


@pytest.fixture
def ovs(cleanup):
    return OvsSwitch()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when != "call" or not report.failed:
        return
    for daemon in list(Uplinkd.alive):
        try:
            counters = daemon.counters_text()
        except Exception as error:  # the report must appear whatever the state of the daemon
            counters = f"counters: {error}"
        report.sections.append((f"uplinkd in {daemon.ns.name}", f"{counters}\n{daemon.log()}"))
