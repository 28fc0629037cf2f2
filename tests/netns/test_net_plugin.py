# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkd-net: containers as run-time ports, by the protocols of CNI and netavark."""
import json
import socket
import threading

import pytest

from harness import features
from harness.base import wait_until
from harness.bed import port_mac, switch
from harness.machine import ping
from harness.net_plugin import PROGRAM, RECOVERIES, Ipam, Kills, Plugin, netavark_request
from harness.netns import NetNs

MAC = "52:54:00:aa:00:01"


@pytest.fixture
def plugin(bed):
    def make(mtu=1500, **options):
        made = bed(n_uplinks=1, n_ports=0, mtu=mtu)
        made.start([switch("vs", made.uplink_names, [("prod", 0, []), ("lab", 7, [])], mtu=mtu)])
        return Plugin(made, ipam=Ipam(), **options)

    return make


# ---- results ----
EXPECTED = {
    "0.3.1": {"ip": {"version": "4"}, "route": {}, "interface": {}},
    "0.4.0": {"ip": {"version": "4"}, "route": {}, "interface": {}},
    "1.0.0": {"ip": {}, "route": {}, "interface": {}},
    "1.1.0": {"ip": {}, "route": {"mtu": 1400, "priority": 50}, "interface": {"mtu": 1500}},
}


@pytest.mark.parametrize("version", EXPECTED)
def test_the_result_has_the_form_of_the_version(plugin, version):
    p, container = plugin(version=version), NetNs("c")
    p.ipam.result(
        "192.0.2.10/24",
        "192.0.2.1",
        [{"dst": "0.0.0.0/0", "mtu": 1400, "priority": 50}],
        version=version,
        dns={"nameservers": ["192.0.2.53"]},
    )
    result = p.call("ADD", netns=container, runtimeConfig={"mac": MAC})
    (host_end,) = p.host_ends()
    expected = EXPECTED[version]
    assert result == {
        "cniVersion": version,
        "interfaces": [
            {
                "name": host_end,
                "mac": p.bed.hv.link(host_end)["address"],
                **expected["interface"],
            },
            {
                "name": "eth0",
                "mac": MAC,
                "sandbox": str(container.path),
                **expected["interface"],
            },
        ],
        "ips": [
            {
                "address": "192.0.2.10/24",
                "gateway": "192.0.2.1",
                "interface": 1,
                **expected["ip"],
            }
        ],
        "routes": [{"dst": "0.0.0.0/0", "gw": "192.0.2.1", **expected["route"]}],
        "dns": {"nameservers": ["192.0.2.53"]},
    }
    if version != "0.3.1":
        assert (
            p.call("CHECK", netns=container, prevResult=result, runtimeConfig={"mac": MAC}) is None
        )
    for _ in range(2):
        assert p.call("DEL", netns=container, prevResult=result) is None
    assert not p.left(container)


def test_version(plugin):
    p = plugin()
    versions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]
    for asked in versions:
        assert p.call("VERSION", text=json.dumps({"cniVersion": asked})) == {
            "cniVersion": asked,
            "supportedVersions": versions,
        }
    assert p.call("VERSION", text="")["supportedVersions"] == versions


def test_a_chain_keeps_the_result_of_the_plugin_before(plugin):
    p, container = plugin(), NetNs("c")
    before = {
        "cniVersion": "1.0.0",
        "interfaces": [{"name": "other0", "mac": port_mac(9), "sandbox": "/run/netns/x"}],
        "ips": [{"address": "198.51.100.9/24", "interface": 0}],
        "routes": [{"dst": "198.51.100.0/24"}],
        "dns": {"domain": "example.org"},
    }
    result = p.call("ADD", netns=container, prevResult=before)
    assert [i["name"] for i in result["interfaces"]] == ["other0", *p.host_ends(), "eth0"]
    assert [(i["address"], i["interface"]) for i in result["ips"]] == [
        ("198.51.100.9/24", 0),
        ("192.0.2.10/24", 2),
    ]
    assert result["routes"] == before["routes"] and result["dns"] == before["dns"]


