# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""PAgP for the tests: PDUs, a scripted partner that behaves as a switch, and its bed."""
import contextlib
import select
import struct
import threading
import time

from .base import Cleanup, wait_until
from .bed import Bed, outside_mac, port_mac, switch
from .capture import Nic
from .frames import eth, mac, mac_text
from .traffic import Traffic, paced

GROUP = "01:00:0c:cc:cc:cc"
SNAP = b"\xaa\xaa\x03\x00\x00\x0c\x01\x04"
SLOW, AUTO, CONSISTENT = 1, 2, 4
SIDE = struct.Struct("!6sBBIII")
CAPABILITY = 0x00010001
SWITCH_GROUP = 29


class Side:
    """One side of a link, as in an information PDU."""

    def __init__(self, device="00:00:00:00:00:00", port=0, capability=0, group=0, learn=0):
        self.device, self.port, self.capability = device, port, capability
        self.group, self.learn, self.priority = group, learn, 128 if port else 0

    def pack(self):
        return SIDE.pack(
            mac(self.device), self.learn, self.priority, self.port, self.capability, self.group
        )

    @classmethod
    def unpack(cls, raw):
        device, learn, priority, port, capability, group = SIDE.unpack(raw)
        side = cls(mac_text(device), port, capability, group, learn)
        side.priority = priority
        return side

    def identity(self):
        return self.device, self.port, self.capability, self.group

    def __repr__(self):
        return f"{self.device} port {self.port} group {self.group} capability {self.capability:#x}"


class Pdu:
    def __init__(self, flags, local, partner, count):
        self.flags, self.local, self.partner, self.count = flags, local, partner, count

    def frame(self, src, n_tlvs=0, tlvs=b""):
        body = struct.pack("!BB", 1, self.flags) + self.local.pack() + self.partner.pack()
        body += struct.pack("!HH", self.count, n_tlvs) + tlvs
        return eth(GROUP, src, len(SNAP + body), SNAP + body)

    @classmethod
    def parse(cls, frame):
        """None: no information PDU."""
        if frame[:6] != mac(GROUP) or frame[14:22] != SNAP or frame[22] != 1:
            return None
        pdu = frame[22:]
        return cls(
            pdu[1],
            Side.unpack(pdu[2:22]),
            Side.unpack(pdu[22:42]),
            struct.unpack("!H", pdu[42:44])[0],
        )


def flush(src, local, partner, transaction):
    body = struct.pack("!BB6s6sI", 2, 0, mac(local), mac(partner), transaction)
    return eth(GROUP, src, len(SNAP + body), SNAP + body)


class ScriptedPort:
    def __init__(self, nic, src, local):
        self.nic, self.src, self.local = nic, src, local
        self.mute = False
        self.flags = None  # None: as a switch would set them
        self.group = None  # likewise
        self.view = None  # None: as received; else this description of the other side
        self.count = None
        self.heard = None  # the last PDU of uplinkd
        self.heard_at = 0.0
        self.received = []  # (time, Pdu)
        self.frames = []
        self.sent_at = 0.0  # not after the last PDU was sent
        self.next = 0.0

    def is_seen(self):
        return self.heard and self.heard.partner.identity()[:2] == self.local.identity()[:2]

    def is_consistent(self):
        return bool(
            self.local.group
            and self.heard
            and self.heard.partner.identity() == self.local.identity()
        )

    def pdu(self, slow, auto):
        self.local.group = self.group
        if self.group is None:
            self.local.group = SWITCH_GROUP if self.is_seen() and self.heard.local.group else 0
        flags = self.flags
        if flags is None:
            both = self.is_consistent() and self.heard.flags & CONSISTENT
            flags = (CONSISTENT if self.is_consistent() else 0) | (SLOW if slow and both else 0)
        remote = self.view or (self.heard.local if self.heard else Side())
        count = self.count if self.count is not None else 1 if self.heard else 0
        return Pdu(flags | (AUTO if auto else 0), self.local, remote, count)


