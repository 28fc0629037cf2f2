# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Varlink's interface language, as far as uplinkd uses it: replies are compared with their types."""
import json
import re
import socket

from . import base

WORD = re.compile(r"\s*(\[string\]|\[\]|->|[?():,]|[A-Za-z_][A-Za-z0-9_]*)")
PLAIN = {
    "bool": lambda v: isinstance(v, bool),
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "object": lambda v: isinstance(v, dict),
}


class Interface:
    """types, methods: {name: (type, ...)}; a type is a nested tuple."""

    def __init__(self, description):
        lines = [line.split("#", 1)[0] for line in description.splitlines()]
        text = "\n".join(lines)
        header = re.match(r"\s*interface\s+([a-z.]+)", text)
        self.name, self.words, at = header[1], [], header.end()
        while text[at:].strip():
            found = WORD.match(text, at)
            assert found, f"not Varlink: {text[at:at + 60]!r}"
            self.words.append(found[1])
            at = found.end()
        self.types, self.methods, self.errors = {}, {}, {}
        while self.words:
            self._statement()
        known = set(self.types) | set(PLAIN)
        for name in self._used(list(self.types.values()) + list(self.methods.values())):
            assert name in known, f"type {name} is not described"

    def _take(self, expected=None):
        word = self.words.pop(0)
        assert expected in (None, word), f"{word} in place of {expected}"
        return word

    def _statement(self):
        kind, name = self._take(), self._take()
        table = {"type": self.types, "method": self.methods, "error": self.errors}[kind]
        assert name not in table, f"{name} is described twice"
        value = self._struct()
        if kind == "method":
            self._take("->")
            value = (value, self._struct())
        table[name] = value

    def _struct(self):
        members = {}
        self._take("(")
        while self.words[0] != ")":
            if members:
                self._take(",")
            name = self._take()
            assert name not in members, f"member {name} is described twice"
            self._take(":")
            members[name] = self._type()
        self._take(")")
        return ("struct", members)

    def _type(self):
        if self.words[0] in ("?", "[]", "[string]"):
            return (self._take(), self._type())
        return self._struct() if self.words[0] == "(" else ("name", self._take())

    def _used(self, value):
        if isinstance(value, tuple) and value[0] == "name":
            return {value[1]}
        if isinstance(value, dict):
            value = list(value.values())
        if not isinstance(value, (tuple, list)):
            return set()
        return set().union(*(self._used(part) for part in value))

    # ---- values ----
    def mistakes(self, kind, value, path=""):
        """What of the value does not have the type, as texts."""
        what, rest = kind
        if what == "?":
            return [] if value is None else self.mistakes(rest, value, path)
        if what == "name":
            if rest in PLAIN:
                return [] if PLAIN[rest](value) else [f"{path}: {value!r} is no {rest}"]
            return self.mistakes(self.types[rest], value, path)
        if what in ("[]", "[string]"):
            items = list(enumerate(value)) if what == "[]" else list(value.items())
            return [m for k, v in items for m in self.mistakes(rest, v, f"{path}[{k}]")]
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        found = [f"{path}.{k}: is not described" for k in value if k not in rest]
        for key, member in rest.items():
            if key in value or member[0] != "?":
                found += self.mistakes(member, value.get(key), f"{path}.{key}")
        return found

    def check_reply(self, method, value):
        found = self.mistakes(self.methods[method][1], value, method)
        assert not found, "\n".join(found[:20])


def _service_call(daemon, method, **parameters):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as control:
        control.settimeout(30 * base.SLOW)
        control.connect(str(daemon.run_dir / "uplinkd.sock"))
        control.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
        reply = b""
        while not reply.endswith(b"\0"):
            reply += control.recv(65536)
    return json.loads(reply[:-1])["parameters"]


def interface_of(daemon):
    reply = _service_call(
        daemon, "org.varlink.service.GetInterfaceDescription", interface="io.uplinkd"
    )
    return Interface(reply["description"])
