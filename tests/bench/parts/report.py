# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The end of a run: result.json, tables on the terminal and in Markdown, and the plots."""
import shutil
import subprocess

from parts import tables
from parts.record import MARKS, figure

STYLE = """set terminal svg size 900,480 font 'sans,12' background rgb 'white'
set grid ytics lc rgb '#dddddd'
set key outside right
set border 3
set tics nomirror
"""
COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#edae49", "#6b4e71", "#8d99ae", "#3d405b", "#b56576")


def print_marks(marks):
    if not marks:
        return
    print(f"\n{'mark':<30} {'value':>10} {'wanted':>12}")
    for mark in marks:
        sense = ">=" if MARKS[mark["name"]][1] == "least" else "<="
        unit = MARKS[mark["name"]][2]
        print(
            f"{mark['name']:<30} {figure(mark['value']):>10} {sense + ' ' + str(mark['mark']):>12} {unit:<7} {'met' if mark['met'] else 'MISSED'}"
        )
    print(f"{sum(m['met'] for m in marks)} of {len(marks)} marks met")


def bars(record, folder, name, title, unit, groups, series, find, scale=1.0):
    """One bar for each series in each group; find(group, series) -> result or None."""
    found = {(g, s): find(g, s) for g in groups for s in series}
    series = [s for s in series if any(found[g, s] for g in groups)]
    if not series:
        return
    lines = [
        f'"{g}" '
        + " ".join(
            f"{r['median'] * scale} {r['min'] * scale} {r['max'] * scale}" if r else "NaN NaN NaN"
            for r in (found[g, s] for s in series)
        )
        for g in groups
    ]
    data = folder / f"{name}.dat"
    data.write_text("\n".join(lines) + "\n")
    plots = ", ".join(
        f"'{data}' using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) lc rgb '{COLOURS[i % len(COLOURS)]}' title '{s}' noenhanced"
        for i, s in enumerate(series)
    )
    draw(
        folder,
        name,
        f"""set title '{title}'
set ylabel '{unit}'
set yrange [0:*]
set style data histograms
set style histogram errorbars gap 1 lw 1
set style fill solid 0.9 noborder
plot {plots}
""",
    )


def curves(folder, name, title, unit, xlabel, lines, log_x=True, log_y=False):
    """lines: name -> [(x, median, min, max)]"""
    lines = {n: points for n, points in lines.items() if len(points) > 1}
    if not lines:
        return
    blocks = []
    for points in lines.values():
        blocks.append("\n".join(" ".join(map(str, p)) for p in sorted(points)))
    data = folder / f"{name}.dat"
    data.write_text("\n\n\n".join(blocks) + "\n")
    plots = ", ".join(
        f"'{data}' index {i} using 1:2:3:4 with yerrorlines lw 2 pt 7 ps 0.6 lc rgb '{COLOURS[i % len(COLOURS)]}' title '{n}' noenhanced"
        for i, n in enumerate(lines)
    )
    draw(
        folder,
        name,
        f"""set title '{title}'
set ylabel '{unit}'
set xlabel '{xlabel}'
{'set logscale x' if log_x else ''}
{'set logscale y' if log_y else 'set yrange [0:*]'}
plot {plots}
""",
    )


def draw(folder, name, script):
    path = folder / f"{name}.gnuplot"
    path.write_text(STYLE + f"set output '{folder / name}.svg'\n" + script)
    done = subprocess.run(["gnuplot", str(path)], capture_output=True, text=True)
    if done.returncode:
        print(f"gnuplot {path}: {done.stderr.strip()}")


