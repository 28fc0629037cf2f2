# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Distribution of CPU time: samples of perf on the CPU clock, with kernel call chains.

A sample belongs to the group of the innermost function on its chain that has one, so that copying
and allocation count for their caller. Writes profile.json and profile.md.
"""
import json
import re
import shutil
import signal
import subprocess
import time
from collections import Counter

from harness import base

from parts import beds, rates, tcp
from parts.record import figure
from parts.tables import table

HAS_MARKS = False
FREQUENCY = 3999
SECONDS = 3

PROGRAM = re.compile(r"bpf_prog_[0-9a-f]{16}_(\w+)")
OWN_PROGRAMS = {
    "generate": "generator",
    "sink": "sink",
    "redirect_xdp": "program",
    "redirect_tc": "program",
    "pass": "program",
}

# group -> how the names of its functions begin (regular expressions); the first match applies. They
# are groups of names, not a model of the kernel: a chain without a match is "other".
FRAME_GROUPS = (
    (
        "code patching",
        """text_poke smp_text_poke bpf_dispatcher_change bpf_dispatcher_update
        bpf_prog_change_xdp synchronize_rcu on_each_cpu""",
    ),
    (
        "helpers",
        """bpf_(xdp_adjust|skb_vlan|skb_change|redirect|xdp_redirect|ktime|map_|skb_pull|clone_redirect|percpu|get_|skb_load)
        htab_ array_map percpu_array __(htab|array|hash|dev)_map_lookup dev_map_lookup
        dev_hash_map xdp_master skb_vlan_(push|pop) __skb_vlan""",
    ),
    (
        "XDP redirect",
        """xdp_do_ __xdp_do bq_ dev_map_ __dev_flush __dev_map xdp_convert xdp_set_ bpf_xdp_""",
    ),
    (
        "bridge",
        """br_ nf_ nft_ ipt_ fdb_ deliver_ should_deliver maybe_deliver ebt_ iptable bond_ team_
        ovs_ lb_""",
    ),
    (
        "TC and queues",
        """tcf_ tcx_ sch_ cls_ sock_cls skb_do_redirect __bpf_redirect __bpf_tx dev_queue_xmit
        __dev_queue __dev_xmit dev_hard netdev_(core_)?pick validate_xmit netif_skb_features
        skb_network_prot dev_loopback passthru qdisc harmonize __get_xps""",
    ),
    (
        "receive path",
        """__netif_receive netif_receive netif_rx __netif_rx enqueue_to_backlog process_backlog
        eth_type_trans dev_gro napi_gro gro_ skb_gro inet_gro udp4_gro __udp packet_ tpacket
        __skb_flow skb_flow flow_dissector __skb_get_hash skb_get_hash""",
    ),
    (
        "skb",
        """__?alloc_skb napi_alloc_skb napi_skb build_skb __build_skb __xdp_build_skb
        xdp_build_skb kmem_cache_ __?kfree_skb consume_skb skb_release skb_free __?skb_clone
        sk_skb slab_ __slab ___slab kfree kmalloc __kmalloc napi_consume skb_put skb_push
        skb_scrub skb_ensure pskb_ skb_attempt""",
    ),
    (
        "pages",
        """page_pool __page_pool xdp_return __xdp_return put_page __folio free_page __free_page
        alloc_pages __alloc_pages get_page_from page_frag skb_page_frag napi_pp""",
    ),
    (
        "veth, NAPI, tap",
        """veth_ __veth napi_ __napi net_rx_action handle_softirqs do_softirq __do_softirq
        __local_bh tun_ tap_ __ptr_ring raise_softirq""",
    ),
    (
        "generator",
        """xdp_test_run bpf_test_run bpf_dispatcher_xdp __x86_indirect syscall work$
        bpf_prog_test __sys_bpf __x64_sys_bpf bpf_ctx do_syscall entry_SYSCALL asm_ sysvec
        irq_exit __irq_exit""",
    ),
)
STREAM_GROUPS = (
    (
        "copies from and to the processes",
        """copy_user rep_movs _copy_(to|from)_iter __copy_ copy_page_(to|from) raw_copy
        csum_and_copy skb_copy_datagram __skb_datagram_iter simple_copy copyin copyout
        _copy_from skb_do_copy skb_copy_to_page check_object __check_object skb_splice
        rep_stos""",
    ),
    (
        "checksums",
        """csum_ __csum do_csum skb_checksum __skb_checksum __skb_gro_checksum ip_fast_csum
        skb_csum""",
    ),
    ("GRO", """dev_gro napi_gro gro_ skb_gro __gro inet_gro tcp4_gro tcp_gro udp4_gro"""),
    (
        "segmentation",
        """skb_segment __skb_gso skb_gso skb_mac_gso tcp_gso tcp4_gso inet_gso __tcp_gso""",
    ),
    (
        "forwarder: uplinkd's programs, TC",
        """bpf_prog_[0-9a-f]{16}_(?!redirect_xdp|generate|sink) bpf_skb_ bpf_redirect
        skb_do_redirect __bpf_redirect __bpf_tx tcf_ tcx_ sch_handle cls_bpf dev_loopback
        skb_vlan_(push|pop)""",
    ),
    (
        "forwarder: bridge, bond, Open vSwitch",
        """br_ nf_ fdb_ deliver_ should_deliver maybe_deliver bond_ team_ ovs_ lb_""",
    ),
    (
        "the wire's redirect",
        """bpf_prog_[0-9a-f]{16}_redirect_xdp xdp_do_ __xdp_do bq_ dev_map_ __dev_flush
        xdp_convert""",
    ),
    (
        "skb and pages",
        """__?alloc_skb napi_alloc_skb build_skb __build_skb __xdp_build_skb xdp_build_skb
        kmem_cache_ __?kfree_skb consume_skb skb_release skb_free skb_clone page_pool
        __page_pool xdp_return __xdp_return put_page free_page alloc_pages __alloc_pages
        sk_page_frag skb_page_frag napi_consume skb_attempt skb_try_coalesce""",
    ),
    (
        "veth, NAPI, queues",
        """veth_ __veth napi_ __napi net_rx_action handle_softirqs dev_queue_xmit __dev_queue
        __dev_xmit dev_hard netdev_ validate_xmit __netif_receive netif_ process_backlog
        enqueue_to_backlog eth_type_trans __local_bh do_softirq __do_softirq""",
    ),
    (
        "TCP, UDP, IP, sockets",
        """tcp_ __tcp ip_ __ip_ inet_ udp_ __udp sk_ __sk_ sock_ __sock ipv4_ lock_sock
        release_sock fib_ bictcp cubic""",
    ),
    (
        "processes and scheduling",
        """do_syscall entry_SYSCALL schedule __schedule try_to_wake ttwu __wake wake_ ep_
        do_select core_sys vfs_ ksys __x64 futex sched_ dequeue enqueue pick_ asm_ sysvec irq
        timer tick hrtimer do_idle cpu_startup switch_ finish_task kthread ret_from smpboot
        run_ksoftirqd""",
    ),
)
# with all called functions
WHOLE = {
    "veth's copy for XDP": re.compile(r"skb_pp_cow_data|skb_cow_data_for_xdp|veth_convert_skb")
}
IDLE = re.compile(
    r"default_idle|pv_native_safe_halt|native_safe_halt|acpi_idle|acpi_safe_halt|intel_idle|cpuidle_enter|mwait_idle|cpu_idle_poll"
)


class Samples:
    """Records on all CPUs while it is entered; then [(comm, cpu, [function, innermost first])]."""

    def __init__(self):
        self.path = base.temp_dir() / "perf.data"
        self.command = [
            "perf",
            "record",
            "-q",
            "-N",
            "-B",
            "-e",
            "cpu-clock",
            "-F",
            FREQUENCY,
            "-g",
            "-a",
            "-o",
            self.path,
        ]

    def __enter__(self):
        self.process = base.spawn(self.command, stdout=-3, stderr=-3)
        base.wait_until(
            lambda: self.path.exists() and self.path.stat().st_size, 30, "perf to record"
        )
        time.sleep(0.3)  # perf has no event for "all CPUs are sampled"
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def read(self):
        script = subprocess.run(
            ["perf", "script", "-i", str(self.path), "-F", "comm,tid,cpu,ip,sym"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        self.path.unlink()
        found, chain = [], None
        for line in script.stdout.splitlines():
            if not line:
                chain = None
            elif chain is None:
                head = re.match(r"\s*(.+?)\s+\d+\s+\[(\d+)\]", line)
                chain = []
                if head:
                    found.append((head.group(1), int(head.group(2)), chain))
            else:
                name = line.split(None, 1)[1] if len(line.split(None, 1)) > 1 else ""
                chain.append(name.strip().split("+")[0])
        return found


def symbol(name):
    """The displayed name: of a program its BPF name."""
    program = PROGRAM.fullmatch(name)
    return f"program {program.group(1)}" if program else name.split(".")[0]


def group_of(chain, groups, compiled={}):  # one compilation for each set of groups
    if groups not in compiled:
        compiled[groups] = [(name, re.compile("|".join(words.split()))) for name, words in groups]
    for name, pattern in WHOLE.items():
        if any(pattern.match(function) for function in chain):
            return name
    for function in chain:
        if groups is FRAME_GROUPS and (program := PROGRAM.fullmatch(function)):
            return OWN_PROGRAMS.get(program.group(1), "program")
        for name, pattern in compiled[groups]:
            if pattern.match(function):
                return name
    return "other"


# ---- frames: ns of each by group and by function ----
def profile_frames(contender, direction):
    contender.prepare()
    live = contender.live(direction, 64)
    live.rate(200)
    with Samples() as samples:
        rate = live.rate(int(SECONDS * 1000))
    live.close()
    ours = [
        chain for comm, cpu, chain in samples.read() if cpu == 0 and comm in ("live", "ksoftirqd/0")
    ]
    ns = 1e9 / rate.per_core
    each = ns / max(len(ours), 1)
    groups, functions = Counter(), Counter()
    for chain in ours:
        groups[group_of(chain, FRAME_GROUPS)] += each
        functions[symbol(chain[0]) if chain else "?"] += each
    return {
        "ns_per_frame": ns,
        "samples": len(ours),
        "groups": dict(groups),
        "functions": dict(functions),
    }


def frames(record):
    found = {}
    for direction, limit in (("rx", "xdp_redirect"), ("tx", "tc_redirect")):
        for name in ("uplinkd", limit, "bridge"):
            with base.Cleanup():
                found[f"{direction}.{name}"] = one = profile_frames(
                    rates.contenders_of_marks(direction)[name], direction
                )
                record.add(f"profile.{direction}.{name}", "ns", [one["ns_per_frame"]])
    return found


def frames_text(found):
    text = ""
    for direction, limit, way in (
        ("rx", "xdp_redirect", "uplink to port"),
        ("tx", "tc_redirect", "port to uplink"),
    ):
        mine, least, bridge = (
            found[f"{direction}.{name}"] for name in ("uplinkd", limit, "bridge")
        )
        head = ["uplinkd", limit, "difference", "bridge"]

        def row(name, kind, mine=mine, least=least, bridge=bridge):
            a, b, c = (x[kind].get(name, 0.0) for x in (mine, least, bridge))
            return [name, f"{a:.1f}", f"{b:.1f}", f"{a - b:+.1f}", f"{c:.1f}"]

        names = [name for name, _ in FRAME_GROUPS] + [*WHOLE, "program", "sink", "other"]
        rows = [
            row(name, "groups")
            for name in sorted(names, key=lambda n, m=mine: -m["groups"].get(n, 0))
            if any(name in x["groups"] for x in (mine, least, bridge))
        ]
        totals = [x["ns_per_frame"] for x in (mine, least, bridge)]
        rows.append(
            [
                "**all**",
                f"{totals[0]:.1f}",
                f"{totals[1]:.1f}",
                f"{totals[0] - totals[1]:+.1f}",
                f"{totals[2]:.1f}",
            ]
        )
        text += table(f"{way}, 64 bytes, one core: nanoseconds per frame", ["", *head], rows)
        names = sorted(
            set(mine["functions"]) | set(least["functions"]),
            key=lambda n, m=mine, o=least: -abs(
                m["functions"].get(n, 0) - o["functions"].get(n, 0)
            ),
        )
        text += table(
            f"{way}: functions that differ most from the limit, without called functions",
            ["", *head],
            [row(f, "functions") for f in names[:14]],
        )
    return text


# ---- iperf3: CPU milliseconds per Gbit by group ----
STREAMS = (("rx", 1), ("rx", 8), ("rx_veth", 1), ("rx_veth", 8), ("tx", 1), ("local", 1))
MAKERS = {
    "uplinkd": tcp.est,
    "bridge": beds.with_bridge,
    "bridge_behind_xdp_pass": tcp.bridge_behind_xdp,
}


def profile_streams(network, way, streams):
    network.gbit(way, 1, streams, warm_up=0)
    with Samples() as samples:
        start = time.monotonic()
        gbit, _, _ = network.gbit(way, SECONDS, streams, warm_up=0)
        taken = time.monotonic() - start
    groups, by_cpu, busy, others = Counter(), Counter(), Counter(), Counter()
    for comm, cpu, chain in samples.read():
        if any(IDLE.match(f) for f in chain[:4]):
            continue
        if comm not in ("iperf3", "swapper") and not comm.startswith("ksoftirqd"):
            others[cpu] += 1
            continue
        name = group_of(chain, STREAM_GROUPS)
        groups[name] += 1
        by_cpu[cpu] += 1
        busy[cpu] += name.startswith("forwarder")
    bits = gbit * SECONDS
    fullest = max(by_cpu, key=by_cpu.get, default=0)
    share = busy[fullest] / max(by_cpu[fullest], 1)
    return {
        "gbit": gbit,
        "ms_per_gbit": {name: n * 1000 / FREQUENCY / bits for name, n in groups.items()},
        "fullest_cpu_busy": by_cpu[fullest] / FREQUENCY / taken,
        "others_busy": others[fullest] / FREQUENCY / taken,
        "forwarder_share": share,
        "bound": 1 / (1 - share) if share < 1 else 0,
    }


def streams(record):
    found = {}
    for wire in (True, False):
        with base.Cleanup():
            field = {name: tcp.Network(make, wire=wire) for name, make in MAKERS.items()}
            for way, n in STREAMS:
                if wire != (way == "rx"):
                    continue
                for name, network in field.items():
                    if name == "bridge_behind_xdp_pass" and not way.startswith("rx"):
                        continue
                    key = f"{way}.{n}.{name}"
                    found[key] = one = profile_streams(network, way, n)
                    record.add(
                        f"profile.tcp.{way}.{n}stream.{name}.forwarder_share",
                        "share",
                        [one["forwarder_share"]],
                    )
    return found


def streams_text(found):
    text = ""
    for way, n in STREAMS:
        names = [name for name in MAKERS if f"{way}.{n}.{name}" in found]
        all_of = [found[f"{way}.{n}.{name}"] for name in names]
        groups = (
            [g for g, _ in STREAM_GROUPS[:1]]
            + list(WHOLE)
            + [g for g, _ in STREAM_GROUPS[1:]]
            + ["other"]
        )
        rows = [
            [g] + [f"{one['ms_per_gbit'].get(g, 0):.1f}" for one in all_of]
            for g in groups
            if any(one["ms_per_gbit"].get(g, 0) >= 0.05 for one in all_of)
        ]
        rows.append(["**all**"] + [f"{sum(one['ms_per_gbit'].values()):.1f}" for one in all_of])
        rows.append(["Gbit/s"] + [figure(one["gbit"]) for one in all_of])
        rows.append(
            ["share used of the busier CPU"] + [f"{one['fullest_cpu_busy']:.2f}" for one in all_of]
        )
        rows.append(
            ["share used by other programs"] + [f"{one['others_busy']:.2f}" for one in all_of]
        )
        rows.append(
            ["share of the forwarder in the first"]
            + [f"{one['forwarder_share']:.3f}" for one in all_of]
        )
        rows.append(
            ["gain with a forwarder without cost"] + [f"{one['bound']:.3f}" for one in all_of]
        )
        text += table(
            f"TCP {way}, {n} stream{'s' * (n > 1)}: CPU milliseconds per Gbit", ["", *names], rows
        )
    return text


def run(record):
    if not shutil.which("perf"):
        record.leave_out("profile", "there is no perf (Debian: linux-perf)")
        return
    of_frames = frames(record)
    of_streams = streams(record)
    record.folder.mkdir(parents=True, exist_ok=True)
    (record.folder / "profile.json").write_text(
        json.dumps(
            {"machine": record.machine, "frames": of_frames, "streams": of_streams}, indent=1
        )
        + "\n"
    )
    (record.folder / "profile.md").write_text(
        (frames_text(of_frames) + streams_text(of_streams)).lstrip()
    )
