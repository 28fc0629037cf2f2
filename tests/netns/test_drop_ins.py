# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The files for network managers: who writes them, and when. What the managers do with them is in
tests/integration/test_network_managers.py.
"""
import os
import socket
import threading
from pathlib import Path

import pytest

from harness.base import wait_until
from harness.bed import Bed, port, port_mac, switch
from harness.kills import need_strace
from harness.privileges import as_service

DHCP = {"interface": "vmk1", "host": True, "dhcp": True}
FILES = {
    "systemd/network/05-uplinkd.network",
    "NetworkManager/conf.d/90-uplinkd.conf",
    "udev/rules.d/90-uplinkd.rules",
}
WANTS = "/etc/systemd/system/multi-user.target.wants"
# no manager runs or is enabled
ALONE = (
    "unshare",
    "--mount",
    "bash",
    "-c",
    "mount -t tmpfs none /etc/systemd/system && exec env "
    'DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent "$@"',
    "bash",
)


def config(uplinks, *ports):
    return [switch("vs", uplinks, [{"name": "g", "vlan": 100, "ports": [port(0), *ports]}])]


class Managed(Bed):
    def __init__(self, *ports):
        super().__init__(n_uplinks=2, n_ports=2)
        self.start(config(["eth0"], *ports), start=False)
        self.root = self.daemon.dir / "managers"
        self.root.mkdir()
        self.daemon.more = ["--managers", self.root]

    def files(self):
        return {str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file()}

    def unmanaged(self):
        path = self.root / "systemd/network/05-uplinkd.network"
        lines = path.read_text().splitlines() if path.exists() else []
        return {line.removeprefix("Name=") for line in lines if line.startswith("Name=")}

    def wait_unmanaged(self, *names):
        wait_until(
            lambda: self.unmanaged() == set(names),
            90,
            lambda: f"{names}: {self.unmanaged()}\n{self.daemon.log()}",
        )

    def reload(self, uplinks, *ports):
        self.daemon.write({"switches": config(uplinks, *ports)})
        self.daemon.ctl("reload")


def test_a_daemon_of_root_keeps_the_files_up_to_date():
    bed = Managed()
    bed.daemon.start()
    bed.wait_unmanaged("eth0", "p0")
    wait_until(lambda: bed.files() == FILES, 30, bed.files)
    bed.reload(["eth0", "eth1"], {"interface": "vmk0", "host": True})
    bed.wait_unmanaged("eth0", "eth1", "p0", "vmk0", "vmk0-sw")
    bed.daemon.ctl("port", "add", "vs", "g", "p1", "--mac", port_mac(1))
    bed.wait_unmanaged("eth0", "eth1", "p0", "p1", "vmk0", "vmk0-sw")
    bed.daemon.ctl("port", "del", "p1")
    bed.reload(["eth0"])
    bed.wait_unmanaged("eth0", "p0")
    bed.daemon.stop()
    # the data plane continues
    wait_until(lambda: bed.files() == FILES, 30, bed.files)
    bed.daemon.run_to_end("--teardown")
    assert bed.files() == set()
    # the file of /etc alone changes nothing after a teardown
    assert bed.daemon.run_to_end("--drop-ins").returncode == 0
    assert bed.files() == set()


def test_a_configuration_that_cannot_be_handed_over_is_reported_and_tried_again():
    bed = Managed()
    bed.daemon.start()
    bed.wait_unmanaged("eth0", "p0")
    obstacle = bed.daemon.run_dir / "configuration.yaml.new"
    obstacle.mkdir()
    bed.reload(["eth0", "eth1"])

    def problems():
        return {p["code"]: p for p in bed.daemon.status()["daemon"]["problems"]}

    assert "Is a directory" in problems()["network_managers"]["message"]
    assert bed.unmanaged() == {"eth0", "p0"}
    obstacle.rmdir()
    bed.wait_unmanaged("eth0", "eth1", "p0")
    wait_until(lambda: not problems(), 90, lambda: str(problems()))


def test_files_that_cannot_be_written_are_reported_and_tried_again():
    bed = Managed()
    obstacle = bed.root / "systemd"
    obstacle.touch()
    bed.daemon.start()

    def problems():
        return {p["code"]: p for p in bed.daemon.status()["daemon"]["problems"]}

    found = wait_until(lambda: problems().get("network_managers"), 30, bed.daemon.log)
    assert "Not a directory" in found["message"], found
    bed.reload(["eth0", "eth1"])
    obstacle.unlink()
    bed.wait_unmanaged("eth0", "eth1", "p0")
    wait_until(lambda: not problems(), 90, lambda: str(problems()))
    # no process is left behind, and the next change finds its way
    bed.reload(["eth0"])
    bed.wait_unmanaged("eth0", "p0")
    children = Path(f"/proc/{bed.daemon.process.pid}/task/{bed.daemon.process.pid}/children")
    wait_until(lambda: not ended(children), 30, lambda: ended(children))


def test_files_that_failed_are_written_after_a_restart_without_a_change():
    bed = Managed()
    obstacle = bed.root / "systemd"
    obstacle.touch()
    bed.daemon.start()
    wait_until(lambda: "Not a directory" in bed.daemon.log(), 30, bed.daemon.log)
    bed.daemon.stop()
    obstacle.unlink()
    bed.daemon.start()
    bed.wait_unmanaged("eth0", "p0")


def ended(children):
    """The ended processes among the children."""
    found = {}
    for pid in children.read_text().split():
        try:
            found[pid] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            continue
    return [pid for pid, state in found.items() if state == "Z"]


def test_a_daemon_of_another_user_leaves_them_to_root():
    bed = Managed()
    as_service(bed.daemon).start()
    assert bed.files() == set()
    assert bed.daemon.run_to_end("--drop-ins").returncode == 0
    assert bed.unmanaged() == {"eth0", "p0"}
    bed.reload(["eth0", "eth1"])
    assert bed.unmanaged() == {"eth0", "p0"}
    assert bed.daemon.run_to_end("--drop-ins").returncode == 0
    assert bed.unmanaged() == {"eth0", "eth1", "p0"}


def test_before_the_first_start_the_files_of_the_configuration_count():
    bed = Managed()
    assert bed.daemon.run_to_end("--drop-ins", wrap=ALONE).returncode == 0
    assert bed.unmanaged() == {"eth0", "p0"}


def test_without_a_manager_a_port_that_needs_one_is_reported():
    bed = Managed(DHCP)
    as_service(bed.daemon).start()
    done = bed.daemon.run_to_end("--drop-ins", wrap=ALONE)
    assert done.returncode == 0 and "vmk1: dhcp, ipv6-ra and dns need" in done.stderr
    problems = bed.daemon.status()["daemon"]["problems"]
    assert [p["code"] for p in problems] == ["network_managers"] and "vmk1" in problems[0][
        "message"
    ]
    assert "vmk1" in bed.unmanaged()
    bed.reload(["eth0"])
    assert bed.daemon.run_to_end("--drop-ins", wrap=ALONE).returncode == 0
    assert bed.daemon.status()["daemon"]["problems"] == []


class Udev:
    """A udev of the bed in place of the machine's, where no manager runs."""

    def __init__(self, bed):
        self.bed = bed
        self.folder = bed.daemon.dir / "tools"
        self.folder.mkdir()
        (bed.root / "udev").mkdir()
        (bed.root / "udev/control").touch()
        program = self.folder / "udevadm"
        program.write_text(f'#!/bin/sh\necho "$*" >> {self.folder}/calls\nexit $UDEV_STATUS\n')
        program.chmod(0o755)

    def drop_ins(self, status, bus="/nonexistent"):
        """A run in which udevadm has this status; returns the result and the calls. networkd is
        enabled and does not run."""
        calls = self.folder / "calls"
        calls.write_text("")
        change = (
            f"mount -t sysfs none /sys && mount --bind {self.bed.root} /run && mount -t tmpfs none /etc/systemd/system && "
            f"mkdir {WANTS} && touch {WANTS}/systemd-networkd.service && "
            f"PATH={self.folder}:$PATH UDEV_STATUS={status} "
            f'DBUS_SYSTEM_BUS_ADDRESS=unix:path={bus} exec "$@"'
        )
        done = self.bed.daemon.run_to_end(
            "--drop-ins",
            "--managers",
            "/run",
            wrap=("unshare", "--mount", "sh", "-c", change, "sh"),
        )
        return done, calls.read_text().splitlines()

    def triggered(self, status):
        done, calls = self.drop_ins(status)
        assert done.returncode == 0, done
        return {c.rpartition("/")[2] for c in calls if c.startswith("trigger")}


