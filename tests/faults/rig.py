# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The bed of the fault campaigns: a hypervisor whose state is brought to a known point before each
fault and compared with what must hold after it.

The switch has two uplinks and two port groups. Traffic of group prod needs no change in any path,
so none of its frames may be lost; the same is true of a learned address and of LACP, where the
state has them. eth1, p2 and p3 are down before the first start, all interfaces
have IPv6, and the MTU differs from that of the switch: teardown has settings to restore.
"""
import array
import ctypes
import json
import os
import platform
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness import base
from harness import daemon as daemon_module
from harness.base import BUILD, LIBC, run, wait_until
from harness.bed import Bed, outside_mac, port, port_mac, switch
from harness.daemon import Uplinkd
from harness.lacp import IN_USE, ScriptedPartner
from harness.netns import MS_BIND, SIOCETHTOOL, call
from harness.old_version import build_old
from harness.pinned import set_meta
from harness.settings import set_ipv6
from harness.traffic import Traffic

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
ETHTOOL_GFEATURES, FEATURE_BLOCKS = 0x3A, 4
SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_OBJ_GET = 7
RCU_EXPEDITED = "/sys/kernel/rcu_expedited"
SWITCH = "vs"
RATE = 300  # frames of a stream per second
TABLE = 64  # groups for which the tables of a small switch have room
PORT_SLOTS = 256  # ports of such a switch
HEAL_SECONDS = 40
BRIDGE = "br-lab"
HOST_PORT, HOST_ADDRESS = "vmk0", "192.0.2.1/24"
LEARNED = "52:54:00:77:00:01"  # of a nested machine behind p2
LACPDU_SECONDS = 20  # of the partner, which has the long timeout
CONFIRM_SECONDS = 3600


@dataclass
class State:
    """A state of the switch: what its configuration and its requests say.

    configuration: as in `status`. While a change waits for its confirmation, or a confirmed copy is
    in force, the file contains State().
    """

    mtu: int = 1600
    lab_vlan: int = 300
    ports: dict = field(default_factory=lambda: {"p0": "prod", "p1": "prod", "p2": "lab"})
    runtime: frozenset = frozenset()
    drained: frozenset = frozenset({"eth1"})
    more_groups: int = 0
    more_ports: int = 0  # whose interfaces are missing
    bridge: bool = False  # group lab has an attachment bridge
    attached: frozenset = frozenset()  # ports of the bridge
    host: bool = False  # group lab has a host port with an address
    lacp: bool = False  # else a static channel
    learning: bool = False  # group lab learns addresses
    configuration: str = "files"

    def config(self):
        """Of the file."""
        return self.in_force() if self.configuration == "files" else State().in_force()

    def missing_ports(self):
        return [f"x{i}" for i in range(self.more_ports)]

    def in_force(self):
        ports = {group: [] for group in ("prod", "lab")}
        for name, group in self.ports.items():
            if name not in self.runtime | self.attached:
                ports[group].append(port(int(name[1:])))
        groups = [
            {"name": "prod", "vlan": 100, "ports": ports["prod"]},
            {"name": "lab", "vlan": self.lab_vlan, "ports": ports["lab"]},
        ]
        groups[1]["ports"] += [
            {"interface": name, "mac": port_mac(1000 + i)}
            for i, name in enumerate(self.missing_ports())
        ]
        if self.host:
            groups[1]["ports"].append(
                {"interface": HOST_PORT, "host": True, "address": [HOST_ADDRESS]}
            )
        if self.bridge:
            groups[1]["bridge"] = BRIDGE
        groups += [{"name": f"more{i}", "vlan": 400 + i} for i in range(self.more_groups)]
        if self.learning:
            groups[1]["security"] = {"mac-learning": True}
        channel = {"channel": "lacp", "lacp": {"rate": "slow"}} if self.lacp else {}
        return {"switches": [switch(SWITCH, ["eth0", "eth1"], groups, mtu=self.mtu, **channel)]}


def waiting_request(state):
    """Parameters of Reload that apply a state until the deadline passes."""
    text = json.dumps(state.in_force())
    return {"confirm_s": CONFIRM_SECONDS, "name": "change.yaml", "text": text}


def port_request(name, group):
    return {
        "switch": SWITCH,
        "group": group,
        "interface": name,
        "mac": port_mac(int(name[1:])),
    }


def private_rcu_setting():
    """A file of this process in place of the machine-wide setting, which other tests change; once
    per process.
    """
    setting = base.temp_dir() / "rcu_expedited"
    setting.write_text("0\n")
    if os.path.exists(RCU_EXPEDITED):
        call("unshare", CLONE_NEWNS)
        call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        call("mount", bytes(setting), RCU_EXPEDITED.encode(), None, MS_BIND, None)
    return setting


def pinned_object(path):
    """("prog" or "link", program id) of a pinned program or link; None for a map."""
    name = ctypes.create_string_buffer(bytes(path))
    attributes = struct.pack("QII", ctypes.addressof(name), 0, 0)
    fd = LIBC.syscall(SYS_BPF[platform.machine()], BPF_OBJ_GET, attributes, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"{path}: cannot be opened")
    try:
        info = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/self/fdinfo/{fd}").read_text().split("\n")
            if ":\t" in line
        )
    finally:
        os.close(fd)
    kind = "link" if "link_type" in info else "prog" if "prog_type" in info else None
    return kind and (kind, info["prog_id"])


class Rig:
    def __init__(self, rcu):
        """rcu: of private_rcu_setting()."""
        self.rcu = rcu
        self.rcu.write_text("0\n")
        self.bed = Bed(n_uplinks=2, n_ports=4)
        self.hv = self.bed.hv
        self.names = ["eth0", "eth1", "p0", "p1", "p2", "p3"]
        for name in self.names:
            set_ipv6(self.hv, name)
        for name in ("eth1", "p2", "p3"):
            self.hv.up(name, False)
        self.partner = ScriptedPartner(
            self.bed.world, ["sw0", "sw1"], interval=LACPDU_SECONDS, short=False
        )
        self.speak_lacp(False)
        self.former = self.settings()
        self.daemon = Uplinkd(self.hv, State().config(), log_level="info")
        # an injected fault replaces the call by one that does not exist
        self.daemon.sandbox = "errno"
        self.managers = self.daemon.dir / "managers"
        self.managers.mkdir()
        self.streams = self._streams()
        self.learned = {}  # streams from and to the learned address, from its first state on

    def _streams(self):
        tx, rate = self.bed.tx, RATE
        inward = {"src_mac": outside_mac(5), "dst_mac": port_mac(0), "vlan": 100}
        return {
            "out": Traffic(
                tx("m0"),
                self.bed.rx_uplinks(),
                src_mac=port_mac(0),
                dst_mac=outside_mac(5),
                rate=rate,
            ),
            "in by eth0": Traffic(tx("sw0"), [tx("m0")], rate=rate, **inward),
            "in by eth1": Traffic(tx("sw1"), [tx("m0")], rate=rate, **inward),
            "local": Traffic(
                tx("m1"), [tx("m0")], src_mac=port_mac(1), dst_mac=port_mac(0), rate=rate
            ),
        }

    def _learned_streams(self):
        tx, outside, vlan = self.bed.tx, outside_mac(5), State().lab_vlan
        return {
            "from the learned address": Traffic(
                tx("m2"), self.bed.rx_uplinks(), src_mac=LEARNED, dst_mac=outside, rate=RATE
            ),
            "to the learned address": Traffic(
                tx("sw0"), [tx("m2")], src_mac=outside, dst_mac=LEARNED, vlan=vlan, rate=RATE
            ),
        }

    # ---- settings of the interfaces ----
    def settings(self):
        links = {x["ifname"]: x for x in json.loads(self.hv.ip("-j", "-d", "link").stdout)}
        found = {}
        for name in self.names:
            data = array.array("B", struct.pack("II", ETHTOOL_GFEATURES, FEATURE_BLOCKS))
            data.extend(bytes(16 * FEATURE_BLOCKS))
            request = struct.pack("16sQ", name.encode(), data.buffer_info()[0]) + bytes(16)
            self.hv._ioctl(SIOCETHTOOL, request)
            blocks = struct.unpack(f"{4 * FEATURE_BLOCKS}I", data.tobytes()[8:])
            with self.hv:
                ipv6 = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").read_text().strip()
            found[name] = {
                "flags": sorted(set(links[name]["flags"]) & {"UP", "PROMISC", "NOARP"}),
                "mtu": links[name]["mtu"],
                "promiscuity": links[name]["promiscuity"],
                "disable_ipv6": ipv6,
                "features": [f"{b:08x}" for b in blocks[2::4]],
                "xdp": "xdp" in links[name],
            }
        return found

    def left(self):
        """What a complete teardown must not leave."""
        now, found = self.settings(), []
        for name in self.names:
            for key, former in self.former[name].items():
                if now[name][key] != former:
                    found.append(f"{name} {key}: {former} before, {now[name][key]} after")
        found += [f"{name} is left" for name in (BRIDGE, HOST_PORT) if self.hv.exists(name)]
        return found + self.left_pins() + self.left_rcu()

    def left_pins(self):
        root = self.daemon.bpffs / "uplinkd"
        return (
            [f"pinned: {p.relative_to(root)}" for p in root.rglob("*")][:5] if root.exists() else []
        )

    def left_rcu(self):
        marker = self.daemon.run_dir / "rcu_expedited"
        found = [] if self.rcu.read_text().strip() == "0" else ["rcu_expedited is on"]
        return found + (["the marker of rcu_expedited is left"] if marker.exists() else [])

    def restore_settings(self):
        """After a bad outcome: as before the first start, whatever uplinkd left."""
        self.daemon.run_to_end("--teardown")
        run("find", self.daemon.bpffs, "-mindepth", "1", "-delete", check=False)
        run("rm", "-rf", self.daemon.run_dir)
        self.rcu.write_text("0\n")
        for name in (BRIDGE, HOST_PORT):
            self.hv.ip("link", "del", name, check=False)
        for name in self.names:
            former = self.former[name]
            self.hv.ip("link", "set", name, "mtu", former["mtu"], "promisc", "off", "arp", "on")
            self.hv.ip("link", "set", name, "xdp", "off", check=False)
            self.hv.run("ethtool", "-K", name, "txvlan", "on", "rxvlan", "on", check=False)
            set_ipv6(self.hv, name)
            self.hv.up(name, "UP" in former["flags"])
        left = self.left()
        assert not left, f"the bed cannot be restored: {left}"

    # ---- state of the switch ----
    def problems(self, state):
        """How the switch differs from this state; empty: it is as it must be and healthy."""
        status = self.daemon.json("status")
        if not status["daemon"]["running"]:
            return ["finding error not_running: uplinkd: it does not answer"]  # as status shows it
        shown = status["switches"]
        if [s["name"] for s in shown] != [SWITCH]:
            return [f"switches {[s['name'] for s in shown]}"]
        found = [
            f"finding {p['severity']} {p['code']}: {p.get('object', 'uplinkd')}: {p['message']}"
            for p in shown[0]["problems"] + status["daemon"].get("problems", [])
            if p["severity"] != "note" and p["code"] not in self._expected_findings(state)
        ]
        if "configuration" in status["daemon"]:
            found += self._differences(
                "configuration", status["daemon"]["configuration"], {"state": state.configuration}
            )
        if self.hv.exists(BRIDGE) != state.bridge:
            found.append(f"{BRIDGE} {'is missing' if state.bridge else 'exists'}")
        for uplink in shown[0]["uplinks"]:
            drained = uplink["name"] in state.drained
            wanted = {
                "usable": not drained,
                "drained": drained,
                "xdp_mode": "native",
                "error": None,
            }
            found += self._differences(uplink["name"], uplink, wanted)
        vlans = {g["name"]: g["vlan"] for g in shown[0]["groups"]}
        found += self._differences("VLANs", vlans, {"prod": "100", "lab": str(state.lab_vlan)})
        return found + self._port_problems(state) + self._pin_problems() + self.left_rcu()

    @staticmethod
    def _expected_findings(state):
        """lacp_lacp_unused: the partner speaks LACP before the channel does, and afterwards.
        inactive_uplink: the world sends by both uplinks.
        """
        found = {f"configuration_{state.configuration}"}
        if not state.lacp:
            found.add("lacp_lacp_unused")
        elif state.drained:
            found.add("inactive_uplink")
        return found

    @staticmethod
    def _differences(what, now, wanted):
        return [
            f"{what}: {key} is {now.get(key)!r}, not {value!r}"
            for key, value in wanted.items()
            if now.get(key) != value
        ]

    def _port_problems(self, state):
        ports = {p["name"]: p for p in self.daemon.json("show", "ports")}
        found, wanted = [], {*state.ports, *state.missing_ports()}
        wanted |= {HOST_PORT} if state.host else set()
        if set(ports) != wanted:
            found.append(f"ports {sorted(ports)}, not {sorted(wanted)}")
        links = {x["ifname"]: x for x in json.loads(self.hv.ip("-j", "addr").stdout)}
        found += [
            f"{name} was not set up"
            for name in set(state.ports) - state.attached
            if "UP" not in links[name]["flags"]
        ]
        addresses = self._addresses_in_use(links.get(HOST_PORT))
        if addresses != ([HOST_ADDRESS] if state.host else None):
            found.append(f"{HOST_PORT} has {addresses}")
        for name in set(ports) & set(state.ports):
            wanted = {
                "group": state.ports[name],
                "present": True,
                "error": None,
                "runtime": name in state.runtime | state.attached,
                "attached": name in state.attached,
            }
            found += self._differences(name, ports[name], wanted)
        return found

    @staticmethod
    def _addresses_in_use(link):
        """The IPv4 addresses of an interface, none while it is down; None without an interface."""
        if not link:
            return None
        addresses = [a for a in link["addr_info"] if a["family"] == "inet"]
        return [f"{a['local']}/{a['prefixlen']}" for a in addresses if "UP" in link["flags"]]

    def _pin_problems(self):
        root, found = self.daemon.bpffs / "uplinkd", []
        journal = f"{SWITCH}_saved"  # of the settings to restore
        other = sorted(p.name for p in root.iterdir() if p.name not in (SWITCH, journal))
        if other:
            found.append(f"pinned sets {other} next to {SWITCH}")
        objects = {p.name: pinned_object(p) for p in (root / SWITCH).iterdir() if p.is_file()}
        pinned = {o[1] for o in objects.values() if o and o[0] == "prog"}
        return found + [
            f"{name} runs a program of another set"
            for name, o in objects.items()
            if o and o[0] == "link" and o[1] not in pinned
        ]

    def is_healthy(self, state):
        try:
            return not self.problems(state)
        except (AssertionError, OSError, KeyError):
            return False

    def wait_healthy(self, state, deadline=HEAL_SECONDS):
        wait_until(
            lambda: self.is_healthy(state), deadline, lambda: f"health: {self.problems(state)}"
        )

    # ---- traffic ----
    def skip_traffic(self):
        for stream in (*self.streams.values(), *self.learned.values()):
            stream.skip()
        self.since = time.monotonic()

    def lost_traffic(self, before, after):
        """Judges all frames since skip_traffic(), and some more, that these states do not change;
        returns what is wrong.
        """
        found, streams = [], dict(self.streams)
        if before.learning and after.learning:
            streams.update(self.learned)
        if before.lacp or after.lacp:  # a drained uplink does not collect
            for name in before.drained | after.drained:
                del streams[f"in by {name}"]
        drained = before.drained & after.drained
        for stream in streams.values():
            stream.command("wait", 10)
        for name, stream in streams.items():
            phase = stream.check()
            if phase.lost or phase.duplicates:
                found.append(
                    f"{name}: {phase.lost} of {phase.sent} frames lost, {phase.duplicates} doubled"
                )
            used = {end for end, frames in phase.ends.items() if frames}
            if name == "out" and used & drained:
                found.append(f"{sorted(used & drained)} sends although it is drained")
        return found

    # ---- LACP ----
    def speak_lacp(self, on):
        for name in ("sw0", "sw1"):
            if self.partner[name].mute == on:
                with self.partner.change(name) as far:
                    far.mute = not on

    def flaps(self, before, after):
        """LACPDUs since skip_traffic() by which an uplink leaves the channel that stays in it."""
        return [
            f"{name} left the channel: {actor}"
            for name, far in (("eth0", "sw0"), ("eth1", "sw1"))
            for _, actor, _ in self.partner.lacpdus_of_uplinkd(far, self.since)
            if before.lacp and after.lacp and name not in before.drained | after.drained
            if actor.state & IN_USE != IN_USE
        ]

    def set_meta(self, field, change):
        set_meta(self.daemon.bpffs, field, change, SWITCH)

    # ---- files for network managers ----
    def manage(self, on):
        """Whether the daemon writes files for network managers."""
        if bool(self.daemon.more) == on:
            return
        if self.is_running():
            self.daemon.stop()
        self.daemon.more = ["--managers", self.managers] if on else []

    def manager_files(self):
        return {
            str(path.relative_to(self.managers)): path.read_text()
            for path in self.managers.rglob("*")
            # no manager reads the others, such as the new file before it replaces the former
            if path.is_file() and not path.name.startswith(".") and path.suffix != ".new"
        }

    def unmanaged(self):
        """The interfaces that systemd-networkd must leave alone."""
        text = self.manager_files().get("systemd/network/05-uplinkd.network", "")
        lines = [line.partition("=") for line in text.splitlines()]
        return {name for key, _, name in lines if key == "Name"}

    def hand_over(self, state):
        """Stores a configuration as the daemon does for the process that writes the files."""
        path = self.daemon.run_dir / "configuration.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(state.in_force()))

    def drop_ins(self, state):
        """Brings the files up to date with a configuration."""
        self.hand_over(state)
        done = self.daemon.run_to_end("--managers", self.managers, "--drop-ins")
        assert done.returncode == 0, f"--drop-ins: {done.returncode} {done.stderr}"
        assert self.unmanaged() == {"eth0", "eth1", *state.ports}, self.manager_files()

    # ---- to a state ----
    def is_running(self):
        return self.daemon.process is not None

    def ensure_none(self):
        """Nothing of the switch in the kernel."""
        self._stop_learned()
        if self.is_running():
            self.daemon.stop()
        done = self.daemon.run_to_end("--teardown")
        left = self.left()
        assert (
            done.returncode == 0 and not left
        ), f"teardown: {done.returncode} {left} {done.stderr}"
        self._set_lab_up(False)

    def _set_lab_up(self, up):
        """Whether p2 and p3 are up before the first start."""
        for name in ("p2", "p3"):
            self.hv.up(name, up)
            self.former[name]["flags"] = ["UP"] if up else []

    def ensure(self, state):
        """The daemon runs and the switch is in this state."""
        self.speak_lacp(state.lacp)
        self._ensure_configuration(state)
        self._ensure_members(state)
        if not state.learning:
            self._stop_learned()
        if not self.is_healthy(state):
            self._ensure_requested(state)
            self.wait_healthy(state)
        if state.learning:
            self._ensure_learned()

    def _ensure_requested(self, state):
        self._ensure_ports(state)
        for uplink in self.daemon.json("show", "uplinks"):
            if uplink["drained"] != (uplink["name"] in state.drained):
                self.request("Undrain" if uplink["drained"] else "Drain", uplink=uplink["name"])

    def _stop_learned(self):
        """Where no group learns, its frames have a forged source."""
        for stream in self.learned.values():
            stream.stop()
        self.learned = {}

    def _ensure_learned(self):
        self.learned = self.learned or self._learned_streams()
        known = lambda: [e["mac"] for e in self.daemon.json("show", "fdb")]
        wait_until(lambda: LEARNED in known(), HEAL_SECONDS, lambda: f"{LEARNED} in {known()}")

    def ensure_by_0_1_0(self, state):
        """The same by a daemon of that version, which has ended. It does not note which ports were
        down.
        """
        self._set_lab_up(True)
        daemon_module.BUILD = build_old()
        try:
            self.daemon.write(state.config())
            self.daemon.start()
            for name in state.runtime:
                request = port_request(name, state.ports[name])
                group, mac = request["group"], request["mac"]
                self.daemon.ctl("port", "add", SWITCH, group, name, "--mac", mac)
            if state.lacp:
                self.speak_lacp(True)
                wait_until(self.partner.agreed, HEAL_SECONDS, lambda: "the partner to agree")
            if state.learning:
                self._ensure_learned()
            for name in state.drained:
                self.daemon.ctl("uplink", "drain", name)
            self.daemon.stop()
        finally:
            daemon_module.BUILD = BUILD

    def configuration(self):
        """The origin of the configuration in force, as in `status`."""
        return self.daemon.json("status")["daemon"]["configuration"]["state"]

    def _ensure_configuration(self, state):
        changed = self.daemon.config != state.config()
        self.daemon.write(state.config())
        if not self.is_running():
            self.daemon.start()
            changed = False
        found = self.configuration()
        if found == "unconfirmed":
            self.request("Rollback")
        if changed or found != "files":
            self.request("Reload")
        if state.configuration == "unconfirmed":
            self.request("Reload", **waiting_request(state))

    def members(self):
        """The interfaces in the attachment bridge."""
        links = json.loads(self.hv.ip("-j", "link", "show").stdout)
        return {x["ifname"] for x in links if x.get("master") == BRIDGE}

    def enslave(self, name):
        self.hv.ip("link", "set", name, "master", BRIDGE)

    def release(self, name):
        self.hv.ip("link", "set", name, "nomaster")

    def _ensure_members(self, state):
        members = self.members()
        for name in members - state.attached:
            self.release(name)
        # a run-time port of a former path stays one in the bridge
        for p in self.daemon.json("show", "ports"):
            if p["runtime"] and not p["attached"] and p["name"] in state.attached:
                self.request("RemovePort", interface=p["name"])
        for name in state.attached - members:
            self.enslave(name)

    def _ensure_ports(self, state):
        for p in self.daemon.json("show", "ports"):
            if p["runtime"] and p["name"] not in state.runtime | state.attached:
                self.request("RemovePort", interface=p["name"])
        names = {p["name"] for p in self.daemon.json("show", "ports")}
        for name in state.runtime - names:
            self.request("AddPort", **port_request(name, state.ports[name]))

    def request(self, method, **parameters):
        succeeded, answer = self.daemon.call(method, **parameters)
        assert succeeded, f"{method}: {answer}"
