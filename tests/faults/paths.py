# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The paths whose system calls are made to fail, each with the states that may follow it.

A path prepares the state before, performs one action, and names the state that holds after the
action succeeded (`after`) and the one that holds if it failed (`before`). A killed action may have
ended in either.
"""
import os
import signal
import subprocess
from dataclasses import replace

from harness.base import wait_until
from rig import TABLE, State, port_request


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
    method = None  # of the control protocol


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


class Request(Path):
    """An action that a running daemon performs."""

    def run(self, rig, wrap):
        action, daemon = Action(), rig.daemon
        self.before_request(rig)
        tracer = subprocess.Popen(
            [*map(str, wrap), "--pid", str(daemon.process.pid)], stdout=subprocess.PIPE
        )
        try:
            if tracer.stdout.readline() != b"ready\n":
                raise RuntimeError("the tracer did not start")
            action.succeeded, answer = daemon.call(self.method, **self.parameters)
            action.text = str(answer)
        except OSError as error:
            action.text = f"no reply: {error}"
        finally:
            tracer.kill()
            tracer.wait()
            tracer.stdout.close()
        if action.succeeded is None:
            # a killed process closes its sockets some time before it can be waited for
            try:
                action.status = daemon.process.wait(0.5)
            except subprocess.TimeoutExpired:
                action.status = None
        if action.status is not None:
            daemon.wait()
        return action

    def before_request(self, rig):
        pass


class FirstStart(Start):
    name = "first-start"
    help = "start of a switch that is not in the kernel"
    traffic = False
    fresh = True
    before, after = None, replace(State(), drained=frozenset())

    def prepare(self, rig):
        rig.ensure_none()


class Restart(Start):
    name = "restart"
    help = "start of the same version that adopts the switch"
    before = after = State()

    def prepare(self, rig):
        rig.ensure(self.before)
        rig.daemon.stop()


class NewPrograms(Start):
    name = "new-programs"
    help = "start with other programs for the same maps"
    before = after = State()

    def prepare(self, rig):
        rig.ensure(self.before)
        rig.daemon.stop()
        rig.set_meta("programs", lambda checksum: checksum ^ 1)


class Exchange(Start):
    """The version is not known: traffic continues, and the settings to restore come from the
    journal.
    """

    name = "exchange"
    help = "start that finds maps of another ABI version"
    fresh = True
    before = after = replace(State(), drained=frozenset())

    def prepare(self, rig):
        rig.ensure_none()
        rig.ensure(self.before)
        rig.daemon.stop()
        rig.set_meta("abi_version", lambda version: version + 1)


class Teardown(Path):
    name = "teardown"
    help = "uplinkd --teardown"
    traffic = False
    before, after = State(), None

    def prepare(self, rig):
        rig.ensure(self.before)
        rig.daemon.stop()

    def run(self, rig, wrap):
        action = Action()
        done = rig.daemon.run_to_end("--teardown", wrap=wrap)
        action.status, action.succeeded = done.returncode, done.returncode == 0
        action.text = done.stderr
        return action


class Reload(Request):
    name = "reload"
    help = "MTU, VLAN of a group and ports change"
    before = State()
    after = State(mtu=1700, lab_vlan=301, ports={"p0": "prod", "p1": "prod", "p3": "lab"})
    method, parameters = "Reload", {}

    def prepare(self, rig):
        rig.ensure(self.before)

    def before_request(self, rig):
        rig.daemon.write(self.after.config())


class PortAdd(Request):
    name = "port-add"
    help = "a port is added at run time"
    before = State()
    after = replace(before, ports={**before.ports, "p3": "lab"}, runtime=frozenset({"p3"}))
    method = "AddPort"

    parameters = port_request("p3", "lab")

    def prepare(self, rig):
        rig.ensure(self.before)


class PortRemove(Request):
    name = "port-del"
    help = "a run-time port is removed"
    before, after = PortAdd.after, PortAdd.before
    method, parameters = "RemovePort", {"interface": "p3"}

    def prepare(self, rig):
        rig.ensure(self.before)


class Growth(Reload):
    name = "growth"
    help = "a reload with more groups than the tables have room for"
    fresh = True
    before = PortAdd.after
    after = replace(before, more_groups=TABLE)

    def prepare(self, rig):
        rig.ensure_none()
        rig.ensure(self.before)


class Drain(Request):
    name = "drain"
    help = "an uplink is drained"
    before, after = replace(State(), drained=frozenset()), State()
    method, parameters = "Drain", {"uplink": "eth1"}

    def prepare(self, rig):
        rig.ensure(self.before)


class Undrain(Request):
    name = "undrain"
    help = "a drained uplink is used again"
    before, after = Drain.after, Drain.before
    method, parameters = "Undrain", {"uplink": "eth1"}

    def prepare(self, rig):
        rig.ensure(self.before)


PATHS = {
    path.name: path
    for path in (
        FirstStart,
        Restart,
        NewPrograms,
        Exchange,
        Reload,
        Growth,
        PortAdd,
        PortRemove,
        Drain,
        Undrain,
        Teardown,
    )
}
