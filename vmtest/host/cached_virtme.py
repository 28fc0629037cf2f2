# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""virtme-run of the unpacked virtme-ng, with the root file system cached in the guest.

virtme-ng mounts the root of the host over 9p without a cache: each exec reads its files from the
host again, and the start of Python needs seconds. The files of a test run do not change during the
run, so the guest may keep them.
"""

import sys

import virtme.mkinitramfs
from virtme.commands.run import main

plain_init = virtme.mkinitramfs.generate_init


def cached_init(config):
    init = plain_init(config)
    cached = init.replace(
        b"trans=virtio,access=any", b"trans=virtio,access=any,cache=loose,msize=512000"
    )
    if cached == init:
        sys.exit(
            "virtme-ng mounts its root in another way than version 1.35: adapt vmtest/host/cached_virtme.py"
        )
    return cached


virtme.mkinitramfs.generate_init = cached_init
sys.exit(main())
