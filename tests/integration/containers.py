# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Container software around a hypervisor of the namespace tests."""
import json
import os
import shutil
from pathlib import Path

from harness import base
from harness.base import BUILD, ROOT, run
from harness.net_plugin import PROGRAM
from harness.netns import NetNs
from nspawn import LIBRARIES, system

GOCODE = "/usr/share/gocode"
PODMAN = BUILD / "unpacked/podman"
REFERENCE_PLUGINS = PODMAN / "usr/lib/cni"


def outside_of(bed):
    """The host 192.0.2.1 behind the one uplink of a bed."""
    outside = NetNs("out")
    bed.world.ip("link", "set", "sw0", "netns", outside.name)
    outside.up("sw0")
    outside.ethtool("sw0", tx=False)
    outside.ip("address", "add", "192.0.2.1/24", "dev", "sw0")
    return outside


def host_local(folder):
    return {
        "type": "host-local",
        "dataDir": str(folder),
        "ranges": [
            [{"subnet": "192.0.2.0/24", "rangeStart": "192.0.2.50", "gateway": "192.0.2.1"}]
        ],
        "routes": [{"dst": "0.0.0.0/0"}],
    }


def leases(folder):
    names = (p.name for p in (folder / "net1").iterdir()) if (folder / "net1").exists() else ()
    return sorted(n for n in names if n[0].isdigit())


def build_cni_driver():
    """tests/integration/cni_driver.go as a program."""
    folder = base.temp_dir()
    run(
        "go",
        "build",
        "-o",
        folder / "cni_driver",
        ROOT / "tests/integration/cni_driver.go",
        env={"GO111MODULE": "off", "GOPATH": GOCODE, "GOCACHE": str(folder / "cache")},
        timeout=300,
    )
    return folder / "cni_driver"


def cni_network(daemon, name="net1", version="1.0.0", group="prod", ipam=None, plugins=()):
    """The configuration of a network, a list of plugins."""
    main = {
        "type": "uplinkd-net",
        "switch": "vs",
        "portGroup": group,
        "socket": str(daemon.run_dir / "uplinkd.sock"),
        "capabilities": {"mac": True, "ips": True},
    }
    if ipam:
        main["ipam"] = ipam
    return {"cniVersion": version, "name": name, "plugins": [main, *plugins]}


class Libcni:
    """The reference runtime in the network namespace of a hypervisor."""

    def __init__(self, hv, driver, network):
        self.hv, self.driver, self.dir = hv, driver, base.temp_dir()
        self.conflist = self.dir / "net.conflist"
        self.conflist.write_text(json.dumps(network))

    def run(self, command, container, netns, ifname="eth0", arguments="", **capabilities):
        return self.hv.run(
            self.driver,
            self.dir / "cache",
            self.conflist,
            command,
            container,
            netns,
            ifname,
            json.dumps(capabilities),
            check=False,
            env={"CNI_PATH": f"{PROGRAM.parent}:{REFERENCE_PLUGINS}", "CNI_ARGS": arguments},
        )

    def call(self, command, *args, **options):
        done = self.run(command, *args, **options)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None


def make_image(folder):
    """An archive of a root with busybox, for `podman import`."""
    root = folder / "image"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "sleep", "ping"):
        (root / "bin" / name).symlink_to("busybox")
    archive = folder / "image.tar"
    run("tar", "-C", root, "-cf", archive, ".")
    return archive


def trixie_root():
    """The folder of a Debian with podman 5 and what uplinkd-net is linked with."""
    return system("podman", "netavark", "crun", "conmon", *LIBRARIES, suite="trixie")


class Podman:
    """podman in the network namespace of a hypervisor and in mounts that hide /run, /var/lib and
    /dev/shm. backend: the section [network] of containers.conf. root: of another Debian; without it
    podman is that of this one, unpacked.
    """

    def __init__(self, hv, backend, root=None):
        self.dir, self.root = base.temp_dir(), root
        self.holder = base.spawn(
            hv.command("unshare", "--mount", "--propagation", "private", "sleep", "infinity")
        )
        base.wait_until(self._has_mounts, 30, "the mount namespace")
        self._mount()
        program = Path("/usr/bin") if root else PODMAN / "usr/bin"
        self.environment = {
            "CONTAINERS_CONF": str(self.dir / "containers.conf"),
            "HOME": str(self.dir),
            "PATH": f"{program}:/usr/sbin:/usr/bin:/sbin:/bin",
        }
        conf = self.dir / "containers.conf"
        conf.write_text(
            "[containers]\n"
            'default_ulimits=["nofile=1024:1024","nproc=1000:1000"]\n'
            'cgroups="disabled"\n'
            "[engine]\n"
            'cgroup_manager="cgroupfs"\n'
            'events_logger="none"\n'
            f'conmon_path=["{program}/conmon"]\n'
            'runtime="crun"\n'
            f'tmp_dir="{self.dir}/libpod"\n'
            "[engine.runtimes]\n"
            f'crun=["{program}/crun"]\n'
            f"[network]\n{backend}\n"
        )
        policy = self.dir / ".config/containers/policy.json"
        policy.parent.mkdir(parents=True)
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        base.Cleanup.current().add(self.remove_containers)
        self.podman("import", make_image(self.dir), "box")

    def _has_mounts(self):
        own, other = (os.readlink(f"/proc/{p}/ns/mnt") for p in ("self", self.holder.pid))
        return own != other and base.state_of(self.holder.pid) == "S"

    def _inside(self, *command):
        return ["nsenter", "--mount", "--net", "--target", self.holder.pid, "--", *command]

    def _mount(self):
        """All of these end with the holder of the mount namespace."""
        mounts = [("tmpfs", folder) for folder in ("/run", "/var/lib", "/dev/shm")]
        # crun refuses a mixture of both versions of cgroups
        mounts.append(("cgroup2", "/sys/fs/cgroup"))
        for kind, folder in mounts:
            run(*self._inside("mount", "-t", kind, "none", folder))
        if not self.root:
            return
        # a mount point as "/", because podman changes its propagation
        run(*self._inside("mount", "--bind", self.root, self.root))
        for folder in ("/dev", "/proc", "/sys", "/tmp", "/run", "/var/lib", BUILD):
            target = Path(f"{self.root}{folder}")
            run(*self._inside("mkdir", "-p", target))
            run(*self._inside("mount", "--rbind", folder, target))

    def podman(self, *arguments, check=True, timeout=120):
        storage = ["--storage-driver=vfs", "--root", self.dir / "store"]
        where = ["chroot", self.root] if self.root else []
        return run(
            *self._inside(
                *where, "podman", *storage, "--runroot", self.dir / "runroot", *arguments
            ),
            check=check,
            timeout=timeout,
            env=self.environment,
        )

    def start(self, name, network, *options):
        """A container that sleeps; it may send echo requests."""
        self.podman(
            "run",
            "--detach",
            "--name",
            name,
            "--network",
            network,
            "--cap-add=NET_RAW",
            *options,
            "box",
            "/bin/sleep",
            "1000000",
        )
        return json.loads(self.podman("inspect", name).stdout)[0]

    def ping(self, name, address):
        done = self.podman("exec", name, "/bin/ping", "-c", "3", "-W", "5", address, check=False)
        assert " 0% packet loss" in done.stdout, f"{name}: {done.stdout}{done.stderr}"

    def remove_containers(self):
        self.podman("rm", "--all", "--force", "--time", "0", check=False)
