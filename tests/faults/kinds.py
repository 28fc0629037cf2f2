# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Kinds of paths.

A path prepares the state before, performs one action, and names the state that holds after the
action succeeded (`after`) and the one that holds if it failed (`before`). A killed action may have
ended in either.
"""
import os
import signal
import subprocess

from harness.base import wait_until


class Action:
    """What an action did: reply of a request, or exit status of a process that ended."""

    def __init__(self):
        self.succeeded = None  # of a request or teardown; None: no reply
        self.status = None  # exit status of the process
        self.text = ""


def end_tracer(pid):
    """The process continues untraced."""
    try:
        with open(f"/proc/{pid}/status") as status:
            tracer = int(status.read().partition("TracerPid:")[2].split()[0])
        if tracer:
            os.kill(tracer, signal.SIGKILL)
    except (OSError, IndexError):
        pass  # the process or its tracer has ended


class Path:
    fresh = False  # each fault ends with a teardown, because the path needs a first start
    traffic = True  # frames of group prod need no change
    settles = 0.5  # s until the state after the action holds without a fault
    method = None  # of the control protocol
    running = False  # the daemon runs before the action
    thread = None  # whose calls are meant; None: those of all threads
    managed = False  # the daemon writes files for network managers
    named = False  # each call is recognised by its name and argument, not by its number
    torn_down = False  # a kill is also followed by a teardown

    @staticmethod
    def make_ready():
        """Once, before there are workers. False: this checkout lacks what the path needs."""
        return True

    def has(self, call):
        """Whether this call of the trace belongs to the path."""
        return True

    def states_after_kill(self):
        """The states that a normal start may find or reach."""
        return [state for state in (self.before, self.after) if state]

    def verify(self, rig, state, number=0):
        """What else must hold when the switch is in this state; number: errno of the fault, 0 for a
        kill. Returns what is wrong.
        """
        return []


class Start(Path):
    """An action that starts the daemon."""

    def run(self, rig, wrap):
        action, daemon = Action(), rig.daemon
        daemon.write(self.after.config())
        daemon.spawn(wrap=wrap)

        def up():
            if daemon.process.poll() is not None:
                return True
            if "READY=1" in daemon.read_notify():
                return True
            try:
                return daemon.call("Status")[0]
            except OSError:
                return False

        wait_until(up, 60, lambda: f"start\n{daemon.log()}")
        end_tracer(daemon.process.pid)
        action.status = daemon.process.poll()
        if action.status is not None:
            daemon.wait()
        action.succeeded = action.status is None
        return action


class OfRunning(Path):
    """Something that a running daemon does."""

    running = True

    def run(self, rig, wrap):
        action, daemon = Action(), rig.daemon
        self.before_action(rig)
        tracer = subprocess.Popen(
            [*map(str, wrap), "--pid", str(daemon.process.pid)], stdout=subprocess.PIPE
        )
        try:
            if tracer.stdout.readline() != b"ready\n":
                raise RuntimeError("the tracer did not start")
            self.act(rig, action)
        finally:
            tracer.kill()
            tracer.wait()
            tracer.stdout.close()
        # a killed process closes its sockets some time before it can be waited for
        try:
            action.status = daemon.process.wait(0.5 if action.succeeded is None else 0)
        except subprocess.TimeoutExpired:
            action.status = None
        if action.status is not None:
            daemon.wait()
        return action

    def before_action(self, rig):
        pass


class Request(OfRunning):
    """A request of the control protocol."""

    def act(self, rig, action):
        try:
            action.succeeded, answer = rig.daemon.call(self.method, **self.parameters)
            action.text = str(answer)
        except OSError as error:
            action.text = f"no reply: {error}"
        self.after_reply(rig)

    def after_reply(self, rig):
        pass


class Event(OfRunning):
    """A change outside of the daemon, which follows it."""

    def act(self, rig, action):
        self.change(rig)
        wait_until(
            lambda: rig.daemon.process.poll() is not None or self.is_followed(rig),
            40,
            lambda: f"{self.name}\n{rig.daemon.log()}",
        )
        action.succeeded = True

    def states_after_kill(self):
        return [self.after]


class Process(Path):
    """An action that is a separate process."""

    def run(self, rig, wrap):
        action = Action()
        done = rig.daemon.run_to_end(*self.options(rig), wrap=wrap)
        action.status, action.succeeded = done.returncode, done.returncode == 0
        action.text = done.stderr
        return action