# ---- connectivity ----
def test_two_containers_reach_each_other_and_a_host_outside(plugin):
    p = plugin(mtu=9000)
    containers = [NetNs("c1"), NetNs("c2")]
    outside = NetNs("out")
    p.bed.world.ip("link", "set", "sw0", "netns", outside.name)
    outside.up("sw0")
    outside.ethtool("sw0", tx=False)
    outside.ip("address", "add", "192.0.2.1/24", "dev", "sw0")
    for i, container in enumerate(containers):
        p.ipam.result(f"192.0.2.{10 + i}/24", "192.0.2.1", [{"dst": "0.0.0.0/0"}])
        p.call("ADD", container=f"c{i}", netns=container)
        assert container.link("eth0")["mtu"] == 9000
        routes = json.loads(container.ip("-json", "route", "show", "default").stdout)
        assert [(r["gateway"], r["dev"]) for r in routes] == [("192.0.2.1", "eth0")]
    assert len(p.ports()) == 2
    ping(containers[0], "192.0.2.11")
    ping(containers[1], "192.0.2.10", size=8000)
    for container in containers:
        ping(container, "192.0.2.1")


def test_frames_are_delivered_by_xdp(plugin):
    """GRO is on at the container's end."""
    p, container = plugin(), NetNs("c")
    p.call("ADD", netns=container)
    assert "generic-receive-offload: on" in container.run("ethtool", "-k", "eth0").stdout
    (port,) = p.bed.daemon.json("show", "ports")
    assert port["delivery"] == ("xdp" if features.xdp_features_are_reported() else "tc")


def test_an_attachment_with_ipv6_and_without_ipam(plugin):
    p, container = plugin(), NetNs("c")
    p.ipam.result("2001:db8::10/64", "2001:db8::1", [{"dst": "::/0"}])
    result = p.call("ADD", netns=container)
    assert result["routes"] == [{"dst": "::/0", "gw": "2001:db8::1"}]
    addresses = json.loads(container.ip("-json", "-6", "address", "show", "dev", "eth0").stdout)
    mine = [a for a in addresses[0]["addr_info"] if a["local"] == "2001:db8::10"]
    assert mine and "tentative" not in mine[0] and not mine[0].get("dadfailed")
    assert mine[0]["nodad"], "usable at once, also on a busy host"
    p.call("CHECK", netns=container, prevResult=result)
    p.call("DEL", netns=container)
    for none in ({}, None):
        result = p.call("ADD", netns=container, ipam=none)
        assert (result["ips"], result["routes"]) == ([], [])
        # the kernel changes it some time after the carrier
        wait_until(lambda: container.link("eth0")["operstate"] in ("UP", "UNKNOWN"), 30, "eth0 up")
        p.call("DEL", netns=container, ipam=none)
    assert not p.left(container)


def test_the_mac_address(plugin):
    p, container = plugin(), NetNs("c")
    other = "52:54:00:aa:00:02"
    for options, expected in (
        ({"arguments": f"IgnoreUnknown=1;MAC={MAC};IP=192.0.2.7"}, MAC),
        ({"arguments": f"MAC={other}", "args": {"cni": {"mac": MAC}}}, MAC),
        ({"args": {"cni": {"mac": other}}, "runtimeConfig": {"mac": MAC}}, MAC),
        ({}, None),
    ):
        result = p.call("ADD", netns=container, **options)
        mac = container.link("eth0")["address"]
        assert mac == result["interfaces"][1]["mac"] == expected or not expected
        (port,) = p.ports().values()
        assert port["mac"] == mac
        p.call("DEL", netns=container)
    # derived from the identity: the neighbours of a container that is started again know it
    assert mac == p.call("ADD", netns=container)["interfaces"][1]["mac"]


