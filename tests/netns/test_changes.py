# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Changes of the configuration that revert themselves: confirm, rollback, restart, fallback."""
import json
import signal
import time

import pytest

from harness.base import BUILD, holds_for, wait_until
from harness.bed import Bed, port_mac, switch
from harness.traffic import Traffic

LONG = "600"


def config_of(bed, vlan=100, uplinks=None, extra=()):
    return {
        "switches": [
            switch("vs", uplinks or bed.uplink_names, [("prod", vlan, [0, 1]), *extra]),
        ]
    }


def started(n_uplinks=2, n_ports=2):
    bed = Bed(n_uplinks=n_uplinks, n_ports=n_ports)
    bed.start(config_of(bed))
    bed.usable(*bed.uplink_names)
    return bed


def vlan(bed):
    return next(g["vlan"] for g in bed.daemon.json("show", "groups") if g["name"] == "prod")


def wait_vlan(bed, expected):
    wait_until(lambda: vlan(bed) == expected, 30, lambda: f"VLAN {expected}\n{bed.daemon.log()}")


def other_file(bed, name="other.yaml", **more):
    path = bed.daemon.dir / name
    path.write_text(json.dumps(config_of(bed, **more)))
    return path


def problems(bed):
    return {p["code"]: p for p in bed.daemon.status()["daemon"]["problems"]}


def state(bed):
    return bed.daemon.status()["daemon"]["configuration"]["state"]


# ---- the deadline ----
def test_a_change_that_cuts_management_reverts_itself_and_spares_other_flows():
    """The host port loses its VLAN; the flow of the other group does not notice anything."""
    bed = Bed(n_uplinks=2, n_ports=2)
    vmk = {"interface": "vmk0", "host": True, "address": ["192.0.2.10/24"]}

    def config(vid):
        groups = [("mgmt", vid, [vmk]), ("prod", 100, [0])]
        return {"switches": [switch("vs", bed.uplink_names, groups)]}

    def management():
        return {g["name"]: g["vlan"] for g in bed.daemon.json("show", "groups")}["mgmt"]

    bed.start(config(10))
    bed.usable("eth0", "eth1")
    bed.daemon.write(config(20))
    changed = bed.daemon.config_path.read_text()
    traffic = Traffic(bed.tx("m0"), bed.rx_uplinks(), src_mac=port_mac(0))
    traffic.flow()
    begin = time.monotonic()
    bed.daemon.ctl("reload", "--confirm", "2")
    assert management() == "20" or time.monotonic() - begin > 2
    wait_until(lambda: management() == "10", 30, lambda: f"the rollback\n{bed.daemon.log()}")
    traffic.flow()
    traffic.stop().assert_clean("a change and its rollback")
    assert "configuration_rolled_back" in problems(bed)
    assert bed.daemon.config_path.read_text() == changed, "the file stays as it was left"


def test_confirm_keeps_the_change():
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload", "--confirm", LONG)
    assert state(bed) == "unconfirmed"
    assert "configuration_unconfirmed" in problems(bed)
    bed.daemon.ctl("confirm")
    assert state(bed) == "files" and not problems(bed)
    assert vlan(bed) == "200"
    bed.daemon.kill()
    bed.daemon.start()
    assert vlan(bed) == "200" and state(bed) == "files"


def test_confirm_in_time_stops_the_deadline():
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))

    def confirmed(seconds):
        """False: the machine is too slow for the deadline."""
        begin = time.monotonic()
        bed.daemon.ctl("reload", "--confirm", str(seconds))
        done = bed.daemon.ctl("confirm", check=False)
        assert done.returncode == 0 or time.monotonic() - begin > seconds, done
        return done.returncode == 0

    seconds = next(s for s in (3, 30, 60) if confirmed(s))
    holds_for(lambda: vlan(bed) == "200", seconds + 1, "the confirmed VLAN")


