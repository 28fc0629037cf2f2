# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The daemon with 1,000 ports, and with 64 policies over 24 uplinks: start, memory, reload,
rewrite, and growth of the cost of a frame.
"""
from harness.base import Cleanup
from harness.daemon import Uplinkd

from parts import scale
from parts.cost import Meter, undisturbed

HAS_MARKS = True
STARTS = 3  # of both daemons, for the growth: as in rates.py


def many_policies(host, n):
    """Policies differ by the order of their active uplinks; a channel has one policy, so there is
    none.
    """
    names = host.uplinks()
    half = len(names) // 2

    def teaming(i):
        order = names[i % len(names) :] + names[: i % len(names)]
        if i // len(names) == 1:
            order.reverse()
        if i // len(names) == 2:
            order[0], order[half] = order[half], order[0]
        return {"load-balancing": "src-mac", "active": order}

    # the teaming of the switch counts as well
    return host.config(host.groups(n, teaming=teaming), channel="none", teaming=teaming(0))


def measure_growth(record, small, large, rounds):
    """The cost of a frame in a large switch relative to a small one, both present at once and
    measured in turns. small, large: (host, configuration)
    """
    ratios, costs, sizes = {}, {}, ("1_port", "1000_ports")
    for _ in range(STARTS):
        daemons = [
            Uplinkd(host.hv, config, log_level="warning").start(60)
            for host, config in (small, large)
        ]
        for daemon, (host, _) in zip(daemons, (small, large)):
            daemon.wait_uplinks(host.uplinks(), 30)
        meters = [Meter(daemon) for daemon in daemons]
        for program, case in scale.udp_cases().items():
            found = scale.costs_in_turns(record, meters, case, 5 * rounds, 1)
            ratios.setdefault(program, []).append(undisturbed(found[1]) / undisturbed(found[0]))
            for size, runs in zip(sizes, found):
                costs.setdefault((size, program), []).extend(runs)
        for meter, daemon in zip(meters, daemons):
            meter.close()
            daemon.teardown()
    for (size, program), runs in costs.items():
        record.add(f"daemon.{size}.cost.{program}", "ns", runs)
    record.mark(
        "cost_growth",
        max(
            record.add(f"ratio.cost_growth.{program}", "ratio", found)
            for program, found in ratios.items()
        ),
    )


def run(record):
    rounds = 3 if record.quick else 5
    # stopping a switch of 1,000 ports takes longer than all measurements
    starts = 1 if record.quick else rounds
    with Cleanup():
        small, large = scale.Host(2, 1), scale.Host(24, 1000)
        of_small, of_large = small.config(small.groups(1)), large.config(large.groups(64))
        scale.measure(record, "daemon.1_port", small, of_small, starts, costs=False)
        scale.measure(record, "daemon.1000_ports", large, of_large, starts, costs=False)
        record.mark("rss_1000_ports_mib", record.get("daemon.1000_ports.rss"))
        record.mark("start_1000_ports_s", record.get("daemon.1000_ports.start"))
        record.mark("reload_unchanged_ms", record.get("daemon.1000_ports.reload_unchanged"))
        measure_growth(record, (small, of_small), (large, of_large), rounds)
    with Cleanup():
        host = scale.Host(24, 64)
        scale.measure(
            record,
            "daemon.64_policies_24_uplinks",
            host,
            many_policies(host, 64),
            rounds,
            n_policies=64,
            costs=False,
        )
        record.mark("bucket_rewrite_ms", record.get("daemon.64_policies_24_uplinks.bucket_rewrite"))
