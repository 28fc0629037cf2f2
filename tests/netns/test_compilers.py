# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The kernel loads the programs as compiled by each installed clang.

A verifier may accept the output of one compiler and reject that of another, and distributions
differ in their clang.
"""
import pytest

from harness import base

OBJECTS = sorted((base.BUILD / "compilers").glob("*/uplinkd.bpf.o"))  # `make tests`
PROGRAMS = {"uplink_xdp", "uplink_tc", "port_tc"}


def test_objects_of_installed_compilers_exist():
    assert OBJECTS, "make tests"


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.parent.name)
def test_programs_compiled_by(path):
    pins = base.mount_bpffs(base.temp_dir()) / "programs"
    base.run("bpftool", "prog", "loadall", path, pins)
    assert PROGRAMS <= {pin.name for pin in pins.iterdir()}
