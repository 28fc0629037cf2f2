# SPDX-License-Identifier: GPL-2.0
"""The instruments themselves: they see what there is, and do not miss what is lost."""
from harness import base
from harness.capture import Nic, expect
from harness.frames import BROADCAST, STAG, tag, udp4
from harness.netns import NetNs, veth
from harness.ovs import Host
from harness.taps import Tap
from harness.traffic import Traffic


def test_capture_restores_tags_that_the_kernel_took_off():
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


def test_generator_finds_what_a_cut_loses():
    a, b = NetNs("a"), NetNs("b")
    veth(a, "x", b, "y")
    veth(a, "x2", b, "z")
    traffic = Traffic(("x", a, "x"), [("y", b, "y"), ("z", b, "z")])
    traffic.flow(1000)
    traffic.mark()
    traffic.flow(1000)
    b.ip("link", "set", "y", "down")  # behind its back
    traffic.mark()
    begun = traffic.command("wait", 0)["begun"]
    base.wait_until(
        lambda: traffic.command("wait", 0)["begun"] > begun + 1000 / base.SLOW,
        10,
        "frames into the void",
    )
    b.ip("link", "set", "y", "up")
    traffic.mark()
    traffic.flow(1000)
    figures = traffic.stop()
    start, flowing, void, again = figures.phases
    assert start.lost == 0 and start.ends == {"y": start.sent, "z": 0}, figures
    # what arrived in the void was on its way already when the link went down, and is seen where it went
    assert void.lost >= 1000 / base.SLOW and void.lost + void.ends["y"] == void.sent, figures
    assert again.sent - again.lost >= 1000 / base.SLOW - 200, figures


def test_tap_carrier():
    ns = NetNs("a")
    tap = Tap(ns, "t0")
    assert "LOWER_UP" in ns.link("t0")["flags"]
    tap.set_carrier(False)
    base.wait_until(lambda: "LOWER_UP" not in ns.link("t0")["flags"], 3, "carrier off")


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
    base.wait_until(all_arrived, 5, lambda: f"{len(seen[0])} + {len(seen[1])} of {len(frames)}")
    assert sorted(seen[0] + seen[1]) == sorted(frames) and seen[0] and seen[1]

    ovs.ns.ip("link", "set", members[0], "down")
    base.wait_until(
        lambda: host.send(frames[0][:12] + frames[0][16:]) and frames[0] in eth1.frames(),
        5,
        "the switch to use the other member",
    )