# ---- CHECK ----
def test_check_finds_differences(plugin):
    p, container = plugin(), NetNs("c")
    result = p.call("ADD", netns=container)
    check = lambda: p.error("CHECK", netns=container, prevResult=result)
    host_end = p.host_ends()[0]

    container.ip("address", "del", "192.0.2.10/24", "dev", "eth0")
    assert "address 192.0.2.10/24 is missing" in check()["msg"]
    container.ip("address", "add", "192.0.2.10/24", "dev", "eth0")
    p.call("CHECK", netns=container, prevResult=result)

    container.up("eth0", False)
    assert "eth0 is down" in check()["msg"]
    container.up("eth0")
    p.bed.daemon.ctl("port", "del", host_end)
    assert "is not a port of vs/prod" in check()["msg"]
    p.bed.daemon.ctl("port", "add", "vs", "lab", host_end, "--mac", result["interfaces"][1]["mac"])
    assert "is not a port of vs/prod" in check()["msg"]
    (p.ipam.dir / "c1.eth0").unlink()
    assert check()["msg"].endswith("no reservation")
    p.ipam.fail("nothing")
    container.ip("link", "del", "eth0")
    (p.ipam.dir / "c1.eth0").touch()
    assert "does not exist" in check()["msg"]
    assert "has no eth0" in p.error("CHECK", netns=container, prevResult={})["msg"]
    assert "prevResult: is missing" in p.error("CHECK", netns=container)["msg"]


# ---- what is refused ----
def test_wrong_input_is_refused_with_its_code(plugin):
    p, container = plugin(), NetNs("c")
    long = "x" * 200
    for code, text, options in (
        (1, "must be 0.3.1", {"cniVersion": "0.2.0"}),
        (1, "must be 0.3.1", {"cniVersion": None}),
        (4, "container id", {"container": "../c"}),
        (4, "container id", {"container": ""}),
        (4, "container id", {"container": long}),
        (4, "interface name", {"ifname": "a234567890123456"}),
        (4, "interface name", {"ifname": "a/b"}),
        (4, "interface name", {"ifname": "all"}),
        (4, "interface name", {"ifname": "eth%d"}),
        (4, "CNI_NETNS", {"netns": ""}),
        (4, "No such file", {"netns": "/run/netns/none"}),
        (4, "no namespace is mounted", {"netns": "/etc/passwd"}),
        (4, "is that of the host", {"netns": p.bed.hv}),
        (4, "another kind", {"netns": "/proc/self/ns/mnt"}),
        (4, "BANANA: is unknown", {"arguments": "BANANA=1"}),
        (4, "KEY=VALUE", {"arguments": "BANANA"}),
        (4, "too long", {"arguments": "MAC=52:54:00:aa:00:011"}),
        (6, "line 1", {"text": "{"}),
        (6, "must be a JSON object", {"text": "[]"}),
        (6, "duplicate", {"text": '{"name": "a", "name": "b"}'}),
        (6, "more than 1048576 bytes", {"text": '{"x": "' + "y" * 1100000 + '"}'}),
        (7, "network name", {"name": "a b"}),
        (7, "network name", {"name": None}),
        (7, "switch: is missing", {"switch": None}),
        (7, "switch: must be a string", {"switch": 7}),
        (7, "portGroup: ''", {"portGroup": ""}),
        (7, "has no port group 'none'", {"portGroup": "none"}),
        (7, "has no port group", {"switch": "vs2"}),
        (7, "mtu: 1501: must be 68-1500", {"mtu": 1501}),
        (7, "mtu: must be an integer", {"mtu": "1500"}),
        (7, "mac: 'zz'", {"runtimeConfig": {"mac": "zz"}}),
        (7, "mac: '01:", {"runtimeConfig": {"mac": "01:00:5e:00:00:01"}}),
        (7, "absolute path", {"socket": "uplinkd.sock"}),
        (7, "ipam.type: 'a/b'", {"ipam": {"type": "a/b"}}),
        (7, "no such program", {"ipam": {"type": "no-ipam"}}),
        (7, "needs an ipam plugin", {"ipam": {}, "runtimeConfig": {"ips": ["192.0.2.5/24"]}}),
        (11, "not running", {"socket": "/nonexistent/socket"}),
    ):
        error = p.error("ADD", **{"netns": container, **options})
        assert error["code"] == code and text in error["msg"], (options, error)
        assert not p.left(container), (options, error)
    error = p.error("FLY", netns=container)
    assert error["code"] == 4 and "FLY" in error["msg"]
    assert p.error("CHECK", netns=container, cniVersion="0.3.1")["code"] == 1
    assert p.error("GC")["code"] == 1


