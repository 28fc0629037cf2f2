# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkd killed at chosen system calls, by strace. The points come from a trace of the same path,
so that they are spread over it whatever the number of calls is.
"""
import collections
import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

from . import base
from .base import BUILD, run, wait_until

CALL = re.compile(r"^(?:\[pid +)?(?:\d+\]? +)?(\w+)\(")


def need_strace():
    if not shutil.which("strace"):
        pytest.skip("no strace")
    if run("strace", "-o", "/dev/null", "true", check=False).returncode:
        pytest.skip("ptrace is not permitted here")


def _wrapped(daemon, strace, options):
    command = [str(c) for c in daemon.command(*options)]
    at = command.index(str(BUILD / "uplinkd"))
    return command[:at] + ["strace", *map(str, strace)] + command[at:]


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(child) for child in children.read().split()]


def _run(daemon, strace, options):
    """Runs uplinkd until it ends, or until it has started, when it is killed. Returns whether it
    ended without that.
    """
    control = daemon.run_dir / "uplinkd.sock"
    control.unlink(missing_ok=True)
    with open(daemon.log_path, "ab") as log:
        process = subprocess.Popen(
            _wrapped(daemon, strace, options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=base.die_with_parent,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or (not options and control.exists()),
            60,
            lambda: f"uplinkd {options}\n{daemon.log()}",
        )
        return process.poll() is not None
    finally:
        if process.poll() is None:
            for child in _children(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        process.wait()


def _spread(trace, calls):
    """[(call, number)]: calls gives how many points of each call, None for all of them."""
    found = collections.Counter()
    for line in trace.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match:
            found[match[1]] += 1
    places = []
    for call, n in calls.items():
        for name in sorted(c for c in found if c.startswith(call)):
            total, wanted = found[name], min(found[name], n or found[name])
            places += [
                (name, number)
                for number in sorted(
                    {1 + i * (total - 1) // max(wanted - 1, 1) for i in range(wanted)}
                )
            ]
    assert places, f"none of these calls: {calls}, {found}"
    return places


def _trace_of(calls):
    return "trace=" + ",".join(f"/^{call}" for call in calls)


def _inject(call, number):
    return ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]


def points(daemon, calls, *options):
    """Points of a complete run of uplinkd with these options."""
    trace = daemon.dir / "trace"
    _run(daemon, ["-qq", "-o", trace, "-e", _trace_of(calls)], options)
    return _spread(trace, calls)


def killed_at(daemon, call, number, *options):
    """Whether the call was reached; the daemon is dead in any case."""
    return _run(daemon, ["-qq", "-o", "/dev/null", *_inject(call, number)], options)


@contextlib.contextmanager
def _attached(daemon, strace):
    pid = daemon.process.pid
    tracer = subprocess.Popen(
        ["strace", "-qq", "-p", str(pid), *map(str, strace)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=base.die_with_parent,
    )

    def traced():
        with open(f"/proc/{pid}/status") as status:
            return f"TracerPid:\t{tracer.pid}\n" in status.read()

    try:
        wait_until(traced, 30, "strace to attach")
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def request_points(daemon, calls, request):
    """Points of a request to the running daemon."""
    trace = daemon.dir / "trace"
    with _attached(daemon, ["-o", trace, "-e", _trace_of(calls)]):
        request()
    return _spread(trace, calls)


def _dies(daemon):
    """Whether the daemon is dead or about to be: then it answers nothing."""
    try:
        daemon.call("Status")
    except OSError:
        return True
    return daemon.process.poll() is not None


def killed_in_request(daemon, call, number, request):
    """request() may fail. Whether the call was reached; the daemon is dead in any case."""
    with _attached(daemon, ["-o", "/dev/null", *_inject(call, number)]):
        request()
    hit = _dies(daemon)
    if not hit:
        daemon.signal(signal.SIGKILL)
    daemon.wait()
    return hit
