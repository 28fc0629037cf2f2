# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""0.1.0, built from its commit into the build folder. Tests of upgrades run it first."""
import os
import shutil

import pytest

from .base import BUILD, ROOT, run

COMMIT = "938c74cd5e333a8ea120b01f74af8771af618d24"


def is_in_checkout():
    """A shallow clone does not have the commit."""
    return not run(
        "git", "-C", ROOT, "cat-file", "-e", f"{COMMIT}^{{tree}}", check=False
    ).returncode


def build_old():
    """The folder with its uplinkd and uplinkctl."""
    folder = BUILD / "old" / COMMIT[:12]
    if (folder / "build" / "uplinkctl").exists():
        return folder / "build"
    if not is_in_checkout():
        pytest.skip(f"the commit of 0.1.0 ({COMMIT[:12]}) is not in this checkout")
    if not os.access(BUILD, os.W_OK):
        pytest.skip(f"{BUILD} cannot be written")
    making = folder.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    run("sh", "-c", f"git -C '{ROOT}' archive {COMMIT} | tar -x -C '{making}'")
    run("make", "-C", making, "-j2", "build/uplinkd", "build/uplinkctl", timeout=1500)
    making.rename(folder)
    return folder / "build"
