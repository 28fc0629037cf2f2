# SPDX-License-Identifier: GPL-2.0
"""What the namespace tests stand on: namespaces, links, taps, captures, the daemon, Open vSwitch and the traffic generator."""
