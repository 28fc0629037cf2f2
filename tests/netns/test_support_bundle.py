# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""support-bundle: complete with the daemon and without it, and masked consistently."""
import io
import json
import subprocess
import tarfile

from harness.base import BUILD, wait_until
from harness.bed import Bed, port_mac, switch


def started():
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0, 1])])])
    bed.usable(*bed.uplink_names)
    return bed


def bundle(bed, name, *options):
    """({name without the folder: text}, what was printed)."""
    path = bed.daemon.dir / name
    printed = bed.daemon.ctl("support-bundle", path, *options).stdout
    with tarfile.open(path) as archive:
        names = archive.getnames()
        assert len({n.split("/", 1)[0] for n in names}) == 1
        return {
            n.split("/", 1)[1]: archive.extractfile(n).read().decode(errors="replace")
            for n in names
        }, printed


def problems(items):
    manifest = json.loads(items["manifest.json"])
    return {i["name"]: i["problem"] for i in manifest["items"] if i["problem"]}


def test_the_archive_has_everything_and_lists_it():
    bed = started()
    items, printed = bundle(bed, "bundle.tar.gz")
    assert all(name in printed for name in items if name != "manifest.json")
    assert json.loads(items["ports.json"])[0]["mac"] == port_mac(0)
    assert "vlan: 100" in items["config-in-force.yaml"]
    assert [r for r in json.loads(items["history.json"]) if r["code"] == "daemon"]
    assert json.loads(items["versions.json"])["kernel"]
    # the daemon of the test has another file, and other kernels lack some of the facts
    assert not [n for n in problems(items) if not n.startswith(("host/", "config/"))]
    refused = bed.daemon.ctl("support-bundle", bed.daemon.dir / "bundle.tar.gz", check=False)
    assert refused.returncode == 1 and "File exists" in refused.stderr


def test_a_stopped_daemon_costs_only_what_it_alone_knows():
    bed = started()
    bed.daemon.kill()
    diagnose = lambda: bed.daemon.ctl("--json", "diagnose", check=False).stdout
    wait_until(lambda: "daemon_stopped" in diagnose(), 30, diagnose)  # its lease has to end
    items, _ = bundle(bed, "stopped.tar.gz")
    assert json.loads(items["history.json"]) and json.loads(items["uplinks.json"])
    found = {f["code"] for f in json.loads(items["diagnose.json"])}
    assert "daemon_stopped" in found
    missing = {n for n in problems(items) if not n.startswith(("host/", "config/"))}
    assert missing == {"config-in-force.yaml"}


def test_addresses_are_masked_by_the_same_ones_everywhere():
    bed = started()
    items, _ = bundle(bed, "masked.tar.gz", "--mask")
    text = "".join(items.values())
    assert port_mac(0) not in text and port_mac(1) not in text
    macs = {p["name"]: p["mac"] for p in json.loads(items["ports.json"])}
    fdb = {e["port"]: e["mac"] for e in json.loads(items["fdb.json"])}
    assert fdb == macs and all(m.startswith("02:00:00:00:") for m in macs.values())
    assert all(m in items["config-in-force.yaml"] for m in macs.values())


def test_to_standard_output():
    bed = started()
    command = ["--run-dir", bed.daemon.run_dir, "--bpffs", bed.daemon.bpffs]
    done = subprocess.run(
        [str(c) for c in (BUILD / "uplinkctl", *command, "support-bundle", "-")],
        capture_output=True,
        check=True,
        timeout=60,
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert any(n.endswith("/manifest.json") for n in archive.getnames())
    assert b"versions.json" in done.stderr
