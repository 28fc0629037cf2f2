# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Pinned maps as another version of uplinkd would have left them."""
import json
import struct

from .base import run


def another(value):
    return value ^ 0x7FFF


def change_word(bpffs, name, at, change, switch="vs"):
    """Replaces the 32-bit word at an offset of a map's first entry by change(former value), which
    it returns.
    """
    pin = ("pinned", bpffs / "uplinkd" / switch / name, "key", 0, 0, 0, 0)
    entry = json.loads(run("bpftool", "-j", "map", "lookup", *pin).stdout)
    value = bytearray(int(byte, 16) for byte in entry["value"])
    former = struct.unpack_from("I", value, at)[0]
    struct.pack_into("I", value, at, change(former))
    run("bpftool", "map", "update", *pin, "value", *value)
    return former


def set_meta(bpffs, field, change=another, switch="vs"):
    """Replaces a 32-bit field of ul_meta, found by the map's BTF, by change(former value)."""
    pin = ("map", "pinned", bpffs / "uplinkd" / switch / "ul_meta")
    types = json.loads(run("bpftool", "-j", "btf", "dump", *pin, "value").stdout)["types"]
    members = next(t["members"] for t in types if t["name"] == "ul_meta")
    at = next(m["bits_offset"] // 8 for m in members if m["name"] == field)
    change_word(bpffs, "ul_meta", at, change, switch)
