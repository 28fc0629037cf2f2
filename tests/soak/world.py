# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The bed of the soak: interfaces that come and go, far ends where every frame is seen, and the
partner of the channel.
"""
import collections
import os
import re
from pathlib import Path

from harness.bed import port_mac
from harness.capture import Nic
from harness.daemon import Uplinkd
from harness.lacp import ScriptedPartner
from harness.netns import NetNs, veths
from harness.settings import settings_of
from harness.taps import Tap
from intent import BRIDGE, PORTS, UPLINKS, Intent, far_end

MAGIC = b"SOAK"
MARK = re.compile(rb"SOAK(....)", re.DOTALL)
KEPT_LACPDUS = 100
LOG_LINE = re.compile(r"<(\d)>(.*)")


class World:
    def __init__(self):
        self.hv, self.far = NetNs("hv"), NetNs("world")
        self.observers = {}
        self.cables = [u for u in UPLINKS["va"]]
        veths([(self.hv, u, self.far, far_end(u), None, None, 2000) for u in self.cables])
        self.taps = {u: Tap(self.hv, u, mtu=2000) for u in UPLINKS["vb"]}
        self.observers.update(self.taps)
        for uplink in self.cables:
            self._observe(far_end(uplink))
        self.before = {}  # settings of each interface without uplinkd
        for number in range(PORTS):
            self.plug(number)
        self.partner = ScriptedPartner(self.far, [far_end(u) for u in self.cables])
        self.intent = Intent()
        for uplink in [*self.cables, *self.taps]:
            self.before[uplink] = self._settings(uplink)
        self.daemon = Uplinkd(self.hv, self.intent.config(), log_level="info")
        self.seen = collections.defaultdict(collections.Counter)  # mark -> (observer, frame)
        self.log_at = 0
        self.lives = 0

    def _observe(self, name):
        self.observers[name] = Nic(self.far, name)

    # ---- interfaces ----
    def _settings(self, name):
        """Without the state of a port: uplinkd sees a new one before this process sets it up."""
        settings = settings_of(self.hv, name)
        if name.startswith("p"):
            settings["flags"] = [flag for flag in settings["flags"] if flag != "UP"]
        return settings

    def plug(self, number):
        veths([(self.hv, f"p{number}", self.far, f"m{number}", None, port_mac(number), 1500)])
        self._observe(f"m{number}")
        self.before[f"p{number}"] = self._settings(f"p{number}")

    def unplug(self, number):
        self.collect()
        del self.before[f"p{number}"]
        self.observers.pop(f"m{number}").close()
        self.hv.ip("link", "del", f"p{number}")

    def enslave(self, number):
        self.hv.ip("link", "set", f"p{number}", "master", BRIDGE)

    def release(self, number):
        self.hv.ip("link", "set", f"p{number}", "nomaster")

    def set_carrier(self, uplink, on):
        if uplink in self.taps:
            self.taps[uplink].set_carrier(on)
        else:
            self.far.up(far_end(uplink), on)
            self.collect()  # also the error that the socket reports once

    # ---- frames ----
    def send(self, observer, frame):
        self.observers[observer].send(frame)

    def collect(self):
        """Reads all far ends; frames with a mark are kept in `seen`."""
        for name, nic in list(self.observers.items()):
            for frame in nic.frames():
                found = MARK.search(frame)
                if found:
                    self.seen[found[1]][name, frame] += 1
        for uplink in self.cables:  # the partner records everything
            port = self.partner[far_end(uplink)]
            with self.partner.lock:
                del port.received[:-KEPT_LACPDUS]

    # ---- daemon ----
    def start(self):
        self.daemon.start()
        self.lives += 1

    def end(self):
        """Teardown; returns what it leaves."""
        self.daemon.teardown()
        left = [f"{path} is left" for path in self.daemon.bpffs.glob("uplinkd*")]
        for name, before in self.before.items():
            now = self._settings(name)
            left += [f"{name}: {k}: {before[k]}, now {now[k]}" for k in now if now[k] != before[k]]
        return left

    def request(self, method, **parameters):
        succeeded, answer = self.daemon.call(method, **parameters)
        assert succeeded, f"{method} {parameters}: {answer}"
        return answer

    def apply(self, intent):
        """The file and the daemon get this intent."""
        self.daemon.write(intent.config())
        self.request("Reload")

    def process_figures(self):
        """(resident KiB, descriptors by kind, threads)"""
        proc = Path(f"/proc/{self.daemon.process.pid}")
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
        )
        return (
            int(status["VmRSS"].split()[0]),
            collections.Counter(self.kind_of(path) for path in (proc / "fd").iterdir()),
            int(status["Threads"]),
        )

    @staticmethod
    def kind_of(path):
        """Of an entry of /proc/PID/fd, without numbers of sockets and programs."""
        try:
            return re.sub(r"^(socket|pipe):.*", r"\1", os.readlink(path))
        except OSError:
            return "closed meanwhile"

    def new_log_lines(self):
        """[(level, text)] since the last call."""
        with open(self.daemon.log_path, "rb") as log:
            log.seek(self.log_at)
            data = log.read()
        end = data.rfind(b"\n") + 1
        self.log_at += end
        text = data[:end].decode(errors="replace")
        found = []
        for line in text.splitlines():
            parts = LOG_LINE.match(line)
            found.append((int(parts[1]), parts[2]) if parts else (3, line))
        return found
