# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Every command block of docs/tutorial.md runs, in order, in a copy of this system.

The copy is a mount, PID and network namespace with overlays over /etc, /usr and /var, so that `make
install` and uplinkd write to none of them. eth0 and eth1 are cables to a bridge in another
namespace, which is the physical switch and has the gateway's address. systemd does not run in the
copy: a small `systemctl` starts the programs that the installed unit names, the daemon with the
user and the capabilities of the unit, and waits until it answers. The copy has no network for apt,
and the packages are there. tests/integration/test_tutorial.py begins with a fresh Debian."""
import shutil
import subprocess

import pytest
from harness import base, tutorial

LIMIT_S = 900
NO_APT = ("apt-get", ": apt-get")

ROOM = r"""
set -eu
mount --make-rprivate /
for dir in etc usr var; do
	mkdir -p "$WORK/$dir-upper" "$WORK/$dir-work"
	mount -t overlay -o "lowerdir=/$dir,upperdir=$WORK/$dir-upper,workdir=$WORK/$dir-work" \
		overlay "/$dir"
done
mount -t proc proc /proc
mount -t tmpfs none /run
mount -t sysfs none /sys
mount -t bpf none /sys/fs/bpf
install -m 755 "$WORK/systemctl" /usr/bin/systemctl
# of systems without systemd
command -v systemd-sysusers >/dev/null || install -m 755 "$WORK/sysusers" /usr/bin/systemd-sysusers
cd "$REPO"
mkdir -p /run/systemd/system
ip link set lo up
ip netns add switch
ip -n switch link add br0 type bridge
ip -n switch address add 192.0.2.1/24 dev br0
ip -n switch link set br0 up
for i in 0 1; do
	ip link add "eth$i" type veth peer name "sw$i" netns switch
	ip -n switch link set "sw$i" master br0 up
	ip link set "eth$i" up
	ethtool -K "eth$i" tx off >/dev/null
	ip netns exec switch ethtool -K "sw$i" tx off txvlan off >/dev/null
done
"""

SYSTEMCTL = r"""#!/bin/sh
# enable --now UNIT, disable --now UNIT, stop UNIT, start UNIT, is-enabled --quiet UNIT: what the
# tutorial and `uplinkctl adopt` use
set -eu
for unit; do :; done
unit=/usr/lib/systemd/system/$unit.service
value() { sed -n "s/^$1=+\\{0,1\\}//p" "$unit"; }
start() {
	mkdir -p /run/uplinkd
	$(value ExecStartPre)
	install -d -o "$(value User)" -m 0700 /var/lib/uplinkd
	caps=$(value AmbientCapabilities | sed 's/CAP_/+/g; s/ /,/g' | tr A-Z a-z)
	setpriv --reuid="$(value User)" --regid="$(value Group)" --clear-groups --no-new-privs \
		--inh-caps="-all,$caps" --ambient-caps="-all,$caps" --bounding-set="-all,$caps" \
		$(value ExecStart) 2>/run/daemon.log &
	echo $! >/run/daemon.pid
	until [ -S /run/uplinkd/uplinkd.sock ]; do
		kill -0 "$(cat /run/daemon.pid)" || { cat /run/daemon.log >&2; exit 1; }
		sleep 0.05
	done
}
stop() {
	kill "$(cat /run/daemon.pid)"
	while kill -0 "$(cat /run/daemon.pid)" 2>/dev/null; do sleep 0.05; done
	$(value ExecStopPost)
}
case "$1 $2" in
"enable --now" | "start uplinkd") start ;;
"disable --now" | "stop uplinkd") stop ;;
"is-enabled --quiet") exit 1 ;;
*) echo "systemctl: $* is not used by the tutorial" >&2; exit 1 ;;
esac
"""

SYSUSERS = """#!/bin/sh
set -eu
user=$(sed -n 's/^u \\([^ ]*\\) .*/\\1/p' /usr/lib/sysusers.d/uplinkd.conf)
getent passwd "$user" >/dev/null || useradd --system --no-create-home "$user"
"""


def script():
    lines = [ROOM]
    for heading, blocks in tutorial.sections():
        lines.append(f"echo '## {heading}'")
        blocks = [block.replace(*NO_APT) for block in blocks]
        lines += [f"set -x\n{block}{{ set +x; }} 2>/dev/null" for block in blocks]
        if heading in tutorial.EXPECT:
            lines.append(tutorial.EXPECT[heading])
    return "\n".join(lines)


def test_every_block_of_the_tutorial_is_executed():
    blocks = [block for _, found in tutorial.sections() for block in found]
    assert len(blocks) == tutorial.TEXT.count("```sh")
    assert set(tutorial.EXPECT) <= {heading for heading, _ in tutorial.sections()}


@pytest.mark.skipif(
    not shutil.which("qemu-system-x86_64"), reason="no qemu-system-x86_64: make deps-vm"
)
def test_commands_of_the_tutorial():
    work = base.temp_dir()
    subprocess.run(["mount", "-t", "tmpfs", "none", work], check=True)
    base.Cleanup.current().add(lambda: subprocess.run(["umount", "--lazy", work], check=True))
    (work / "systemctl").write_text(SYSTEMCTL)
    (work / "sysusers").write_text(SYSUSERS)
    (work / "run").write_text(script())
    command = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
    done = subprocess.run(
        [*command, "bash", work / "run"],
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "WORK": str(work),
            "REPO": str(base.ROOT),
            "HOME": "/root",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S * base.SLOW,
        preexec_fn=base.die_with_parent,
    )
    assert done.returncode == 0, done.stdout
