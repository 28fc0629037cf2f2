# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The end state after each round: what `uplinkctl` shows, every frame at every far end, counters of
drops, log lines, memory and descriptors.
"""
import collections
import re
import struct
import time

from harness import model
from harness.base import wait_until
from harness.bed import outside_mac, port_mac
from harness.frames import BROADCAST, ETH_IP, describe, ipv4, tag, udp, udp4
from harness.lacp_bed import ports_of
from intent import CHANNELS, GROUPS, PORTS, SWITCH_OF, UNUSED_VLAN, UPLINKS, VLANS, far_end

SETTLE = 60  # seconds
GRACE = 10  # seconds after which no uplink is accepted for its former role
UNKNOWN = "02:bb:00:00:00:99"
IN_USE = {"synchronization", "collecting", "distributing"}
KIB_PER_LIFE = 4096  # by which the resident memory of one daemon may grow
# that a daemon opens on their first use: a timer, and for each switch two programs with their maps
LATE_DESCRIPTORS = 9
WARNING = 4  # level of log lines


class Provoked:
    """Log lines that a change causes; change None: the state, or any change."""

    def __init__(self, change, line):
        self.change, self.line = change and re.compile(change), re.compile(line)

    def match(self, text, changes):
        return self.line.search(text) and (not self.change or self.change.search(changes))


PROVOKED = [
    Provoked("reload --confirm", "rolled back|confirm"),
    Provoked("unknown sources", "has learned 16 addresses"),
    Provoked("partner|LACPDU|slow protocol|eth|kill", "LACP|partner"),
    # while it became a port
    Provoked("is deleted", "No such device"),
    Provoked("leaves the bridge", "cannot isolate in its bridge"),
]


class Bad(AssertionError):
    """What is not as it must be."""


# ---- state ----
def shown_problems(world, intent):
    """How `status` differs from the intent."""
    status = world.daemon.json("status")
    bad = []
    allowed = intent.findings()
    for found in status["daemon"]["problems"] + [
        p for s in status["switches"] for p in s["problems"]
    ]:
        if found["severity"] != "note" and found["code"] not in allowed:
            bad.append(f"finding {found['code']}: {found['message']}")
    state = status["daemon"]["configuration"]["state"]
    if state != "files":
        bad.append(f"the configuration is {state}")
    if [s["name"] for s in status["switches"]] != sorted(UPLINKS):
        bad.append(f"switches {[s['name'] for s in status['switches']]}")
    usable = {u["name"] for s in status["switches"] for u in s["uplinks"] if u["usable"]}
    wanted = {u for name in UPLINKS for u in intent.usable(name)}
    if usable != wanted:
        bad.append(f"usable uplinks {sorted(usable)}, not {sorted(wanted)}")
    drained = {u["name"] for s in status["switches"] for u in s["uplinks"] if u["drained"]}
    if drained != intent.drained:
        bad.append(f"drained uplinks {sorted(drained)}, not {sorted(intent.drained)}")
    vlans = {g["name"]: g["vlan"] for s in status["switches"] for g in s["groups"]}
    if vlans != {g: str(v) for g, v in intent.vlans.items()}:
        bad.append(f"VLANs {vlans}, not {intent.vlans}")
    return bad + port_problems(world, intent) + channel_problems(world, intent)


def channel_problems(world, intent):
    """Both ends of each usable cable agree, and uplinkd knows the partner of now."""
    shown, bad = ports_of(world.daemon), []
    for uplink in intent.usable("va"):
        partner, end = world.partner[far_end(uplink)], shown[uplink]
        now = (end["partner"]["system"], end["partner"]["key"], end["partner"]["port"])
        wanted = (partner.info.system, partner.info.key, partner.info.port)
        if now != wanted:
            bad.append(f"{uplink}: the partner is {now}, not {wanted}")
        for side in ("actor", "partner"):
            if not IN_USE <= set(end[side]["state"]):
                bad.append(f"{uplink}: state of the {side}: {end[side]['state']}")
        if not world.partner.agreed(far_end(uplink)):
            bad.append(f"{uplink}: the partner has the state {partner.remote.state:#x}")
    return bad


def port_problems(world, intent):
    ports = {p["name"]: p for p in world.daemon.json("show", "ports")}
    wanted, bad = intent.ports(), []
    if set(ports) != set(wanted):
        bad.append(f"ports {sorted(ports)}, not {sorted(wanted)}")
    for name in set(ports) & set(wanted):
        different = {k: ports[name].get(k) for k, v in wanted[name].items() if ports[name][k] != v}
        if different:
            bad.append(f"{name}: {different}, not {wanted[name]}")
    return bad


def settle(world):
    """Waits until the switches are in the intended state."""
    last = []

    def is_reached():
        try:
            last[:] = shown_problems(world, world.intent)
        except (AssertionError, OSError, KeyError) as error:
            last[:] = [str(error)]
        return not last

    wait_until(is_reached, SETTLE, lambda: "; ".join(last))


def confirm(world):
    """A broadcast from each machine, until all addresses are confirmed."""
    numbers = world.intent.connected()

    def states():
        return {p["name"]: p["address_state"] for p in world.daemon.json("show", "ports")}

    def is_done():
        missing = [n for n in numbers if states()[f"p{n}"] != "confirmed"]
        for n in missing:
            world.send(f"m{n}", udp4(BROADCAST, port_mac(n), "0.0.0.0", "192.0.2.255", b"here" * 5))
        return not missing

    wait_until(is_done, SETTLE, lambda: f"confirmed addresses: {states()}")


# ---- frames ----
class Frames:
    """The frames of one check: each is unique, and has required and permitted receivers."""

    def __init__(self, world, rng):
        self.world, self.rng = world, rng
        self.number = rng.randrange(1 << 30)
        self.expected = {}  # mark -> (text, [set of alternatives of (observer, frame)], permitted)
        self.drops = collections.Counter()  # (uplink or port, reason)

    def payload(self):
        """(mark, EtherType and packet)"""
        self.number += 1
        mark = struct.pack("!I", self.number & 0xFFFFFFFF)
        data = b"SOAK" + mark + b"soak" * 8
        source, target = f"10.1.{self.rng.randrange(256)}.{self.rng.randrange(1, 255)}", "10.2.0.1"
        if self.rng.random() < 0.5:
            protocol, segment = 17, udp(1, 2, data)
        else:
            protocol = 6
            segment = struct.pack("!HHIIBBHHH", 1, 2, self.number, 1, 5 << 4, 0x18, 8192, 0, 0)
            segment += data
        return mark, struct.pack("!H", ETH_IP) + ipv4(source, target, protocol, segment)

    def send(self, sender, src, dst, vlan, outcome, permitted=()):
        """outcome(rest): [alternatives], each a list of (observer, frame) of which one arrives."""
        mark, rest = self.payload()
        tags = [tag(vlan)] if vlan else []
        frame = model.build(src, dst, tags, rest)
        required = [frozenset(alternatives) for alternatives in outcome(tags, rest)]
        self.expected[mark] = (
            f"{sender}: {describe(frame)}",
            required,
            frozenset(permitted(rest)) if permitted else frozenset(),
        )
        self.world.send(sender, frame)

    def problems(self):
        bad = []
        for mark, (text, required, permitted) in self.expected.items():
            rest = collections.Counter(self.world.seen.get(mark, {}))
            for alternatives in required:
                found = next((a for a in alternatives if rest[a]), None)
                if not found:
                    where = sorted(observer for observer, _ in alternatives)
                    bad.append(f"{text}\n    did not arrive at {' or '.join(where)}")
                else:
                    rest[found] -= 1
            for (observer, frame), surplus in rest.items():
                if surplus > ((observer, frame) in permitted):
                    bad.append(f"{text}\n    {surplus} x at {observer}: {describe(frame)}")
        return bad

    def stray(self):
        """Marks that this check did not send."""
        return [mark for mark in self.world.seen if mark not in self.expected]


def serving_uplinks(world):
    """{port number: far end of the uplink that serves it}, for switches without a channel."""
    return {
        int(p["name"][1:]): far_end(p["uplink"])
        for p in world.daemon.json("show", "ports")
        if p["uplink"]
    }


class Check:
    def __init__(self, world, rng):
        self.world, self.intent = world, world.intent
        self.frames = Frames(world, rng)
        self.rng = rng
        pinned = serving_uplinks(world)
        self.switches = {name: self.intent.switch_model(name, pinned) for name in UPLINKS}
        self.outside = outside_mac(rng.randrange(1, 200))

    def usable_far_ends(self, name):
        return [far_end(u) for u in self.intent.usable(name)]

    def alternatives(self, name, receivers):
        """Sets of which one arrives; an uplink that is not usable is replaced by any other."""
        usable = self.usable_far_ends(name)
        for observer, frame in receivers:
            if observer in (None, model.ANY) or observer.startswith(("sw", "tap")):
                ends = [observer] if observer in usable else usable
                if ends:
                    yield [(end, frame) for end in ends]
            else:
                yield [(observer, frame)]

    def from_port(self, name, port, dst):
        switch = self.switches[name]
        self.frames.send(
            port.far,
            port.mac,
            dst,
            0,
            lambda tags, rest: self.alternatives(
                name, model.from_port(switch, port, port.mac, dst, tags, rest)
            ),
        )

    def from_uplink(self, name, uplink, dst, vlan, permitted=()):
        switch = self.switches[name]
        self.frames.send(
            uplink,
            self.outside,
            dst,
            vlan,
            lambda tags, rest: [
                [r] for r in model.from_uplink(switch, uplink, self.outside, dst, tags, rest)
            ],
            permitted,
        )

    def permitted_in_grace(self, name, vlan):
        """Without a channel the former uplink of a port is accepted for some seconds."""
        if CHANNELS[name] != "none" or time.monotonic() - self.world.moved_at > GRACE:
            return ()
        switch = self.switches[name]
        return lambda rest: [
            (p.far, model.build(BROADCAST, self.outside, [], rest))
            for p in switch.ports
            if p.vid == vlan
        ]

    def send_all(self):
        for name, switch in self.switches.items():
            for port in switch.ports:
                self.from_port(name, port, self.outside)
                self.from_port(name, port, BROADCAST)
                for number in range(PORTS):
                    if port_mac(number) != port.mac:
                        self.from_port(name, port, port_mac(number))
            for uplink in self.usable_far_ends(name):
                for group in GROUPS[name]:
                    vlan = self.intent.vlans[group]
                    for number in range(PORTS):
                        self.unicast_in(name, uplink, number, vlan)
                    self.from_uplink(
                        name, uplink, BROADCAST, vlan, self.permitted_in_grace(name, vlan)
                    )
                    self.drop(name, uplink, vlan, UNKNOWN, "unknown_unicast")
                self.drop(name, uplink, UNUSED_VLAN, UNKNOWN, "unknown_vlan")
                for group in GROUPS[name]:  # the VLAN of the group before or after a reload
                    for vlan in set(VLANS[group]) - set(self.intent.vlans.values()):
                        self.drop(name, uplink, vlan, BROADCAST, "unknown_vlan")

    def unicast_in(self, name, uplink, number, vlan):
        """An address of a port; in other VLANs, and while it has no interface, it is unknown."""
        place = self.intent.places.get(number)
        is_here = place and SWITCH_OF[place.group] == name
        if is_here and self.intent.vlans[place.group] == vlan and number not in self.intent.present:
            return  # absent addresses are dropped as unknown_unicast or port_down
        if not (is_here and self.intent.vlans[place.group] == vlan):
            self.drop(name, uplink, vlan, port_mac(number), "unknown_unicast")
            return
        self.from_uplink(name, uplink, port_mac(number), vlan)

    def drop(self, name, uplink, vlan, dst, reason):
        self.from_uplink(name, uplink, dst, vlan)
        self.frames.drops[uplink.replace("sw", "eth"), reason] += 1

    def run(self):
        """Returns (number of frames, what is wrong)."""
        self.world.collect()  # also the errors of sockets whose cables were cut
        before = drop_counters(self.world)
        self.send_all()

        def is_complete():
            self.world.collect()
            return not any("did not arrive" in text for text in self.frames.problems())

        try:
            wait_until(is_complete, 20)
        except AssertionError:
            pass  # problems() says what is missing
        bad = self.counter_problems(before)
        for _ in range(3):  # copies that must not arrive
            self.world.collect()
        bad += self.frames.problems()
        if self.frames.stray():
            bad.append(f"{len(self.frames.stray())} frames of earlier rounds")
        self.world.seen.clear()
        return len(self.frames.expected), bad

    def counter_problems(self, before):
        """Every drop of the check has been made on purpose."""
        found = {}

        def is_counted():
            found.clear()
            found.update(drop_counters(self.world) - before)
            return all(found.get(key, 0) >= n for key, n in self.frames.drops.items())

        try:
            wait_until(is_counted, 10)
        except AssertionError:
            pass
        bad = []
        for key in sorted(set(found) | set(self.frames.drops)):
            name, reason = key
            if found.get(key, 0) != self.frames.drops[key] and reason not in (
                # broadcasts that no port of the uplink accepts, and the addresses of absent ports
                "inactive_uplink",
                "no_uplink",
            ):
                bad.append(f"{name}: {found.get(key, 0)} x {reason}, not {self.frames.drops[key]}")
        return bad


def drop_counters(world):
    return collections.Counter(
        {
            (c["name"], c["reason"]): c["packets"]
            for c in world.daemon.json("show", "counters")
            if c["kind"] == "drop"
        }
    )


# ---- log ----
def log_problems(world, done):
    """Errors and warnings that neither the changes of the round nor the state cause."""
    silent = ["the partner is silent"] if world.intent.silent else []
    changes = " ".join(done + silent)
    return [
        f"log: <{level}>{text}"
        for level, text in world.new_log_lines()
        if level <= WARNING and not any(p.match(text, changes) for p in PROVOKED)
    ]
