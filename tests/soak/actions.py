# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Random changes and disturbances. Each action changes the intent as it changes the world, and
returns a text for the report; None: it is not possible now.
"""
import contextlib
import json
import random
import socket
import threading
import time

from harness.base import wait_until
from harness.bed import outside_mac, port_mac
from harness.frames import BROADCAST, mac, tag, udp4
from harness.lacp import ETH_P_SLOW, SLOW_GROUP, Flood, Info
from intent import (
    BRIDGED,
    FILE,
    GROUPS,
    MEMBER,
    MTUS,
    RUNTIME,
    SWITCH_OF,
    UPLINKS,
    VLANS,
    Intent,
    Place,
    far_end,
)

FLOOD_FRAMES = 20000
CLIENTS = 40
CONFIRM_SECONDS = 600


def moved(world):
    """Frames may come in by a former uplink for some seconds."""
    world.moved_at = time.monotonic()


# ---- ports ----
def add_port(world, rng):
    free = world.intent.free()
    if not free:
        return None
    number, group = rng.choice(free), rng.choice([g for g in SWITCH_OF if g != BRIDGED])
    world.request(
        "AddPort",
        switch=SWITCH_OF[group],
        group=group,
        interface=f"p{number}",
        mac=port_mac(number),
    )
    world.intent.places[number] = Place(group, RUNTIME)
    return f"port add p{number} to {group}"


def remove_port(world, rng):
    ports = world.intent.placed(RUNTIME)
    if not ports:
        return None
    number = rng.choice(ports)
    world.request("RemovePort", interface=f"p{number}")
    del world.intent.places[number]
    return f"port del p{number}"


def attach(world, rng):
    free = world.intent.free(present=True)
    if not free:
        return None
    number = rng.choice(free)
    # as the software that attaches it; it is down if uplinkd once took it while it was down
    world.hv.up(f"p{number}")
    world.enslave(number)
    world.intent.places[number] = Place(BRIDGED, MEMBER)
    return f"p{number} joins the bridge"


def leave(world, rng):
    members = world.intent.placed(MEMBER)
    if not members:
        return None
    number = rng.choice(members)
    world.release(number)
    del world.intent.places[number]
    return f"p{number} leaves the bridge"


def unplug(world, rng):
    present = sorted(world.intent.present)
    if not present:
        return None
    number = rng.choice(present)
    world.unplug(number)
    world.intent.present.discard(number)
    if number in world.intent.placed(MEMBER):
        del world.intent.places[number]
    return f"p{number} is deleted"


def plug(world, rng):
    absent = sorted(set(range(8)) - world.intent.present)
    if not absent:
        return None
    number = rng.choice(absent)
    world.plug(number)
    world.intent.present.add(number)
    return f"p{number} is created"


# ---- configuration ----
def vary(intent, rng):
    """Another intent with differences that a file can express."""
    other = intent.copy()
    for _ in range(rng.randint(1, 4)):
        what = rng.choice(("vlan", "mtu", "move", "add", "remove"))
        if what == "vlan":
            group = rng.choice(sorted(VLANS))
            other.vlans[group] = rng.choice(VLANS[group])
        elif what == "mtu":
            other.mtus[rng.choice(sorted(UPLINKS))] = rng.choice(MTUS)
        elif what == "move" and other.placed(FILE):
            number = rng.choice(other.placed(FILE))
            group = rng.choice([g for g in SWITCH_OF if g != BRIDGED])
            other.places[number] = Place(group, FILE)
        elif what == "add" and other.free():
            number = rng.choice(other.free())
            other.places[number] = Place(rng.choice([g for g in SWITCH_OF if g != BRIDGED]), FILE)
        elif what == "remove" and len(other.placed(FILE)) > 2:
            del other.places[rng.choice(other.placed(FILE))]
    return other


def reload(world, rng):
    world.intent = vary(world.intent, rng)
    world.apply(world.intent)
    moved(world)
    return "reload"


def reload_confirm(world, rng):
    """A change that waits: confirmed, rolled back by request, or by its deadline."""
    before, after = world.intent, vary(world.intent, rng)
    how = rng.choice(("confirm", "rollback", "deadline", "kill"))
    if how == "kill" and not world.may_restart:
        return None
    world.daemon.write(after.config())
    world.request("Reload", confirm_s=1 if how == "deadline" else CONFIRM_SECONDS)
    if how == "kill":
        world.daemon.kill()
        world.start()
    moved(world)
    if how in ("confirm", "kill"):
        world.request("Confirm")
        world.intent = after
        return f"reload --confirm, {how}"
    if how == "rollback":
        world.request("Rollback")
    state = lambda: world.daemon.call("Status")[1]["configuration"]["state"]
    wait_until(lambda: state() in ("rolled_back", "files"), 30, lambda: f"{how}: {state()}")
    world.apply(before)
    return f"reload --confirm, {how}"


def refused_reload(world, rng):
    """A file with a mistake changes nothing."""
    config = world.intent.config()
    config["switches"][0]["mtu"] = 7
    world.daemon.write(config)
    succeeded, _ = world.daemon.call("Reload")
    assert not succeeded, "a wrong file is accepted"
    world.daemon.write(world.intent.config())
    return "a file with a mistake"


# ---- uplinks ----
def every_uplink():
    return [u for uplinks in UPLINKS.values() for u in uplinks]


def flap(world, rng):
    uplink = rng.choice(sorted(set(every_uplink()) - world.intent.down) or [None])
    if not uplink:
        return None
    times = rng.randint(1, 5)
    for _ in range(times):
        world.set_carrier(uplink, False)
        if rng.random() < 0.5:
            wait_until(
                lambda: not world.daemon.uplink(uplink)["usable"],
                30,
                lambda: f"{uplink} to be unusable\n{world.daemon.log()}",
            )
        world.set_carrier(uplink, True)
    moved(world)
    return f"{uplink} flaps {times} x"


def cut(world, rng):
    uplink = rng.choice(sorted(set(every_uplink()) - world.intent.down) or [None])
    if not uplink:
        return None
    world.set_carrier(uplink, False)
    world.intent.down.add(uplink)
    moved(world)
    return f"{uplink} is cut"


def mend(world, rng):
    if not world.intent.down:
        return None
    uplink = rng.choice(sorted(world.intent.down))
    world.set_carrier(uplink, True)
    world.intent.down.discard(uplink)
    moved(world)
    return f"{uplink} is mended"


def drain(world, rng):
    uplink = rng.choice(sorted(set(every_uplink()) - world.intent.drained) or [None])
    if not uplink:
        return None
    world.request("Drain", uplink=uplink)
    world.intent.drained.add(uplink)
    moved(world)
    return f"drain {uplink}"


def undrain(world, rng):
    if not world.intent.drained:
        return None
    uplink = rng.choice(sorted(world.intent.drained))
    world.request("Undrain", uplink=uplink)
    world.intent.drained.discard(uplink)
    moved(world)
    return f"undrain {uplink}"


# ---- the daemon ----
def kill(world, rng):
    """The world changes while no daemon runs."""
    if not world.may_restart:
        return None
    world.daemon.kill()
    texts = [
        text
        for action in rng.sample((unplug, plug, attach, leave, cut, mend), rng.randint(0, 2))
        if (text := action(world, rng))
    ]
    world.start()
    return ", ".join(["kill -9", *texts, "start"])


def restart(world, rng):
    if not world.may_restart:
        return None
    status = world.daemon.stop()
    assert status == 0, f"exit status {status}"
    world.start()
    return "restart"


# ---- the partner ----
def restart_partner(world, rng):
    """Another system with other keys and ports, as a replaced switch."""
    system, key = f"02:00:00:00:99:{rng.randrange(256):02x}", rng.randrange(1, 1000)
    for number, uplink in enumerate(UPLINKS["va"]):
        with world.partner.change(far_end(uplink)) as port:
            port.info = Info(system, key, rng.randrange(1, 100) * 2 + number, 0, 32768, 255)
            port.remote = Info()
    return f"the partner is {system} now"


def silence_partner(world, rng):
    uplink = rng.choice(sorted(set(UPLINKS["va"]) - world.intent.silent) or [None])
    if not uplink:
        return None
    with world.partner.change(far_end(uplink)) as port:
        port.mute = True
    world.intent.silent.add(uplink)
    return f"the partner is silent on {uplink}"


def voice_partner(world, rng):
    if not world.intent.silent:
        return None
    uplink = rng.choice(sorted(world.intent.silent))
    with world.partner.change(far_end(uplink)) as port:
        port.mute = False
    world.intent.silent.discard(uplink)
    return f"the partner is back on {uplink}"


def misbehaving_partner(world, rng):
    """States and views that no switch sends, for a while."""
    uplink = rng.choice(UPLINKS["va"])
    times = rng.randint(3, 20)
    for _ in range(times):
        with world.partner.change(far_end(uplink)) as port:
            port.state = rng.randrange(256)
            port.view = Info(
                f"02:00:00:00:97:{rng.randrange(256):02x}", rng.randrange(65536), rng.randrange(99)
            )
        time.sleep(0.02)
    with world.partner.change(far_end(uplink)) as port:
        port.state = port.view = None
    return f"{times} wrong LACPDUs on {uplink}"


def malformed_lacpdus(world, rng):
    """Slow protocol frames with random content and length."""
    uplink = rng.choice(UPLINKS["va"])
    head = mac(SLOW_GROUP) + mac("02:00:00:00:96:01") + ETH_P_SLOW.to_bytes(2, "big")
    with contextlib.suppress(OSError):  # the cable may be cut
        for _ in range(200):
            body = bytes([rng.choice((1, 1, 2, 10, 255))]) + rng.randbytes(rng.randrange(0, 120))
            world.send(far_end(uplink), (head + body).ljust(60, b"\0"))
    return f"malformed slow protocol frames on {uplink}"


# ---- floods ----
def flood_of_sources(world, rng):
    """A machine sends from random addresses at full speed."""
    connected = world.intent.connected()
    if not connected:
        return None
    number = rng.choice(connected)
    own = udp4(BROADCAST, port_mac(number), "0.0.0.0", "192.0.2.255", b"here" * 5)

    def has_address():
        """The first source of a machine in the bridge becomes the address of its port."""
        world.send(f"m{number}", own)
        ports = {p["name"]: p["mac"] for p in world.daemon.json("show", "ports")}
        return ports.get(f"p{number}") == port_mac(number)

    wait_until(has_address, 60, lambda: f"p{number}: the address of the machine")
    frame = udp4(outside_mac(9), "02:00:00:00:00:01", "10.3.0.1", "10.3.0.2", b"flood" * 8)
    flood = Flood(world.far, f"m{number}", [frame], random_sources=True)

    def counted():
        return sum(
            c["packets"]
            for c in world.daemon.json("show", "counters")
            if c["name"] == f"p{number}" and c["reason"] in ("forged_source", "learn_limit")
        )

    first = counted()
    wait_until(
        lambda: counted() - first > FLOOD_FRAMES, 60, lambda: f"p{number}: a flood to be counted"
    )
    return f"{flood.stop()} frames of unknown sources from p{number}"


def flood_of_destinations(world, rng):
    """The physical switch floods unicast to addresses of no port."""
    name = rng.choice(sorted(UPLINKS))
    uplink = rng.choice(UPLINKS[name])
    if uplink in world.intent.down:
        return None
    vlan = world.intent.vlans[rng.choice(GROUPS[name])]
    for number in range(2000):
        dst = f"02:cc:00:00:{number >> 8:02x}:{number & 255:02x}"
        frame = udp4(dst, outside_mac(8), "10.4.0.1", "10.4.0.2", b"unknown" * 5, [tag(vlan)])
        world.send(far_end(uplink), frame)
    return f"2000 unknown destinations on {uplink}"


def flood_control_socket(world, rng):
    """Clients that send rubbish, half of a request, or requests without reading the answers."""
    path = str(world.daemon.run_dir / "uplinkd.sock")
    seeds = [rng.randrange(1 << 30) for _ in range(CLIENTS)]

    def client(seed):
        mine = random.Random(seed)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(0.5)
            sock.connect(path)
            for _ in range(50):
                kind = mine.randrange(4)
                request = {"method": f"io.uplinkd.{mine.choice(('Status', 'Ports', 'Nothing'))}"}
                if kind == 0:
                    sock.sendall(mine.randbytes(mine.randrange(1, 4000)))
                elif kind == 1:
                    sock.sendall(json.dumps(request).encode()[: mine.randrange(1, 30)])
                else:
                    sock.sendall(json.dumps(request).encode() + b"\0")

    threads = [threading.Thread(target=client, args=(seed,), daemon=True) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{CLIENTS} clients flood the control socket"


# ---- the choice ----
WEIGHTS = {
    add_port: 6,
    remove_port: 5,
    attach: 5,
    leave: 4,
    unplug: 4,
    plug: 6,
    reload: 5,
    reload_confirm: 3,
    refused_reload: 1,
    flap: 4,
    cut: 2,
    mend: 4,
    drain: 2,
    undrain: 4,
    kill: 2,
    restart: 1,
    restart_partner: 2,
    silence_partner: 1,
    voice_partner: 4,
    misbehaving_partner: 2,
    malformed_lacpdus: 1,
    flood_of_sources: 2,
    flood_of_destinations: 2,
    flood_control_socket: 2,
}


def choose(rng):
    return rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def back_to_start(world):
    """The intent of the beginning, where figures can be compared."""
    intent = world.intent
    undone = sorted(intent.down | intent.drained)
    undone += [f"silent partner of {uplink}" for uplink in sorted(intent.silent)]
    for number in intent.placed(RUNTIME):
        world.request("RemovePort", interface=f"p{number}")
    for number in intent.placed(MEMBER):
        world.release(number)
    for number in sorted(set(range(8)) - intent.present):
        world.plug(number)
    for uplink in intent.down:
        world.set_carrier(uplink, True)
    for uplink in sorted(intent.drained):
        world.request("Undrain", uplink=uplink)
    for uplink in intent.silent:
        with world.partner.change(far_end(uplink)) as port:
            port.mute = False
    moved(world)
    world.intent = Intent()
    world.apply(world.intent)
    return ", ".join(["back to the start", *undone])
