# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The C traffic generator (tools/pktgen.c) as an object; see there for phases and cuts."""
import json
import subprocess

from . import base
from .base import BUILD
from .features import programs_see_carrier
from .taps import Tap


def paced(rate):
    """The rate that a machine UL_SLOW times slower carries, with generator, receiver and switches.

    A test that states a figure uses the unchanged rate.
    """
    return rate if base.SLOW == 1 else int(rate / (2 * base.SLOW))


RATE = paced(10000)


class Traffic:
    """Numbered UDP frames from tx to the receivers rx, until stop().

    Ends: (name, NetNs, interface) or a Tap.
    """

    def __init__(
        self,
        tx,
        rx,
        rate=RATE,
        flows=64,
        size=100,
        src_mac="02:00:00:00:00:01",
        dst_mac="02:00:00:00:00:02",
        src="10.0.0.1",
        dst="10.0.1.0",
        vlan=None,
    ):
        self._fds = []
        arguments = ["--tx", self._end(tx)]
        for end in rx:
            arguments += ["--rx", self._end(end)]
        arguments += [
            "--rate",
            rate,
            "--flows",
            flows,
            "--size",
            size,
            "--src-mac",
            src_mac,
            "--dst-mac",
            dst_mac,
            "--src",
            src,
            "--dst",
            dst,
        ]
        if vlan is not None:
            arguments += ["--vlan", vlan]
        self.names = [e.ifname if isinstance(e, Tap) else e[0] for e in rx]
        self.process = base.spawn(
            [BUILD / "tests/tools/pktgen", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=self._fds,
        )

    def _end(self, end):
        if isinstance(end, Tap):
            self._fds.append(end.fd)
            return f"{end.ifname}=fd:{end.fd}"
        name, ns, ifname = end
        return f"{name}=ns:{ns.path}:{ifname}"

    def command(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"pktgen ended, exit status {self.process.wait()}"
        return json.loads(line)

    def _request(self, *words):
        answer = self.command(*words)
        assert answer["ok"], f"{words}: {answer}"
        return answer

    def flow(self, frames=1000):
        """Returns when this many more frames have arrived."""
        return self._request("wait", max(10, int(frames / base.SLOW)))

    def mark(self):
        return self._request("mark")

    def check(self):
        """Figures of the frames since the last check; a long run is judged piece by piece."""
        return Phase(self.command("check"), self.names)

    def skip(self):
        """The next check() judges only frames sent from now on."""
        return self._request("skip")

    def cut(self, name):
        return self._request("cut", name)

    def restore(self, name):
        return self._request("restore", name)

    def stop(self):
        return Figures(self.command("stop"), self.names)


class Phase:
    def __init__(self, raw, names):
        self.__dict__.update(raw)
        self._names = names

    def ends_of(self, flow):
        return {n for i, n in enumerate(self._names) if self.flows[flow] >> i & 1}

    def paths(self):
        """flow -> set of the ends where it arrived; flows without a frame in this phase are left
        out.
        """
        return {f: self.ends_of(f) for f, mask in enumerate(self.flows) if mask}

    def outage(self):
        """Frames from the beginning of the phase to the last one that was lost."""
        return self.last_lost + 1 - self.first if self.lost else 0

    def __repr__(self):
        return (
            f"{self.kind} {self.name}: sent {self.sent} lost {self.lost} ({self.first_lost}-{self.last_lost}) duplicates {self.duplicates} "
            f"reordered {self.reordered} longest gap {self.longest_gap_ms} ms, {self.ends}"
        )


class Figures:
    def __init__(self, raw, names):
        self.sent, self.arrived, self.tx_errors, self.rate = (
            raw["sent"],
            raw["arrived"],
            raw["tx_errors"],
            raw["rate"],
        )
        self.phases = [Phase(p, names) for p in raw["phases"]]

    def phase(self, kind, number=0):
        return [p for p in self.phases if p.kind == kind][number]

    def assert_clean(self, what="", but=()):
        """Nothing lost, doubled or out of order in any phase whose kind is not in but."""
        assert (
            self.sent and not self.tx_errors
        ), f"{what}: sent {self.sent}, {self.tx_errors} errors"
        for phase in self.phases:
            if phase.kind not in but:
                assert (phase.lost, phase.duplicates, phase.reordered) == (
                    0,
                    0,
                    0,
                ), f"{what}: {self}"

    def assert_outage(self, dead, number=0, before=None, rate=RATE):
        """Judges the loss of one cut; `before` (default: the first phase) gives the flows per
        uplink.

        Flows of other uplinks lose nothing; flows of the dead uplink lose only frames in flight.
        After the kernel has confirmed the cut, nothing is lost where programs read carriers, else
        the frames of a tenth of a second: the daemon polls every 10 ms.
        """
        using = {f for f, ends in (before or self.phases[0]).paths().items() if dead in ends}
        cutting, cut = self.phase("cutting", number), self.phase("cut", number)
        for phase in (cutting, cut):
            others = set(phase.lost_flows) - using
            assert (
                not others
            ), f"flows {sorted(others)} did not use {dead}, but lost frames in '{phase.kind}'\n{self}"
            assert phase.duplicates == 0, self
        allowed = 0 if programs_see_carrier() else 0.1 * base.SLOW * rate
        assert (
            cut.outage() <= allowed
        ), f"{cut.outage()} frames until the loss ended, {allowed:g} allowed\n{self}"

    def __repr__(self):
        return f"sent {self.sent} arrived {self.arrived} at {self.rate:.0f}/s\n  " + "\n  ".join(
            map(repr, self.phases)
        )
