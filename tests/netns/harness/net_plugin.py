# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""uplinkd-net, called as a container runtime calls it."""
import json
import os
import re

from . import base
from .base import BUILD
from .netns import NetNs

PROGRAM = BUILD / "uplinkd-net"
FAULT = BUILD / "tests/tools/fault"
HOST_END = re.compile(r"\bul[0-9a-z]{13}\b")

# An IPAM plugin that keeps one file per container and interface, so that a leak is visible. It
# fails if the folder has a file "fail" with the command.
IPAM = """#!/bin/sh
set -e
dir={dir}
input=$(cat)
file=$dir/$CNI_CONTAINERID.$CNI_IFNAME
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME" >> $dir/calls
if grep -qx "$CNI_COMMAND" $dir/fail 2>/dev/null; then
	echo '{{"code": 11, "msg": "the pool is empty", "details": "try later"}}'
	exit 1
fi
case $CNI_COMMAND in
ADD) echo "$input" > $file; cat $dir/result ;;
DEL) rm -f $file ;;
CHECK) [ -e $file ] || {{ echo '{{"code": 100, "msg": "no reservation"}}'; exit 1; }} ;;
GC|STATUS) ;;
esac
"""


class Ipam:
    """Folder of CNI_PATH with the program test-ipam."""

    def __init__(self):
        self.dir = base.temp_dir()
        program = self.dir / "test-ipam"
        program.write_text(IPAM.format(dir=self.dir))
        program.chmod(0o755)
        self.result("192.0.2.10/24", "192.0.2.1")

    def result(self, address, gateway=None, routes=(), version="1.0.0", **more):
        ip = {"address": address}
        if gateway:
            ip["gateway"] = gateway
        result = {"cniVersion": version, "ips": [ip], "routes": list(routes), **more}
        (self.dir / "result").write_text(json.dumps(result))

    def fail(self, *commands):
        (self.dir / "fail").write_text("\n".join(commands) + "\n")

    def reservations(self):
        return sorted(p.name for p in self.dir.iterdir() if "." in p.name)

    def calls(self):
        path = self.dir / "calls"
        return path.read_text().splitlines() if path.exists() else []


class Plugin:
    """Calls in the network namespace of a hypervisor, for a port group of its daemon."""

    def __init__(self, bed, ipam=None, version="1.0.0", switch="vs", group="prod"):
        self.bed, self.ipam, self.version = bed, ipam, version
        self.config = {
            "cniVersion": version,
            "name": "net1",
            "type": "uplinkd-net",
            "switch": switch,
            "portGroup": group,
            "socket": str(bed.daemon.run_dir / "uplinkd.sock"),
        }
        if ipam:
            self.config["ipam"] = {"type": "test-ipam"}

    def environment(self, command, container, netns, ifname, arguments=""):
        return {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": str(netns.path if isinstance(netns, NetNs) else netns),
            "CNI_IFNAME": ifname,
            "CNI_ARGS": arguments,
            "CNI_PATH": str(self.ipam.dir) if self.ipam else "/nonexistent",
        }

    def run(
        self,
        command,
        container="c1",
        netns="",
        ifname="eth0",
        arguments="",
        text=None,
        wrap=(),
        **config,
    ):
        """The CompletedProcess; members of config that are None are left out."""
        merged = {k: v for k, v in {**self.config, **config}.items() if v is not None}
        return self.bed.hv.run(
            *wrap,
            PROGRAM,
            check=False,
            env=self.environment(command, container, netns, ifname, arguments),
            text_input=json.dumps(merged) if text is None else text,
        )

    def call(self, command, *args, **options):
        """Succeeds; returns the JSON that was printed, or None."""
        done = self.run(command, *args, **options)
        assert (
            done.returncode == 0
        ), f"{command}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.bed.daemon.log()}"
        return json.loads(done.stdout) if done.stdout else None

    def error(self, command, *args, **options):
        """Fails with a well-formed error object, which is returned."""
        done = self.run(command, *args, **options)
        assert done.returncode == 1, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        error = json.loads(done.stdout)
        assert set(error) <= {"cniVersion", "code", "msg", "details"}, error
        assert isinstance(error["code"], int) and error["msg"], error
        return error

    def driver(self, *arguments, request=None):
        """A command of the netavark driver; the CompletedProcess."""
        return self.bed.hv.run(
            PROGRAM, *arguments, check=False, text_input=json.dumps(request) if request else ""
        )

    # ---- what exists ----
    def host_ends(self):
        links = json.loads(self.bed.hv.ip("-json", "link").stdout)
        return sorted(link["ifname"] for link in links if HOST_END.fullmatch(link["ifname"]))

    def ports(self):
        """The run-time ports of the daemon, {name: port}."""
        done, reply = self.bed.daemon.call("Ports")
        assert done, reply
        return {p["name"]: p for p in reply["ports"] if p["runtime"]}

    def left(self, *containers):
        """Objects that remain of a removed attachment; there must be none."""
        found = {
            "host ends": self.host_ends(),
            "ports": sorted(self.ports()),
            "reservations": self.ipam.reservations() if self.ipam else [],
        }
        for container in containers:
            links = json.loads(container.ip("-json", "link").stdout)
            found[container.name] = [l["ifname"] for l in links if l["ifname"] != "lo"]
        return {what: names for what, names in found.items() if names}


