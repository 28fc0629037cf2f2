# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The Debian package: built by `make deb`, checked by lintian, installed, upgraded, removed and
purged under traffic in a machine with a service manager.
"""
import json
import re

import pytest

from harness import base
from harness.base import BUILD, ROOT, run, wait_until
from harness.bed import Bed, port_mac, switch
from harness.settings import assert_no_programs, settings_of
from harness.traffic import Traffic
from nspawn import Machine, mirror, system

pytestmark = pytest.mark.slow

CONFIG = {"switches": [switch("vs", ["eth0", "eth1"], [("prod", 0, [0])])]}
NAMES = ("eth0", "eth1", "p0")
# those that `make deb` installs, and nothing else
LEFT_BY_PURGE = ("/etc/uplinkd", "/var/lib/uplinkd", "/run/uplinkd", "/sys/fs/bpf/uplinkd")


@pytest.fixture(scope="module")
def package():
    """The path of the .deb; built when a source is newer."""
    run("make", "-C", ROOT, f"B={BUILD}", "deb-built", timeout=1800)
    version = re.search(r"^VERSION +:= (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    (found,) = (BUILD / "deb").glob(f"uplinkd_{version}_*.deb")
    return found


@pytest.fixture(scope="module")
def exporter(package):
    return package.with_name(package.name.replace("uplinkd_", "uplinkd-exporter_"))


def newer(package):
    """The same files as a later version."""
    folder = base.temp_dir()
    run("dpkg-deb", "-R", package, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+1", control.read_text(), flags=re.M))
    run("dpkg-deb", "--root-owner-group", "-b", folder / "tree", folder / "newer.deb", timeout=300)
    return folder / "newer.deb"


def libraries(*packages):
    """The dependencies of the packages, besides the service manager."""
    wanted = [
        d.split()[0]
        for package in packages
        for d in run("dpkg-deb", "-f", package, "Depends").stdout.split(",")
    ]
    return {d for d in wanted if d.startswith(("lib", "zlib"))}


class Installed:
    """A machine with the package, a configuration and traffic from p0 to the uplinks."""

    def __init__(self, package, suite="bookworm", later=()):
        """later: packages whose dependencies the machine has as well."""
        self.bed = Bed(n_uplinks=2, n_ports=1)
        self.machine = Machine(system(*libraries(package, *later), suite=suite), self.bed.hv)
        self.machine.boot()
        self.before = {name: settings_of(self.bed.hv, name) for name in NAMES}
        self.install(package)

    def install(self, package):
        self.machine.copy_in(package, "/root")
        done = self.machine.run("dpkg", "-i", f"/root/{package.name}", check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr

    def property(self, name, unit="uplinkd"):
        shown = self.machine.run("systemctl", "show", f"--property={name}", "--value", unit)
        return shown.stdout.strip()

    def start(self):
        self.machine.write("/etc/uplinkd/uplinkd.yaml", json.dumps(CONFIG))
        self.machine.run("systemctl", "start", "uplinkd")
        self.machine.run("uplinkctl", "wait", "--timeout", 60)

    def traffic(self):
        return Traffic(self.bed.tx("m0"), self.bed.rx_uplinks(), src_mac=port_mac(0))

    def assert_detached(self):
        assert "uplinkd" not in self.machine.run("ls", "/sys/fs/bpf").stdout
        for name in NAMES:
            assert settings_of(self.bed.hv, name) == self.before[name], name
            assert_no_programs(self.bed.hv, name)


def test_lintian_finds_nothing(package):
    (changes,) = package.parent.glob(package.name.replace(".deb", ".changes"))
    done = run(
        "lintian",
        "--display-info",
        "--fail-on",
        "error,warning,info",
        changes,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


def test_piuparts(package):
    """Installation, removal and purge in a chroot leave no file and no user-visible change."""
    folder = base.temp_dir()
    done = run(
        *("unshare", "--mount", "piuparts", f"--existing-chroot={system(*libraries(package))}"),
        *("--distribution=bookworm", f"--mirror={mirror()} main", f"--tmpdir={folder}"),
        *("--no-upgrade-test", package),
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    assert "PASS: Installation and purging test." in done.stdout + done.stderr


def test_the_spec_file_names_the_libraries_of_the_build():
    spec = ROOT / "user/packaging/rpm/uplinkd.spec"
    shown = run("rpmspec", "-q", "--buildrequires", spec).stdout
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    libraries = re.search(r"^NEED_PKGS +:= (.*)$", makefile, re.M)[1].split()
    assert set(re.findall(r"pkgconfig\((.*?)\)", shown)) == {l.split(":")[0] for l in libraries}
    version = re.search(r"^VERSION +:= (\S+)", makefile, re.M)[1]
    shown = run("rpmspec", "-q", "--queryformat=%{name} %{version}\n", spec).stdout
    assert shown.splitlines() == [f"uplinkd {version}", f"uplinkd-exporter {version}"]


def test_the_packages_have_what_make_install_installs(package, exporter):
    folder = base.temp_dir()
    run("make", "-C", ROOT, f"B={BUILD}", f"DESTDIR={folder}", "install", timeout=600)
    wanted = {p.relative_to(folder) for p in folder.rglob("*") if not p.is_dir()}
    for deb in (package, exporter):
        run("dpkg-deb", "-x", deb, folder / "package")
    # the distribution compresses documents, and has its own place for units
    packaged = {
        re.sub(r"^lib/systemd", "usr/lib/systemd", re.sub(r"\.gz$", "", str(p)))
        for p in (q.relative_to(folder / "package") for q in (folder / "package").rglob("*"))
    }
    missing = {str(p) for p in wanted} - packaged
    assert {p.rpartition("/")[2] for p in missing} == {"CHANGELOG.md", "LICENSE"}, missing
    assert {"usr/share/doc/uplinkd/changelog", "usr/share/doc/uplinkd/copyright"} <= packaged
    assert "etc/uplinkd/conf.d" in packaged


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_life_of_a_package_under_traffic(package, suite):
    it = Installed(package, suite)
    machine, bed = it.machine, it.bed
    assert "uplinkd" in machine.run("id", "uplinkd").stdout
    assert it.property("UnitFileState") == "enabled"
    assert it.property("UnitFileState", "uplinkd-wait-online.service") == "enabled"
    assert it.property("UnitFileState", "uplinkd.socket") == "disabled"
    assert it.property("ActiveState") == "inactive", "there is no configuration"
    it.start()
    before = it.property("MainPID")
    traffic = it.traffic()
    traffic.flow(2000)

    it.install(newer(package))
    machine.run("uplinkctl", "wait", "--timeout", 60)
    assert it.property("ActiveState") == "active"
    assert it.property("MainPID") != before, "the new version runs"
    traffic.flow(2000)
    phase = traffic.check()
    assert phase.sent and (phase.lost, phase.duplicates, phase.reordered) == (0, 0, 0), phase

    done = machine.run("apt-get", "remove", "-y", "uplinkd", timeout=300)
    assert "uplinkd: removing all virtual switches" in done.stdout + done.stderr
    traffic.stop()
    it.assert_detached()
    assert it.property("LoadState") == "not-found"
    assert machine.path("/etc/uplinkd/uplinkd.yaml").exists(), "only a purge removes it"

    # a purge of what runs
    it.install(package)
    machine.run("uplinkctl", "wait", "--timeout", 60)
    machine.run("systemctl", "stop", "uplinkd")  # a socket unit starts before its service
    for unit in ("uplinkd.socket", "uplinkd.service", "uplinkd-wait-online.service"):
        machine.run("systemctl", "start", unit)
    machine.run("apt-get", "purge", "-y", "uplinkd", timeout=300)
    it.assert_detached()
    for path in LEFT_BY_PURGE:
        assert machine.run("test", "-e", path, check=False).returncode == 1, path
    names = machine.run("find", "/etc", "/run", "/usr", "/var", "-name", "*uplinkd*").stdout
    left = [n for n in names.splitlines() if not n.startswith(("/var/log/", "/run/log/"))]
    assert not left, left
    loaded = machine.run("systemctl", "list-units", "--all", "--plain", "uplinkd*").stdout
    assert "loaded units listed" in loaded and ".service" not in loaded, loaded


def test_wait_online_ends_with_the_first_usable_uplink(package):
    it = Installed(package)
    unit = "uplinkd-wait-online.service"
    for name in ("sw0", "sw1"):
        it.bed.up(name, False)
    it.machine.write("/etc/uplinkd/uplinkd.yaml", json.dumps(CONFIG))
    it.machine.run("systemctl", "start", "--no-block", "network-online.target")
    it.machine.wait(lambda: it.property("SubState", unit) == "start", "the wait")
    state = it.machine.run("uplinkctl", "wait", "--timeout", 0, check=False)
    assert state.returncode == 2 and "vs: no usable uplink" in state.stderr, state
    assert it.property("ActiveState", "network-online.target") == "inactive"
    it.bed.up("sw1")
    it.machine.wait(
        lambda: it.property("ActiveState", "network-online.target") == "active", "the target"
    )
    assert it.property("ActiveState", unit) == "active"
    for name in ("uplinkd.service", unit):
        exposed = it.machine.run("systemd-analyze", "security", "--threshold=20", name, check=False)
        assert exposed.returncode == 0, exposed.stdout[-2000:] + exposed.stderr


PAGE = r"""
exec 3<> /dev/tcp/127.0.0.1/9786
printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
cat <&3
"""


def test_the_exporter_is_separate(package, exporter):
    assert not any("microhttpd" in name for name in libraries(package))
    it = Installed(package, later=[exporter])
    machine, unit = it.machine, "uplinkd-exporter.service"
    it.start()
    config = {**CONFIG, "control": {"group": "uplinkd", "group-may": "read"}}
    machine.write("/etc/uplinkd/uplinkd.yaml", json.dumps(config))
    machine.run("systemctl", "reload", "uplinkd")
    assert it.property("LoadState", unit) == "not-found"
    it.install(exporter)
    assert it.property("UnitFileState", unit) == "enabled"
    machine.wait(lambda: "\nuplinkd_up 1\n" in machine.run("bash", "-c", PAGE).stdout, "metrics")
    machine.run("apt-get", "purge", "-y", "uplinkd-exporter", timeout=300)
    assert it.property("ActiveState", unit) == "inactive"
    assert it.property("ActiveState") == "active"


@pytest.mark.slow
def test_the_packages_are_built_on_trixie():
    """With its debhelper, compilers and lintian, and start there."""
    done = run(ROOT / "tests/distribution", "trixie", "check-deb", check=False, timeout=3600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    folder = ROOT / "build/distributions/trixie/src/build/deb"
    package, exporter = (max(folder.glob(f"{n}_*.deb")) for n in ("uplinkd", "uplinkd-exporter"))
    it = Installed(package, "trixie", later=[exporter])
    it.start()
    it.install(exporter)
    assert it.property("ActiveState", "uplinkd-exporter.service") == "active"


def test_a_file_of_the_folder_is_enough(package):
    it = Installed(package)
    path = it.machine.path("/etc/uplinkd/conf.d/10-vs.yaml")
    path.with_suffix(".save").write_text("no part of the configuration")
    it.machine.run("systemctl", "start", "uplinkd")
    assert it.property("ConditionResult") == "no"
    path.write_text(json.dumps(CONFIG))
    it.machine.run("systemctl", "start", "network-online.target")
    for name in ("uplinkd", "uplinkd-interfaces", "uplinkd-wait-online"):
        assert it.property("ConditionResult", f"{name}.service") == "yes", name
    assert it.property("ActiveState") == "active"
    it.machine.run("systemctl", "stop", "uplinkd")  # a socket unit starts before its service
    it.machine.run("systemctl", "start", "uplinkd.socket")
    assert it.property("ActiveState", "uplinkd.socket") == "active"


CHROOT = r"""
set -eu
mount --make-rprivate /
mount -t proc none "$ROOT/proc"
mount -t sysfs none "$ROOT/sys"
mount --bind "$BPFFS" "$ROOT/sys/fs/bpf"
chroot "$ROOT" dpkg -i "/root/$PACKAGE"
chroot "$ROOT" dpkg --purge uplinkd
"""


def test_a_purge_in_a_chroot_leaves_the_host_alone(package):
    it = Installed(package)
    it.start()
    other = Machine(system(*libraries(package)), it.bed.hv)
    other.copy_in(package, "/root")
    other.write("/etc/uplinkd/uplinkd.yaml", json.dumps(CONFIG))
    variables = {"ROOT": other.root, "BPFFS": it.machine.bpffs, "PACKAGE": package.name}
    done = run("unshare", "--mount", "bash", "-c", CHROOT, env=variables, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not other.path("/usr/sbin/uplinkd").exists()
    assert "removing all virtual switches" not in done.stdout + done.stderr
    traffic = it.traffic()
    traffic.flow(1000)
    traffic.stop().assert_clean("the switch of the host")
