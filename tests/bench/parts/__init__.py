# SPDX-License-Identifier: GPL-2.0
"""The parts of the bench: each module has run(record) and says with HAS_MARKS whether QUICK=1 needs it."""