class PagpPartner:
    """A PAgP partner at the far ends of uplinks, by interface name: sends every second, or every
    30 s when slow and agreed, and after changes; records all PDUs.
    """

    def __init__(self, ns, names, device="00:0a:8a:45:43:60", slow=False, auto=False, learn=2):
        self.slow, self.auto, self.device = slow, auto, device
        self.lock, self.ending = threading.Lock(), False
        self.ports = {}
        for number, name in enumerate(names):
            local = Side(device, 101 + number, CAPABILITY, 0, learn)
            self.ports[name] = ScriptedPort(Nic(ns, name), f"02:00:00:00:98:{number:02x}", local)
        self.thread = threading.Thread(target=self._run, daemon=True)
        Cleanup.current().add(self.stop)
        self.thread.start()

    def __getitem__(self, name):
        return self.ports[name]

    @contextlib.contextmanager
    def change(self, name):
        with self.lock:
            yield self.ports[name]
            self.ports[name].next = 0.0

    def pdus(self, name, since=0.0):
        with self.lock:
            return [(at, pdu) for at, pdu in self.ports[name].received if at >= since]

    def frames(self):
        with self.lock:
            return [f for port in self.ports.values() for f in port.frames]

    def _may_send(self, port):
        return not port.mute and (not self.auto or (port.heard and not port.heard.flags & AUTO))

    def _receive(self, port):
        for frame in port.nic.frames():
            pdu = Pdu.parse(frame)
            if frame[:6] == mac(GROUP):
                port.frames.append(frame)
            if not pdu:
                continue
            now = time.monotonic()
            port.received.append((now, pdu))
            old, port.heard, port.heard_at = port.heard, pdu, now
            if not old or old.frame(port.src) != pdu.frame(port.src):
                port.next = 0.0

    def _expire(self, port, now):
        if port.heard and now - port.heard_at > (105 if port.heard.flags & SLOW else 3.5):
            port.heard, port.next = None, 0.0

    def _run(self):
        while not self.ending:
            with self.lock:
                now = time.monotonic()
                for port in self.ports.values():
                    self._expire(port, now)
                    if now < port.next:
                        continue
                    pdu = port.pdu(self.slow, self.auto)
                    port.next = now + (30 if pdu.flags & SLOW else 1)
                    if self._may_send(port):
                        with contextlib.suppress(OSError):
                            port.nic.socket.send(pdu.frame(port.src))
                            port.sent_at = now
            select.select([p.nic for p in self.ports.values()], [], [], 0.05)
            with self.lock:
                for port in self.ports.values():
                    self._receive(port)

    def stop(self):
        self.ending = True
        self.thread.join()


def pagp_switch(uplinks, mode="desirable", fallback="none", **more):
    return switch(
        "vs",
        uplinks,
        [("prod", 100, [0])],
        channel="pagp",
        pagp={"mode": mode, "fallback": fallback},
        **{key.replace("_", "-"): value for key, value in more.items()},
    )


def ports_of(daemon):
    return {port["uplink"]: port for port in daemon.json("show", "pagp")}


def states(daemon):
    return {name: port["state"] for name, port in ports_of(daemon).items()}


def usable(daemon):
    return {u["name"] for u in daemon.json("show", "uplinks") if u["usable"]}


class PagpBed:
    """uplinkd over n uplinks to a scripted partner, which does not send on mute ones."""

    def __init__(self, n=2, slow=False, auto=False, learn=2, mute=(), **config):
        self.bed = Bed(n_uplinks=n, n_ports=1)
        self.names = list(self.bed.uplink_names)
        self.far = {name: name.replace("eth", "sw") for name in self.names}
        self.partner = PagpPartner(
            self.bed.world, self.far.values(), slow=slow, auto=auto, learn=learn
        )
        for name in mute:
            self.partner[self.far[name]].mute = True
        self.config = config
        self.daemon = self.bed.start([pagp_switch(self.names, **config)])

    def reconfigure(self, **changes):
        self.config.update(changes)
        self.daemon.write({"switches": [pagp_switch(self.names, **self.config)]})
        self.daemon.ctl("reload")

    def change(self, name):
        return self.partner.change(self.far[name])

    def explain(self):
        return f"{self.daemon.ctl('show', 'pagp').stdout}\n{self.daemon.log()}"

    def wait(self, *names, deadline=30):
        """Exactly these uplinks, or all, are usable."""
        wait_until(lambda: usable(self.daemon) == set(names or self.names), deadline, self.explain)
        return self

    def pdus(self, name, since=0.0):
        return self.partner.pdus(self.far[name], since)

    def traffic(self, **more):
        return Traffic(
            self.bed.tx("m0"),
            self.bed.rx_uplinks(),
            rate=paced(5000),
            flows=64,
            src_mac=port_mac(0),
            dst_mac=outside_mac(5),
            **more,
        )