def test_a_failed_notification_is_reported_and_repeated():
    bed = Managed()
    as_service(bed.daemon).start()
    udev = Udev(bed)

    def problems():
        return {p["code"] for p in bed.daemon.status()["daemon"]["problems"]}

    done, calls = udev.drop_ins(3)
    assert calls and done.returncode == 2 and "udevadm control: failed with status 3" in done.stderr
    assert bed.unmanaged() == {"eth0", "p0"} and problems() == {"network_managers"}
    assert udev.triggered(0) == {"eth0", "p0"} and not problems()
    assert udev.triggered(0) == set()

    # an interface that the files no longer name is notified as well
    bed.reload(["eth1"])
    assert udev.drop_ins(3)[0].returncode == 2
    assert udev.triggered(0) == {"eth0", "eth1", "p0"}
    # a process that was killed in between has left its list
    pending = bed.daemon.run_dir / "drop-ins.pending"
    assert not pending.exists()
    pending.write_text("eth0\n../eth0\n")
    assert udev.triggered(0) == {"eth0", "eth1", "p0"}
    assert udev.triggered(0) == set()


def close_connections(listener):
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


def test_a_failing_bus_takes_no_port_from_its_manager():
    bed = Managed(DHCP)
    as_service(bed.daemon).start()
    udev = Udev(bed)
    assert udev.drop_ins(0)[0].returncode == 0
    before = bed.files()
    assert "systemd/network/05-uplinkd-vmk1.network" in before
    bed.reload(["eth0", "eth1"], DHCP)
    path = bed.daemon.dir / "bus"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=close_connections, args=(listener,), daemon=True)
        thread.start()
        done, _ = udev.drop_ins(0, path)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert done.returncode == 2 and "manager of ports with dhcp" in done.stderr, done
    assert bed.files() == before
    assert udev.drop_ins(0)[0].returncode == 0
    bed.wait_unmanaged("eth0", "eth1", "p0", "vmk1-sw")


