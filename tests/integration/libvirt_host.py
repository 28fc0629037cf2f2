# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""A hypervisor with libvirtd in a network namespace.

libvirt and QEMU are unpacked and not installed (`make deps-integration`). Each host has a mount
namespace in which they lie over /usr, with separate folders for all that libvirtd writes.
"""
import os
import signal
import uuid
from pathlib import Path
from xml.sax.saxutils import quoteattr

import guest
from harness import base
from harness.base import BUILD, Cleanup, run, wait_until

LIBVIRTD_CONF = """auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
unix_sock_dir = "{sockets}"
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
QEMU_CONF = """user = "root"
group = "root"
cgroup_controllers = []
security_driver = "none"
namespaces = []
remember_owner = 0
stdio_handler = "file"
vnc_listen = "127.0.0.1"
"""
LIBVIRT_USER = {
    "passwd": "libvirt-qemu:x:64055:64055::/:/bin/false\n",
    "group": "libvirt-qemu:x:64055:\n",
}
NAMESPACES = (("mount", "mnt"), ("uts", "uts"), ("net", "net"))
# in the mount namespace; $1: folder of the host, $2: unpacked packages, $3: host name
SET_UP = """set -e
mount --make-rprivate /
mount -t overlay -o "lowerdir=$2/usr:/usr" overlay /usr
mount -t overlay -o "lowerdir=$1/etc:/etc" overlay /etc
mount --bind "$1/libvirt" /etc/libvirt
for folder in run var/lib var/log var/cache; do mount -t tmpfs tmpfs /$folder; done
mkdir -p /run/libvirt/hooks /run/lock /var/lib/libvirt /var/log/libvirt/qemu /var/cache/libvirt
hostname "$3"
umount -R -l /sys
mount -t sysfs sysfs /sys
exec sleep infinity
"""


class LibvirtHost:
    def __init__(self, ns, hook=None):
        self.ns = ns
        self.dir = base.temp_dir()
        self.uuid = str(uuid.uuid4())
        self.uri = f"qemu+unix:///system?socket={self.dir}/sockets/libvirt-sock"
        for name in ("etc", "etc/libvirt", "libvirt", "libvirt/hooks", "sockets"):
            (self.dir / name).mkdir(exist_ok=True)
        (self.dir / "libvirt/libvirtd.conf").write_text(
            LIBVIRTD_CONF.format(uuid=self.uuid, sockets=self.dir / "sockets")
        )
        (self.dir / "libvirt/qemu.conf").write_text(QEMU_CONF)
        if hook:
            (self.dir / "libvirt/hooks/qemu").write_text(hook)
            (self.dir / "libvirt/hooks/qemu").chmod(0o755)
        for name in ("passwd", "group"):
            text = Path("/etc", name).read_text()
            (self.dir / "etc" / name).write_text(text + LIBVIRT_USER[name])
        self.holder = base.spawn(
            ns.command(
                *("unshare", "--mount", "--uts", "sh", "-c", SET_UP, "sh"),
                *(self.dir, guest.UNPACKED, ns.name.replace("_", "-")),
            )
        )
        # the last command of SET_UP
        comm = Path(f"/proc/{self.holder.pid}/comm")
        wait_until(lambda: comm.read_text() == "sleep\n", 30, "the mount namespace")
        self.daemon = None
        self.initrd = guest.make_initrd(base.temp_dir())
        Cleanup.current().add(self.kill_all)

    def command(self, *command):
        namespaces = [f"--{long}=/proc/{self.holder.pid}/ns/{short}" for long, short in NAMESPACES]
        return ["nsenter", *namespaces, "--", *command]

    def inside(self, *command, **options):
        return run(*self.command(*command), **options)

    # ---- libvirtd ----
    def start(self):
        self.log = open(self.dir / "log", "ab")
        self.daemon = base.spawn(self.command("libvirtd"), stdout=self.log, stderr=self.log)
        wait_until(
            lambda: self.virsh("version", check=False).returncode == 0,
            60,
            lambda: "libvirtd to answer\n"
            + self.inside("cat", "/var/log/libvirt/libvirtd.log", check=False).stdout,
        )
        return self

    def stop(self):
        base.stop_process(self.daemon)

    def restart(self):
        self.stop()
        self.start()

    def virsh(self, *arguments, **options):
        return self.inside("virsh", "-q", "-c", self.uri, *arguments, **options)

    # ---- guests ----
    def define(self, name, nics, peer="", metadata=""):
        """nics: (XML of the interface's source and target, MAC, address with length)."""
        console = guest.Console(self.dir / f"{name}.console")
        parameters = " ".join(f"nic={mac},{address}" for _, mac, address in nics)
        xml = f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>160</memory><vcpu>1</vcpu>
<metadata>{metadata}</metadata>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>{guest.kernel()}</kernel>
<initrd>{self.initrd}</initrd>
<cmdline>console=ttyS0 quiet panic=-1 {parameters} {' '.join(f'peer={p}' for p in peer.split())}</cmdline></os>
<features><acpi/></features><on_poweroff>destroy</on_poweroff>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/>
<serial type='file'><source path={quoteattr(str(console.path))} append='on'/><target port='0'/></serial>
{''.join(self.nic_xml(source, mac) for source, mac, _ in nics if source)}
</devices></domain>"""
        path = self.dir / f"{name}.xml"
        path.write_text(xml)
        self.virsh("define", path)
        return console

    @staticmethod
    def nic_xml(source, mac):
        kind = "bridge" if "bridge=" in source else "ethernet"
        return f"<interface type='{kind}'><mac address='{mac}'/>{source}<model type='virtio'/></interface>"

    def plug(self, name, source, mac, action="attach-device"):
        path = self.dir / "nic.xml"
        path.write_text(self.nic_xml(source, mac))
        self.virsh(action, name, path, "--live")

    def taps(self, name):
        """MAC address -> interface of a running guest."""
        text = self.virsh("domiflist", name).stdout
        rows = [line.split() for line in text.splitlines() if line.strip()]
        return {row[4]: row[0] for row in rows if len(row) == 5 and row[4].count(":") == 5}

    def kill_all(self):
        """Guests outlive libvirtd: everything in the mount namespace but its holder."""
        try:
            own = os.readlink(f"/proc/{self.holder.pid}/ns/mnt")
        except OSError:
            return
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == self.holder.pid:
                continue
            try:
                if os.readlink(entry / "ns/mnt") == own:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:  # it has ended
                pass
