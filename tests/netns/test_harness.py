# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Tests of the instruments: they report received frames, and notice lost ones."""
import errno
import os

import pytest

from harness import base, rtnl
from harness.base import BUILD
from harness.capture import Nic, expect
from harness.frames import BROADCAST, STAG, tag, udp4
from harness.netns import NetNs, veth
from harness.ovs import Host
from harness.taps import Tap
from harness.traffic import Traffic


def test_capture_restores_tags_that_the_kernel_removed():
    a, b = NetNs("a"), NetNs("b")
    veth(a, "x", b, "y")
    x, y = Nic(a, "x"), Nic(b, "y")
    for tags in ([], [tag(7)], [tag(0, 5)], [tag(7), tag(8)], [tag(5, 3, STAG), tag(6)]):
        frame = udp4(
            "02:00:00:00:00:02", "02:00:00:00:00:01", "192.0.2.1", "192.0.2.2", b"payload", tags
        )
        x.send(frame)
        assert expect(y, frame) == []
        assert x.frames() == []


def test_generator_reports_frames_lost_by_a_cut():
    a, b = NetNs("a"), NetNs("b")
    veth(a, "x", b, "y")
    veth(a, "x2", b, "z")
    traffic = Traffic(("x", a, "x"), [("y", b, "y"), ("z", b, "z")])
    traffic.flow(1000)
    traffic.mark()
    traffic.flow(1000)
    b.ip("link", "set", "y", "down")  # without its knowledge
    traffic.mark()
    begun = traffic.command("wait", 0)["begun"]
    base.wait_until(
        lambda: traffic.command("wait", 0)["begun"] > begun + 1000 / base.SLOW,
        30,
        "frames to the dead link",
    )
    b.ip("link", "set", "y", "up")
    traffic.mark()
    traffic.flow(1000)
    figures = traffic.stop()
    start, flowing, void, again = figures.phases
    assert start.lost == 0 and start.ends == {"y": start.sent, "z": 0}, figures
    # Frames in flight when the link went down may still arrive at the far end.
    assert void.lost >= 1000 / base.SLOW and void.lost + void.ends["y"] == void.sent, figures
    assert again.sent - again.lost >= 1000 / base.SLOW - 200, figures


def test_generator_judges_a_run_piece_by_piece():
    a, b = NetNs("a"), NetNs("b")
    veth(a, "x", b, "y")
    traffic = Traffic(("x", a, "x"), [("y", b, "y")])
    traffic.flow(1000)
    assert traffic.check().lost == 0
    b.ip("link", "set", "y", "down")
    begun = traffic.command("wait", 0)["begun"]
    base.wait_until(lambda: traffic.command("wait", 0)["begun"] > begun + 100, 30, "frames")
    b.ip("link", "set", "y", "up")
    traffic.flow(100)
    assert traffic.check().lost > 0
    traffic.skip()
    traffic.flow(100)
    assert traffic.check().lost == 0


def inject(*options):
    """fault with `cat FILE`; returns (exit status, standard error, names of the counted calls)."""
    folder = base.temp_dir()
    (folder / "file").write_text("text")
    tool = [BUILD / "tests/tools/fault", "--trace", folder / "trace", "--from", folder]
    done = base.run(*tool, *options, "cat", folder / "file", check=False)
    lines = [line.split() for line in (folder / "trace").read_text().splitlines()]
    return done.returncode, done.stderr, [words[2] if words[2:] else "hit" for words in lines]


def test_faults_hit_the_call_that_they_name():
    status, _, calls = inject()
    assert status == 0 and calls[0] == "openat" and {"read", "write"} <= set(calls)
    status, _, calls = inject("--at", 9999, "--call", "read", "--kill")
    assert status == 0 and "hit" not in calls
    status, _, calls = inject("--at", 1, "--call", "read", "--kill")
    assert status == -9 and calls[-2:] == ["read", "hit"]
    status, text, calls = inject("--at", 1, "--call", "read", "--error", errno.EIO)
    assert status == 1 and os.strerror(errno.EIO) in text and calls[-2:] == ["read", "hit"]


