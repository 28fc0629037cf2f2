# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The C tools of the bench as objects, and small helpers around namespaces."""
import functools
import json
import subprocess
from collections import namedtuple
from pathlib import Path

from harness import base
from harness.base import BUILD

OBJECTS = BUILD / "bench/bpf"


def tool(name):
    return BUILD / "bench/bin" / name


def end(ns, ifname):
    return f"{ns.path}:{ifname}"


def offload(ns, ifname, *words):
    """ethtool -K"""
    ns.run("ethtool", "-K", ifname, *words)


class Lines:
    """A process that answers each line with one line of JSON."""

    def __init__(self, command, pass_fds=()):
        self.process = base.spawn(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=pass_fds
        )

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"{self.process.args[0]} ended, exit status {self.process.wait()}"
        return json.loads(line)

    def request(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        base.stop_process(self.process)


# per_core: frames that arrived per second of CPU time of this many whole cores; wall: per second of
# the clock; producer_ns: CPU time per sent frame; lost: share of those
Rate = namedtuple("Rate", "per_core wall producer_ns lost")


class Live(Lines):
    """Generator and sinks (live.c)."""

    def __init__(self, *arguments, fds=(), workers=()):
        """workers: processes whose CPU time counts as well"""
        super().__init__([tool("live"), "--objects", OBJECTS, *arguments], fds)
        self.workers, self.reads_tap, self.writes_tap = (
            workers,
            "--sink-fd" in arguments,
            "--write-fd" in arguments,
        )
        self.read()

    def rate(self, ms, threads=1):
        before = sum(map(cpu_seconds, self.workers))
        figures = self.request("run", ms, threads)
        core_seconds = (
            figures["cpu_seconds"]
            + figures["ksoftirqd_seconds"]
            + sum(map(cpu_seconds, self.workers))
            - before
        ) / threads
        received, sent = figures["received"], max(figures["sent"], 1)
        return Rate(
            received / max(core_seconds, 1e-9),
            received / figures["seconds"],
            core_seconds * threads * 1e9 / sent,
            1 - received / sent,
        )


def cpu_seconds(pid):
    """CPU time of a process so far, in all its threads."""
    return (
        sum(
            int((task / "schedstat").read_text().split()[0])
            for task in Path(f"/proc/{pid}/task").iterdir()
        )
        / 1e9
    )


@functools.cache
def ksoftirqds():
    """The ksoftirqd threads, which do deferred work of the network."""
    return [
        int(p.parent.name)
        for p in Path("/proc").glob("[0-9]*/comm")
        if p.read_text().startswith("ksoftirqd/")
    ]
