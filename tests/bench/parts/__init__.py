# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The parts of the bench. Each module has run(record); HAS_MARKS: QUICK=1 needs it."""