def test_a_result_of_the_ipam_plugin_that_is_wrong_is_refused(plugin):
    p, container = plugin(), NetNs("c")
    for text, result in (
        ("must be a JSON object", "[]"),
        ("line", "hello"),
        ("ips: must be an array", '{"ips": {}}'),
        ("ips[0]. must be an object", '{"ips": [7]}'),
        ("ips[0].address: is missing", '{"ips": [{}]}'),
        ("ips[0].address: 192.0.2.10:", '{"ips": [{"address": "192.0.2.10"}]}'),
        ("ips[0].address: 192.0.2.10/33", '{"ips": [{"address": "192.0.2.10/33"}]}'),
        ("ips[0].gateway", '{"ips": [{"address": "192.0.2.10/24", "gateway": "::1"}]}'),
        ("routes[0].dst: is missing", '{"routes": [{}]}'),
        ("routes[0].gw", '{"routes": [{"dst": "10.0.0.0/8", "gw": "::1"}]}'),
        ("more than 64", json.dumps({"ips": [{"address": "192.0.2.10/24"}] * 65})),
        ("cannot add route", '{"routes": [{"dst": "10.0.0.0/8", "gw": "203.0.113.1"}]}'),
        ("Message too long", "x" * 1200000),
    ):
        (p.ipam.dir / "result").write_text(result)
        error = p.error("ADD", netns=container)
        assert text in error["msg"], (error, result[:80])
        assert not p.left(container), result[:80]


# ---- failures are taken back ----
def test_a_failed_add_leaves_nothing(plugin):
    p, container = plugin(), NetNs("c")
    p.ipam.fail("ADD")
    assert p.error("ADD", netns=container) == {
        "cniVersion": "1.0.0",
        "code": 11,
        "msg": "ipam plugin test-ipam: ADD: the pool is empty",
        "details": "try later",
    }
    assert not p.left(container)
    p.ipam.fail("nothing")
    container.ip("tuntap", "add", "eth0", "mode", "tap")
    error = p.error("ADD", netns=container)
    assert error["code"] == 4 and "has an interface eth0 already" in error["msg"]
    container.ip("link", "del", "eth0")
    assert not p.left(container)
    # a runtime that does not read the result
    done = p.bed.hv.run(
        "sh",
        "-c",
        f"exec {PROGRAM} >/dev/full",
        check=False,
        env=p.environment("ADD", "c1", container, "eth0"),
        text_input=json.dumps(p.config),
    )
    assert done.returncode == 1
    assert not p.left(container)


def test_a_name_of_something_else_is_not_touched(plugin):
    p, container = plugin(), NetNs("c")
    p.call("ADD", netns=container)
    (host_end,) = p.host_ends()
    p.bed.hv.ip("link", "set", host_end, "alias", "uplinkd-net other c9 eth0")
    error = p.error("ADD", netns=container)
    assert error["code"] == 102 and host_end in error["msg"] and "other c9" in error["msg"]
    p.call("DEL", netns=container)
    assert p.host_ends() == [host_end] and list(p.ports()) == [host_end]
    p.bed.hv.ip("link", "set", host_end, "alias", "uplinkd-net net1 c1 eth0")
    p.call("DEL", netns=container)
    p.bed.hv.ip("tuntap", "add", host_end, "mode", "tap")
    assert p.error("ADD", netns=container)["code"] == 102
    p.call("DEL", netns=container)
    assert p.host_ends() == [host_end]


def test_what_an_unreachable_daemon_leaves(plugin):
    p, container = plugin(), NetNs("c")
    p.call("ADD", netns=container)
    p.bed.daemon.stop()
    assert p.error("CHECK", netns=container, prevResult={})["code"] == 103
    p.call("DEL", netns=container)
    assert not p.host_ends() and not p.ipam.reservations()
    p.bed.daemon.start()
    (port,) = p.ports().values()
    assert not port["present"]
    # the next ADD takes the port over, and a repeated DEL removes it
    p.call("ADD", netns=container)
    p.call("DEL", netns=container)
    assert not p.left(container)

    # one that does not answer is reported: the runtime tries again
    p.call("ADD", netns=container)
    path = p.bed.daemon.dir / "closes"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        closer = threading.Thread(target=lambda: listener.accept()[0].close())
        closer.start()
        assert p.error("DEL", netns=container, socket=str(path))["code"] == 11
        closer.join()
    p.call("DEL", netns=container)
    assert not p.left(container)


