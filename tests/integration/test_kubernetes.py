# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The example in docs/kubernetes, as far as it runs without a cluster: the shape of its objects, the
configuration of uplinkd, the network with libcni, and the installation on a node.
"""
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from containers import Libcni, build_cni_driver
from harness import base
from harness.base import BUILD, ROOT, run
from harness.bed import switch
from harness.net_plugin import PROGRAM, Plugin
from harness.netns import NetNs

FOLDER = ROOT / "docs/kubernetes"
SCHEMA = json.loads((ROOT / "tests/integration/data/kubernetes.schema.json").read_text())


def objects(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def only(name, kind):
    (found,) = [o for o in objects(name) if o["kind"] == kind]
    return found


@pytest.mark.parametrize("name", ["uplinkd.yaml", "network.yaml"])
def test_the_objects_have_the_shape_of_their_kinds(name):
    found = objects(name)
    assert found
    for item in found:
        jsonschema.validate(item, SCHEMA)
        # the schema can refuse: a member too many, one too few, another kind
        for wrong in (
            {**item, "spek": {}},
            {k: v for k, v in item.items() if k != "metadata"},
            {**item, "kind": "Deployment"},
        ):
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(wrong, SCHEMA)


def test_the_references_between_the_objects():
    daemon_set = only("uplinkd.yaml", "DaemonSet")
    pod = daemon_set["spec"]["template"]["spec"]
    labels = daemon_set["spec"]["template"]["metadata"]["labels"]
    assert daemon_set["spec"]["selector"]["matchLabels"].items() <= labels.items()
    volumes = {v["name"]: v for v in pod["volumes"]}
    mounted = {
        m["name"] for c in pod["initContainers"] + pod["containers"] for m in c["volumeMounts"]
    }
    assert mounted == set(volumes)
    config_map = only("uplinkd.yaml", "ConfigMap")
    assert volumes["configuration"]["configMap"]["name"] == config_map["metadata"]["name"]
    namespaces = {o["metadata"].get("namespace") for o in (daemon_set, config_map)}
    assert namespaces == {only("uplinkd.yaml", "Namespace")["metadata"]["name"]}

    network, user = (only("network.yaml", k) for k in ("NetworkAttachmentDefinition", "Pod"))
    wanted = json.loads(user["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"])
    assert [w["name"] for w in wanted] == [network["metadata"]["name"]]


def test_the_configuration_has_the_port_group_of_the_network():
    text = only("uplinkd.yaml", "ConfigMap")["data"]["uplinkd.yaml"]
    run(BUILD / "uplinkctl", "check", "-", text_input=text)
    (configured,) = yaml.safe_load(text)["switches"]
    network = json.loads(only("network.yaml", "NetworkAttachmentDefinition")["spec"]["config"])
    plugin = network["plugins"][0]
    assert plugin["switch"] == configured["name"]
    assert plugin["portGroup"] in [g["name"] for g in configured["port-groups"]]


def packages_of(program):
    """The Debian packages of the libraries that a program is linked with."""
    paths = dict(re.findall(r"(\S+) => (\S+)", run("ldd", program).stdout))
    for name in re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", program).stdout):
        # the owner of a file is known by its real path, in /lib or in /usr/lib
        path = Path(paths[name]).resolve()
        found = run("dpkg", "-S", path, f"/{path.relative_to('/usr')}", check=False).stdout
        yield found.split(":")[0].removesuffix("t64")


def test_the_image_has_the_libraries_of_the_programs():
    base_image = {"libc6", "libtinfo6", "zlib1g"}  # Essential, and what those depend on
    words = set((FOLDER / "Containerfile").read_text().split()) | base_image
    for name in ("uplinkd", "uplinkctl", "uplinkd-net", "uplinkd-exporter"):
        packages = set(packages_of(BUILD / name))
        assert "libc6" in packages
        assert packages <= words, (name, packages - words)


def test_the_network_with_libcni(bed):
    made = bed(n_uplinks=1, n_ports=0)
    network = json.loads(only("network.yaml", "NetworkAttachmentDefinition")["spec"]["config"])
    plugin = network["plugins"][0]
    made.start([switch(plugin["switch"], made.uplink_names, [(plugin["portGroup"], 0, [])])])
    plugin["socket"] = str(made.daemon.run_dir / "uplinkd.sock")
    plugin["ipam"]["dataDir"] = str(made.daemon.dir / "leases")
    wanted = json.loads(
        only("network.yaml", "Pod")["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"]
    )[0]
    libcni, container = Libcni(made.hv, build_cni_driver(), network), NetNs("pod")
    options = {"ifname": wanted["interface"], "mac": wanted["mac"]}
    result = libcni.call("ADD", "c1", container.path, **options)
    assert result["ips"][0]["address"] == "192.0.2.100/24"
    assert container.link(wanted["interface"])["address"] == wanted["mac"]
    libcni.call("CHECK", "c1", container.path, **options)
    libcni.call("DEL", "c1", container.path, **options)
    assert not Plugin(made).left(container)


def test_the_installation_on_a_node():
    """A second one, of an update, replaces the first one."""
    folder = base.temp_dir() / "opt/cni/bin"
    folder.mkdir(parents=True)
    for _ in range(2):
        run(FOLDER / "install-plugin", folder, env={"PROGRAM": str(PROGRAM)})
        done = run(folder / "uplinkd-net", env={"CNI_COMMAND": "VERSION", "LD_LIBRARY_PATH": ""})
        assert "1.0.0" in json.loads(done.stdout)["supportedVersions"]
        assert sorted(p.name for p in folder.iterdir()) == [".uplinkd-net", "uplinkd-net"]
        libraries = [p.name for p in (folder / ".uplinkd-net").iterdir()]
        assert any(n.startswith("libjansson") for n in libraries)
