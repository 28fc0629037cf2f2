# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Set-up of the namespace tests."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))

from harness.plugin import *