def test_rollback_reverts_at_once_and_a_restart_does_not_read_the_file_again():
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload", "--confirm", LONG)
    assert vlan(bed) == "200"
    bed.daemon.ctl("rollback")
    assert vlan(bed) == "100" and state(bed) == "rolled_back"
    bed.daemon.restart()
    assert vlan(bed) == "100" and state(bed) == "rolled_back"
    bed.daemon.ctl("reload")
    assert vlan(bed) == "200" and state(bed) == "files"


def test_a_waiting_change_refuses_another_one():
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload", "--confirm", LONG)
    for arguments in (("reload",), ("reload", "--confirm", "9")):
        done = bed.daemon.ctl(*arguments, check=False)
        assert done.returncode == 1 and "uplinkctl confirm" in done.stderr, done
    bed.daemon.signal(signal.SIGHUP)
    bed.daemon.log_has("waits for its confirmation")
    assert vlan(bed) == "200" and state(bed) == "unconfirmed"


def test_without_a_waiting_change_confirm_and_rollback_are_refused():
    bed = started()
    for command in ("confirm", "rollback"):
        done = bed.daemon.ctl(command, check=False)
        assert done.returncode == 1 and "no change waits" in done.stderr, done


def test_a_refused_change_does_not_wait():
    bed = started()
    bed.daemon.write({"switches": [{"name": "vs", "uplinks": ["eth0"], "mtu": 7}]})
    done = bed.daemon.ctl("reload", "--confirm", LONG, check=False)
    assert done.returncode == 1 and "mtu: 7" in done.stderr, done
    assert state(bed) == "files"
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload")
    assert vlan(bed) == "200"


# ---- restarts ----
def test_kill_and_restart_before_the_deadline_still_revert():
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload", "--confirm", "4")
    bed.daemon.kill()
    bed.daemon.start()
    wait_vlan(bed, "100")
    assert state(bed) == "rolled_back"


def test_a_restart_leaves_time_to_confirm():
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload", "--confirm", LONG)
    bed.daemon.kill()
    bed.daemon.start()
    assert vlan(bed) == "200" and state(bed) == "unconfirmed"
    bed.daemon.ctl("confirm")
    bed.daemon.restart()
    assert vlan(bed) == "200" and state(bed) == "files"


def change_state(bed, change):
    path = bed.daemon.run_dir / "state" / "configuration.json"
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored["pending"].update(deadline_ms=1),
        lambda stored: stored["pending"].update(boot_id="00000000-0000-4000-8000-000000000000"),
    ],
    ids=["the deadline passed", "the host was rebooted"],
)
def test_a_start_after_the_deadline_or_a_reboot_reverts(change):
    bed = started()
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload", "--confirm", LONG)
    bed.daemon.kill()
    change_state(bed, change)
    bed.daemon.start()
    assert vlan(bed) == "100" and state(bed) == "rolled_back"
    assert "pending" not in json.loads(
        (bed.daemon.run_dir / "state" / "configuration.json").read_text()
    )


def test_an_uplink_that_got_an_address_meanwhile_does_not_stop_the_rollback():
    bed = started()
    bed.daemon.write(config_of(bed, uplinks=["eth1"]))
    bed.daemon.ctl("reload", "--confirm", LONG)
    bed.usable("eth1")
    bed.hv.ip("addr", "add", "192.0.2.77/24", "dev", "eth0")
    bed.daemon.ctl("rollback")
    bed.usable("eth0", "eth1")


# ---- reload FILE ----
def test_reload_of_another_file_outlasts_restarts_until_the_own_file_changes():
    bed = started()
    own = bed.daemon.config_path.read_text()
    bed.daemon.ctl("reload", other_file(bed, vlan=300))
    assert vlan(bed) == "300" and state(bed) == "copy"
    assert "configuration_copy" in problems(bed)
    assert bed.daemon.config_path.read_text() == own
    bed.daemon.restart()
    assert vlan(bed) == "300" and state(bed) == "copy"
    bed.daemon.write(config_of(bed, vlan=400))
    bed.daemon.restart()
    assert vlan(bed) == "400" and state(bed) == "files"


