# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The flight recorder: events survive restarts and power cuts, and nothing waits for its disk."""
from harness.base import Cleanup, run, wait_until
from harness.bed import Bed, switch


def started():
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0, 1])])])
    bed.usable(*bed.uplink_names)
    return bed


def history(bed, *options):
    return bed.daemon.json("history", *options)


def wait_history(bed, predicate, *options):
    """The first record that the predicate accepts.

    On a slow machine findings are evaluated rarely: for one percent of the time.
    """
    return wait_until(
        lambda: next((r for r in history(bed, *options) if predicate(r)), None),
        120,
        lambda: f"{history(bed)}\n{bed.daemon.log()}",
    )


def has(code, text=""):
    return lambda record: record["code"] == code and text in record["text"]


def state_dir(bed):
    return bed.daemon.run_dir / "state"


def test_what_happened_is_there_after_a_kill_and_while_the_daemon_is_stopped():
    bed = started()
    bed.up("sw1", False)
    wait_history(bed, has("finding", "uplink_no_carrier"), "--uplink", "eth1")
    bed.daemon.kill()
    stopped = bed.daemon.json("history")
    bed.daemon.start()
    wait_history(bed, lambda r: has("daemon", "started")(r) and r["number"] > stopped[-1]["number"])
    records = history(bed)
    assert [r["number"] for r in records] == list(range(1, len(records) + 1))
    assert records[: len(stopped)] == stopped
    finding = next(r for r in stopped if has("finding", "uplink_no_carrier")(r))
    assert finding["object"] == "eth1" and "eth1" in finding["details"][0]
    codes = [r["code"] for r in history(bed, "--uplink", "eth1", "--code", "uplink-link,finding")]
    assert set(codes) == {"uplink-link", "finding"}
    assert history(bed, "--since", "@4000000000") == []
    assert len(history(bed, "-n", "2")) == 2
    text = bed.daemon.ctl("history", "--uplink", "eth1", "--since", "1h").stdout
    assert "vs eth1 finding: warning uplink_no_carrier: eth1 has no carrier" in text


def test_a_finding_that_ends_is_cleared():
    bed = started()
    bed.daemon.ctl("uplink", "drain", "eth0")
    wait_history(bed, has("finding", "uplink_drained"))
    bed.daemon.ctl("uplink", "undrain", "eth0")
    wait_until(
        lambda: any(has("finding-cleared", "uplink_drained")(r) for r in history(bed)),
        240,
        lambda: str(history(bed)),
    )


def test_a_reload_is_recorded_with_its_difference():
    bed = started()
    bed.daemon.ctl("reload")
    wait_history(bed, has("reloaded", "no difference"))
    bed.daemon.write(
        {"switches": [switch("vs", bed.uplink_names, [("prod", 200, [0, 1])])]},
    )
    bed.daemon.ctl("reload")
    record = wait_history(bed, lambda r: r["code"] == "reloaded" and r.get("details"))
    assert record["details"] == [
        "- switches[vs].port-groups[prod].vlan: 100",
        "+ switches[vs].port-groups[prod].vlan: 200",
    ]
    bed.daemon.stop()
    bed.daemon.write(
        {"switches": [switch("vs", bed.uplink_names, [("prod", 300, [0, 1])])]},
    )
    bed.daemon.start()
    wait_history(
        bed, lambda r: "+ switches[vs].port-groups[prod].vlan: 300" in r.get("details", [])
    )
    assert [r for r in history(bed) if has("daemon", "stopped")(r)]


def test_a_damaged_file_is_kept_aside_and_reported():
    bed = started()
    before = wait_until(lambda: history(bed), 30)
    bed.daemon.kill()
    with open(state_dir(bed) / "history", "ab") as file:
        file.write(b"0123abcd 99 {torn")
    bed.daemon.start()
    wait_history(bed, has("history", "was damaged; its"))
    assert history(bed)[: len(before)] == before
    assert (state_dir(bed) / "history.damaged").exists()
    # known to the daemon after it is in the file
    problems = lambda: {p["code"] for p in bed.daemon.status()["daemon"]["problems"]}
    wait_until(lambda: "history_damaged" in problems(), 30, problems)


def test_a_full_disk_delays_nothing_and_is_reported_until_it_has_room():
    """The state directory is a file system of 64 kB that is full."""
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start([switch("vs", bed.uplink_names, [("prod", 100, [0, 1])])], start=False)
    state_dir(bed).mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", state_dir(bed))
    Cleanup.current().add(lambda: run("umount", "--lazy", state_dir(bed)))
    try:
        (state_dir(bed) / "filler").write_bytes(b"x" * 65536)
    except OSError:
        pass
    bed.daemon.start()
    bed.usable(*bed.uplink_names)

    def problems():
        return {p["code"] for p in bed.daemon.status()["daemon"]["problems"]}

    wait_until(lambda: "history_failed" in problems(), 30, bed.daemon.log)
    bed.up("sw1", False)
    bed.daemon.wait_uplinks({"eth0"})
    (state_dir(bed) / "filler").unlink()
    wait_until(lambda: "history_failed" not in problems(), 150, bed.daemon.log)
    wait_history(bed, has("uplink-link"), "--uplink", "eth1")


def test_the_history_is_readable_over_varlink_page_by_page():
    bed = started()
    wait_until(lambda: len(history(bed)) > 3, 30)
    _, page = bed.daemon.call("History", limit=2)
    assert [r["number"] for r in page["records"]] == [1, 2] and page["more"]
    _, rest = bed.daemon.call("History", after=2)
    assert rest["records"][0]["number"] == 3 and not rest["more"]
    assert not bed.daemon.call("History", limit=1001)[0]
    status = bed.daemon.call("Status")[1]["history"]
    assert status["error"] is None and status["running"]


def test_wrong_options_are_refused():
    bed = started()
    for options in (
        ["--since", "3"],
        ["-n", "0"],
        ["--uplink", "eth0", "--port", "sw0"],
    ):
        result = bed.daemon.ctl("history", *options, check=False)
        assert result.returncode == 1 and result.stderr.startswith("uplinkctl: "), result
