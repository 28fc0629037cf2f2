# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Harness of the namespace tests: namespaces, links, taps, captures, daemon, Open vSwitch, traffic.
"""
