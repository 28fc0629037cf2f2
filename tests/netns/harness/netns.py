# SPDX-License-Identifier: GPL-2.0
"""Network namespaces and links between them. Nothing here uses `ip netns exec`, which would hide the pins of a private bpffs."""
import os
from pathlib import Path

from . import base
from .base import LIBC, Cleanup, run

CLONE_NEWNET = 0x40000000
_serial = 0


def batch(lines, *prefix):
	run(*prefix, "ip", "-batch", "-", text_input="\n".join(lines) + "\n")


class NetNs:
	"""`with ns:` puts this thread into the namespace, so that sockets opened there belong to it."""

	def __init__(self, role):
		global _serial
		_serial += 1
		self.name = f"{base.OWN_PREFIX}{_serial}-{role}"
		self.path = Path("/run/netns") / self.name
		self._outer = []
		run("ip", "netns", "add", self.name)
		Cleanup.current().add(self.remove)
		with self:
			Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
			Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
		self.ip("link", "set", "lo", "up")

	def remove(self):
		if self.path.exists():
			run("ip", "netns", "del", self.name)

	def __enter__(self):
		self._outer.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
		self._setns(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC))
		return self

	def __exit__(self, *exc):
		self._setns(self._outer.pop())

	@staticmethod
	def _setns(fd):
		try:
			if LIBC.setns(fd, CLONE_NEWNET):
				raise OSError("setns")
		finally:
			os.close(fd)

	def command(self, *command):
		return ["nsenter", f"--net={self.path}", "--", *map(str, command)]

	def run(self, *command, **options):
		return run(*self.command(*command), **options)

	def ip(self, *arguments, **options):
		return self.run("ip", *arguments, **options)

	def ip_batch(self, *lines):
		"""Several `ip` commands in one process."""
		batch(lines, *self.command())

	def ethtool(self, ifname, **features):
		"""ethtool -K; features as keywords, rxvlan=False and so on."""
		words = [w for name, on in features.items() for w in (name.replace("_", "-"), "on" if on else "off")]
		return self.run("ethtool", "-K", ifname, *words)

	def exists(self, ifname):
		with self:
			return Path(f"/proc/sys/net/ipv4/conf/{ifname}").exists()

	def link(self, ifname):
		"""`ip -json -details link show`: one dictionary, or None."""
		import json
		done = self.ip("-json", "-details", "link", "show", "dev", ifname, check=False)
		return json.loads(done.stdout)[0] if done.returncode == 0 else None


def veth(a, name_a, b, name_b, mac_a=None, mac_b=None, mtu=1500, up=True):
	"""A cable from interface name_a in namespace a to name_b in b."""
	address_a = f"address {mac_a}" if mac_a else ""
	address_b = f"address {mac_b}" if mac_b else ""
	batch([f"link add {name_a} {address_a} mtu {mtu} netns {a.name} type veth peer name {name_b} {address_b} mtu {mtu} netns {b.name}"])
	if up:
		a.ip("link", "set", "dev", name_a, "up")
		b.ip("link", "set", "dev", name_b, "up")
