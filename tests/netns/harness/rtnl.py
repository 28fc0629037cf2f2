# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The RTNL, held for an exact time. It is one lock for all namespaces of the machine."""
import subprocess

from . import base
from .base import BUILD


class Tool:
    """A tool that writes "WORD TIME" lines; it is ended with the test."""

    def __init__(self, ns, *command):
        self.process = base.spawn(ns.command(*command), stdout=subprocess.PIPE, text=True)

    def time_of(self, word):
        """Waits for the line and returns its time."""
        for line in self.process.stdout:
            if line.startswith(word):
                return float(line.split()[1])
        raise AssertionError(f"no line {word!r}: exit status {self.process.wait()}")

    def runs(self):
        return self.process.poll() is None


def hold(ns, seconds):
    """Holds the RTNL; returns the Tool when it has the lock."""
    tool = Tool(ns, BUILD / "tests/tools/rtnl_hold", seconds)
    tool.begin = tool.time_of("held")
    return tool


def cut_and_hold(ns, far_ns, far, seconds):
    """Sets the interface far down just before the lock is held: (Tool, time of the cut).

    A cut takes the lock, too. Both requests wait for a short hold, and the lock serves them in
    turn. On a busy machine the first hold may end too early, or the second request may overtake
    the cut; None then, and the interface is down all the same.
    """
    first = hold(ns, 1)
    cut = Tool(far_ns, BUILD / "tests/tools/down", far)
    base.wait_until(
        lambda: not cut.runs() or base.state_of(cut.process.pid) == "D",
        30,
        "the cut to wait for the lock",
    )
    if not cut.runs():
        return None
    tool = hold(ns, seconds)
    done = cut.time_of("down")
    assert first.process.wait() == 0
    return (tool, done) if done < tool.begin + 0.1 else None
