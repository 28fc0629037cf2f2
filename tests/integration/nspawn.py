# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Debian with its service manager in a container (systemd-nspawn), for tests of units, packages and
of other network software.

    from nspawn import LIBRARIES, Machine, system

    machine = Machine(system("network-manager", *LIBRARIES), bed.hv)    # the namespace's interfaces
    machine.install_uplinkd()                # `make install` and the service user, without starting
    machine.write("/etc/uplinkd/uplinkd.yaml", text)
    machine.boot()                           # until all jobs are done; a few seconds
    machine.run("systemctl", "start", "uplinkd")             # CompletedProcess, as harness.base.run
    machine.journal("uplinkd")
    machine.copy_in(path_of_a_deb, "/root/")
    machine.reboot()    # power off and on: /run and the BPF file system are new

system(*packages, suite="bookworm") returns a folder with these packages on top of BASE. It is made
once by mmdebstrap and kept in build/nspawn/. A Machine has an overlay on top, so a test may change
everything. install_uplinkd() needs the packages LIBRARIES; a .deb brings them by its dependencies.

The machine has its own process, mount and IPC namespace, its own BPF file system, a writable /sys
(so that udev runs), and the network namespace `ns`. Units that only cost time are masked. No
service is started on the host, and everything ends with the test's Cleanup.
"""
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness import base
from harness.base import BUILD, ROOT, Cleanup, run, wait_until

BASE = ("systemd-sysv", "dbus", "udev", "iproute2", "iputils-ping", "procps", "kmod")
CACHE = BUILD / "nspawn"
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "console-getty.service",
    "getty.target",
    "systemd-update-utmp.service",
    "systemd-networkd-wait-online.service",
    "NetworkManager-wait-online.service",
)
# of what uplinkd and uplinkctl are linked with
LIBRARIES = (
    "libbpf1",
    "libelf1",
    "libmnl0",
    "libyaml-0-2",
    "libjansson4",
    "libseccomp2",
    "libsmartcols1",
    "libarchive13",
    "libncursesw6",
    "libxml2",
    "libmicrohttpd12",
    "libsystemd0",
)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}

# The machine ends with the container manager, which would leave it alone when it is killed.
ISOLATE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# The container manager wants cgroup2 and changes /run/systemd of its mount namespace. /sys shows
# the devices of the network namespace of who mounts it.
START = r"""
set -eu
mount --make-rprivate /
mount -t sysfs none /sys
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$NAME"
echo $$ > "/sys/fs/cgroup/$NAME/cgroup.procs"
mount -t tmpfs none /run/systemd
exec "$@"
"""
SWEEP = r"""
mount --make-rprivate /
mount -t cgroup2 none /sys/fs/cgroup
find "/sys/fs/cgroup/$NAME" -depth -type d -exec rmdir {} +
"""


def nspawn_command():
    """The package is unpacked, because installing it would start a service."""
    folder = BUILD / "unpacked/systemd-container"
    run(ROOT / "tests/unpack", folder, "systemd-container", timeout=600)
    return folder / "usr/bin/systemd-nspawn"


def mirror():
    return run(ROOT / "vmtest/mirror").stdout.strip()


def system(*packages, suite="bookworm"):
    """The folder of an installed Debian; made at the first use."""
    wanted = sorted({*BASE, *packages})
    mark = hashlib.sha256(" ".join([suite, *wanted]).encode()).hexdigest()[:12]
    root = CACHE / f"{suite}-{mark}"
    if (root / ".complete").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    # mmdebstrap lets no package start a service
    run(
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        f"--include={','.join(wanted)}",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--aptopt=Acquire::Retries 3",
        '--aptopt=Acquire::Languages "none"',
        suite,
        root,
        mirror(),
        timeout=900,
    )
    (root / ".complete").write_text("\n".join([suite, *wanted]) + "\n")
    return root


class Machine:
    alive = []  # for the report of a failing test

    def __init__(self, root, ns):
        self.ns = ns
        self.dir = base.temp_dir()
        self.name = re.sub(r"[^a-z0-9-]", "x", self.dir.name)  # a host name
        self.root = self.dir / "root"
        self.log_path = self.dir / "console"
        self.process = self.leader = None
        self.bpffs = base.mount_bpffs(self.dir)
        self.bpffs.chmod(0o1700)  # as the service manager mounts it
        self._mount(root)
        for unit in MASKED:
            self.write(f"/etc/systemd/system/{unit}", link="/dev/null")
        # its own, as an image's first boot makes it
        self.write("/etc/machine-id", f"{os.urandom(16).hex()}\n")
        self.write("/etc/hostname", "hv\n")
        Cleanup.current().add(self.stop)
        Machine.alive.append(self)

    def _mount(self, lower):
        parts = {name: self.dir / name for name in ("root", "upper", "work")}
        for path in parts.values():
            path.mkdir()
        options = f"lowerdir={lower},upperdir={parts['upper']},workdir={parts['work']}"
        run("mount", "-t", "overlay", "-o", options, "overlay", self.root)
        Cleanup.current().add(lambda: run("umount", "-l", self.root, check=False))

    # ---- files ----
    def path(self, name):
        """Of a file of the machine as this process sees it; not for /run, /proc and /sys."""
        return self.root / str(name).lstrip("/")

    def write(self, name, text="", mode=0o644, link=None):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if link:
            path.unlink(missing_ok=True)
            path.symlink_to(link)
            return
        path.write_text(text)
        path.chmod(mode)

    def copy_in(self, source, folder):
        self.path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, self.path(folder))

    def install_uplinkd(self):
        """As `make install` on a host, from this build."""
        run(
            "make",
            "-C",
            ROOT,
            f"B={os.path.relpath(BUILD, ROOT)}",
            f"DESTDIR={self.root}",
            "install",
            timeout=600,
        )
        run("systemd-sysusers", f"--root={self.root}", ROOT / "docs/uplinkd.sysusers")

    # ---- life cycle ----
    def spawn(self):
        assert self.process is None
        command = [
            nspawn_command(),
            f"--directory={self.root}",
            f"--machine={self.name}",
            "--hostname=hv",
            f"--network-namespace-path={self.ns.path}",
            "--register=no",
            "--keep-unit",
            "--capability=all",
            "--system-call-filter=bpf perf_event_open",
            "--bind=/sys/kernel/btf",
            f"--bind={self.bpffs}:/sys/fs/bpf",
            "--console=read-only",
            "--boot",
        ]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.ns.command(*ISOLATE, "bash", "-c", START, "bash", *command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=base.die_with_parent,
                env={**os.environ, "NAME": self.name, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"},
            )
        self.leader = wait_until(self._find_leader, 60, lambda: f"process 1\n{self.log()}")
        return self

    def _find_leader(self):
        """The pid of the machine's process 1."""
        assert self.process.poll() is None, self.log()
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                continue
            numbers = re.search(r"^NSpid:(.*)$", status, re.M)[1].split()
            if len(numbers) > 2 and numbers[-1] == "1":
                return pid
        return None

    def boot(self, deadline=120):
        self.spawn()

        def booted():
            # degraded: a unit failed, which is the test's to judge
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            return state in ("running", "degraded")

        wait_until(booted, deadline, lambda: f"the end of the boot\n{self.log()}")
        # no job waits for this: udev names the interfaces and gives them their settings
        self.run("udevadm", "settle", timeout=150)
        return self

    def reboot(self, deadline=120):
        self.stop()
        run("umount", "-l", self.bpffs, check=False)
        run("mount", "-t", "bpf", "none", self.bpffs)
        self.bpffs.chmod(0o1700)
        return self.boot(deadline)

    def stop(self):
        """Stops immediately, as when the power fails; files stay except those of /run."""
        if self in Machine.alive:
            Machine.alive.remove(self)
        if self.process is None:
            return
        self.process.kill()  # and with it all processes of the machine
        self.process.wait()
        wait_until(lambda: not Path(f"/proc/{self.leader}").exists(), 60, "the machine to end")
        self.process = self.leader = None
        run("unshare", "--mount", "bash", "-c", SWEEP, env={"NAME": self.name}, check=False)

    # ---- commands ----
    def command(self, *command):
        variables = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        enter = ["nsenter", f"--target={self.leader}", "--all", "--root", "--wd"]
        return [*enter, "--", "env", "-i", *variables, *map(str, command)]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def shell(self, script, **options):
        return self.run("sh", "-euc", script, **options)

    def journal(self, *units):
        named = [word for unit in units for word in ("-u", unit)]
        return self.run("journalctl", "--no-pager", "-o", "short-monotonic", *named).stdout

    def log(self):
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return re.sub(r"\x1b\[[0-9;]*m", "", text)[-8000:]

    def wait(self, condition, describe, deadline=60):
        """wait_until() whose failure shows the journal."""
        return wait_until(condition, deadline, lambda: f"{describe}\n{self.journal()[-8000:]}")
