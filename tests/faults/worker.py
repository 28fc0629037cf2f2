# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Traces and faults one path after the other in one bed.

Reads one job per line from standard input and answers each with one line, both JSON:
{"trace": PATH} -> {"calls": [...]}
{"fault": {"path": ..., "recovery": ..., "at": N, "name": ..., "argument": ..., "errno": 0 for a kill}}
    -> {"call": what failed, "bad": [...], "before": what was wrong after the fault before}
{"teardown": true} -> {"bad": [...]}
"""
import errno
import json
import os
import re
import signal
import sys
import time
import traceback

from harness import base
from harness.base import BUILD
import errnos
import oracles
from paths import PATHS
from rig import Rig, private_rcu_setting

LOG_LINES = 12
# the folder of the bed where the trace was made
OTHER_BED = re.compile(r"^/tmp/ul-\d+-[^/]+")
FAULT = BUILD / "tests/tools/fault"


def read_calls(path):
    calls = []
    for line in path.read_text(errors="replace").splitlines():
        words = line.split(" ", 3)
        if len(words) == 4:
            calls.append(
                {
                    "at": int(words[0]),
                    "thread": words[1],
                    "name": words[2],
                    "argument": words[3],
                }
            )
    return calls


def up_to_reply(calls):
    """Without what follows the reply to a request."""
    replies = [i for i, call in enumerate(calls) if call["name"] in ("sendto", "sendmsg")]
    return calls[: replies[-1] + 1]


class Worker:
    def __init__(self):
        self.rig = None
        base.Cleanup()  # of the process; that of the bed is above it
        self.rcu = private_rcu_setting()

    def bed(self):
        if not self.rig:
            base.Cleanup()
            self.rig = Rig(self.rcu)
        return self.rig

    def drop_bed(self):
        if self.rig:
            self.rig = None
            base.Cleanup.current().close()

    def _wrap(self, path, *options):
        """A start is counted from the first file in the folder of the bed; a running daemon at once."""
        folder = self.rig.daemon.dir
        self.trace_path = folder / "trace"
        which = [] if path.running else ["--from", folder]
        if path.thread:
            which += ["--thread", path.thread]
        return [FAULT, "--trace", self.trace_path, *which, *options]

    def trace(self, name):
        """The calls of one run without a fault, which must end as the path says."""
        rig, path = self.bed(), PATHS[name]()
        rig.manage(path.managed)
        path.prepare(rig)
        rig.skip_traffic()
        action = path.run(rig, self._wrap(path))
        calls = read_calls(self.trace_path)
        assert action.succeeded, f"{name}: {action.status} {action.text}\n{rig.daemon.log()}"
        if hasattr(path, "judge"):
            bad = path.judge(action, rig, lambda: True)
        elif path.after:
            oracles.reached(rig, [path.after])
            bad = oracles.check_traffic(path, rig, path.after)
            bad += path.verify(rig, path.after, errno.EIO)
        else:
            bad = rig.left()
        assert not bad, f"{name} without a fault: {bad}"
        if path.method and not path.thread:
            calls = up_to_reply(calls)
        return {"calls": [call for call in calls if path.has(call)]}

    def prepare(self, path):
        """A used bed that cannot be prepared is replaced; returns what was wrong with it."""
        try:
            self.bed().manage(path.managed)
            path.prepare(self.bed())
            return []
        except AssertionError as error:
            self.drop_bed()
            self.bed().manage(path.managed)
            path.prepare(self.bed())
            return [str(error)]

    def fault(self, job):
        path = PATHS[job["path"]]()
        before = self.prepare(path)
        rig = self.rig
        rig.daemon.log_path.write_text("")
        rig.skip_traffic()
        kind = ["--error", job["errno"]] if job["errno"] else ["--kill"]
        point = ["--at", 1 if path.named else job["at"], "--call", job["name"]]
        if path.named or job["name"] in errnos.COMMANDS:
            point += ["--argument", OTHER_BED.sub(str(rig.daemon.dir), job["argument"])]
        action = path.run(rig, self._wrap(path, *point, *kind))
        hit = self.trace_path.read_text(errors="replace").endswith("hit\n")
        calls = read_calls(self.trace_path)
        answer = {"call": errnos.describe(calls[-1]) if hit else None}
        try:
            if job["errno"]:
                answer["bad"] = oracles.after_error(path, action, rig, job["errno"], answer["call"])
            else:
                answer["bad"] = oracles.after_kill(path, action, rig, job["recovery"])
        except AssertionError as error:
            answer["bad"] = [str(error)]
        answer["before"] = before
        if answer["bad"]:
            log = rig.daemon.log_path.read_text(errors="replace").splitlines()
            answer["log"] = log[-LOG_LINES:]
        return answer

    def teardown(self):
        if self.rig:
            self.rig.ensure_none()
        return {"bad": []}

    def run(self, job):
        start = time.monotonic()
        try:
            if "trace" in job:
                answer = self.trace(job["trace"])
            elif "fault" in job:
                answer = self.fault(job["fault"])
            else:
                answer = self.teardown()
        except AssertionError as error:
            answer = {"call": None, "bad": [str(error)]}
        except Exception:
            answer = {"broken": traceback.format_exc()}
        if answer.get("bad") or answer.get("broken"):
            self.drop_bed()
        answer["seconds"] = time.monotonic() - start
        return answer


def main():
    base.install_traps()
    worker, replies = Worker(), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing else may write between the replies
    try:
        for line in sys.stdin:
            print(json.dumps(worker.run(json.loads(line))), file=replies, flush=True)
    except KeyboardInterrupt:
        pass
    for number in (signal.SIGINT, signal.SIGTERM):  # the bed is removed completely
        signal.signal(number, signal.SIG_IGN)
    base.close_everything()
    return 0