def test_a_campaign_refuses_what_it_would_pass_over(monkeypatch):
    monkeypatch.syspath_prepend(base.ROOT / "tests/faults")
    import kinds
    import paths

    class WithoutOracle(kinds.Path):
        name = "without"

    paths.check_completeness(paths.PATHS, {"restart": [{"name": "openat", "argument": "/x"}]})
    with pytest.raises(RuntimeError, match="without: neither a state nor judge"):
        paths.check_completeness({"without": WithoutOracle}, {})
    for call in ({"name": "bpf", "argument": "0x7fff"}, {"name": "vfork", "argument": ""}):
        with pytest.raises(RuntimeError, match=f"restart: no row in errnos.py for {call['name']}"):
            paths.check_completeness(paths.PATHS, {"restart": [call]})


def test_a_campaign_sees_lost_frames_and_flaps(monkeypatch):
    monkeypatch.syspath_prepend(base.ROOT / "tests/faults")
    from paths import LACP
    from rig import Rig

    rig = Rig(base.temp_dir() / "rcu_expedited")
    rig.ensure(LACP)
    rig.skip_traffic()
    assert rig.lost_traffic(LACP, LACP) == [] and rig.flaps(LACP, LACP) == []
    rig.request("Drain", uplink="eth0")
    rig.hv.up("p2", False)
    base.wait_until(lambda: rig.flaps(LACP, LACP), 30, "the partner to see eth0 leave")
    assert all(text.startswith("eth0 left the channel: ") for text in rig.flaps(LACP, LACP))
    rig.hv.up("p2")
    rig.request("Undrain", uplink="eth0")
    rig.wait_healthy(LACP)
    lost = " ".join(rig.lost_traffic(LACP, LACP))
    assert "in by eth0: " in lost and "to the learned address: " in lost and "local: " not in lost
    rig.ensure_none()


@pytest.mark.alone
def test_a_call_that_the_kernel_starts_again_counts_once():
    """A write to a setting of IPv6, as often as it finds the RTNL held."""
    ns, trace = NetNs("a"), base.temp_dir() / "trace"
    setting = "/proc/sys/net/ipv6/conf/lo/disable_ipv6"
    hold = rtnl.hold(ns, 0.5)
    tool = [BUILD / "tests/tools/fault", "--trace", trace]
    ns.run(*tool, "sh", "-c", f"echo 1 >{setting}")
    assert hold.process.wait() == 0
    assert sum("write" in line and setting in line for line in trace.read_text().splitlines()) == 1


def test_tap_carrier():
    ns = NetNs("a")
    tap = Tap(ns, "t0")
    assert "LOWER_UP" in ns.link("t0")["flags"]
    tap.set_carrier(False)
    base.wait_until(lambda: "LOWER_UP" not in ns.link("t0")["flags"], 30, "carrier off")


def test_switch_carries_a_static_channel(ovs):
    hv = NetNs("hv")
    members = ovs.static_channel(hv, ["eth0", "eth1"], trunks=[100, 200])
    host = Nic(Host(ovs, "192.0.2.2/24", tag=100).ns, "h0")
    other = Nic(Host(ovs, "192.0.2.3/24", tag=200).ns, "h0")
    eth0, eth1 = Nic(hv, "eth0"), Nic(hv, "eth1")
    plain = udp4(BROADCAST, "02:00:00:00:00:01", "192.0.2.1", "192.0.2.2", b"x" * 20)
    tagged = udp4(BROADCAST, "02:00:00:00:00:01", "192.0.2.1", "192.0.2.2", b"x" * 20, [tag(100)])

    for member in (eth0, eth1):  # accepted from either member, never sent back to a member
        member.send(tagged)
        assert expect(host, plain) == []
    assert tagged not in eth0.frames() + eth1.frames() and plain not in other.frames()

    frames = [
        udp4(
            "02:00:00:00:00:01",
            "02:00:00:00:00:02",
            f"192.0.2.{i}",
            "192.0.2.1",
            b"x" * 20,
            [tag(100)],
        )
        for i in range(10, 50)
    ]
    seen = {0: [], 1: []}

    def all_arrived():
        seen[0] += [f for f in eth0.frames() if f in frames]
        seen[1] += [f for f in eth1.frames() if f in frames]
        return len(seen[0]) + len(seen[1]) >= len(frames)

    for frame in frames:
        host.send(frame[:12] + frame[16:])
    base.wait_until(all_arrived, 30, lambda: f"{len(seen[0])} + {len(seen[1])} of {len(frames)}")
    assert sorted(seen[0] + seen[1]) == sorted(frames) and seen[0] and seen[1]

    ovs.ns.ip("link", "set", members[0], "down")
    base.wait_until(
        lambda: host.send(frames[0][:12] + frames[0][16:]) and frames[0] in eth1.frames(),
        30,
        "the switch to use the other member",
    )