def test_a_udev_that_does_not_run_is_not_notified():
    bed = Managed()
    as_service(bed.daemon).start()
    udev = Udev(bed)
    (bed.root / "udev/control").unlink()
    done, calls = udev.drop_ins(3)
    assert done.returncode == 0 and calls == [], done
    assert bed.unmanaged() == {"eth0", "p0"}


# an error that says nothing about an interface, a folder and a file
@pytest.mark.parametrize(
    "inject",
    ["ioctl:error=ENOMEM:when=1", "getdents64:error=EIO:when=1", "openat:error=EMFILE:when=2"],
    ids=["own name", "stale file", "changed configuration"],
)
def test_a_failing_call_is_reported_and_the_next_run_completes_the_files(inject):
    need_strace()
    bed = Managed()
    bed.hv.ip("link", "property", "add", "dev", "eth0", "altname", "wan0")
    bed.daemon.write({"switches": config(["wan0"])})
    as_service(bed.daemon).start()
    stale = bed.root / "systemd/network/05-uplinkd-old.network"
    stale.parent.mkdir(parents=True)
    stale.touch()
    wrap = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={inject}"]
    if inject.startswith("openat"):
        wrap += ["-P", bed.daemon.run_dir / "configuration.yaml"]
    done = bed.daemon.run_to_end("--drop-ins", wrap=wrap)
    assert done.returncode == 2 and done.stderr, done
    assert bed.daemon.run_to_end("--drop-ins").returncode == 0
    assert bed.unmanaged() == {"eth0", "wan0", "p0"} and bed.files() == FILES


def test_problems_that_cannot_be_read_are_a_problem():
    bed = Managed()
    as_service(bed.daemon).start()
    path = bed.daemon.run_dir / "drop-ins.problems"
    path.mkdir()
    problems = bed.daemon.status()["daemon"]["problems"]
    assert [p["code"] for p in problems] == ["network_managers"], problems
    assert "drop-ins.problems: cannot be read: Invalid argument" in problems[0]["message"]
    path.rmdir()
    assert bed.daemon.status()["daemon"]["problems"] == []


@pytest.mark.parametrize("what", ["link", "mistake", "pipe", "large"])
def test_a_forged_configuration_changes_nothing(what):
    bed = Managed()
    bed.daemon.start()
    bed.wait_unmanaged("eth0", "p0")
    bed.daemon.stop()
    path = bed.daemon.run_dir / "configuration.yaml"
    path.unlink()
    if what == "link":
        other = bed.daemon.dir / "other.yaml"
        other.write_text("switches: [{name: vs, uplinks: [eth9]}]")
        os.symlink(other, path)
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("switches: 7" if what == "mistake" else " " * (5 << 20))
    done = bed.daemon.run_to_end("--drop-ins")
    # 2: another attempt could help
    assert done.returncode == (2 if what == "link" else 1), done
    assert "configuration.yaml" in done.stderr, done
    assert bed.unmanaged() == {"eth0", "p0"}
