# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Traffic when cables are cut: no frame sent after the cut is lost, no other flow moves, and the
flows of the dead link spread over the others.
"""
import collections
import socket
import time

import pytest

from harness import base
from harness.base import holds_for, wait_until
from harness.bed import Bed, outside_mac, port_mac, switch
from harness.capture import Nic, expect
from harness.features import needs_carrier_check, programs_see_carrier
from harness.frames import ETH_RARP, describe, mac, notify_rarp, tag, udp4
from harness.traffic import Traffic

FLOWS = 192
LINGER = ("cutting", "restoring")  # phases whose frames were sent while the state was changing


def is_rarp(frame):
    return ETH_RARP.to_bytes(2, "big") in (frame[12:14], frame[16:18])


def stream(bed, extra=(), **more):
    return Traffic(
        bed.tx("m0"),
        [*bed.rx_uplinks(), *extra],
        flows=FLOWS,
        src_mac=port_mac(0),
        dst_mac=outside_mac(1),
        **more,
    )


def start_channel(n_uplinks=3, tap_uplinks=False, teaming=None, **more):
    bed = Bed(n_uplinks=n_uplinks, n_ports=1, tap_uplinks=tap_uplinks)
    bed.start(
        [
            switch(
                "vs",
                bed.uplink_names,
                [("prod", 100, [0])],
                **({"teaming": teaming} if teaming else {}),
                **more,
            )
        ]
    )
    bed.usable(*bed.uplink_names)
    return bed


def assert_only_the_dead_flows_moved(before, after, dead, survivors):
    """before, after: phases. Each flow has one uplink in each; those of dead are spread evenly over
    survivors.
    """
    old, new = before.paths(), after.paths()
    assert set(old) == set(new) == set(range(FLOWS)), "a phase was too short to see every flow"
    assert all(
        len(ends) == 1 for ends in [*old.values(), *new.values()]
    ), f"a flow used two uplinks\n{before}\n{after}"
    kept = {f for f in old if old[f] != {dead}}
    assert all(
        new[f] == old[f] for f in kept
    ), f"flows that did not need to move: {[f for f in kept if new[f] != old[f]]}"
    moved = collections.Counter(next(iter(new[f])) for f in old if old[f] == {dead})
    assert set(moved) == set(survivors), moved
    assert (
        max(moved.values()) - min(moved.values()) <= sum(moved.values()) * 0.3
    ), f"not spread evenly: {moved}"


@pytest.mark.parametrize("uplinks", ["veth", "tap"])
@pytest.mark.parametrize("daemon", ["running", "stopped"])
def test_cut_cable(uplinks, daemon):
    if daemon == "stopped":
        needs_carrier_check()
    bed = start_channel(tap_uplinks=uplinks == "tap")
    rarp = Nic(bed.world, "sw0") if uplinks == "veth" else None
    traffic = stream(bed)
    traffic.flow(3000)
    if daemon == "stopped":
        bed.daemon.freeze()
    traffic.cut("eth1")
    traffic.flow(5000)
    if daemon == "stopped":
        bed.daemon.thaw()
    bed.usable("eth0", "eth2")
    traffic.mark()  # the daemon has rewritten the buckets
    traffic.flow(3000)
    traffic.restore("eth1")
    bed.usable("eth0", "eth1", "eth2")
    traffic.mark()
    traffic.flow(3000)
    figures = traffic.stop()

    start, cut, rewritten, back = (
        figures.phases[0],
        figures.phase("cut"),
        figures.phase("mark"),
        figures.phase("mark", 1),
    )
    figures.assert_clean("cut cable", but=LINGER if programs_see_carrier() else (*LINGER, "cut"))
    figures.assert_outage("eth1")
    assert (
        set(start.ends) == {"eth0", "eth1", "eth2"} and min(start.ends.values()) > start.sent / 5
    ), figures
    if programs_see_carrier():
        assert_only_the_dead_flows_moved(start, cut, "eth1", ["eth0", "eth2"])
        assert (
            rewritten.paths() == cut.paths()
        ), f"the daemon's rewrite moved flows a second time\n{figures}"
    assert_only_the_dead_flows_moved(start, rewritten, "eth1", ["eth0", "eth2"])
    assert (
        back.paths() == start.paths()
    ), f"after failback flows use other uplinks than before\n{figures}"
    if programs_see_carrier():
        assert bed.daemon.counter("p0", "failover") > 0 or daemon == "running"
    assert bed.daemon.counter("p0", "no_uplink") == 0
    if rarp:
        assert not any(is_rarp(f) for f in rarp.frames()), "no notify frames on a channel"


def test_administratively_down():
    bed = start_channel()
    traffic = stream(bed, extra=[("near", bed.hv, "eth1")])
    traffic.flow(2000)
    traffic.cut("near")
    traffic.flow(3000)
    bed.usable("eth0", "eth2")
    uplink = bed.daemon.uplink("eth1")
    assert not uplink["admin_up"] and not uplink["usable"], uplink
    traffic.restore("near")
    bed.usable("eth0", "eth1", "eth2")
    traffic.mark()
    traffic.flow(2000)
    figures = traffic.stop()
    figures.assert_clean("down", but=LINGER if programs_see_carrier() else (*LINGER, "cut"))
    figures.assert_outage("eth1")
    if programs_see_carrier():
        assert_only_the_dead_flows_moved(
            figures.phases[0], figures.phase("cut"), "eth1", ["eth0", "eth2"]
        )
    assert figures.phase("mark").paths() == figures.phases[0].paths()


def test_second_failure_moves_only_its_own_flows():
    needs_carrier_check()
    bed = start_channel(n_uplinks=4)
    traffic = stream(bed)
    traffic.flow(3000)
    traffic.cut("eth3")
    traffic.flow(3000)
    bed.daemon.freeze()
    traffic.cut("eth0")
    traffic.flow(4000)
    figures = traffic.stop()
    figures.assert_clean("two cuts", but=LINGER)
    first, second = figures.phase("cut"), figures.phase("cut", 1)
    figures.assert_outage("eth3")
    figures.assert_outage("eth0", 1, before=first)
    assert_only_the_dead_flows_moved(figures.phases[0], first, "eth3", ["eth0", "eth1", "eth2"])
    old, new = first.paths(), second.paths()
    assert all(new[f] == old[f] for f in old if old[f] != {"eth0"})
    assert {e for ends in new.values() for e in ends} == {"eth1", "eth2"}


def test_modulo_rehash_uses_live_uplinks_only():
    bed = start_channel(teaming={"load-balancing": "src-dst-ip", "rehash": "modulo"})
    traffic = stream(bed)
    traffic.flow(2000)
    traffic.cut("eth1")
    bed.usable("eth0", "eth2")
    traffic.mark()
    traffic.flow(2000)
    figures = traffic.stop()
    src, dst = 0x0A000001, 0x0A000100
    for flow, ends in figures.phases[0].paths().items():
        assert ends == {["eth0", "eth1", "eth2"][(src ^ dst + flow) % 3]}, flow
    for flow, ends in figures.phase("mark").paths().items():
        assert ends == {["eth0", "eth2"][(src ^ dst + flow) % 2]}, f"flow {flow}: {ends}"
    assert figures.phase("mark").lost == 0, figures


def test_no_failback():
    bed = start_channel(teaming={"load-balancing": "src-dst-ip", "failback": False})
    traffic = stream(bed)
    traffic.flow(2000)
    traffic.cut("eth1")
    bed.usable("eth0", "eth2")
    traffic.mark()
    traffic.flow(2000)
    traffic.restore("eth1")
    wait_until(lambda: bed.daemon.uplink("eth1")["carrier"], 30, "carrier")
    wait_until(
        lambda: bed.daemon.uplink("eth1")["state"] == "spare",
        30,
        lambda: str(bed.daemon.uplink("eth1")),
    )
    traffic.flow(3000)
    traffic.cut("eth2")  # now the spare is needed
    traffic.flow(3000)
    wait_until(lambda: not bed.daemon.uplink("eth2")["usable"], 30, "eth2 not usable")
    traffic.mark()
    traffic.flow(2000)
    figures = traffic.stop()
    waiting, again = figures.phase("restored"), figures.phase("mark", 1)
    assert (
        waiting.paths() == figures.phase("mark").paths() and waiting.lost == 0
    ), f"a spare must not take flows\n{figures}"
    assert again.lost == 0 and set(e for ends in again.paths().values() for e in ends) == {
        "eth0",
        "eth1",
    }, figures
    if programs_see_carrier():
        assert figures.phase("cut", 1).lost == 0, figures


def test_up_delay():
    delay = 1200
    # no delay at the first evaluation: the links are usable immediately
    bed = start_channel(**{"up-delay-ms": delay})
    traffic = stream(bed)
    traffic.flow(2000)
    traffic.cut("eth1")
    bed.usable("eth0", "eth2")
    traffic.mark()
    traffic.flow(1000)
    before = time.monotonic()
    traffic.restore("eth1")
    bed.usable("eth0", "eth1", "eth2")
    waited = time.monotonic() - before
    traffic.mark()
    traffic.flow(2000)
    figures = traffic.stop()
    assert waited >= delay / 1000, f"used after {waited} s"
    assert figures.phase("restored").lost == 0 and figures.phase("mark", 1).lost == 0, figures
    assert figures.phase("mark", 1).paths() == figures.phases[0].paths()


@pytest.mark.parametrize("channel,what", [("static", "reload"), ("none", "port add")])
def test_up_delay_continues_over_configuration_changes(channel, what):
    bed = Bed(n_uplinks=2, n_ports=2)
    config = switch(
        "vs", bed.uplink_names, [("prod", 100, [0])], channel=channel, **{"up-delay-ms": 1500}
    )
    bed.start([config])
    bed.usable("eth0", "eth1")
    bed.up("sw1", False)
    bed.usable("eth0")
    before = time.monotonic()
    bed.up("sw1")

    def usable_after_one_more():
        if what == "reload":
            bed.daemon.ctl("reload")
        else:
            bed.daemon.ctl("port", "add", "vs", "prod", "p1", "--mac", port_mac(1))
            bed.daemon.ctl("port", "del", "p1")
        return bed.daemon.uplink("eth1")["usable"]

    wait_until(usable_after_one_more, 30, lambda: f"eth1 to be used\n{bed.daemon.log()}")
    assert time.monotonic() - before >= 1.5
    bed.up("sw1", False)
    bed.usable("eth0")
    bed.daemon.write({"switches": [{**config, "up-delay-ms": 600000}]})
    bed.daemon.ctl("reload")
    bed.up("sw1")
    wait_until(lambda: bed.daemon.uplink("eth1")["carrier"], 30, "the carrier")
    # a shorter delay applies also to an uplink that waits, at any position
    bed.daemon.write({"switches": [{**config, "uplinks": ["eth1", "eth0"], "up-delay-ms": 0}]})
    bed.daemon.ctl("reload")
    bed.usable("eth0", "eth1", deadline=30)


def test_all_uplinks_down():
    bed = start_channel(n_uplinks=2)
    bed.nic("m0").frames()
    traffic = stream(bed)
    traffic.flow(1000)
    traffic.cut("eth0")
    traffic.cut("eth1")
    bed.usable()  # where only the daemon reads carriers, frames went to the dead link until here
    traffic.mark()
    wait_until(
        lambda: bed.daemon.counter("p0", "no_uplink") > 500 / base.SLOW,
        30,
        lambda: bed.daemon.counters_text(),
    )
    traffic.restore("eth1")
    bed.usable("eth1")
    traffic.mark()
    traffic.flow(1000)
    figures = traffic.stop()
    again = figures.phase("mark", 1)
    assert again.lost == 0 and again.ends["eth0"] == 0, figures
    assert set(figures.phase("cutting").lost_flows) <= {
        f for f, ends in figures.phases[0].paths().items() if "eth0" in ends
    }, figures
    if programs_see_carrier():
        assert figures.phase("cut").lost == 0, figures  # one uplink remains
    dropped = figures.sent - figures.arrived
    counted = bed.daemon.counter("p0", "no_uplink")
    lingering = sum(
        p.lost
        for p in figures.phases
        if p.kind in LINGER or p.kind == "cut" and not programs_see_carrier()
    )
    assert (
        dropped - lingering <= counted <= dropped
    ), f"{counted} counted as no_uplink of {dropped} lost\n{figures}"
    assert bed.nic("m0").frames() == [], "no frame returns to the sender"


# ---- without a channel ----
def start_plain(teaming, n_ports=4, n_uplinks=2, vlan=100):
    bed = Bed(n_uplinks=n_uplinks, n_ports=n_ports)
    bed.start(
        [
            switch(
                "vs",
                bed.uplink_names,
                [("prod", vlan, list(range(n_ports)))],
                channel="none",
                teaming=teaming,
            )
        ]
    )
    bed.usable(*bed.uplink_names)
    bed.listen(*[f"sw{i}" for i in range(n_uplinks)])
    return bed


def uplinks_of_ports(bed, n_ports):
    """Sends a frame from each port; returns port number -> uplinks where it arrived."""
    frames = {
        n: udp4(outside_mac(1), port_mac(n), "192.0.2.1", "192.0.2.2", b"port", [tag(100)])
        for n in range(n_ports)
    }
    found = collections.defaultdict(list)

    def collect():
        for index, nic in enumerate(bed.far_uplinks()):
            for got in nic.frames():
                for n, frame in frames.items():
                    if got == frame:
                        found[n].append(f"eth{index}")
        return len(found) == n_ports

    for n, frame in frames.items():
        bed.nic(f"m{n}").send(frame[:12] + frame[16:])
    wait_until(
        collect, 30, lambda: f"a frame from each port: {dict(found)}\n{bed.daemon.counters_text()}"
    )
    assert all(len(v) == 1 for v in found.values()), found
    return {n: v[0] for n, v in found.items()}


def test_port_id_spreads_ports_and_announces_moves():
    bed = start_plain({"load-balancing": "port-id"})
    before = uplinks_of_ports(bed, 4)
    assert sorted(before.values()) == ["eth0", "eth0", "eth1", "eth1"], before
    assert {p["name"]: p["uplink"] for p in bed.daemon.json("show", "ports")} == {
        f"p{n}": u for n, u in before.items()
    }

    moving = [n for n, u in before.items() if u == "eth0"]
    bed.listen("sw1")
    begin = time.monotonic()
    bed.up("sw0", False)
    expected = {notify_rarp(port_mac(n), [tag(100)]): n for n in moving}
    seen = collections.defaultdict(list)

    def collect():
        for got in bed.nic("sw1").frames():
            if is_rarp(got):
                assert got in expected, f"not a notify frame of a port that moved: {describe(got)}"
                seen[expected[got]].append(time.monotonic() - begin)
        return all(len(seen[n]) >= 5 for n in moving)

    wait_until(
        collect,
        30,
        lambda: f"five notify frames of each of {moving}: {dict(seen)}\n{bed.daemon.log()}",
    )
    for times in seen.values():
        for at, due in zip(times, (0, 1, 2, 4, 7)):
            assert at > due - 0.1, f"notify frames at {times}, not due before 0, 1, 2, 4, 7 s"
    assert uplinks_of_ports(bed, 4) == {n: "eth1" for n in range(4)}

    bed.listen("sw0")
    bed.up("sw0")
    bed.usable("eth0", "eth1")
    announced = set()
    wait_until(
        lambda: announced.update(rarps(bed.nic("sw0"))) or announced >= set(expected),
        30,
        lambda: f"announcement of the failback: {list(map(describe, announced))}",
    )
    assert uplinks_of_ports(bed, 4) == before, "failback"


def test_port_id_without_announcements():
    bed = start_plain({"load-balancing": "port-id", "notify-switches": False}, n_ports=2)
    bed.up("sw0", False)
    bed.usable("eth1")
    assert uplinks_of_ports(bed, 2) == {0: "eth1", 1: "eth1"}
    holds_for(
        lambda: not any(is_rarp(f) for f in bed.nic("sw1").frames()),
        0.5 * base.SLOW,
        "no notify frame",
    )


def rarps(nic):
    return {f for f in nic.frames() if is_rarp(f)}


@pytest.mark.parametrize("way", ["through nothing", "to another index"])
def test_announcement_of_indirect_moves(way):
    """Through a state without any uplink; and by a reload, to an uplink at the same position."""
    bed = Bed(n_uplinks=2, n_ports=1)
    config = switch(
        "vs",
        ["eth0", "eth1"] if way == "through nothing" else ["eth0"],
        [("prod", 100, [0])],
        channel="none",
    )
    bed.up("sw1", way != "through nothing")
    bed.start([config])
    bed.usable("eth0")
    bed.listen("sw0", "sw1")
    bed.confirm(0)
    if way == "through nothing":
        bed.up("sw0", False)
        bed.usable()
        bed.up("sw1")
        bed.usable("eth1")
    else:
        bed.daemon.write({"switches": [{**config, "uplinks": ["eth1"]}]})
        bed.daemon.ctl("reload")
    wanted = notify_rarp(port_mac(0), [tag(100)])
    wait_until(
        lambda: wanted in bed.nic("sw1").frames(),
        30,
        lambda: f"announcement at eth1\n{bed.daemon.log()}",
    )


def start_learning(method):
    """A learning port without a configured address; and three addresses of its machine."""
    bed = Bed(n_uplinks=2, n_ports=1)
    group = {
        "name": "lab",
        "vlan": 100,
        "security": {"mac-learning": True, "forged-transmits": True},
        "ports": [{"interface": "p0"}],
    }
    teaming = {"load-balancing": method}
    bed.start([switch("vs", bed.uplink_names, [group], channel="none", teaming=teaming)])
    bed.usable("eth0", "eth1")
    bed.listen("sw0", "sw1", "m0")
    return bed, [port_mac(n) for n in (50, 51, 52)]


def send_from(bed, source):
    bed.nic("m0").send(udp4(outside_mac(1), source, "192.0.2.1", "192.0.2.2", b"hello"))


def expect_notice(bed, sources, method):
    """Waits for a RARP of each address that eth0 served, at sw1; others are failures."""
    # src-mac: last byte mod 2
    served = lambda source: method == "port-id" or int(source[-2:], 16) % 2 == 0
    wanted = {notify_rarp(source, [tag(100)]) for source in sources if served(source)}
    seen = set()
    wait_until(
        lambda: seen.update(rarps(bed.nic("sw1"))) or seen >= wanted,
        30,
        lambda: f"{len(wanted)} addresses, got {list(map(describe, seen))}",
    )
    assert seen == wanted, f"also {list(map(describe, seen - wanted))}"


@pytest.mark.parametrize("method", ["port-id", "src-mac"])
def test_notice_for_learned_addresses(method):
    """The learned addresses of a port are announced like a configured one."""
    bed, sources = start_learning(method)
    for source in sources:
        send_from(bed, source)
        into = udp4(source, outside_mac(1), "192.0.2.2", "192.0.2.1", b"back", [tag(100)])
        delivered = (
            lambda: bed.nic("sw0").send(into)
            or bed.nic("sw1").send(into)
            or into[:12] + into[16:] in bed.nic("m0").frames()
        )
        wait_until(delivered, 30, lambda: f"frames to {source}\n{bed.daemon.counters_text()}")
    wait_until(
        lambda: {e["mac"] for e in bed.daemon.json("show", "fdb") if e["learned"]} >= set(sources),
        30,
        lambda: f"{sources} to be recorded: {bed.daemon.json('show', 'fdb')}",
    )
    bed.listen("sw0", "sw1")
    bed.up("sw0", False)
    expect_notice(bed, sources, method)


@pytest.mark.parametrize("method", ["port-id", "src-mac"])
def test_notice_for_addresses_that_are_learned_after_the_failover(method):
    """The daemon processes the lost carrier before the new addresses, which the next round has."""
    bed, sources = start_learning(method)
    bed.daemon.freeze()
    for source in sources:
        send_from(bed, source)
    seen = set()

    def passed():
        seen.update(f[6:12] for nic in bed.far_uplinks() for f in nic.frames())
        return seen >= set(map(mac, sources))

    wait_until(passed, 30, lambda: f"frames of {sources}\n{bed.daemon.counters_text()}")
    bed.up("sw0", False)
    bed.daemon.thaw()
    expect_notice(bed, sources, method)


def test_source_mac():
    bed = start_plain({"load-balancing": "src-mac"}, n_ports=5, n_uplinks=3)
    # last byte of the MAC is n
    assert uplinks_of_ports(bed, 5) == {n: f"eth{n % 3}" for n in range(5)}
    bed.up("sw1", False)
    bed.usable("eth0", "eth2")
    after = uplinks_of_ports(bed, 5)
    assert {n: u for n, u in after.items() if n % 3 != 1} == {
        0: "eth0",
        2: "eth2",
        3: "eth0",
    } and "eth1" not in after.values(), after


def test_failover_order_with_standby():
    bed = start_plain(
        {"load-balancing": "failover-order", "active": ["eth1"], "standby": ["eth0", "eth2"]},
        n_ports=2,
        n_uplinks=3,
    )
    every = lambda uplink: {0: uplink, 1: uplink}
    assert uplinks_of_ports(bed, 2) == every("eth1")
    bed.up("sw1", False)
    bed.usable("eth0", "eth2")
    assert uplinks_of_ports(bed, 2) == every("eth0")
    bed.up("sw0", False)
    bed.usable("eth2")
    assert uplinks_of_ports(bed, 2) == every("eth2")
    bed.up("sw1")
    bed.usable("eth1", "eth2")
    assert uplinks_of_ports(bed, 2) == every("eth1"), "failback to the active one"


def test_failback_accepts_what_still_arrives_by_the_standby():
    """The switch sends there until it has learned the address at the active uplink again."""
    bed = start_plain(
        {"load-balancing": "failover-order", "active": ["eth1"], "standby": ["eth0"]}, n_ports=1
    )
    bed.listen("m0")
    frame = udp4(port_mac(0), outside_mac(1), "192.0.2.2", "192.0.2.1", b"late", [tag(100)])
    dropped = lambda: bed.daemon.counter("eth0", "inactive_uplink")
    bed.nic("sw0").send(frame)
    wait_until(lambda: dropped() == 1, 30, bed.daemon.counters_text)

    def accepted():
        """Frames in the 8 s after a failback; a slow machine may have no time for any."""
        bed.up("sw1", False)
        bed.usable("eth0")
        begin, n = time.monotonic(), 0
        bed.up("sw1")
        bed.usable("eth0", "eth1")
        while n < 100 and time.monotonic() - begin < 6:
            bed.nic("sw0").send(frame)
            expect(bed.nic("m0"), frame[:12] + frame[16:])
            n += 1
        return n

    wait_until(accepted, 60, "a frame after a failback")
    assert dropped() == 1, bed.daemon.counters_text()

    def drops_again():
        bed.nic("sw0").send(frame)
        return dropped() > 1

    wait_until(drops_again, 60, bed.daemon.counters_text)


def ip_layer(frame):
    return frame[18:] if frame[12:14] == b"\x81\x00" else frame[14:]


def is_igmp(frame):
    return ip_layer(frame)[0] >> 4 == 4 and ip_layer(frame)[9] == 2


def is_mld_query(frame):
    packet = ip_layer(frame)
    return packet[0] >> 4 == 6 and packet[6] == 0 and packet[48] == 130


@pytest.mark.parametrize("vlan", [0, 100])
def test_multicast_memberships_follow_a_failover(vlan):
    """The machine is queried after the move, and its report leaves by the new uplink."""
    bed = start_plain({"load-balancing": "failover-order"}, n_ports=1, vlan=vlan)
    bed.world.ip("addr", "add", "10.0.0.1/24", "dev", "m0")
    bed.world.up("m0")
    bed.listen("m0", "sw0", "sw1")
    with bed.world:
        member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with member:
        group = socket.inet_aton("239.1.2.3") + socket.inet_aton("10.0.0.1")
        member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        reports = lambda nic: [f for f in bed.nic(nic).frames() if is_igmp(f)]
        wait_until(lambda: reports("sw0"), describe="the report of the join")
        holds_for(lambda: not reports("sw1"), 0.2, "the join leaves by the active uplink only")
        bed.up("sw0", False)
        bed.usable("eth1")
        queries = []

        def queried():
            """The machine may repeat its first report before."""
            queries.extend(bed.nic("m0").frames())
            return any(map(is_igmp, queries)) and any(map(is_mld_query, queries))

        wait_until(queried, 30, lambda: [describe(f) for f in queries])
        wait_until(lambda: reports("sw1"), describe="a report by the new uplink")
        assert all(f[12:14] != b"\x81\x00" for f in queries), "an access port gets no tag"


def test_failover_order_loses_nothing_while_the_daemon_is_stopped():
    needs_carrier_check()
    bed = start_plain(
        {"load-balancing": "failover-order", "active": ["eth1"], "standby": ["eth0"]}, n_ports=1
    )
    traffic = stream(bed)
    traffic.flow(1000)
    bed.daemon.freeze()
    traffic.cut("eth1")
    traffic.flow(2000)
    figures = traffic.stop()
    figures.assert_clean("failover order", but=LINGER)
    figures.assert_outage("eth1")
    assert figures.phases[0].ends["eth0"] == 0 and figures.phase("cut").ends["eth1"] == 0, figures


def test_groups_with_their_own_order():
    """Each group with other active and standby uplinks, as for storage and management on ESX."""
    bed = Bed(n_uplinks=2, n_ports=2)
    group = lambda name, vlan, n, active, standby: {
        "name": name,
        "vlan": vlan,
        "ports": [{"interface": f"p{n}", "mac": port_mac(n)}],
        "teaming": {"load-balancing": "failover-order", "active": [active], "standby": [standby]},
    }
    bed.start(
        [
            switch(
                "vs",
                bed.uplink_names,
                [group("a", 100, 0, "eth0", "eth1"), group("b", 100, 1, "eth1", "eth0")],
                channel="none",
            )
        ]
    )
    bed.usable("eth0", "eth1")
    bed.listen("sw0", "sw1")
    assert uplinks_of_ports(bed, 2) == {0: "eth0", 1: "eth1"}
    bed.up("sw0", False)
    bed.usable("eth1")
    assert uplinks_of_ports(bed, 2) == {0: "eth1", 1: "eth1"}
    # unicast is accepted from the active uplink
    bed.listen("m0")
    frame = udp4(port_mac(0), outside_mac(1), "192.0.2.9", "192.0.2.1", b"in", [tag(100)])
    bed.nic("sw1").send(frame)
    expect(bed.nic("m0"), frame[:12] + frame[16:])