def test_reload_of_another_file_with_confirmation():
    bed = started()
    bed.daemon.ctl("reload", "--confirm", LONG, other_file(bed, vlan=300))
    assert vlan(bed) == "300"
    bed.daemon.ctl("rollback")
    assert vlan(bed) == "100" and state(bed) == "files"
    bed.daemon.ctl("reload", "--confirm", LONG, other_file(bed, vlan=300))
    bed.daemon.ctl("confirm")
    bed.daemon.restart()
    assert vlan(bed) == "300" and state(bed) == "copy"
    bed.daemon.ctl("reload")
    assert vlan(bed) == "100" and state(bed) == "files"


def test_mistakes_of_another_file_have_its_name_and_lines():
    bed = started()
    path = bed.daemon.dir / "bad.yaml"
    path.write_text("switches:\n  - name: vs\n    uplinks: [eth0]\n    mtu: 7\n")
    done = bed.daemon.ctl("reload", path, check=False)
    assert done.returncode == 1 and f"{path}:4: switches[0].mtu: 7: must be" in done.stderr, done


def test_a_large_file_is_accepted():
    bed = started()
    path = other_file(bed, vlan=300)
    path.write_text(path.read_text() + "# padding\n" * 100000)
    bed.daemon.ctl("reload", path)
    assert vlan(bed) == "300"


# ---- starts that fall back ----
def test_a_broken_file_at_start_falls_back_and_says_so():
    bed = started()
    bed.daemon.stop()
    bed.daemon.write(text="switches: [\n")
    bed.daemon.start()
    assert vlan(bed) == "100" and state(bed) == "fallback"
    found = problems(bed)["configuration_fallback"]
    assert found["severity"] == "error" and str(bed.daemon.config_path) in found["message"]
    bed.daemon.log_has("the last confirmed configuration is in force")
    text = "the last confirmed configuration is in force"
    wait_until(lambda: text in bed.daemon.ctl("status").stdout, 30, bed.daemon.log)
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload")
    assert vlan(bed) == "200" and state(bed) == "files" and not problems(bed)


def test_a_file_that_the_system_refuses_at_start_falls_back():
    bed = Bed(n_uplinks=2, n_ports=2)
    bed.start(config_of(bed, uplinks=["eth1"]))
    bed.usable("eth1")
    bed.daemon.stop()
    bed.hv.ip("addr", "add", "192.0.2.77/24", "dev", "eth0")
    bed.daemon.write(config_of(bed))
    bed.daemon.start()
    bed.usable("eth1")
    found = problems(bed)["configuration_fallback"]
    assert "192.0.2.77/24" in found["message"], found


def test_files_that_cannot_be_read_at_start_are_tried_again():
    bed = started()
    bed.daemon.stop()
    path = bed.daemon.config_path
    path.unlink()
    path.symlink_to("/proc/self/mem")  # EIO
    bed.daemon.start()
    assert vlan(bed) == "100" and state(bed) == "fallback"
    found = problems(bed)["configuration_fallback"]
    assert "Input/output error" in found["message"] and "tried again" in found["remedy"], found
    reads = "configuration is in force"
    assert bed.daemon.log_path.read_text().count(reads) == 1
    other_file(bed, vlan=200).replace(path)  # at once: it may be read at any time
    wait_until(lambda: state(bed) == "files", 90, lambda: problems(bed))
    assert vlan(bed) == "200" and not problems(bed)


def test_files_with_mistakes_after_a_failed_read_wait_for_a_reload():
    bed = started()
    bed.daemon.stop()
    path = bed.daemon.config_path
    path.unlink()
    path.symlink_to("/proc/self/mem")
    bed.daemon.start()
    wrong = bed.daemon.dir / "wrong.yaml"
    wrong.write_text("switches: [\n")
    wrong.replace(path)  # at once: it may be read at any time
    wait_until(
        lambda: "tried again" not in problems(bed)["configuration_fallback"]["remedy"],
        90,
        lambda: problems(bed),
    )
    found = problems(bed)["configuration_fallback"]
    assert f"{path}:" in found["message"] and "Input/output" not in found["message"], found
    assert vlan(bed) == "100" and state(bed) == "fallback"
    bed.daemon.write(config_of(bed, vlan=200))
    bed.daemon.ctl("reload")
    assert vlan(bed) == "200" and state(bed) == "files" and not problems(bed)


