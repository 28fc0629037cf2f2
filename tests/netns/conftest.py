# SPDX-License-Identifier: GPL-2.0
"""Set-up of the namespace tests: root, tools, clean-up, and what a failing test shows."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))

import pytest

from harness import base
from harness.base import BUILD, Cleanup
from harness.bed import Bed
from harness.daemon import Uplinkd
from harness.ovs import OvsSwitch


def pytest_configure(config):
    if os.geteuid():
        pytest.exit("the namespace tests need root: sudo make check", 2)
    missing = [
        p for p in ("uplinkd", "uplinkctl", "tests/tools/pktgen") if not (BUILD / p).exists()
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
    """Everything that a test makes through the harness is undone when it ends, in reverse order."""
    with Cleanup() as scope:
        yield scope


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left():
    """The last word of the session: no namespace, mount, process or directory of ours remains."""
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
        except Exception as error:  # the report must appear whatever the daemon's state
            counters = f"counters: {error}"
        report.sections.append((f"uplinkd in {daemon.ns.name}", f"{counters}\n{daemon.log()}"))
