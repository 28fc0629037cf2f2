# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkd-net with real runtimes: libcni with the reference plugins, and podman."""
import json

import pytest

from containers import (
    REFERENCE_PLUGINS,
    Libcni,
    Podman,
    build_cni_driver,
    cni_network,
    host_local,
    leases,
    outside_of,
    trixie_root,
)
from harness.base import run
from harness.bed import switch
from harness.machine import ping
from harness.net_plugin import PROGRAM, RECOVERIES, Ipam, Kills, Plugin
from harness.netns import NetNs

MAC = "52:54:00:aa:00:01"


@pytest.fixture
def hypervisor(bed):
    """A bed whose one uplink leads to the host `outside`, 192.0.2.1."""
    made = bed(n_uplinks=1, n_ports=0)
    made.start([switch("vs", made.uplink_names, [("prod", 0, [])])])
    made.outside = outside_of(made)
    return made


# ---- libcni ----
@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
def test_libcni_and_host_local(hypervisor, version):
    store = hypervisor.daemon.dir / "leases"
    network = cni_network(hypervisor.daemon, version=version, ipam=host_local(store))
    libcni = Libcni(hypervisor.hv, build_cni_driver(), network)
    plugin = Plugin(hypervisor)
    libcni.call("VALIDATE", "c0", "/none")
    containers = [NetNs("c1"), NetNs("c2")]
    for i, container in enumerate(containers):
        result = libcni.call("ADD", f"c{i}", container.path)
        assert result["ips"][0]["address"] == f"192.0.2.{50 + i}/24"
        assert result["cniVersion"] == version
    assert leases(store) == ["192.0.2.50", "192.0.2.51"]
    ping(containers[0], "192.0.2.51")
    for container in containers:
        ping(container, "192.0.2.1")
    for i, container in enumerate(containers):
        if version != "0.3.1":
            libcni.call("CHECK", f"c{i}", container.path)
        for _ in range(2):
            libcni.call("DEL", f"c{i}", container.path)
    assert not plugin.left(*containers) and not leases(store)


def test_libcni_with_static_addresses_capabilities_and_a_chain(hypervisor):
    chained = {"type": "tuning", "sysctl": {"net.ipv4.conf.eth0.log_martians": "1"}}
    ipam = {"type": "static", "routes": [{"dst": "198.51.100.0/24", "gw": "192.0.2.1"}]}
    network = cni_network(hypervisor.daemon, ipam=ipam, plugins=[chained])
    libcni = Libcni(hypervisor.hv, build_cni_driver(), network)
    container = NetNs("c1")
    wishes = {"mac": MAC, "ips": ["192.0.2.77/24", "2001:db8::77/64"]}
    result = libcni.call("ADD", "c1", container.path, **wishes)
    assert [ip["address"] for ip in result["ips"]] == wishes["ips"]
    assert container.link("eth0")["address"] == MAC
    ping(container, "192.0.2.1")
    libcni.call("CHECK", "c1", container.path, **wishes)
    container.ip("address", "del", "192.0.2.77/24", "dev", "eth0")
    done = libcni.run("CHECK", "c1", container.path, **wishes)
    assert done.returncode == 1 and "192.0.2.77/24 is missing" in done.stderr
    libcni.call("DEL", "c1", container.path, **wishes)
    # the same by CNI_ARGS, as older runtimes have it
    arguments = f"IgnoreUnknown=1;MAC={MAC};IP=192.0.2.78/24"
    result = libcni.call("ADD", "c1", container.path, arguments=arguments)
    assert result["ips"][0]["address"] == "192.0.2.78/24"
    assert container.link("eth0")["address"] == MAC
    libcni.call("DEL", "c1", container.path, arguments=arguments)
    assert not Plugin(hypervisor).left(container)


def test_libcni_reports_what_uplinkd_refuses(hypervisor):
    libcni = Libcni(hypervisor.hv, build_cni_driver(), cni_network(hypervisor.daemon, group="x"))
    container = NetNs("c1")
    done = libcni.run("ADD", "c1", container.path)
    assert done.returncode == 1 and "switch 'vs' has no port group 'x'" in done.stderr
    assert not Plugin(hypervisor).left(container)


