# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""capture: the frames of ports and uplinks, also those that XDP redirects; the data plane does not
change.
"""
import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness.base import BUILD, SLOW, run, spawn, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.frames import tag, udp4

VLAN = 100


@pytest.fixture
def bed():
    """Port p0 receives by XDP."""
    bed = Bed(n_uplinks=2, n_ports=2, gro_ports=(0,))
    bed.start([switch("vs", bed.uplink_names, [("prod", VLAN, [0, 1])])])
    bed.usable(*bed.uplink_names)
    bed.confirm(0, 1)
    bed.listen("m0", "m1", "sw0", "sw1")
    return bed


def to_p0(number=1):
    """A frame from outside."""
    return udp4(
        port_mac(0), outside_mac(0), "192.0.2.200", "192.0.2.1", sport=number, tags=(tag(VLAN),)
    )


def from_m0(number=1, data=b""):
    return udp4(outside_mac(0), port_mac(0), "192.0.2.1", "192.0.2.200", data, sport=number)


def arrives(bed):
    wait_until(lambda: bed.nic("m0").frames(), 30, bed.daemon.counters_text)


def leaves(bed):
    wait_until(lambda: any(n.frames() for n in bed.far_uplinks()), 30, bed.daemon.counters_text)


def command(bed, *options):
    program = [BUILD / "uplinkctl", "--run-dir", bed.daemon.run_dir, "--bpffs", bed.daemon.bpffs]
    return bed.hv.command(*program, "capture", *options)


class Capture:
    """uplinkctl capture in the background, observing when the constructor returns."""

    def __init__(self, bed, *options):
        self.out, self.err = (bed.daemon.dir / f"{options[0]}.{n}" for n in ("out", "err"))
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = spawn(command(bed, *options), stdout=out, stderr=err)
        wait_until(lambda: "capturing" in self.err.read_text(), 30, self.err.read_text)

    def lines(self):
        return self.out.read_text().splitlines()

    def has(self, *words):
        wait_until(
            lambda: any(all(w in line for w in words) for line in self.lines()),
            30,
            lambda: f"{words}: {self.lines()} {self.err.read_text()}",
        )

    def needs_tracing(self):
        """A kernel that refuses tracing programs to root; all others must load them."""
        notes = self.err.read_text()
        if "Operation not permitted" in notes:
            pytest.skip("the kernel permits no tracing programs (fentry)")
        assert "not shown" not in notes, notes

    def wait(self):
        self.process.wait(60 * SLOW)
        return self.err.read_text()

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.wait()

    def programs(self):
        """The ids of the programs that the process has loaded."""
        folder = Path(f"/proc/{self.process.pid}/fdinfo")
        found = [re.search(r"^prog_id:\t(\d+)$", p.read_text(), re.M) for p in folder.iterdir()]
        return {int(match[1]) for match in found if match}


def observers():
    """The ids of the programs of all captures on this machine."""
    programs = json.loads(run("bpftool", "--json", "prog", "show").stdout)
    return {p["id"] for p in programs if p.get("name", "").startswith("observe_")}


def tshark(file, *fields):
    done = run("tshark", "-r", file, "-T", "fields", *(x for f in fields for x in ("-e", f)))
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_a_redirected_frame_is_seen_at_the_uplink(bed):
    capture = Capture(bed, "eth0")
    capture.needs_tracing()
    bed.nic("sw0").send(to_p0())
    capture.has("eth0 in ", f"vlan {VLAN}", "192.0.2.200 port 1 > 192.0.2.1")
    assert "1 frames captured, 0 lost" in capture.end()
    arrives(bed)


def test_a_redirected_frame_is_seen_at_the_port_without_its_tag(bed):
    capture = Capture(bed, "p0")
    capture.needs_tracing()
    bed.nic("sw0").send(to_p0())
    capture.has("p0 out", "192.0.2.200 port 1 > 192.0.2.1")
    assert "vlan" not in "".join(capture.lines())
    arrives(bed)


def test_a_frame_of_a_machine_is_seen_at_its_port_and_with_its_tag_at_an_uplink(bed):
    port, *uplinks = (Capture(bed, name) for name in ("p0", "eth0", "eth1"))
    bed.nic("m0").send(from_m0())
    port.has("p0 in ", "192.0.2.1 port 1 > 192.0.2.200 port 2000 UDP")
    wait_until(
        lambda: any(
            f" out {port_mac(0)}" in line and f"vlan {VLAN}" in line
            for capture in uplinks
            for line in capture.lines()
        ),
        30,
        lambda: str([c.lines() for c in uplinks]),
    )
    assert "1 frames captured, 0 lost" in port.end(signal.SIGTERM)


def test_pcapng_has_direction_interface_and_numbers(bed):
    file = bed.daemon.dir / "p0.pcapng"
    capture = Capture(bed, "p0", "-w", file, "--count", "3", "--vlan", "0")
    for number in (1, 2, 3, 4):
        bed.nic("m0").send(from_m0(number))
        leaves(bed)  # frames of two processors may overtake each other
    assert capture.wait() and capture.process.returncode == 0, capture.err.read_text()
    rows = tshark(file, "frame.interface_name", "frame.packet_flags_direction", "udp.srcport")
    assert [(r[0], int(r[1], 0), r[2]) for r in rows] == [("p0", 1, str(n)) for n in (1, 2, 3)]


def test_filters_and_snaplen(bed):
    files = [bed.daemon.dir / f"{u}.pcapng" for u in bed.uplink_names]
    captures = [
        Capture(bed, u, "-w", file, "--vlan", VLAN, "--snaplen", "64")
        for u, file in zip(bed.uplink_names, files)
    ]
    other = Capture(bed, "p0", "--mac", port_mac(1))
    sizes = lambda: [file.stat().st_size for file in files]
    wait_until(lambda: all(sizes()), 30, "the heads of the files")
    before = sizes()
    bed.nic("m0").send(from_m0(data=b"x" * 500))
    leaves(bed)
    wait_until(lambda: sizes() != before, 30, "the frame in a file")
    for capture in captures:
        capture.end()
    rows = [
        r
        for file in files
        for r in tshark(
            file,
            "frame.cap_len",
            "frame.len",
            "vlan.id",
            "frame.packet_flags_direction",
        )
    ]
    assert [(r[0], r[2], int(r[3], 0)) for r in rows] == [("64", str(VLAN), 2)]
    assert int(rows[0][1]) > 540
    assert "0 frames captured" in other.end() and not other.lines()


def test_frames_before_the_end_are_shown(bed):
    capture = Capture(bed, "p0")
    capture.process.send_signal(signal.SIGSTOP)
    for number in (1, 2, 3):
        bed.nic("m0").send(from_m0(number))
        leaves(bed)
    capture.process.send_signal(signal.SIGINT)
    capture.process.send_signal(signal.SIGCONT)
    assert "3 frames captured, 0 lost" in capture.wait()
    assert len(capture.lines()) == 3


def test_nothing_changes_and_nothing_is_left_after_a_kill(bed):
    before = bed.daemon.json("show", "uplinks")
    capture = Capture(bed, "eth0")
    programs = capture.programs()
    assert programs & observers(), (programs, observers())
    bed.nic("sw0").send(to_p0())
    arrives(bed)
    after = bed.daemon.json("show", "uplinks")
    assert [u["xdp_mode"] for u in after] == [u["xdp_mode"] for u in before]
    found = json.loads(bed.daemon.ctl("--json", "diagnose", check=False).stdout)
    assert not {"foreign_xdp", "foreign_tc", "detached"} & {f["code"] for f in found}
    capture.end(signal.SIGKILL)
    wait_until(lambda: not programs & observers(), 30, lambda: f"{programs} {observers()}")
    bed.nic("sw0").send(to_p0(2))
    arrives(bed)


def test_it_works_while_the_daemon_is_stopped(bed):
    bed.daemon.kill()
    capture = Capture(bed, "p0", "--count", "1")
    bed.nic("m0").send(from_m0())
    assert capture.wait() and "192.0.2.1 port 1" in capture.out.read_text()


def test_a_closed_pipe_ends_it_and_wrong_requests_are_refused(bed):
    for options, text in (
        (["nothing0"], "no such port or uplink"),
        (["eth0", "--snaplen", "63"], "must be 64-16384"),
        (["eth0", "--vlan", "4095"], "must be 0-4094"),
        (["eth0", "-w", "/nonexistent/x"], "No such file"),
    ):
        done = bed.daemon.ctl("capture", *options, check=False)
        assert done.returncode and text in done.stderr, done
    process = spawn(command(bed, "p0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stderr.readline()
    bed.nic("m0").send(from_m0())
    assert b"192.0.2.1 port 1" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(60 * SLOW) == 0
