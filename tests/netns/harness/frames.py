# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Builders of whole Ethernet frames, compared byte by byte at the receiver."""
import ipaddress
import struct

ETH_IP, ETH_IPV6, ETH_ARP, ETH_RARP = 0x0800, 0x86DD, 0x0806, 0x8035
CTAG, STAG = 0x8100, 0x88A8
BROADCAST = "ff:ff:ff:ff:ff:ff"
MULTICAST = "01:00:5e:01:02:03"
STP = "01:80:c2:00:00:00"
PVST = "01:00:0c:cc:cc:cd"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(raw):
    return ":".join(f"{b:02x}" for b in raw)


def tag(vid, pcp=0, tpid=CTAG):
    return (tpid, pcp << 13 | vid)


def eth(dst, src, ethertype, payload, tags=()):
    """tags: outermost first, as made by tag(). Pads to 60 bytes (64 with one tag, and so on)."""
    head = mac(dst) + mac(src) + b"".join(struct.pack("!HH", *t) for t in tags)
    frame = head + struct.pack("!H", ethertype) + payload
    return frame.ljust(60 + 4 * len(tags), b"\0")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(src, dst, protocol, payload, ident=1, fragment=0):
    """fragment: the 16 bits of flags and offset."""
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(payload),
        ident,
        fragment,
        64,
        protocol,
        0,
        ipaddress.IPv4Address(src).packed,
        ipaddress.IPv4Address(dst).packed,
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, next_header, payload):
    return (
        struct.pack(
            "!IHBB16s16s",
            6 << 28,
            len(payload),
            next_header,
            64,
            ipaddress.IPv6Address(src).packed,
            ipaddress.IPv6Address(dst).packed,
        )
        + payload
    )


def udp(sport, dport, data):
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def udp4(dst, src, ip_src, ip_dst, data=b"", tags=(), sport=1000, dport=2000, ident=1):
    return eth(dst, src, ETH_IP, ipv4(ip_src, ip_dst, 17, udp(sport, dport, data), ident), tags)


def udp6(dst, src, ip_src, ip_dst, data=b"", tags=()):
    return eth(dst, src, ETH_IPV6, ipv6(ip_src, ip_dst, 17, udp(1000, 2000, data)), tags)


def arp_request(src, ip_src, ip_dst, dst=BROADCAST, tags=()):
    return eth(
        dst,
        src,
        ETH_ARP,
        struct.pack(
            "!HHBBH6s4s6s4s",
            1,
            ETH_IP,
            6,
            4,
            1,
            mac(src),
            ipaddress.IPv4Address(ip_src).packed,
            bytes(6),
            ipaddress.IPv4Address(ip_dst).packed,
        ),
        tags,
    )


def notify_rarp(src, tags=()):
    """RARP frame of 'notify switches' after a port moved: 60 bytes, 64 where the group has a
    VLAN.
    """
    return eth(
        BROADCAST,
        src,
        ETH_RARP,
        struct.pack("!HHBBH6s4s6s4s", 1, ETH_IP, 6, 4, 3, mac(src), bytes(4), mac(src), bytes(4)),
        tags,
    )


def describe(frame):
    """One line about a frame for the report of a failing test."""
    at, tags = 12, []
    while at + 4 <= len(frame) and frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        tci = struct.unpack("!H", frame[at + 2 : at + 4])[0]
        tags.append(f"{'S' if frame[at] == 0x88 else 'C'}{tci & 0xFFF}p{tci >> 13}")
        at += 4
    return f"{mac_text(frame[6:12])}>{mac_text(frame[:6])} [{' '.join(tags)}] {frame[at:at + 2].hex()} {frame[at + 2:at + 40].hex()} ({len(frame)} bytes)"