# ---- podman ----
def test_podman_with_cni(hypervisor):
    folder = hypervisor.daemon.dir / "net.d"
    folder.mkdir()
    store = hypervisor.daemon.dir / "leases"
    network = cni_network(hypervisor.daemon, version="0.4.0", ipam=host_local(store))
    (folder / "net1.conflist").write_text(json.dumps(network))
    podman = Podman(
        hypervisor.hv,
        'network_backend="cni"\n'
        f'cni_plugin_dirs=["{PROGRAM.parent}", "{REFERENCE_PLUGINS}"]\n'
        f'network_config_dir="{folder}"',
    )
    plugin = Plugin(hypervisor)
    for i, options in enumerate(([], ["--mac-address", MAC])):
        seen = podman.start(f"c{i}", "net1", *options)["NetworkSettings"]["Networks"]["net1"]
        assert seen["IPAddress"] == f"192.0.2.{50 + i}"
        assert not options or seen["MacAddress"] == MAC
    assert len(plugin.ports()) == 2 and len(leases(store)) == 2
    podman.ping("c0", "192.0.2.51")
    podman.ping("c1", "192.0.2.50")
    podman.ping("c0", "192.0.2.1")
    podman.ping("c1", "192.0.2.1")
    podman.podman("restart", "--time", "0", "c0")
    podman.ping("c0", "192.0.2.51")
    podman.podman("rm", "--force", "--time", "0", "c0")
    assert len(plugin.ports()) == 1
    podman.podman("rm", "--force", "--time", "0", "c1")
    assert not plugin.left() and not leases(store)


@pytest.mark.slow
def test_podman_with_netavark(hypervisor):
    podman = Podman(
        hypervisor.hv,
        'network_backend="netavark"\n'
        'firewall_driver="none"\n'
        f'netavark_plugin_dirs=["{PROGRAM.parent}"]\n'
        f'network_config_dir="{hypervisor.daemon.dir}/networks"',
        root=trixie_root(),
    )
    plugin = Plugin(hypervisor)
    create = ["network", "create", "--driver", "uplinkd-net", "--subnet", "192.0.2.0/24"]
    done = podman.podman(*create, "wrong", check=False)
    assert done.returncode != 0 and "option switch" in done.stderr
    options = {
        "switch": "vs",
        "portGroup": "prod",
        "socket": hypervisor.daemon.run_dir / "uplinkd.sock",
    }
    for name, value in options.items():
        create += ["--opt", f"{name}={value}"]
    podman.podman(*create, "--gateway", "192.0.2.1", "net1")
    for i, more in enumerate((["--ip", "192.0.2.50"], ["--ip", "192.0.2.51"])):
        mac = f"52:54:00:aa:00:0{i}"
        seen = podman.start(f"c{i}", "net1", *more, "--mac-address", mac)
        seen = seen["NetworkSettings"]["Networks"]["net1"]
        assert (seen["IPAddress"], seen["MacAddress"]) == (f"192.0.2.{50 + i}", mac)
        assert seen["Gateway"] == "192.0.2.1"
    assert len(plugin.ports()) == 2
    podman.ping("c0", "192.0.2.51")
    podman.ping("c1", "192.0.2.50")
    podman.ping("c0", "192.0.2.1")
    podman.ping("c1", "192.0.2.1")
    podman.podman("network", "disconnect", "net1", "c0")
    assert len(plugin.ports()) == 1
    podman.podman("network", "connect", "net1", "c0")
    podman.ping("c0", "192.0.2.51")
    podman.podman("rm", "--force", "--time", "0", "c0", "c1")
    assert not plugin.left()


# ---- kills ----
@pytest.mark.slow
@pytest.mark.parametrize("command", ["ADD", "DEL"])
def test_kills_at_every_system_call(hypervisor, command):
    kills = Kills(Plugin(hypervisor, ipam=Ipam()), NetNs("c"), command)
    hits = [kills.kill(i, recover) for i in range(len(kills.calls)) for recover in RECOVERIES]
    assert sum(hits) >= 0.95 * len(hits)
