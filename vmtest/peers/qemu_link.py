# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Real carrier loss in the guest: the QEMU monitor unplugs and plugs the cables of
vmtest/cables.py.

    from qemu_link import cut, heal
    cut("nic0")         on return both ends of its cable have no carrier; drivers may notice later
    heal("nic0")
"""

import fcntl
import itertools
import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from cables import CABLES, CONTROL_PORT, ends  # noqa: E402

PORT = f"/dev/virtio-ports/{CONTROL_PORT}"
_numbers = itertools.count(os.getpid() << 16)


def _request(text, timeout_s=60):
    # a virtio port has one opener at a time
    with open("/run/ul/carrier.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        port = os.open(PORT, os.O_RDWR)
        try:
            number = next(_numbers)
            os.write(port, f"{number} {text}\n".encode())
            answers, deadline = b"", time.monotonic() + timeout_s
            while True:
                # a late reply to an earlier request may come first
                for line in answers.decode().split("\n")[:-1]:
                    said, _, verdict = line.partition(" ")
                    if said == str(number):
                        if verdict != "ok":
                            raise RuntimeError(f"{text}: {verdict}")
                        return
                if not select.select([port], [], [], max(0, deadline - time.monotonic()))[0]:
                    raise TimeoutError(f"{text}: no answer from the host after {timeout_s} s")
                answers += os.read(port, 4096)
        finally:
            os.close(port)


def set_link(nic, up):
    """Switches one end only."""
    _request(f"set_link {nic} {'on' if up else 'off'}")


def cut(nic):
    """Unplugs the cable of a NIC: both its ends lose carrier."""
    for end in ends(nic):
        set_link(end, False)


def heal(nic):
    for end in ends(nic):
        set_link(end, True)


def heal_all():
    for cable in CABLES:
        heal(cable.near)
