# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Set-up of the tests with other software: real libvirt, podman, systemd, Prometheus and others.

A test that takes long is marked `slow`: it runs in `make check-full` only, the others in .ci/run as
well. Missing software is a failure, not a skip: `make deps-integration` installs it.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [
    os.path.dirname(__file__),
    os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "netns"),
]

from harness.plugin import *
