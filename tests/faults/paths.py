# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The paths whose system calls are made to fail, each with the states that may follow it."""
from dataclasses import replace

import errnos
import history
from harness import old_version
from harness.base import wait_until
from kinds import Event, Path, Process, Request, Start
from rig import PORT_SLOTS, TABLE, State, port_request, waiting_request


WITH_RUNTIME_PORT = replace(
    State(), ports={**State().ports, "p3": "lab"}, runtime=frozenset({"p3"})
)


def undrained(state):
    return replace(state, drained=frozenset())


class FirstStart(Start):
    name = "first-start"
    help = "start of a switch that is not in the kernel"
    traffic = False
    fresh = True
    before, after = None, undrained(State())

    def prepare(self, rig):
        rig.ensure_none()


class Restart(Start):
    name = "restart"
    help = "start of the same version that adopts the switch, with a run-time port"
    before = after = WITH_RUNTIME_PORT

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
    before = after = undrained(State())

    def prepare(self, rig):
        rig.ensure_none()
        rig.ensure(self.before)
        rig.daemon.stop()
        rig.set_meta("abi_version", lambda version: version + 1)


class Upgrade(Start):
    name = "upgrade"
    help = "start that finds maps of 0.1.0, with a run-time port and a drained uplink"
    fresh = True
    before = after = WITH_RUNTIME_PORT

    @staticmethod
    def make_ready():
        return old_version.is_in_checkout() and bool(old_version.build_old())

    def prepare(self, rig):
        rig.ensure_none()
        rig.ensure_by_0_1_0(self.before)


class Teardown(Process):
    name = "teardown"
    help = "uplinkd --teardown"
    traffic = False
    before, after = State(), None

    def options(self, rig):
        return ["--teardown"]

    def prepare(self, rig):
        rig.ensure(self.before)
        rig.daemon.stop()

    def states_after_kill(self):
        """A drain ends with the maps."""
        return [self.before, undrained(self.before)]


class Reload(Request):
    name = "reload"
    help = "MTU, VLAN of a group and ports change"
    before = State()
    after = State(mtu=1700, lab_vlan=301, ports={"p0": "prod", "p1": "prod", "p3": "lab"})
    method, parameters = "Reload", {}

    def prepare(self, rig):
        rig.ensure(self.before)

    def before_action(self, rig):
        rig.daemon.write(self.after.config())


class PortAdd(Request):
    name = "port-add"
    help = "a port is added at run time"
    before, after = State(), WITH_RUNTIME_PORT
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


