# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""LACP for the tests: frames, a scripted partner, a channel of Open vSwitch, silent loss, and the
maps at the moment an LACPDU is sent.
"""
import contextlib
import ctypes
import json
import os
import platform
import re
import select
import socket
import struct
import subprocess
import threading
import time

from . import base
from .base import LIBC, Cleanup
from .capture import ETH_P_ALL, Nic
from .frames import eth, mac, mac_text

ETH_P_SLOW = 0x8809
SLOW_GROUP = "01:80:c2:00:00:02"
NAMES = (
    "activity",
    "short_timeout",
    "aggregation",
    "synchronization",
    "collecting",
    "distributing",
    "defaulted",
    "expired",
)
ACTIVE, SHORT, AGG, SYNC, COLLECTING, DISTRIBUTING, DEFAULTED, EXPIRED = (1 << n for n in range(8))
IN_USE = SYNC | COLLECTING | DISTRIBUTING


# ---- frames ----
class Info:
    """One side of a link, as in an LACPDU."""

    def __init__(
        self, system="00:00:00:00:00:00", key=0, port=0, state=0, system_priority=0, port_priority=0
    ):
        self.system, self.key, self.port, self.state = system, key, port, state
        self.system_priority, self.port_priority = system_priority, port_priority

    def pack(self):
        return struct.pack(
            "!H6sHHHB",
            self.system_priority,
            mac(self.system),
            self.key,
            self.port_priority,
            self.port,
            self.state,
        )

    @classmethod
    def unpack(cls, raw):
        priority, system, key, port_priority, port, state = struct.unpack("!H6sHHHB", raw)
        return cls(mac_text(system), key, port, state, priority, port_priority)

    def identity(self):
        return self.pack()[:-1]

    def __repr__(self):
        return f"{self.system_priority},{self.system} key {self.key} port {self.port_priority},{self.port} {self.state:#04x}"


def lacpdu(actor, partner, src, version=1):
    return (
        mac(SLOW_GROUP)
        + mac(src)
        + struct.pack("!HBBBB", ETH_P_SLOW, 1, version, 1, 20)
        + actor.pack()
        + bytes(3)
        + b"\x02\x14"
        + partner.pack()
        + bytes(3)
        + b"\x03\x10"
        + bytes(14)
        + bytes(52)
    )


def marker(src, port, system, transaction, kind=1, length=22):
    return (
        mac(SLOW_GROUP)
        + mac(src)
        + struct.pack("!HBBBBH6sI", ETH_P_SLOW, 2, 1, kind, length, port, mac(system), transaction)
        + bytes(94)
    )


def lldp(src, chassis, port, name=""):
    def tlv(kind, value):
        return struct.pack("!H", kind << 9 | len(value)) + value

    body = (
        tlv(1, b"\x04" + mac(chassis))
        + tlv(2, b"\x05" + port.encode())
        + tlv(3, b"\x00\x78")
        + (tlv(5, name.encode()) if name else b"")
        + tlv(0, b"")
    )
    return eth("01:80:c2:00:00:0e", src, 0x88CC, body)


def _snap(src, protocol, body):
    payload = b"\xaa\xaa\x03\x00\x00\x0c" + struct.pack("!H", protocol) + body
    return eth("01:00:0c:cc:cc:cc", src, len(payload), payload)


def _tlvs(*values):
    return b"".join(struct.pack("!HH", kind, 4 + len(value)) + value for kind, value in values)


def cdp(src, device, port):
    return _snap(src, 0x2000, b"\x02\xb4\x00\x00" + _tlvs((1, device.encode()), (3, port.encode())))


def pagp(src, device, port, auto=False):
    fixed = struct.pack(
        "!BB6sBBIII6sBBIIIHH",
        1,
        2 if auto else 0,
        mac(src),
        2,
        128,
        7,
        1,
        0,
        bytes(6),
        0,
        0,
        0,
        0,
        0,
        0,
        3,
    )
    return _snap(
        src, 0x0104, fixed + _tlvs((1, device.encode()), (2, port.encode()), (3, mac(src)))
    )


def is_lacpdu(frame):
    return frame[12:15] == b"\x88\x09\x01" and len(frame) >= 124


def sides(frame):
    """(actor, partner) of an LACPDU."""
    return Info.unpack(frame[18:33]), Info.unpack(frame[38:53])


# ---- programs ----
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
BPF_MAP_CREATE, BPF_MAP_LOOKUP, BPF_PROG_LOAD, BPF_OBJ_GET, BPF_LINK_CREATE = 0, 1, 5, 7, 28
SO_ATTACH_BPF = 50


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    r = LIBC.syscall(BPF_SYSCALL[platform.machine()], command, buffer, 128)
    if r < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return r


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def address(buffer):
    return ctypes.addressof(buffer)


def load(kind, code):
    program = ctypes.create_string_buffer(b"".join(code))
    licence, log = ctypes.create_string_buffer(b"GPL"), ctypes.create_string_buffer(65536)
    try:
        return bpf(
            BPF_PROG_LOAD,
            struct.pack(
                "<IIQQIIQ",
                kind,
                len(code),
                address(program),
                address(licence),
                1,
                len(log),
                address(log),
            ),
        )
    except OSError as error:
        raise AssertionError(f"{error}\n{log.value.decode()}") from error


SOCKET_FILTER, XDP, ATTACH_XDP = 1, 6, 37


def enable_xdp_tx(ns, ifname):
    """Frames that XDP returns (XDP_TX) over a veth arrive only if its far end has an XDP program,
    too.

    A NIC sends them like any frame.
    """
    program = load(XDP, [insn(0xB7, 0, imm=2), insn(0x95)])  # XDP_PASS
    with ns:
        link = bpf(
            BPF_LINK_CREATE,
            struct.pack("<IIII", program, socket.if_nametoindex(ifname), ATTACH_XDP, 0),
        )
    os.close(program)
    Cleanup.current().add(lambda: os.close(link))


# ---- scripted partner ----
SENT = []  # every slow protocol frame of uplinkd that a ScriptedPartner received in this run


class ScriptedPort:
    def __init__(self, nic, src, info, timeout):
        self.nic, self.src, self.info, self.timeout = nic, src, info, timeout
        # None: derived from received LACPDUs, as in a simple switch; else these bits
        self.state = None
        self.view = None  # None: as received; else this description of the other side
        self.mute = False
        self.remote = Info()  # actor of the last received LACPDU
        self.received = []  # (time, frame)
        self.next = 0.0

    def frame(self):
        state = self.state
        if state is None:
            state = ACTIVE | AGG | SYNC | self.timeout
            if self.remote.state & SYNC:
                state |= COLLECTING | DISTRIBUTING
        self.info.state = state
        return lacpdu(self.info, self.view or self.remote, self.src)


class ScriptedPartner:
    """An LACP partner at the far ends of uplinks, by interface name.

    Sends every second and after changes, and records all received frames.
    """

    def __init__(
        self, ns, names, system="02:00:00:00:99:01", key=7, interval=0.9, short=True, first_port=1
    ):
        self.interval, self.lock, self.ending = interval, threading.Lock(), False
        self.ports = {}
        for number, name in enumerate(names):
            info = Info(system, key, first_port + number, 0, 32768, 255)
            enable_xdp_tx(ns, name)
            self.ports[name] = ScriptedPort(
                Nic(ns, name), f"02:00:00:00:98:{number:02x}", info, SHORT if short else 0
            )
        self.thread = threading.Thread(target=self._run, daemon=True)
        Cleanup.current().add(self.stop)
        self.thread.start()
        # the switch is another machine, which is not busy
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, self.thread.native_id, -20)

    def __getitem__(self, name):
        return self.ports[name]

    @contextlib.contextmanager
    def change(self, name):
        """`with partner.change("sw0") as port:` sets members of the port; an LACPDU follows
        immediately.
        """
        with self.lock:
            yield self.ports[name]
            self.ports[name].next = 0.0

    def lacpdus_of_uplinkd(self, name, since=0.0):
        """LACPDUs of uplinkd: [(time, actor, partner)]."""
        with self.lock:
            return [
                (at, *sides(f))
                for at, f in self.ports[name].received
                if at >= since and is_lacpdu(f)
            ]

    def frames(self):
        """All slow protocol frames of uplinkd."""
        with self.lock:
            return [f for p in self.ports.values() for _, f in p.received]

    def agreed(self, *names):
        with self.lock:
            return all(
                p.remote.state & IN_USE == IN_USE
                for n, p in self.ports.items()
                if n in (names or self.ports)
            )

    def _receive(self, port):
        for frame in port.nic.frames():
            if frame[12:14] != b"\x88\x09":
                continue
            port.received.append((time.monotonic(), frame))
            if not is_lacpdu(frame):
                continue
            actor, _ = sides(frame)
            if actor.pack() != port.remote.pack():
                port.next = 0.0
            port.remote = actor

    def _run(self):
        while not self.ending:
            with self.lock:
                now = time.monotonic()
                for port in self.ports.values():
                    if now < port.next:
                        continue
                    port.next = now + self.interval
                    if not port.mute:
                        with contextlib.suppress(OSError):
                            port.nic.socket.send(port.frame())
                sleep = min(p.next for p in self.ports.values()) - time.monotonic()
            select.select([p.nic for p in self.ports.values()], [], [], max(0.0, min(sleep, 0.05)))
            with self.lock:
                for port in self.ports.values():
                    self._receive(port)

    def stop(self):
        self.ending = True
        self.thread.join()
        SENT.extend(self.frames())


# ---- Open vSwitch ----
class OvsChannel:
    """An LACP bond of Open vSwitch over the cables of ifnames in ns; a single port for one
    cable.
    """

    def __init__(
        self, ovs, ns, ifnames, name="bond0", lacp="active", rate="fast", trunks=(100,), system=None
    ):
        self.ovs, self.name = ovs, name
        self.members = [ovs.cable(ns, n) for n in ifnames]
        self.cables = dict(zip(ifnames, self.members))
        for member in self.members:
            enable_xdp_tx(ovs.ns, member)
        how = (
            [
                "add-bond",
                "br0",
                name,
                *self.members,
                "bond_mode=balance-tcp",
                "other_config:bond-rebalance-interval=0",
            ]
            if len(ifnames) > 1
            else ["add-port", "br0", self.members[0], "--", "set", "port", self.members[0]]
        )
        if len(ifnames) == 1:
            self.name = self.members[0]
        ovs.vsctl(
            *how,
            f"lacp={lacp}",
            f"other_config:lacp-time={rate}",
            f"trunks={','.join(map(str, trunks))}",
            "vlan_mode=trunk",
            *([f'other_config:lacp-system-id="{system}"'] if system else []),
        )

    def set(self, *words):
        self.ovs.vsctl("set", "port", self.name, *words)

    def _members(self, text):
        return {
            m.split(":")[0].split("\n")[0].strip(): m
            for m in re.split(r"\n(?:member|slave): ", text)[1:]
        }

    def states(self):
        """{member: (actor state, partner state)} as bits."""
        words = {"timeout": "short_timeout", "synchronized": "synchronization"}
        found = {}
        for name, text in self._members(self.ovs.appctl("lacp/show", self.name)).items():
            found[name] = tuple(
                sum(
                    1 << NAMES.index(words.get(w, w))
                    for w in re.search(rf"{side} state:(.*)", text).group(1).split()
                )
                for side in ("actor", "partner")
            )
        return found

    def in_use(self, *members):
        states = self.states()
        return {
            m
            for m, (a, p) in states.items()
            if a & p & IN_USE == IN_USE and not (a | p) & (EXPIRED | DEFAULTED)
        } == set(members or self.members)

    def failures(self):
        """How often the partner expired or was defaulted: {member: (expired, defaulted)}."""
        text = self.ovs.appctl("lacp/show-stats", self.name)
        return {
            m: tuple(
                int(re.search(rf"Link {word}: (\d+)", t).group(1))
                for word in ("Expired", "Defaulted")
            )
            for m, t in self._members(text).items()
        }


# ---- silent loss ----
DROP_ALL = "1,6 0 0 2"
DROP_SLOW = "4,40 0 0 12,21 0 1 34825,6 0 0 2,6 0 0 4294967295"


@contextlib.contextmanager
def silence(ends, everything=False):
    """Loses frames while the carrier stays up: LACP only, or everything.

    ends: [(NetNs, interface)], both of a cable. The loss is on egress, because packet sockets
    precede ingress filters. The qdisc stays, as filters of uplinkd may be in it.
    """
    for ns, name in ends:
        ns.run("tc", "qdisc", "add", "dev", name, "clsact", check=False)
        ns.run(
            "tc",
            "filter",
            "add",
            "dev",
            name,
            "egress",
            "prio",
            "1",
            "protocol",
            "all",
            "bpf",
            "da",
            "bytecode",
            DROP_ALL if everything else DROP_SLOW,
        )
    try:
        yield
    finally:
        for ns, name in ends:
            ns.run("tc", "filter", "del", "dev", name, "egress", "prio", "1")


# ---- maps at the moment of sending ----
class SendWatch:
    """A socket filter on an uplink that runs within send() of the daemon.

    For each LACPDU it reads the flags of the uplink from the data plane and counts the pair.
    counts() is {(collecting, distributing of the LACPDU, receive, send of the map): LACPDUs}.
    """

    MAX_FLAGS = 16

    def __init__(self, daemon, ifname, index, switch="vs"):
        path = ctypes.create_string_buffer(
            str(daemon.bpffs / "uplinkd" / switch / "ul_uplinks").encode()
        )
        uplinks = bpf(BPF_OBJ_GET, struct.pack("<Q", address(path)))
        self.result = bpf(BPF_MAP_CREATE, struct.pack("<IIII", 2, 4, 8, self.MAX_FLAGS))
        program = self._load(index, uplinks)
        with daemon.ns:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program)
        self.socket.bind((ifname, ETH_P_ALL))
        os.close(program)
        os.close(uplinks)
        Cleanup.current().add(self.close)

    def _load(self, index, uplinks):
        out = []  # jumps to the end, patched below
        code = []

        def add(*words, **fields):
            code.append((words, fields))

        def unless(code_, value):
            out.append(len(code))
            add(code_, imm=value)

        add(0xBF, 6, 1)  # r6 = skb
        add(0x61, 0, 6, 4)  # r0 = skb->pkt_type
        unless(0x55, 4)  # PACKET_OUTGOING
        add(0x28, imm=12)  # r0 = EtherType
        unless(0x55, ETH_P_SLOW)
        add(0x30, imm=14)  # r0 = subtype
        unless(0x55, 1)
        add(0x30, imm=32)  # r0 = actor state
        add(0xBF, 7, 0)
        add(0x77, 7, imm=4)
        add(0x57, 7, imm=3)  # r7 = collecting | distributing << 1
        add(0x62, 10, off=-4, imm=index)
        add(0x18, 1, 1, imm=uplinks)
        add(0x00)
        add(0xBF, 2, 10)
        add(0x07, 2, imm=-4)
        add(0x85, imm=1)  # bpf_map_lookup_elem
        unless(0x15, 0)
        add(0x61, 0, 0, 4)  # flags: send, receive
        add(0x57, 0, imm=3)
        add(0x67, 0, imm=2)
        add(0x4F, 7, 0)
        add(0x63, 10, 7, -4)
        add(0x18, 1, 1, imm=self.result)
        add(0x00)
        add(0xBF, 2, 10)
        add(0x07, 2, imm=-4)
        add(0x85, imm=1)
        unless(0x15, 0)
        add(0xB7, 1, imm=1)
        add(0xDB, 0, 1, 0)  # lock *(u64 *)r0 += 1
        end = len(code)
        add(0xB7, 0, imm=0)
        add(0x95)
        for at in out:
            code[at][1]["off"] = end - at - 1
        return load(SOCKET_FILTER, [insn(*w, **f) for w, f in code])

    def counts(self):
        found = {}
        for key in range(self.MAX_FLAGS):
            raw_key, value = ctypes.c_uint32(key), ctypes.c_uint64()
            bpf(
                BPF_MAP_LOOKUP,
                struct.pack(
                    "<IIQQ", self.result, 0, ctypes.addressof(raw_key), ctypes.addressof(value)
                ),
            )
            if value.value:
                found[bool(key & 1), bool(key & 2), bool(key & 8), bool(key & 4)] = value.value
        return found

    def close(self):
        self.socket.close()
        os.close(self.result)


# ---- tshark ----
def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)


def tshark(frames, *fields):
    """One list of field values per frame."""
    path = base.temp_dir() / "frames.pcap"
    write_pcap(path, frames)
    words = [w for f in fields for w in ("-e", f)]
    done = base.run(
        "tshark",
        "-r",
        path,
        "-T",
        "fields",
        "-E",
        "separator=|",
        "-E",
        "occurrence=a",
        *words,
        timeout=60,
    )
    return [line.split("|") for line in done.stdout.splitlines()]


def events(daemon):
    """The events that the daemon stores: [{"number", "time", "switch", "object", "text"}]."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(60 * base.SLOW)
        control.connect(str(daemon.run_dir / "uplinkd.sock"))
        control.sendall(b'{"method": "io.uplinkd.Events"}\0')
        answer = b""
        while not answer.endswith(b"\0"):
            answer += control.recv(65536)
    return json.loads(answer[:-1])["parameters"]["events"]


