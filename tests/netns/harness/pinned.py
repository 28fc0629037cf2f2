# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Pinned maps as another version of uplinkd would have left them."""
import json
import struct

from .base import run


def another(value):
    return value ^ 0x7FFF


def set_meta(bpffs, field, change=another, switch="vs"):
    """Replaces a 32-bit field of ul_meta, found by the map's BTF, by change(former value)."""
    pin = ("map", "pinned", bpffs / "uplinkd" / switch / "ul_meta")
    types = json.loads(run("bpftool", "-j", "btf", "dump", *pin, "value").stdout)["types"]
    members = next(t["members"] for t in types if t["name"] == "ul_meta")
    at = next(m["bits_offset"] // 8 for m in members if m["name"] == field)
    key = ("key", 0, 0, 0, 0)
    entry = json.loads(run("bpftool", "-j", "map", "lookup", *pin[1:], *key).stdout)
    value = bytearray(int(byte, 16) for byte in entry["value"])
    former = struct.unpack_from("I", value, at)[0]
    struct.pack_into("I", value, at, change(former))
    run("bpftool", "map", "update", *pin[1:], *key, "value", *value)
