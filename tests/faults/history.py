# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Paths of the thread that writes the history: what was recorded stays, whatever its files met.

The action is a reload without a difference, which is one record. Each path arranges the files
before it; the thread notices that its file was replaced and opens it again.
"""
import json
import os
import zlib

from harness.base import wait_until
from kinds import Request
from rig import State

HEADER = b"uplinkd-history 1\n"
FULL = 10000  # records of a file
NAMES = ("history.1", "history")


def line(number, record):
    text = f"{number} {json.dumps(record)}".encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def parse(content):
    """{number: object} of the valid lines."""
    found = {}
    for entry in content.split(b"\n")[1:]:
        checksum, _, text = entry.partition(b" ")
        if text and checksum == b"%08x" % zlib.crc32(text):
            number, _, record = text.partition(b" ")
            found[int(number)] = json.loads(record)
    return found


class Files:
    """The files in the state directory of a daemon."""

    def __init__(self, daemon):
        self.folder = daemon.run_dir / "state"

    def content(self, name="history"):
        path = self.folder / name
        return path.read_bytes() if path.exists() else b""

    def records(self):
        return {n: r for name in NAMES for n, r in parse(self.content(name)).items()}

    def has_reload_after(self, number):
        tail = self.content()[-4096:]
        return any(n > number and r["code"] == "reloaded" for n, r in parse(b"\n" + tail).items())

    def others(self):
        return {p.name for p in self.folder.glob("history*")} - set(NAMES)

    def replace(self, content):
        """content: of the file; None: there is none."""
        for path in self.folder.glob("history*"):
            if path.name != "history" or content is None:
                path.unlink()
        if content is not None:
            (self.folder / "next").write_bytes(content)
            (self.folder / "next").rename(self.folder / "history")


class Append(Request):
    name = "history-append"
    help = "a record is appended to the history"
    thread = "uplinkd/history"
    before = after = State()
    method, parameters = "Reload", {}
    damaged = frozenset()  # files that are kept aside

    def prepare(self, rig):
        rig.ensure(self.before)

    def before_action(self, rig):
        self.files = Files(rig.daemon)
        self.files.replace(self.arranged(self.files.content()))
        self.known = self.files.records()
        self.last = max(self.known, default=0)
        self.failures = self.status(rig)["failures"]

    def arranged(self, content):
        return content

    @staticmethod
    def status(rig):
        return rig.daemon.call("Status")[1]["history"]

    def after_reply(self, rig):
        """Until the record is in the file and the thread knows that it is."""

        def is_recorded():
            if rig.daemon.process.poll() is not None:
                return True
            try:
                return self.files.has_reload_after(self.last) and self.status(rig)["error"] is None
            except OSError:
                return False

        wait_until(is_recorded, 40, lambda: f"{self.files.content()[-400:]}\n{rig.daemon.log()}")

    def verify(self, rig, state, number=0):
        if not number:
            wait_until(
                lambda: any(r["code"] == "daemon" for r in self.new_records().values()),
                30,
                lambda: f"the start to be recorded: {self.new_records()}\n{rig.daemon.log()}",
            )
        bad, records = [], self.files.records()
        lost = {n for n, r in self.known.items() if records.get(n) != r}
        if lost:
            bad.append(f"{len(lost)} records are lost: {sorted(lost)[:5]}")
        new = sorted(self.new_records())
        if new != list(range(new[0], new[0] + len(new))):
            bad.append(f"the numbers have gaps: {new}")
        codes = [r["code"] for r in self.new_records().values()]
        # a start records its configuration, too
        if codes.count("reloaded") not in ((1,) if number else (1, 2)):
            bad.append(f"the reload is recorded {codes.count('reloaded')} times: {codes}")
        if self.files.others() != self.damaged:
            bad.append(f"files {sorted(self.files.others())}, not {sorted(self.damaged)}")
        if number and self.status(rig)["failures"] > self.failures:
            if os.strerror(number) not in rig.daemon.log():
                bad.append("the failure is not reported with its reason")
        return bad

    def new_records(self):
        return {n: r for n, r in self.files.records().items() if n > self.last}


class Rotation(Append):
    name = "history-rotation"
    help = "the file of the history is full"

    def arranged(self, content):
        record = {"time": 1, "switch": "vs", "code": "other", "object": "x", "text": "y"}
        first = max(parse(content), default=0) + 1
        return HEADER + b"".join(line(first + i, record) for i in range(FULL))


class Repair(Append):
    name = "history-repair"
    help = "the history has a damaged line and an unfinished one"
    damaged = frozenset({"history.damaged"})

    def arranged(self, content):
        return content + b"00000000 7 damaged\n" + b"01234567 9 unfinished"


class Creation(Append):
    name = "history-creation"
    help = "the history is missing"

    def arranged(self, content):
        return None