# ---- kills ----
def by_del(plugin, container):
    plugin.call("DEL", netns=container)


def by_add(plugin, container):
    plugin.call("ADD", netns=container)
    plugin.call("DEL", netns=container)


def by_gc(plugin, container):
    """Without the reservations of the IPAM plugin, which the caller checks."""
    plugin.call("GC", cniVersion="1.1.0", **{"cni.dev/valid-attachments": []})
    for name in plugin.ipam.reservations():
        (plugin.ipam.dir / name).unlink()


RECOVERIES = (by_del, by_add, by_gc)


class Kills:
    """ADD or DEL of one container, killed at its system calls from main() on."""

    def __init__(self, plugin, container, command):
        self.plugin, self.container, self.command = plugin, container, command
        self.trace = plugin.bed.daemon.dir / "net-trace"
        self._prepare()
        self._run()
        self.calls = [line.split()[2] for line in self.trace.read_text().splitlines()]
        by_del(plugin, container)
        self._assert_nothing_left("no kill")

    def _prepare(self):
        if self.command == "DEL":
            self.plugin.call("ADD", netns=self.container)

    def _run(self, *point):
        wrap = [FAULT, "--trace", self.trace, "--from", "/dev/null", *point]
        return self.plugin.run(self.command, netns=self.container, wrap=wrap)

    def _assert_nothing_left(self, what):
        left = self.plugin.left(self.container)
        assert not left, f"{self.command}, {what}: {left}\n{self.plugin.bed.daemon.log()}"

    def kill(self, index, recover):
        """At the call with this index. One that is not reached, because the number of calls varies
        a little, is a call without a kill.
        """
        name = self.calls[index]
        self._prepare()
        self._run("--at", index + 1, "--call", name, "--kill")
        recover(self.plugin, self.container)
        self._assert_nothing_left(f"killed at {index}, {name}, {recover.__name__}")
        return self.trace.read_text(errors="replace").endswith("hit\n")


def netavark_request(network="net1", container="c1", ifname="eth0", ips=(), mac=None, **more):
    """The input of setup and teardown."""
    options = {"interface_name": ifname, "static_ips": list(ips)}
    if mac:
        options["static_mac"] = mac
    return {
        "container_id": container,
        "container_name": f"name-{container}",
        "port_mappings": None,
        "network": {
            "name": network,
            "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
            "driver": "uplinkd-net",
            "dns_enabled": False,
            "internal": False,
            "ipv6_enabled": False,
            "ipam_options": {"driver": "host-local"},
            **more,
        },
        "network_options": options,
    }
