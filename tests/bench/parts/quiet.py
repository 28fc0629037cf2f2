# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Repeats rounds that other programs or the hypervisor have disturbed, for a limited time.

Two virtual CPUs are often two threads of one core, so load on one slows down the other by a third.
"""
import os
import time

LIMIT = 0.15  # foreign work in CPUs, above which a round does not count
TICK = os.sysconf("SC_CLK_TCK")


def busy_seconds(first_cpu=0):
    """CPU time used so far on the CPUs from first_cpu on."""
    total = 0
    for line in open("/proc/stat"):
        name, *fields = line.split()
        if name[:3] == "cpu" and name[3:].isdigit() and int(name[3:]) >= first_cpu:
            user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
            total += user + nice + system + irq + softirq
    return total / TICK


def stolen_seconds():
    """Time of all CPUs that the hypervisor gave to others while a CPU was runnable.

    No CPU in use is idle without reason.
    """
    line = open("/proc/stat").readline().split()
    return int(line[8]) / TICK


class Quiet:
    def __init__(self, patience):
        self.patience = patience  # seconds of disturbed rounds that each measurement may throw away
        self.repeated = self.disturbed = 0
        self.stolen = 0.0  # seconds

    def rounds(self, n, measure, first_cpu=0, share=1):
        """n results of measure(), which returns (result, CPU seconds of its work on the CPUs from
        first_cpu on). share: of the patience.
        """
        good, bad, patience = [], [], self.patience * share
        while len(good) < n and (patience > 0 or len(good) + len(bad) < n):
            start, before, stolen = time.monotonic(), busy_seconds(first_cpu), stolen_seconds()
            result, own = measure()
            taken = time.monotonic() - start
            stolen = stolen_seconds() - stolen
            self.stolen += stolen
            foreign = (busy_seconds(first_cpu) - before - own + stolen) / taken
            if foreign < LIMIT:
                good.append(result)
            else:
                bad.append((foreign, len(bad), result))
                patience -= taken
        missing = n - len(good)
        self.repeated += len(bad) - missing
        self.disturbed += missing
        return good + [result for _, _, result in sorted(bad)[:missing]]
