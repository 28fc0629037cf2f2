# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The unit files in docs/, as far as they can be judged without a service manager."""
import re
import shutil

import pytest

from harness.base import BUILD, ROOT, run, temp_dir
from harness.daemon import CAPABILITIES

SERVICE = ROOT / "docs/uplinkd.service"
PACKAGING = ROOT / "user/packaging"


def needs(tool):
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")


def value(key, path=SERVICE):
    return re.search(rf"^{key}=(.*)$", path.read_text(), re.M)[1]


# the threshold is in tenths; the exit status tells whether it is exceeded
@pytest.mark.parametrize(
    "path, threshold",
    (
        (SERVICE, 20),
        (ROOT / "docs/uplinkd-interfaces.service", 20),
        (PACKAGING / "uplinkd-wait-online.service", 20),
        (PACKAGING / "uplinkd-exporter.service", 15),
        (PACKAGING / "uplinkd-metrics.service", 20),
    ),
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_exposure(path, threshold):
    needs("systemd-analyze")
    done = run(
        "systemd-analyze",
        "security",
        "--offline=yes",
        f"--threshold={threshold}",
        path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_files_have_no_mistakes():
    needs("systemd-analyze")
    folder = temp_dir()
    units = [
        SERVICE,
        ROOT / "docs/uplinkd.socket",
        *ROOT.glob("docs/uplinkd-interfaces.*"),
        *PACKAGING.glob("uplinkd*.*"),
    ]
    for path in units:
        text = path.read_text()
        for program in ("uplinkd", "uplinkctl", "uplinkd-exporter"):
            text = re.sub(rf"/usr/s?bin/{program}(?=[\s$])", str(BUILD / program), text)
        (folder / path.name).write_text(text)
    done = run("systemd-analyze", "verify", "--man=no", *folder.iterdir(), check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "uplinkd" in line]
    assert done.returncode == 0 and not said, done.stdout + done.stderr


def test_private_devices_wait_for_an_empty_tmp():
    """systemd before 255 makes them in a folder of /tmp, which systemd-tmpfiles empties at boot."""
    early = [
        path
        for path in [*ROOT.glob("docs/*.service"), *PACKAGING.glob("*.service")]
        if re.search(r"^DefaultDependencies=no$", path.read_text(), re.M)
        and re.search(r"^Private(Devices|Tmp)=yes$", path.read_text(), re.M)
    ]
    assert "uplinkd-interfaces.service" in {path.name for path in early}
    for path in early:
        after = re.findall(r"^After=(.*)$", path.read_text(), re.M)
        assert "systemd-tmpfiles-setup.service" in " ".join(after).split(), path.name


def test_the_file_or_a_part_of_the_folder_is_a_configuration():
    """Both conditions are alternatives ('|'), and no unit has one of them only."""
    wanted = [
        "ConditionPathExists=|/etc/uplinkd/uplinkd.yaml",
        "ConditionPathExistsGlob=|/etc/uplinkd/conf.d/*.yaml",
    ]
    found = {}
    for path in [*ROOT.glob("docs/uplinkd*.*"), *PACKAGING.glob("uplinkd*.*")]:
        lines = re.findall(r"^Condition.*/etc/uplinkd.*$", path.read_text(), re.M)
        found.update({path.name: lines} if lines else {})
    units = ("uplinkd.service", "uplinkd.socket", "uplinkd-interfaces.service")
    assert found == {name: wanted for name in (*units, "uplinkd-wait-online.service")}


def test_the_user_is_created_with_what_the_service_names():
    needs("systemd-sysusers")
    root = temp_dir()
    (root / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={root}", ROOT / "docs/uplinkd.sysusers", check=False)
    assert done.returncode == 0, done.stderr
    user = value("User")
    assert re.search(rf"^{user}:", (root / "etc/passwd").read_text(), re.M)
    assert re.search(rf"^{value('Group')}:", (root / "etc/group").read_text(), re.M)
    assert value("ExecStartPre").endswith(f"--prepare {user}")
    assert value("SocketUser", ROOT / "docs/uplinkd.socket") == user


def test_the_capabilities_are_those_of_the_tests():
    wanted = {f"CAP_{name.upper()}" for name in CAPABILITIES}
    assert set(value("AmbientCapabilities").split()) == wanted
    assert set(value("CapabilityBoundingSet").split()) == wanted