def test_the_namespace_is_gone_before_del(plugin):
    p, container = plugin(), NetNs("c")
    p.call("ADD", netns=container)
    container.remove()
    wait_until(lambda: not p.host_ends(), 30, "the pair to go with its namespace")
    p.call("DEL", netns=container)
    assert not p.left()


# ---- GC and STATUS ----
def test_gc_keeps_the_valid_attachments_of_its_network(plugin):
    p = plugin(version="1.1.0")
    containers = {name: NetNs(name) for name in ("c1", "c2", "c3")}
    for name, container in containers.items():
        p.call("ADD", container=name, netns=container)
    other = NetNs("other")
    p.call("ADD", container="c9", netns=other, name="net2")
    before = p.host_ends()
    keep = [{"containerID": "c2", "ifname": "eth0"}]
    for wrong in (None, 7, [{"containerID": "c2"}], [7]):
        assert p.error("GC", **{"cni.dev/valid-attachments": wrong})["code"] == 7
    assert p.host_ends() == before
    p.call("GC", **{"cni.dev/valid-attachments": keep})
    assert len(p.host_ends()) == 2 and sorted(p.ports()) == p.host_ends()
    assert containers["c2"].exists("eth0") and other.exists("eth0")
    assert p.ipam.calls()[-1].startswith("GC ")

    # what interrupted calls leave: a port without interface, an interface without alias
    p.call("DEL", container="c2", netns=containers["c2"])
    name = next(iter(set(before) - set(p.host_ends())))
    p.bed.daemon.ctl("port", "add", "vs", "prod", name, "--mac", MAC)
    p.call("GC", **{"cni.dev/valid-attachments": []})
    p.bed.hv.ip("link", "add", name, "type", "veth", "peer", "name", "peer0")
    p.call("GC", **{"cni.dev/valid-attachments": []})
    assert len(p.host_ends()) == 1 and sorted(p.ports()) == p.host_ends()
    p.call("GC", name="net2", **{"cni.dev/valid-attachments": []})
    p.ipam.dir.joinpath("c9.eth0").unlink()


def test_status(plugin):
    p = plugin(version="1.1.0")
    assert p.call("STATUS") is None
    assert p.error("STATUS", portGroup="none")["code"] == 50
    p.ipam.fail("STATUS")
    assert p.error("STATUS")["code"] == 11
    p.bed.daemon.stop()
    error = p.error("STATUS")
    assert error["code"] == 50 and "not running" in error["msg"]


# ---- the reads that the plugin uses ----
def test_the_state_of_a_port_is_read_at_once(plugin):
    """After the reply to AddPort or RemovePort; a port without an interface has a state as well."""
    p, container = plugin(), NetNs("c")
    ports = lambda **named: p.bed.daemon.call("Ports", **named)[1]["ports"]
    for _ in range(5):
        p.call("ADD", netns=container, runtimeConfig={"mac": MAC})
        (host_end,) = p.host_ends()
        (port,) = ports(name=host_end)
        assert (port["name"], port["group"], port["mac"]) == (host_end, "prod", MAC)
        assert port["runtime"] and port["present"] and port["error"] is None
        p.call("DEL", netns=container)
        assert ports(name=host_end) == []
    p.bed.daemon.ctl("port", "add", "vs", "lab", "later0", "--mac", port_mac(5))
    (port,) = ports()
    assert port["runtime"] and not port["present"] and port["state"] == "missing"
    groups = p.bed.daemon.call("Groups")[1]["groups"]
    assert [(g["switch"], g["name"], g["mtu"]) for g in groups] == [
        ("vs", "prod", 1500),
        ("vs", "lab", 1500),
    ]
    assert not p.bed.daemon.call("Ports", name=7)[0]


# ---- netavark ----
SUBNETS = [
    {"subnet": "198.51.100.0/24", "gateway": "198.51.100.1"},
    {"subnet": "192.0.2.0/24", "gateway": "192.0.2.1"},
    {"subnet": "2001:db8::/64"},
]


def options_of(p, **more):
    return {
        "switch": "vs",
        "portGroup": "prod",
        "socket": str(p.bed.daemon.run_dir / "uplinkd.sock"),
        **more,
    }