def plot(record, folder):
    all_results = tables.Tables(record.results)
    result, names_after = all_results.results.get, all_results.names

    for direction, title in (("rx", "uplink to port"), ("tx", "port to uplink")):
        for medium in ("veth", "tap"):
            groups = [(size, cores) for size in (64, 512, 1514) for cores in (1, 2)]
            series = names_after(f"rate.{direction}.{medium}.64.1core.")
            bars(
                record,
                folder,
                f"rate_{direction}_{medium}",
                f"{title}, {medium}: frames per second",
                "million",
                [
                    f"{s} bytes, {c} core{'s' if c > 1 else ''}"
                    for s, c in groups
                    if result(f"rate.{direction}.{medium}.{s}.{c}core.uplinkd")
                ],
                series,
                lambda g, s, d=direction, m=medium: result(
                    f"rate.{d}.{m}.{g.split()[0]}.{g.split()[2]}core.{s}"
                ),
                1e-6,
            )
    for kind in ("tcp", "udp"):
        series = names_after(f"{kind}.rx.1stream.")
        groups = [
            f"{way} {n}"
            for way in ("rx", "tx", "local")
            for n in ("1stream", "8stream")
            if result(f"{kind}.{way}.{n}.uplinkd")
        ]
        bars(
            record,
            folder,
            kind,
            f"iperf3, {kind.upper()}, frames of 1500 bytes on the wire",
            "Gbit/s",
            groups,
            series,
            lambda g, s, k=kind: result(f"{k}.{g.split()[0]}.{g.split()[1]}.{s}"),
        )
    series = names_after("latency.rx.idle.", ".p50")
    bars(
        record,
        folder,
        "latency",
        "round trip of one datagram",
        "microseconds",
        [
            f"{way} {load} {q}"
            for way in ("rx", "local")
            for load in ("idle", "loaded")
            for q in ("p50", "p99")
            if series
        ],
        series,
        lambda g, s: result(f"latency.{g.split()[0]}.{g.split()[1]}.{s}.{g.split()[2]}"),
    )
    for axis in ("ports", "vlans", "uplinks", "switches"):
        for what, unit in (
            ("cost.uplink_xdp", "ns"),
            ("start", "s"),
            ("rss", "MiB"),
            ("reload_unchanged", "ms"),
        ):
            points = points_of(record, f"growth.{axis}.", what)
            lines = {what: points}
            if what.startswith("cost"):
                lines["cost.port_tc"] = points_of(record, f"growth.{axis}.", "cost.port_tc")
            curves(
                folder,
                f"growth_{axis}_{what.split('.')[0]}",
                f"{what.split('.')[0]} against {axis}",
                unit,
                axis,
                lines,
            )
    curves(
        folder,
        "growth_addresses",
        "finding a random address among many",
        "ns",
        "addresses",
        {
            what: points_of(record, "growth.addresses.", what)
            for what in ("table", "kernel_hash_map")
        },
    )
    curves(
        folder,
        "failover",
        "frames lost after carrier loss",
        "frames",
        "frames per second",
        {
            name: [
                (rate, r["median"], r["min"], r["max"])
                for rate in (1000, 10000, 100000)
                if (r := result(f"failover.{name}.carrier.{rate}.lost"))
            ]
            for name in names_after("failover.", ".carrier.1000.lost")
        },
    )


def points_of(record, prefix, what):
    found = []
    for r in record.results:
        rest = r["name"][len(prefix) :]
        if r["name"].startswith(prefix) and rest.split(".", 1)[1:] == [what]:
            found.append((int(rest.split(".")[0]), r["median"], r["min"], r["max"]))
    return found


def write(record, partial):
    record.folder.mkdir(parents=True, exist_ok=True)
    path = record.folder / ("partial.json" if partial else "result.json")
    path.write_text(record.as_json(partial) + "\n")
    if shutil.which("gnuplot"):
        plot(record, record.folder)
    else:
        record.leave_out("plots", "gnuplot is missing")
    print()
    for left in record.left_out:
        print(f"left out: {left['name']}: {left['why']}")
    for failed in record.failed:
        print(f"FAILED: {failed['part']}: {failed['error'].splitlines()[0]}")
    marks = record.all_marks(partial)
    tables.write(record, marks, record.folder / "tables.md")
    print_marks(marks)
    print(f"\n{path}, after {record.seconds():.0f} s")
