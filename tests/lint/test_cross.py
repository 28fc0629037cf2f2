# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The header that takes the place of Criterion in tests/cross has what the unit tests use."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_macro_of_the_unit_tests_is_defined():
    header = (ROOT / "tests/cross/criterion/criterion.h").read_text()
    defined = set(re.findall(r"#define (cr_\w+)", header))
    used = {
        name
        for path in (ROOT / "tests/unit").glob("*.[ch]")
        for name in re.findall(r"\b(cr_\w+)\(", path.read_text())
    }
    assert used and used <= defined, sorted(used - defined)


def test_libraries_of_the_build_are_unpacked():
    makefile = (ROOT / "Makefile").read_text()
    packages = re.search(r"^cross-packages:.*\n\t@echo (.*)", makefile, re.M).group(1).split(",")
    wanted = re.search(r"^APT_BUILD := ((?:.*\\\n)*.*)", makefile, re.M).group(1)
    libraries = re.findall(r"\b(\S+-dev)\b", wanted)
    assert set(libraries) <= set(packages), sorted(set(libraries) - set(packages))