def test_netavark_info_and_create(plugin):
    p = plugin()
    done = p.driver("info")
    assert done.returncode == 0
    info = json.loads(done.stdout)
    assert info["api_version"] == "1.0.0" and info["version"]
    network = netavark_request(subnets=SUBNETS, options=options_of(p))["network"]
    network["dns_enabled"] = True
    done = p.driver("create", request=network)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {**network, "dns_enabled": False}
    for text, change in (
        ("option switch", {"options": {"portGroup": "prod"}}),
        ("option portGroup", {"options": {"switch": "vs"}}),
        ("option banana: is unknown", {"options": options_of(p, banana="1")}),
        ("option mtu", {"options": options_of(p, mtu="big")}),
        ("options.mtu: must be a string", {"options": options_of(p, mtu=1500)}),
        ("dhcp", {"ipam_options": {"driver": "dhcp"}}),
    ):
        done = p.driver("create", request={**network, **change})
        assert done.returncode == 1
        error = json.loads(done.stdout)
        assert list(error) == ["error"] and text in error["error"], error


def test_netavark_setup_and_teardown(plugin):
    p, container = plugin(), NetNs("c")
    request = netavark_request(
        ips=["192.0.2.10", "2001:db8::10"],
        mac=MAC,
        subnets=SUBNETS,
        options=options_of(p, mtu="1400", metric="77"),
        routes=[{"destination": "203.0.113.0/24", "gateway": "192.0.2.9", "metric": 5}],
    )
    done = p.driver("setup", container.path, request=request)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {
        "dns_search_domains": [],
        "dns_server_ips": [],
        "interfaces": {
            "eth0": {
                "mac_address": MAC,
                "subnets": [
                    {"ipnet": "192.0.2.10/24", "gateway": "192.0.2.1"},
                    {"ipnet": "2001:db8::10/64"},
                ],
            }
        },
    }
    link = container.link("eth0")
    assert (link["address"], link["mtu"]) == (MAC, 1400)
    routes = json.loads(container.ip("-json", "route", "show", "proto", "static").stdout)
    assert [(r["dst"], r["gateway"], r["metric"]) for r in routes] == [
        ("default", "192.0.2.1", 77),
        ("203.0.113.0/24", "192.0.2.9", 5),
    ]
    # the same name again, as after a podman that was killed
    assert p.driver("setup", container.path, request=request).returncode == 0
    for _ in range(2):
        done = p.driver("teardown", container.path, request=request)
        assert (done.returncode, done.stdout) == (0, "")
    assert not p.left(container)
    for text, changed in (
        (
            "is in no subnet",
            {**request, "network_options": {"interface_name": "e", "static_ips": ["203.0.113.5"]}},
        ),
        (
            "must be an IP address",
            {**request, "network_options": {"interface_name": "e", "static_ips": [7]}},
        ),
        ("container id", {**request, "container_id": "a b"}),
        ("interface name", {**request, "network_options": {"interface_name": ""}}),
    ):
        done = p.driver("setup", container.path, request=changed)
        assert done.returncode == 1 and text in json.loads(done.stdout)["error"], done.stdout
    assert "needs the path" in json.loads(p.driver("setup", request=request).stdout)["error"]
    assert not p.left(container)


def test_usage(plugin):
    p = plugin()
    assert p.driver("--help").stdout.startswith("usage: ")
    assert p.driver("--version").stdout.startswith("uplinkd-net ")
    done = p.driver("fly")
    assert done.returncode == 2 and "fly: unknown command" in done.stderr
    assert p.driver().returncode == 0


# ---- kills ----
@pytest.mark.parametrize("command", ["ADD", "DEL"])
def test_a_killed_call_leaves_nothing(plugin, command):
    """A sample with one of three recoveries each; tests/integration has all of them."""
    p = plugin()
    kills = Kills(p, NetNs("c"), command)
    assert {"sendto", "connect"} <= set(kills.calls)
    places = range(0, len(kills.calls), 7)
    hits = [kills.kill(index, RECOVERIES[i % 3]) for i, index in enumerate(places)]
    assert sum(hits) >= len(hits) - 1
