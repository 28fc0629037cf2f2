# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The figures of a run as tables in Markdown, for docs/performance.md: the median, and the least
and greatest of several runs.
"""
import textwrap

from parts.record import MARKS, figure

COLUMNS = 100  # of prose in docs/performance.md


def table(title, head, rows):
    rows = [row for row in rows if any(cell != "" for cell in row[1:])]
    if not rows:
        return ""
    lines = ["| " + " | ".join(map(str, head)) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return f"\n{textwrap.fill(f'**{title}**', COLUMNS)}\n\n" + "\n".join(lines) + "\n"


class Tables:
    def __init__(self, results):
        self.results = {r["name"]: r for r in results}

    def cell(self, name, spread=False, scale=1.0):
        found = self.results.get(name)
        if not found:
            return ""
        text = figure(found["median"] * scale)
        if spread and found["min"] != found["max"]:
            text += f" ({figure(found['min'] * scale)}-{figure(found['max'] * scale)})"
        return text

    def names(self, prefix, suffix=""):
        """The parts between prefix and suffix that have no dot, in the order of the run."""
        found = {}
        for name in self.results:
            if name.startswith(prefix) and name.endswith(suffix):
                rest = name[len(prefix) : len(name) - len(suffix)]
                if "." not in rest:
                    found[rest] = True
        return list(found)

    def starts(self):
        text = ""
        for direction, way in (("rx", "uplink to port"), ("tx", "port to uplink")):
            head, rows = [1, 2], []
            for name in self.names(f"start.{direction}.64.1core."):
                rows.append(
                    [name] + [self.cell(f"start.{direction}.64.{n}core.{name}", True) for n in head]
                )
            for pair in [
                *[mark for mark in MARKS if mark.startswith(f"{direction}_vs_")],
                f"limit_{direction}_vs_bridge",
            ]:
                rows.append(
                    [f"`{pair}`"]
                    + [
                        self.cell(f"ratio.{pair}{f'.{n}cores' if n > 1 else ''}", True)
                        for n in head
                    ]
                )
            text += table(
                f"{way}, 64 bytes: CPU nanoseconds per frame over several starts, and the ratios",
                ["", *[f"{n} core{'s' * (n > 1)}" for n in head]],
                rows,
            )
        return text

    def rates(self):
        text = ""
        for direction, way in (("rx", "uplink to port"), ("tx", "port to uplink")):
            for medium in ("veth", "tap"):
                shapes = [
                    (size, cores)
                    for size in (64, 512, 1514)
                    for cores in ((1, 2) if medium == "veth" else (1,))
                ]
                rows = [
                    [name]
                    + [
                        self.cell(f"rate.{direction}.{medium}.{s}.{c}core.{name}", scale=1e-6)
                        for s, c in shapes
                    ]
                    for name in self.names(f"rate.{direction}.{medium}.64.1core.")
                ]
                text += table(
                    f"{way}, {medium}: million frames per second",
                    ["", *[f"{s} B, {c} core{'s' * (c > 1)}" for s, c in shapes]],
                    rows,
                )
        sizes = (64, 512, 1514)
        text += table(
            "uplink to port, tap: ns per frame for the sender, and the share lost by a slow reader of the tap",
            ["", *[f"{s} B: {w}" for s in sizes for w in ("ns", "lost")]],
            [
                [name]
                + [
                    self.cell(f"rate.rx.tap.{s}.1core.{name}.{w}")
                    for s in sizes
                    for w in ("producer", "lost")
                ]
                for name in self.names("rate.rx.tap.64.1core.")
            ],
        )
        return text

    def streams(self):
        text = ""
        for kind in ("tcp", "udp"):
            shapes = [
                (way, n) for way in ("rx", "rx_veth", "tx", "local") for n in ("1stream", "8stream")
            ]
            shapes = [(way, n) for way, n in shapes if self.names(f"{kind}.{way}.{n}.")]
            names = dict.fromkeys(
                name for way, n in shapes for name in self.names(f"{kind}.{way}.{n}.")
            )
            head = ["", *[f"{way}, {n[0]}" for way, n in shapes]]
            text += table(
                f"{kind.upper()}: Gbit/s; 1 and 8 streams",
                head,
                [[x] + [self.cell(f"{kind}.{w}.{n}.{x}", True) for w, n in shapes] for x in names],
            )
            text += table(
                f"{kind.upper()}: CPU milliseconds per Gbit, both ends included",
                head,
                [
                    [x] + [self.cell(f"{kind}.{w}.{n}.{x}.cpu", scale=1000) for w, n in shapes]
                    for x in names
                ],
            )
        return text

    def latency(self):
        text = ""
        for way in ("rx", "rx_veth", "local"):
            shapes = [
                (load, q)
                for load in ("idle", "across", "loaded")
                for q in ("p50", "p99", "p999")
                if self.names(f"latency.{way}.{load}.", ".p50")
            ]
            text += table(
                f"Round trip of a datagram, {way}: microseconds",
                ["", *[" ".join(s) for s in shapes]],
                [
                    [name] + [self.cell(f"latency.{way}.{load}.{name}.{q}") for load, q in shapes]
                    for name in self.names(f"latency.{way}.idle.", ".p50")
                ],
            )
        return text

    def cost(self):
        rows = []
        for name in self.results:
            if name.startswith("cost.") and not name.startswith("cost.step."):
                rows.append([name[5:], self.cell(name, True)])
        text = table("Programs: ns above an empty one", ["case", "ns"], rows)
        text += table(
            "Single steps of them: ns",
            ["step", "ns"],
            [[s, self.cell(f"cost.step.{s}", True)] for s in self.names("cost.step.")],
        )
        sizes = ("instructions", "jited", "verified")
        text += table(
            "Programs: size",
            ["", "instructions", "bytes as machine code", "instructions that the verifier walked"],
            [
                [p] + [self.cell(f"size.{p}.{s}") for s in sizes]
                for p in self.names("size.", ".jited")
            ],
        )
        return text

    def growth(self):
        what = (
            "start",
            "restart",
            "reload_unchanged",
            "bucket_rewrite",
            "failover_last_bucket",
            "rss",
            "maps",
            "cost.uplink_xdp",
            "cost.port_tc",
        )
        text = ""
        for axis in ("ports", "vlans", "uplinks", "switches"):
            values = sorted(
                {int(n.split(".")[2]) for n in self.results if n.startswith(f"growth.{axis}.")}
            )
            text += table(
                f"Growth: {axis}",
                [
                    axis,
                    "start s",
                    "restart s",
                    "reload ms",
                    "rewrite ms",
                    "failover ms",
                    "daemon MiB",
                    "maps MiB",
                    "uplink_xdp ns",
                    "port_tc ns",
                ],
                [[v] + [self.cell(f"growth.{axis}.{v}.{w}") for w in what] for v in values],
            )
        values = sorted(
            {int(n.split(".")[2]) for n in self.results if n.startswith("growth.addresses.")}
        )
        text += table(
            "Finding a random address among many: ns",
            ["addresses", "table", "kernel hash map", "MiB of the table"],
            [
                [v]
                + [
                    self.cell(f"growth.addresses.{v}.{w}")
                    for w in ("table", "kernel_hash_map", "table_memory")
                ]
                for v in values
            ],
        )
        return text

    def failover(self):
        rates = (1000, 10000, 100000)
        kinds = []
        for name in self.results:
            if name.startswith("failover.") and name.endswith(".1000.lost"):
                kinds.append(name[len("failover.") : -len(".1000.lost")])
        rows = []
        for kind in kinds:
            for back in ("", ".failback"):
                if f"failover.{kind}.1000{back}.lost" in self.results:
                    names = [f"failover.{kind}.{r}{back}" for r in rates]
                    rows.append(
                        [kind.replace(".", ": ", 1) + back.replace(".", ", ")]
                        + [
                            self.cell(f"{n}.{what}", True)
                            for what in ("lost", "lost_for", "longest_gap")
                            for n in names
                        ]
                    )
        return table(
            "Frames lost, milliseconds between the first and the last of them, and the longest time without any frame (with none lost: the pause between two)",
            ["", *[f"{what} at {r:,}/s" for what in ("lost", "ms", "gap ms") for r in rates]],
            rows,
        )

    def spread(self):
        text = ""
        for mix in ("lan", "campus", "zipf"):
            ns = (2, 3, 4, 8)
            rows = [
                [method]
                + [
                    self.cell(f"spread.{mix}.{n}uplinks.{method}.{w}")
                    for n in ns
                    for w in ("largest_share_times_n", "chi_square_per_degree", "moved_times_n")
                ]
                for method in self.names(f"spread.{mix}.2uplinks.", ".moved_times_n")
            ]
            text += table(
                f"Spread: {mix}, shares of four uplinks",
                ["", *range(4)],
                [
                    [method]
                    + [self.cell(f"spread.{mix}.4uplinks.{method}.share.{i}") for i in range(4)]
                    for method in self.names(f"spread.{mix}.4uplinks.", ".moved_times_n")
                ],
            )
            text += table(
                f"Spread: {mix}",
                ["", *[f"{n}: {w}" for n in ns for w in ("largest share", "chi²/df", "moved")]],
                rows,
            )
        return text


def marks_table(marks):
    rows = []
    for mark in marks:
        _, sense, unit = MARKS[mark["name"]]
        rows.append(
            [
                f"`{mark['name']}`",
                figure(mark["value"]),
                f"{'≥' if sense == 'least' else '≤'} {mark['mark']} {unit}",
                "yes" if mark["met"] else "**no**",
            ]
        )
    return table("Marks", ["mark", "value", "wanted", "met"], rows)


def write(record, marks, path):
    tables = Tables(record.results)
    text = (
        marks_table(marks)
        + tables.starts()
        + tables.rates()
        + tables.streams()
        + tables.latency()
        + tables.cost()
        + tables.growth()
        + tables.failover()
        + tables.spread()
    )
    if record.left_out:
        text += "\n**Left out**\n\n" + "".join(
            f"- {x['name']}: {x['why'].splitlines()[0]}\n" for x in record.left_out
        )
    path.write_text(text.lstrip())