def test_without_a_confirmed_configuration_a_broken_file_ends_the_start():
    bed = Bed(n_uplinks=1, n_ports=1)
    bed.start(text="switches: [\n", start=False)
    assert bed.daemon.run_to_end().returncode == 1


def test_teardown_forgets_the_confirmed_configuration():
    bed = started()
    bed.daemon.teardown()
    bed.daemon.write(text="switches: [\n")
    assert bed.daemon.run_to_end().returncode == 1


def test_a_damaged_state_is_reported_and_replaced():
    bed = started()
    bed.daemon.stop()
    path = bed.daemon.run_dir / "state" / "configuration.json"
    path.write_text('{"version": 1, "confirmed": [{"name": 7}]')
    bed.daemon.start()
    bed.daemon.log_has("configuration.json: cannot be used")
    assert json.loads(path.read_text())["confirmed"]


def test_a_state_that_cannot_be_stored_refuses_only_changes_with_a_deadline():
    bed = started()
    path = bed.daemon.run_dir / "state"
    # its thread has the folder open and makes it no more
    wait_until((path / "history").exists, 30, "the history")
    path.rename(bed.daemon.run_dir / "former")
    path.write_text("a file where the folder was")
    bed.daemon.write(config_of(bed, vlan=200))
    done = bed.daemon.ctl("reload", "--confirm", LONG, check=False)
    assert done.returncode == 2 and str(path) in done.stderr, done
    assert vlan(bed) == "100" and state(bed) == "files"
    bed.daemon.ctl("reload")
    assert vlan(bed) == "200"
    bed.daemon.log_has("cannot be stored")


# ---- show config and diff ----
def test_show_config_has_run_time_ports_and_reads_back():
    bed = started()
    bed.daemon.ctl("port", "add", "vs", "prod", "x9", "--mac", "52:54:00:00:00:99")
    text = bed.daemon.ctl("show", "config").stdout
    assert 'x9, mac: "52:54:00:00:00:99"}  # run-time port' in text
    path = bed.daemon.dir / "shown.yaml"
    path.write_text(text)
    assert bed.daemon.ctl("check", path).returncode == 0
    assert bed.daemon.ctl("diff").stdout == ""


def test_diff_shows_changes_of_meaning_only():
    bed = started()
    path = other_file(bed)
    path.write_text("# a comment\n" + path.read_text())
    assert bed.daemon.ctl("diff", path).stdout == ""
    bed.daemon.write(config_of(bed, vlan=200))
    done = bed.daemon.ctl("diff", check=False)
    assert done.returncode == 1, done
    assert "-        vlan: 100" in done.stdout and "+        vlan: 200" in done.stdout
    path.write_text("switches: 7\n")
    done = bed.daemon.ctl("diff", path, check=False)
    assert done.returncode == 1 and f"{path}:1: switches: 7" in done.stderr, done


# ---- check --kernel ----
def test_check_kernel_loads_the_programs_and_leaves_nothing():
    bed = Bed(n_uplinks=1, n_ports=2)
    bed.start(config_of(bed), start=False)
    done = bed.daemon.ctl("check", "--kernel", bed.daemon.config_path, check=False)
    assert done.returncode == 0, done
    assert not (bed.daemon.bpffs / "uplinkd").exists()
    done = bed.hv.run(
        *("setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"),
        *(BUILD / "uplinkd", "--check", "--kernel", "-c", bed.daemon.config_path),
        check=False,
    )
    assert done.returncode == 2 and "cannot load the BPF programs" in done.stderr, done
    bed.daemon.write(text="switches: [")
    done = bed.daemon.ctl("check", "--kernel", bed.daemon.config_path, check=False)
    assert done.returncode == 1, done