class GrowthPortAdd(PortAdd):
    name = "growth-port-add"
    help = "a run-time port more than the tables have room for"
    fresh = True
    before = State(more_ports=PORT_SLOTS - len(State().ports))
    after = replace(WITH_RUNTIME_PORT, more_ports=before.more_ports)

    def prepare(self, rig):
        rig.ensure_none()
        # maps that are made for all of these ports would have more slots
        rig.ensure(State(more_ports=PORT_SLOTS // 2))
        rig.ensure(self.before)


class Drain(Request):
    name = "drain"
    help = "an uplink is drained"
    before, after = undrained(State()), State()
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


# ---- LACP, and a group that learns ----
LACP = replace(undrained(State()), lacp=True, learning=True)
NEGOTIATION = 12  # s, also on a busy machine; 2 of them before links are aggregated


class LacpFirstStart(FirstStart):
    name = "lacp-first-start"
    help = "start of a switch with LACP that is not in the kernel"
    settles = NEGOTIATION
    after = LACP

    def prepare(self, rig):
        super().prepare(rig)
        rig.speak_lacp(True)


class LacpRestart(Restart):
    name = "lacp-restart"
    help = "start of the same version that adopts a switch with LACP and a learned address"
    before = after = LACP


class LacpUpgrade(Upgrade):
    name = "lacp-upgrade"
    help = "start that finds maps of 0.1.0 with LACP and a learned address"
    before = after = LACP


class LacpBegin(Reload):
    name = "lacp-begin"
    help = "a reload from a static channel to LACP"
    traffic = False
    settles = NEGOTIATION
    before, after = undrained(State()), LACP

    def before_action(self, rig):
        super().before_action(rig)
        rig.speak_lacp(True)


class LacpReload(Reload):
    name = "lacp-reload"
    help = "MTU and VLANs change with LACP and a learned address"
    before, after = LACP, replace(LACP, mtu=1700, more_groups=1)


class LacpDrain(Drain):
    name = "lacp-drain"
    help = "an uplink with LACP is drained"
    before, after = LACP, replace(LACP, drained=State().drained)


# ---- changes that wait for their confirmation ----
WAITING = replace(Reload.after, configuration="unconfirmed")


class ReloadConfirm(Request):
    name = "reload-confirm"
    help = "a change that is rolled back unless it is confirmed"
    before, after = State(), WAITING
    method, parameters = "Reload", waiting_request(WAITING)

    def prepare(self, rig):
        rig.ensure(self.before)

    def verify(self, rig, state, number=0):
        """The change can be rolled back."""
        if state == WAITING:
            rig.request("Rollback")
            rig.wait_healthy(State())
        return []


class Confirm(Request):
    name = "confirm"
    help = "a waiting change is confirmed"
    before, after = WAITING, replace(WAITING, configuration="copy")
    method, parameters = "Confirm", {}

    def prepare(self, rig):
        rig.ensure(self.before)


class Rollback(Request):
    name = "rollback"
    help = "a waiting change is rolled back"
    before, after = WAITING, State()
    method, parameters = "Rollback", {}

    def prepare(self, rig):
        rig.ensure(self.before)


class RestartWaiting(Start):
    name = "restart-waiting"
    help = "start while a change waits for its confirmation"
    before = after = WAITING

    def prepare(self, rig):
        rig.ensure(self.before)
        rig.daemon.stop()


# ---- attachment bridges ----
BRIDGE = replace(State(), bridge=True)
MEMBER = replace(BRIDGE, ports={**BRIDGE.ports, "p3": "lab"}, attached=frozenset({"p3"}))


class BridgeCreate(Reload):
    name = "bridge-create"
    help = "a reload that makes an attachment bridge"
    before, after = State(), BRIDGE
    torn_down = True


class BridgeRemove(Reload):
    name = "bridge-remove"
    help = "a reload that removes an attachment bridge with an interface"
    before, after = MEMBER, State()


class BridgeJoin(Event):
    name = "bridge-join"
    help = "an interface joins an attachment bridge and becomes a port"
    before, after = BRIDGE, MEMBER

    def prepare(self, rig):
        rig.ensure(self.before)

    def change(self, rig):
        rig.enslave("p3")

    def is_followed(self, rig):
        return any(p["name"] == "p3" and p["present"] for p in rig.daemon.json("show", "ports"))


class BridgeLeave(Event):
    name = "bridge-leave"
    help = "an interface leaves an attachment bridge"
    before, after = MEMBER, BRIDGE

    def prepare(self, rig):
        rig.ensure(self.before)

    def change(self, rig):
        rig.release("p3")

    def is_followed(self, rig):
        return all(p["name"] != "p3" for p in rig.daemon.json("show", "ports"))


class BridgeTeardown(Teardown):
    name = "bridge-teardown"
    help = "uplinkd --teardown with an attachment bridge and an interface in it"
    before, after = MEMBER, None

    def states_after_kill(self):
        """The interface leaves with the bridge; its machine's software attaches it again."""
        return [MEMBER, undrained(MEMBER), BRIDGE, undrained(BRIDGE)]


# ---- host ports ----
WITH_HOST_PORT = replace(State(), host=True)


class HostPortAdd(Reload):
    name = "host-port-add"
    help = "a reload that makes a host port with an address"
    before, after = State(), WITH_HOST_PORT
    torn_down = True


class HostPortRemove(Reload):
    name = "host-port-del"
    help = "a reload that removes a host port"
    before, after = WITH_HOST_PORT, State()


# ---- files for network managers ----
class Publish(Reload):
    name = "drop-ins-publish"
    help = "a reload hands its interfaces to the process that writes the files"
    managed = named = True

    def has(self, call):
        return call["name"].startswith("clone") or "configuration.yaml" in call["argument"]

    def verify(self, rig, state, number=0):
        names = {"eth0", "eth1", *state.ports}
        wait_until(
            lambda: rig.unmanaged() == names,
            40,
            lambda: f"files for {names}: {rig.unmanaged()}\n{rig.daemon.log()}",
        )
        return []


class DropIns(Process):
    """After each kill and error the process runs again, as its unit does."""

    name = "drop-ins"
    help = "uplinkd --drop-ins"
    before = after = State()

    def prepare(self, rig):
        rig.drop_ins(self.before)
        rig.hand_over(Reload.after)

    def options(self, rig):
        return ["--managers", rig.managers, "--drop-ins"]

    def judge(self, action, rig, is_reported):
        """Returns what is wrong. is_reported(): the reason of the errno was shown; None: a kill."""
        known, bad = rig.manager_files(), []
        rig.drop_ins(Reload.after)
        wanted = rig.manager_files()
        rig.drop_ins(self.before)
        former = rig.manager_files()
        for name, text in known.items():
            if text not in (former.get(name), wanted.get(name)):
                bad.append(f"{name} is neither the former nor the new file: {text!r}")
        if is_reported and action.status == 0 and known != wanted:
            bad.append("exit status 0, but the files are not those of the configuration")
        if is_reported and action.status and not is_reported():
            bad.append(f"failed without its reason: {action.text}")
        if is_reported and action.status not in (0, 2):
            bad.append(f"exit status {action.status}")
        return bad


PATHS = {
    path.name: path
    for path in (
        FirstStart,
        Restart,
        RestartWaiting,
        NewPrograms,
        Exchange,
        Upgrade,
        Reload,
        Growth,
        GrowthPortAdd,
        ReloadConfirm,
        Confirm,
        Rollback,
        PortAdd,
        PortRemove,
        Drain,
        Undrain,
        LacpFirstStart,
        LacpRestart,
        LacpUpgrade,
        LacpBegin,
        LacpReload,
        LacpDrain,
        BridgeCreate,
        BridgeRemove,
        BridgeJoin,
        BridgeLeave,
        BridgeTeardown,
        HostPortAdd,
        HostPortRemove,
        Publish,
        DropIns,
        history.Append,
        history.Rotation,
        history.Repair,
        history.Creation,
        Teardown,
    )
}


def check_completeness(paths, traces):
    """A path without an oracle, or a call without a row in errnos.py, would be passed over.

    traces: the calls by name of the path
    """
    for name, path in paths.items():
        if not (hasattr(path, "judge") or getattr(path, "before", 0) or getattr(path, "after", 0)):
            raise RuntimeError(f"{name}: neither a state nor judge() says what must hold")
    for name, calls in traces.items():
        unknown = {errnos.describe(call) for call in calls if not errnos.is_known(call)}
        if unknown:
            raise RuntimeError(f"{name}: no row in errnos.py for {', '.join(sorted(unknown))}")
