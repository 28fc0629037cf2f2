# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""make install and uninstall, and the files that are generated for them: completion and schema."""
import json
import os
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

from harness.base import BUILD, ROOT, run, temp_dir

CTL = BUILD / "uplinkctl"


def make(target, folder):
    return run(
        "make",
        "-C",
        ROOT,
        f"B={os.path.relpath(BUILD, ROOT)}",
        f"DESTDIR={folder}",
        target,
        timeout=600,
    )


def files_of(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


def test_install_and_uninstall():
    folder = temp_dir()
    make("install", folder)
    files = files_of(folder)
    expected = {
        "usr/sbin/uplinkd",
        "usr/bin/uplinkctl",
        "usr/lib/cni/uplinkd-net",
        "usr/lib/netavark/uplinkd-net",
        "usr/sbin/uplinkd-exporter",
        "usr/lib/systemd/system/uplinkd.service",
        "usr/lib/systemd/system/uplinkd.socket",
        "usr/lib/systemd/system/uplinkd-wait-online.service",
        "usr/lib/systemd/system/uplinkd-interfaces.service",
        "usr/lib/systemd/system/uplinkd-interfaces.path",
        "usr/lib/systemd/system/uplinkd-exporter.service",
        "usr/lib/systemd/system/uplinkd-metrics.service",
        "usr/lib/systemd/system/uplinkd-metrics.timer",
        "usr/share/uplinkd/prometheus-alerts.yaml",
        "usr/share/uplinkd/grafana-dashboard.json",
        "usr/lib/sysusers.d/uplinkd.conf",
        "usr/share/bash-completion/completions/uplinkctl",
        "usr/share/zsh/vendor-completions/_uplinkctl",
        "usr/share/fish/vendor_completions.d/uplinkctl.fish",
        "usr/share/uplinkd/uplinkd.schema.json",
        "usr/share/doc/uplinkd/operations.md",
        "usr/share/doc/uplinkd/tutorial.md",
        "usr/share/doc/uplinkd/uplinkd.yaml.example",
        "usr/share/man/man5/uplinkd.yaml.5",
        "usr/share/man/man8/uplinkctl.8",
        "usr/share/man/man8/uplinkd.8",
        "usr/share/man/man8/uplinkd-net.8",
        "usr/share/doc/uplinkd/kubernetes/uplinkd.yaml",
        "usr/share/man/man8/uplinkd-exporter.8",
    }
    assert expected <= files, expected - files
    assert not any(f.startswith("usr/sbin/uplinkctl") for f in files)
    assert (folder / "etc/uplinkd/conf.d").is_dir()
    driver = run(folder / "usr/lib/netavark/uplinkd-net", "info").stdout
    assert json.loads(driver)["version"]
    for name in ("uplinkd.service", "uplinkd-exporter.service", "uplinkd-metrics.service"):
        unit = (folder / "usr/lib/systemd/system" / name).read_text()
        for program in re.findall(r"^Exec\w+=\+?(\S+)", unit, flags=re.M):
            assert program.lstrip("/") in files, program
    unit = (folder / "usr/lib/systemd/system/uplinkd.service").read_text()
    assert "StateDirectory=uplinkd" in unit
    (folder / "etc/uplinkd/uplinkd.yaml").write_text("# mine\n")
    make("uninstall", folder)
    assert files_of(folder) == {"etc/uplinkd/uplinkd.yaml"}


# ---- the configuration folder ----
ETC = r"""
set -eu
mkdir -p "$WORK/upper" "$WORK/work"
mount --make-rprivate /
mount -t overlay -o "lowerdir=/etc,upperdir=$WORK/upper,workdir=$WORK/work" overlay /etc
mkdir -p /etc/uplinkd/conf.d
echo 'switches: [{name: a, uplinks: [nic0]}]' > /etc/uplinkd/uplinkd.yaml
echo "$PART" > /etc/uplinkd/conf.d/10-b.yaml
"$UPLINKD" --check
"""


@pytest.mark.parametrize(
    "part, status, text",
    [
        ("switches: [{name: b, uplinks: [nic1]}]", 0, ""),
        (
            "switches: [{name: a, uplinks: [nic1]}]",
            1,
            "/etc/uplinkd/conf.d/10-b.yaml:1: switches[0].name: a: is already the name of "
            "switches[0] of /etc/uplinkd/uplinkd.yaml: must be unique",
        ),
    ],
)
def test_the_folder_is_read_without_an_option(part, status, text):
    work = temp_dir()
    run("mount", "-t", "tmpfs", "none", work)
    try:
        done = subprocess.run(
            ["unshare", "--mount", "bash", "-c", ETC],
            env={**os.environ, "WORK": work, "PART": part, "UPLINKD": BUILD / "uplinkd"},
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        run("umount", "--lazy", work)
    assert done.returncode == status and text in done.stderr, done


# ---- schema ----
def schema():
    return json.loads(run(CTL, "schema").stdout)


def documented_examples():
    text = (ROOT / "docs/configuration.md").read_text()
    return re.findall(r"^```yaml\n(.*?)^```", text, flags=re.M | re.S) + [
        (ROOT / "docs/uplinkd.yaml.example").read_text()
    ]


def test_schema_accepts_all_documented_examples():
    validator = jsonschema.Draft7Validator(schema())
    jsonschema.Draft7Validator.check_schema(schema())
    examples = documented_examples()
    assert len(examples) >= 4
    for text in examples:
        errors = list(validator.iter_errors(yaml.safe_load(text)))
        assert not errors, (text, errors)


SWITCH = {"name": "vs", "uplinks": ["eth0"]}


@pytest.mark.parametrize(
    "config, path",
    [
        ({"switchs": []}, []),
        ({"switches": [{**SWITCH, "name": f"vs{n}"} for n in range(65)]}, ["switches"]),
        ({"switches": [{"name": "vs"}]}, ["switches", 0]),
        ({"switches": [{**SWITCH, "mtu": 7}]}, ["switches", 0, "mtu"]),
        ({"switches": [{**SWITCH, "mtu": "1500"}]}, ["switches", 0, "mtu"]),
        ({"switches": [{**SWITCH, "channel": "lag"}]}, ["switches", 0, "channel"]),
        ({"switches": [{**SWITCH, "bridge": "a/b"}]}, ["switches", 0, "bridge"]),
        (
            {"switches": [{**SWITCH, "port-groups": [{"name": "g", "vlan": 4096}]}]},
            ["switches", 0, "port-groups", 0, "vlan"],
        ),
        (
            {"switches": [{**SWITCH, "security": {"mac-learning": {"limit": 0}}}]},
            ["switches", 0, "security", "mac-learning"],
        ),
    ],
    ids=str,
)
def test_schema_and_check_refuse_the_same(config, path):
    errors = list(jsonschema.Draft7Validator(schema()).iter_errors(config))
    assert [list(e.absolute_path) for e in errors] == [path], errors
    done = subprocess.run([CTL, "check", "-"], input=json.dumps(config), text=True)
    assert done.returncode == 1


def test_schema_and_check_accept_the_same():
    config = {
        "switches": [
            {
                **SWITCH,
                "name": 7,
                "teaming": None,
                "security": {"mac-learning": {"limit": 64}},
                "port-groups": [
                    {"name": "a b", "vlan": "10, 20-30", "security": {"mac-learning": True}},
                    {"name": "c", "vlan": 4095, "ports": None},
                ],
            }
        ]
    }
    assert not list(jsonschema.Draft7Validator(schema()).iter_errors(config))
    done = subprocess.run([CTL, "check", "-"], input=json.dumps(config), text=True)
    assert done.returncode == 0


# ---- completion ----
def bash_completes(*words):
    script = (
        'eval "$("$1" completion bash)"; shift; COMP_WORDS=(uplinkctl "$@"); '
        'COMP_CWORD=$#; _uplinkctl; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return set(run("bash", "-c", script, "bash", CTL, *words).stdout.split())


def test_bash_completion():
    assert {"status", "show", "port", "help"} <= bash_completes("")
    assert bash_completes("sta") == {"status"}
    assert {"uplinks", "config"} <= bash_completes("show", "")
    assert bash_completes("uplink", "") == {"drain", "undrain"}
    assert {"--confirm", "--json"} <= bash_completes("reload", "--")
    assert "--confirm" not in bash_completes("status", "--")
    assert bash_completes("check", f"{ROOT}/Make") == {f"{ROOT}/Makefile"}
    assert bash_completes("--run-dir", "/x", "sta") == {"status"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_is_valid(shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}: make deps-check")
    script = temp_dir() / "uplinkctl"
    script.write_text(run(CTL, "completion", shell).stdout)
    run(shell, "-n", script)


def test_fish_completion():
    if not shutil.which("fish"):
        pytest.skip("no fish: make deps-check")
    folder = temp_dir()
    (folder / "c.fish").write_text(run(CTL, "completion", "fish").stdout)

    def completes(line):
        script = f'source {folder}/c.fish; complete -C "{line}"'
        out = run("env", f"HOME={folder}", "fish", "--no-config", "-c", script).stdout
        return {l.split("\t")[0] for l in out.splitlines()}

    assert {"status", "show"} <= completes("uplinkctl ")
    assert {"uplinks", "config"} <= completes("uplinkctl show ")
    assert "--confirm" in completes("uplinkctl reload --")


def test_an_unknown_shell_is_refused():
    done = run(CTL, "completion", "csh", check=False)
    assert done.returncode == 1 and "must be bash, zsh or fish" in done.stderr