def event_time(daemon, text, which=0, after=0):
    """Time of the first (or last: -1) event with this text, when there is one after this time.

    The maps show a change before its event is stored.
    """

    def time_of():
        found = [e["time"] for e in events(daemon) if text in e["text"]]
        return found and found[which] > after and found[which]

    return base.wait_until(time_of, 30, lambda: f"event {text!r}: {events(daemon)}")


class Flood:
    """tools/flood.c: frames at full speed out of an interface; stop() returns their number."""

    def __init__(self, ns, ifname, frames, random_sources=False):
        options = ["random-sources"] if random_sources else []
        self.process = base.spawn(
            ns.command(base.BUILD / "tests/tools/flood", ifname, *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.process.stdin.write("".join(f.hex() + "\n" for f in frames) + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        return json.loads(self.process.stdout.readline())["sent"]


class Monitor:
    """`uplinkctl monitor` in the background; lines() is its output so far."""

    def __init__(self, daemon, *options):
        self.path = base.temp_dir() / "monitor"
        with open(self.path, "wb") as file:
            self.process = base.spawn(
                daemon.ns.command(
                    base.BUILD / "uplinkctl",
                    "--run-dir",
                    daemon.run_dir,
                    "--bpffs",
                    daemon.bpffs,
                    *options,
                    "monitor",
                ),
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def lines(self):
        return self.path.read_text().splitlines()
