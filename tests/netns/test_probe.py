# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""diagnose --probe against a scripted switch: ports that are not bundled, a VLAN that one trunk
lacks, a smaller MTU, and addresses by ARP and Neighbour Discovery.
"""
import ipaddress
import json
import select
import struct
import threading

import pytest

from harness.base import Cleanup, wait_until
from harness.bed import Bed, outside_mac, switch
from harness.capture import Nic
from harness.frames import ETH_ARP, ETH_IPV6, eth, ipv6, mac, mac_text, tag
from harness.lacp_bed import OvsBed, ScriptBed, in_use

PROBE = 0x88B5
GATEWAY = outside_mac(254)


def parse(frame):
    """Destination, source, VLAN (0: untagged), EtherType and the bytes behind it."""
    vid, at = 0, 12
    if frame[12:14] == b"\x81\x00":
        vid, at = struct.unpack("!H", frame[14:16])[0] & 0xFFF, 16
    return frame[:6], frame[6:12], vid, int.from_bytes(frame[at : at + 2], "big"), frame[at + 2 :]


RESERVED = bytes.fromhex("0180c20000")  # frames that no switch forwards


class Switch:
    """Independent ports that learn addresses; vlans and mtu by port. Owns the addresses of answers().

    bundled: the ports are members of one channel, so what comes in at one leaves by no other.
    """

    def __init__(self, world, n, bundled=False):
        self.bundled = bundled
        self.ports = [Nic(world, f"sw{i}") for i in range(n)]
        self.vlans, self.mtu = [{0, 100, 200} for _ in range(n)], [1500] * n
        self.learned, self.addresses = {}, set()
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        Cleanup.current().add(self._stop)

    def _stop(self):
        self.end.set()
        self.thread.join()

    def _run(self):
        while not self.end.is_set():
            for port in select.select(self.ports, [], [], 0.05)[0]:
                for frame in port.frames():
                    self._forward(self.ports.index(port), frame)

    def _forward(self, came, frame):
        dst, src, vid, ethertype, payload = parse(frame)
        if frame[:5] == RESERVED or vid not in self.vlans[came] or len(payload) > self.mtu[came]:
            return
        self.learned[vid, src] = came
        answer = self._answer(src, vid, ethertype, payload)
        if answer:
            self.ports[came].send(answer)
        if self.bundled:
            return
        to = self.learned.get((vid, dst))
        for port in range(len(self.ports)) if to is None or dst[0] & 1 else [to]:
            if port != came and vid in self.vlans[port] and len(payload) <= self.mtu[port]:
                self.ports[port].send(frame)

    def _answer(self, src, vid, ethertype, payload):
        tags = [tag(vid)] if vid else []
        if ethertype == ETH_ARP and (vid, payload[24:28]) in self.addresses:
            body = payload[:7] + b"\x02" + mac(GATEWAY) + payload[24:28] + src + payload[14:18]
            return eth(mac_text(src), GATEWAY, ETH_ARP, body, tags)
        target = payload[48:64]
        if ethertype == ETH_IPV6 and payload[40] == 135 and (vid, target) in self.addresses:
            body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + target
            packet = ipv6(str(ipaddress.IPv6Address(target)), "ff02::1", 58, body)
            packet = packet[:7] + b"\xff" + packet[8:]
            return eth("33:33:00:00:00:01", GATEWAY, ETH_IPV6, packet, tags)
        return None

    def answers(self, vid, address):
        self.addresses.add((vid, ipaddress.ip_address(address).packed))


def start(channel, n_uplinks=2, groups=(("one", 100, [0]), ("two", 200, [])), **more):
    """The far ends of the uplinks lead nowhere, as a bundle does for frames between its members; Switch connects them."""
    bed = Bed(n_uplinks=n_uplinks, n_ports=1)
    names = [f"eth{i}" for i in range(n_uplinks)]
    bed.start([switch("vs", names, list(groups), channel=channel, **more)])
    bed.usable(*names)
    return bed


def probe(bed, *options):
    """Findings by code and object, and the notice on standard error."""
    done = bed.daemon.ctl("diagnose", "--probe", *options, "--json", check=False)
    found = {(f["code"], f["object"]): f for f in json.loads(done.stdout)}
    assert done.returncode == bool(found), done
    return found, done.stderr


def probe_until(bed, is_wanted, *options):
    """Tries again while frames of Switch, which is a thread of this process, come too late."""
    last = None

    def succeeds():
        nonlocal last
        last = probe(bed, *options)
        return is_wanted(last[0])

    wait_until(succeeds, 60, lambda: last)
    return last


def codes(found):
    return {code for code, _ in found}


def has_nothing(found):
    """A frame that comes too late is no proof against a bundle."""
    assert "not_bundled" not in codes(found), found
    return found == {}


@pytest.mark.parametrize("receive", ["auto", "tc"])
def test_a_switch_that_does_not_bundle_is_proven(receive):
    bed = start("static", receive=receive)
    Switch(bed.world, 2)
    found, said = probe_until(bed, lambda found: ("not_bundled", "eth1") in found)
    assert found["not_bundled", "eth1"]["certainty"] == "proven", found
    assert "sending at most" in said and "eth0 and eth1" in said and "VLAN 100, 200" in said, said


def test_a_bundle_delivers_nothing_between_its_members():
    bed = start("static")
    nics = [Nic(bed.world, f"sw{i}") for i in range(2)]
    found, said = probe(bed)
    assert not any(code == "not_bundled" for code, _ in found), found
    sent = [f for nic in nics for f in nic.frames() if parse(f)[3] == PROBE]
    limit = int(said.split("at most ")[1].split()[0])
    assert 0 < len(sent) <= limit, (len(sent), said)
    assert {parse(f)[2] for f in sent} == {100, 200}
    assert not any(f[0] & 1 for f in sent), "to no group address"


def lacp(**options):
    """LACP has agreed with a scripted partner on both uplinks."""
    it = ScriptBed(**options).wait()
    wait_until(lambda: probe_nothing(it), 60, lambda: it.daemon.ctl("diagnose", check=False))
    return it


def probe_nothing(it):
    return it.daemon.ctl("diagnose", check=False).returncode == 0


@pytest.mark.parametrize("bundled", [True, False], ids=["bundled", "not-bundled"])
@pytest.mark.parametrize("receive", ["auto", "tc"])
def test_a_live_lacp_channel_is_bundled_or_proven_not_to_be(receive, bundled):
    """LACP agrees in both, as with a media converter that answers LACP and forwards like a hub."""
    it = lacp(receive=receive)
    Switch(it.bed.world, 2, bundled=bundled)
    is_proven = lambda found: codes(found) == {"not_bundled"}
    found, said = probe_until(it, has_nothing if bundled else is_proven)
    assert "sending at most" in said and "eth0 and eth1" in said, said
    if not bundled:
        assert {f["certainty"] for f in found.values()} == {"proven"}
        assert {f["severity"] for f in found.values()} == {"error"}
    assert in_use(it.daemon, "eth0", "eth1"), "the probe disturbs no LACP"


def test_a_static_channel_that_the_switch_bundles_has_no_finding():
    bed = start("static")
    Switch(bed.world, 2, bundled=True)
    wait_until(lambda: bed.daemon.ctl("diagnose", check=False).returncode == 0, 60, bed.daemon.log)
    probe_until(bed, has_nothing)


def test_a_channel_of_open_vswitch_with_lacp_has_no_finding(ovs):
    it = OvsBed(ovs).start()
    wait_until(lambda: probe_nothing(it), 60, lambda: it.daemon.ctl("diagnose", check=False))
    probe_until(it, has_nothing)


def test_a_copy_of_another_run_is_ignored_and_named():
    """A machine outside records the frames of one run and sends them in the next one."""
    bed = start("static")
    nics = [Nic(bed.world, f"sw{i}") for i in range(2)]
    probe(bed)
    old = [[f for f in nic.frames() if parse(f)[3] == PROBE] for nic in nics]
    end = threading.Event()

    def replay():
        while not end.wait(0.02):
            for n in (0, 1):
                nics[1 - n].send(old[n][0])

    def is_named():
        found, said = probe(bed)
        assert "not_bundled" not in codes(found), found
        return "that were not sent here" in said

    thread = threading.Thread(target=replay)
    thread.start()
    try:
        wait_until(is_named, 60, "copies of an earlier run")
    finally:
        end.set()
        thread.join()


def test_a_vlan_that_one_trunk_lacks():
    bed = start("none", n_uplinks=3)
    far = Switch(bed.world, 3)
    wrong = {"vlan_missing", "peer_bundles", "path_mtu"}
    probe_until(bed, lambda found: not codes(found) & wrong)
    far.vlans[1].remove(200)
    missing = lambda found: [o for code, o in found if code == "vlan_missing"]
    found, _ = probe_until(bed, lambda found: missing(found) == ["eth1"])
    assert "VLAN 200" in found["vlan_missing", "eth1"]["message"]


def test_a_switch_port_with_a_smaller_mtu():
    bed = start("none")
    far = Switch(bed.world, 2)
    far.mtu[1] = 1400
    probe_until(
        bed,
        lambda found: ("path_mtu", "eth0") in found and "vlan_missing" not in codes(found),
    )


def test_a_channel_that_only_the_switch_has():
    found, _ = probe(start("none"))
    assert found["peer_bundles", "vs"]["certainty"] == "likely", found


def test_addresses_are_asked_for_by_each_uplink():
    bed = start("none", groups=[("untagged", 0, [0]), ("one", 100, [])])
    far = Switch(bed.world, 2)
    far.answers(0, "192.0.2.254")
    far.answers(0, "2001:db8::254")
    far.answers(100, "192.0.3.254")
    asked = "192.0.2.254,0:2001:db8::254,100:192.0.3.254,192.0.2.77"

    def is_wanted(found):
        lost = {
            (o, f["message"].split()[0])
            for (c, o), f in found.items()
            if c == "address_unreachable"
        }
        return lost == {("eth0", "192.0.2.77"), ("eth1", "192.0.2.77")} and not codes(found) & {
            "path_mtu",
            "vlan_missing",
        }

    _, said = probe_until(bed, is_wanted, "--address", asked)
    assert "4 addresses" in said


@pytest.mark.parametrize("channel", ["static", "none"])
def test_a_vlan_in_which_an_address_answers_by_one_uplink_only(channel):
    bed = start(channel)
    far = Switch(bed.world, 2)
    far.answers(100, "192.0.2.254")
    far.answers(200, "192.0.3.254")
    far.vlans[1].remove(200)
    asked = "100:192.0.2.254,200:192.0.3.254"
    probe_until(bed, lambda found: ("vlan_missing", "eth1") in found, "--address", asked)


def test_wrong_requests():
    bed = start("static")
    done = bed.daemon.ctl("diagnose", "--probe", "--address", "5000:192.0.2.1", check=False)
    assert done.returncode == 1 and "5000:192.0.2.1: must be" in done.stderr, done
    done = bed.daemon.ctl("diagnose", "--address", "192.0.2.1", check=False)
    assert done.returncode == 1 and "needs --probe" in done.stderr, done
