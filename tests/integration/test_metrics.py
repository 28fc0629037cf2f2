# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Metrics as others read them: the strict parser of OpenMetrics, promtool, a real Prometheus that
scrapes the exporter, the alert rules and the dashboard.
"""
import http.client
import json
import re
import shutil
import socket
import time
from urllib.parse import urlencode

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from harness import base
from harness.base import BUILD, ROOT, Cleanup, run, wait_until
from harness.bed import Bed, port_mac, switch
from harness.lacp_bed import ScriptBed
from nspawn import LIBRARIES, Machine, system

TOOLS = BUILD / "unpacked/prometheus/usr/bin"
ALERTS = ROOT / "docs/prometheus-alerts.yaml"
ALERTS_TEST = ROOT / "tests/integration/prometheus-alerts-test.yaml"
DASHBOARD = ROOT / "docs/grafana-dashboard.json"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
PORT = 9786
MEMBER = 65534  # a user without any privilege
# what Prometheus 2.42 sends
PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


# ---- helpers ----
def start(ns, *command, log):
    """A process in the namespace, which ends with the test."""
    with open(log, "ab") as output:
        process = base.spawn(ns.command(*command), stdout=output, stderr=output)
    Cleanup.current().add(lambda: base.stop_process(process))
    return process


class Exporter:
    def __init__(self, ns, daemon, user=None):
        self.ns, self.log = ns, daemon.dir / "exporter.log"
        wrap = []
        if user:
            wrap = ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups"]
        self.process = start(
            ns,
            *wrap,
            BUILD / "uplinkd-exporter",
            "--socket",
            daemon.run_dir / "uplinkd.sock",
            log=self.log,
        )
        wait_until(lambda: self.can_connect(), 30, lambda: f"the exporter: {self.log.read_text()}")

    def connection(self, port=PORT):
        with self.ns:  # where the socket is opened
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30 * base.SLOW)
            connection.connect()
        return connection

    def can_connect(self):
        try:
            self.connection().close()
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return False
        return True

    def get(self, path="/metrics", accept=None, method="GET", body=None):
        connection = self.connection()
        try:
            connection.request(method, path, body, {"Accept": accept} if accept else {})
            reply = connection.getresponse()
            return reply.status, reply.getheader("Content-Type"), reply.read().decode()
        finally:
            connection.close()

    def value(self, name, **labels):
        for family in parse_openmetrics(self.get(accept=OPENMETRICS)[2]):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return sample.value
        return None


def samples(families):
    """{(name, labels): value}, without what differs between two moments."""
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in families
        for s in family.samples
    }


def lacp_bed(**options):
    it = ScriptBed(interval=0.3, **options).wait()
    return it


# ---- the formats ----
def test_openmetrics_is_what_the_strict_parser_accepts():
    it = lacp_bed()
    text = it.daemon.ctl("metrics").stdout
    assert text.endswith("# EOF\n")
    families = {f.name: f for f in parse_openmetrics(text)}
    assert families["uplinkd_lacp_state"].type == "stateset"
    assert families["uplinkd_lacp_pdu_gap_seconds"].type == "histogram"
    assert families["uplinkd_transmit_bytes"].type == "counter"
    assert families["uplinkd_transmit_bytes"].unit == "bytes"
    assert families["uplinkd_build"].type == "info"
    states = {
        s.labels["uplinkd_lacp_state"]: s.value
        for s in families["uplinkd_lacp_state"].samples
        if s.labels["uplink"] == "eth0"
    }
    assert len(states) == 8 and states["distributing"] == 1 and states["expired"] == 0


def test_both_formats_have_the_same_samples():
    it = lacp_bed()
    differing, new = set(), set()

    def are_same():
        """In between a finding may come or go, which has its own sample."""
        nonlocal differing, new
        old = set(samples(parse_text(it.daemon.ctl("metrics", "--format", "prometheus").stdout)))
        new = set(samples(parse_openmetrics(it.daemon.ctl("metrics").stdout)))
        differing = old ^ new
        return not differing

    wait_until(are_same, 30, lambda: f"the same samples: {differing}")
    assert len(new) > 200


def test_promtool_has_nothing_to_remark():
    it = lacp_bed()
    text = it.daemon.ctl("metrics", "--format", "prometheus").stdout
    done = run(TOOLS / "promtool", "check", "metrics", text_input=text, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def test_a_stopped_daemon_is_a_metric():
    bed = Bed(n_uplinks=2, n_ports=1)
    bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    bed.daemon.stop()

    def codes():
        found = samples(parse_openmetrics(bed.daemon.ctl("metrics").stdout))
        return {dict(labels).get("code") for name, labels in found if name == "uplinkd_finding"}

    # its lease ends a moment later
    wait_until(lambda: "daemon_stopped" in codes(), 30, "the finding daemon_stopped")
    text = bed.daemon.ctl("metrics").stdout
    found = samples(parse_openmetrics(text))
    assert found[("uplinkd_up", ())] == 0
    assert found[("uplinkd_uplink_carrier", (("switch", "vs"), ("uplink", "eth0")))] == 1
    assert "uplinkd_loop_delay_seconds" not in text, "only the daemon has it"


def test_a_file_for_the_textfile_collector_is_replaced_at_once():
    bed = Bed(n_uplinks=1, n_ports=1)
    bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])])
    target = bed.daemon.dir / "uplinkd.prom"
    words = ["metrics", "--format", "prometheus", "--output", target]
    for _ in range(2):
        bed.daemon.ctl(*words)
        assert samples(parse_text(target.read_text()))[("uplinkd_up", ())] == 1
    assert target.stat().st_mode & 0o777 == 0o644
    assert not list(target.parent.glob("*.new"))
    wrong = bed.daemon.ctl("metrics", "--output", "/nonexistent/x.prom", check=False)
    assert wrong.returncode == 2 and "/nonexistent/x.prom" in wrong.stderr


# ---- the exporter ----
def test_the_format_follows_the_accept_header():
    it = lacp_bed()
    exporter = Exporter(it.bed.hv, it.daemon)
    for accept, expected in (
        (None, TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        (PROMETHEUS_ACCEPT, OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.5", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        (", ;q=;;=, application/openmetrics-text ; q = 1.0 ", OPENMETRICS),
        ("x" * 3000, TEXT),
    ):
        status, kind, text = exporter.get(accept=accept)
        assert (status, kind) == (200, expected), accept
        parse = parse_openmetrics if expected == OPENMETRICS else parse_text
        assert samples(parse(text))[("uplinkd_up", ())] == 1
    assert exporter.get("/")[0] == 200
    assert exporter.get("/other")[0] == 404
    assert exporter.get("/metrics", method="POST", body="x" * 100000)[0] == 405
    assert exporter.get("/metrics", method="HEAD")[::2] == (200, "")


def test_the_exporter_needs_nothing_but_the_group():
    bed = Bed(n_uplinks=2, n_ports=1)
    config = {
        "switches": [switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])],
        "control": {"group": "nogroup", "group-may": "read"},
    }
    daemon = bed.start(config)
    daemon.dir.chmod(0o711)
    bed.usable("eth0", "eth1")
    exporter = Exporter(bed.hv, daemon, user=MEMBER)
    assert exporter.value("uplinkd_up") == 1
    assert exporter.value("uplinkd_uplink_up", uplink="eth1") == 1
    assert exporter.value("uplinkd_read_failures") == 0
    bed.up("sw1", False)
    wait_until(
        lambda: exporter.value("uplinkd_failovers_total", uplink="eth1") == 1, 30, "a failover"
    )
    wait_until(
        lambda: exporter.value("uplinkd_finding", code="uplink_no_carrier") == 1, 30, "the finding"
    )


def test_the_exporter_outlives_the_daemon():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])])
    exporter = Exporter(bed.hv, daemon)
    assert exporter.value("uplinkd_up") == 1
    daemon.stop()
    wait_until(lambda: exporter.value("uplinkd_up") == 0, 30, "a page without the daemon")
    assert "uplinkd is not running" in exporter.log.read_text()
    daemon.start()
    wait_until(lambda: exporter.value("uplinkd_up") == 1, 30, "a page with the daemon")


def test_clients_have_limits():
    bed = Bed(n_uplinks=1, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0"], [("prod", 100, [0])])])
    exporter = Exporter(bed.hv, daemon)
    silent = []
    try:
        # more than are allowed; some are refused, and the memory of the others is limited
        for _ in range(50):
            with bed.hv:
                silent.append(socket.create_connection(("127.0.0.1", PORT), timeout=30 * base.SLOW))
            silent[-1].sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        for connection in silent:
            connection.close()
        silent.clear()
        wait_until(lambda: can_get(exporter), 30, "an answer after the flood")
        # a page is stored for a second: many requests cost the daemon a few reads
        before = daemon.call("Statistics")[1]["control"]["requests"]
        for _ in range(100):
            assert exporter.get()[0] == 200
        reads = daemon.call("Statistics")[1]["control"]["requests"] - before
        assert reads < 100 * 6 / 2, reads
        header = exporter.connection()
        with pytest.raises((http.client.HTTPException, OSError, AssertionError)):
            # the connection may be closed before all is sent
            header.request("GET", "/metrics", headers={"X": "x" * 100000})
            assert header.getresponse().status == 200
        assert exporter.get()[0] == 200
    finally:
        for connection in silent:
            connection.close()


def can_get(exporter):
    try:
        return exporter.get()[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize(
    "arguments, status, reason",
    (
        (["--listen", "example.com:80"], 1, "must be ADDRESS:PORT with a numeric address"),
        (["--listen", "127.0.0.1"], 1, "must be ADDRESS:PORT"),
        (["--listen", "::1:80"], 1, "must be ADDRESS:PORT"),
        (["--listen", "127.0.0.1:0"], 1, "must be ADDRESS:PORT"),
        (["--listen", "192.0.2.1:80"], 2, "cannot listen"),
        (["word"], 1, "takes no arguments"),
        (["--unknown"], 1, "unrecognized option"),
    ),
)
def test_wrong_command_lines(arguments, status, reason):
    done = run(BUILD / "uplinkd-exporter", *arguments, check=False)
    assert done.returncode == status and reason in done.stderr, done.stderr


# ---- a thousand ports ----
def test_labels_are_bounded_with_many_ports():
    bed = Bed(n_uplinks=1, n_ports=0)
    ports = [{"interface": f"vm{i}", "mac": port_mac(i)} for i in range(1200)]
    daemon = bed.start(
        [
            {
                "name": "vs",
                "uplinks": ["eth0"],
                "channel": "static",
                "port-groups": [{"name": "prod", "vlan": 100, "ports": ports}],
            }
        ]
    )
    found = samples(parse_openmetrics(daemon.ctl("metrics").stdout))
    shown = {dict(labels)["port"] for name, labels in found if name == "uplinkd_port_up"}
    assert len(shown) == 1000
    assert found[("uplinkd_objects_omitted", (("kind", "port"),))] == 200
    by_name = {}
    for name, _ in found:
        by_name[name] = by_name.get(name, 0) + 1
    assert max(by_name.values()) == 1000, max(by_name, key=by_name.get)


# ---- Prometheus ----
def test_each_alert_has_a_test_and_passes_it(tmp_path):
    shutil.copy(ALERTS, tmp_path / "alerts.yaml")
    shutil.copy(ALERTS_TEST, tmp_path)
    names = {r["alert"] for g in yaml.safe_load(ALERTS.read_text())["groups"] for r in g["rules"]}
    tested = {
        case["alertname"]
        for test in yaml.safe_load(ALERTS_TEST.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert tested == names
    run(TOOLS / "promtool", "check", "rules", tmp_path / "alerts.yaml")
    run(TOOLS / "promtool", "test", "rules", tmp_path / ALERTS_TEST.name)


class Prometheus:
    def __init__(self, ns, folder, target):
        self.ns, self.log = ns, folder / "prometheus.log"
        (folder / "rules.yaml").write_text(ALERTS.read_text())
        (folder / "prometheus.yaml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": ["rules.yaml"],
                    "scrape_configs": [
                        {"job_name": "uplinkd", "static_configs": [{"targets": [target]}]}
                    ],
                }
            )
        )
        self.process = start(
            ns,
            TOOLS / "prometheus",
            f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:9090",
            log=self.log,
        )
        wait_until(self.is_ready, 60, lambda: f"Prometheus: {self.log.read_text()[-2000:]}")

    def get(self, path, **parameters):
        with self.ns:
            connection = http.client.HTTPConnection("127.0.0.1", 9090, timeout=30 * base.SLOW)
            connection.connect()
        try:
            connection.request("GET", f"{path}?{urlencode(parameters)}")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def is_ready(self):
        try:
            return "Ready" in self.get("/-/ready")
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return False

    def query(self, expression):
        reply = json.loads(self.get("/api/v1/query", query=expression))
        assert reply["status"] == "success", (expression, reply)
        return reply["data"]["result"]

    def alerts(self):
        found = json.loads(self.get("/api/v1/alerts"))["data"]["alerts"]
        return {(a["labels"]["alertname"], a["state"]) for a in found}


def panels():
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_prometheus_scrapes_and_each_panel_shows_something():
    it = lacp_bed()
    hv = it.bed.hv
    Exporter(hv, it.daemon)
    prometheus = Prometheus(hv, it.daemon.dir, f"127.0.0.1:{PORT}")
    wait_until(lambda: prometheus.query("uplinkd_up == 1"), 60, "a first scrape")
    # a scrape that takes longer than its interval fails
    target = lambda: json.loads(prometheus.get("/api/v1/targets"))["data"]["activeTargets"][0]
    wait_until(lambda: target()["health"] == "up" and not target()["lastError"], 60, target)
    # a rate needs two scrapes and some LACPDUs between them
    for title, expression in panels():
        plain = re.sub(r"\$__rate_interval", "30s", expression)
        plain = re.sub(r'"\$\w+"', '".*"', plain)
        assert "$" not in plain, plain
        assert prometheus.get("/api/v1/format_query", query=plain)
        wait_until(
            lambda: [r for r in prometheus.query(plain) if r["value"][1] != "NaN"],
            60,
            f"{title}: {plain}",
        )
    firing = lambda: {a for a in prometheus.alerts() if a[1] == "firing"}
    wait_until(lambda: not firing(), 60, firing)
    # a switch that rejects nothing as bad: no sample was dropped or out of order
    wait_until(lambda: prometheus.query("scrape_samples_scraped > 200"), 60, "all samples")
    assert not prometheus.query(
        "scrape_samples_scraped - scrape_samples_post_metric_relabeling != 0"
    )


def test_prometheus_sees_a_group_without_uplinks():
    bed = Bed(n_uplinks=2, n_ports=1)
    daemon = bed.start([switch("vs", ["eth0", "eth1"], [("prod", 100, [0])])])
    bed.usable("eth0", "eth1")
    Exporter(bed.hv, daemon)
    prometheus = Prometheus(bed.hv, daemon.dir, f"127.0.0.1:{PORT}")
    wait_until(lambda: prometheus.query("uplinkd_group_serving_uplinks == 2"), 60, "two uplinks")
    assert ("UplinkdNoUplink", "firing") not in prometheus.alerts()
    bed.up("sw0", False)
    bed.up("sw1", False)
    wait_until(lambda: ("UplinkdNoUplink", "firing") in prometheus.alerts(), 60, "the alert")
    bed.up("sw0")
    wait_until(lambda: ("UplinkdNoUplink", "firing") not in prometheus.alerts(), 60, "its end")


# ---- under a service manager ----
UNIT_CONFIG = """\
switches:
  - name: vs
    channel: static
    uplinks: [eth0, eth1]
    port-groups: [{name: prod, vlan: 100}]
control: {group: uplinkd, group-may: read}
"""


@pytest.mark.slow
def test_the_units_work_with_a_transient_user_and_as_root_without_capabilities():
    bed = Bed(n_uplinks=2, n_ports=0)
    machine = Machine(system(*LIBRARIES, "libmicrohttpd12", "curl"), bed.hv)
    machine.install_uplinkd()
    machine.write("/etc/uplinkd/uplinkd.yaml", UNIT_CONFIG)
    machine.boot()
    units = "uplinkd", "uplinkd-exporter"
    machine.run("systemctl", "start", *units)
    read = lambda: machine.run("curl", "-sS", "http://127.0.0.1:9786/metrics").stdout
    page = lambda: samples(parse_text(read()))
    names = ("uplinkd_up", "uplinkd_read_failures")
    machine.wait(lambda: [page().get((name, ())) for name in names] == [1, 0], "a complete page")
    pid = machine.run("systemctl", "show", "-P", "MainPID", "uplinkd-exporter").stdout.strip()
    status = machine.run("cat", f"/proc/{pid}/status").stdout
    uid = int(re.search(r"^Uid:\t(\d+)", status, re.M)[1])
    assert 61184 <= uid <= 65519, "a transient user"
    assert re.search(r"^CapEff:\t0+$", status, re.M)
    assert "uplinkd-exporter" in machine.journal("uplinkd-exporter")
    # the exporter outlives the daemon, and its unit stops in order
    machine.run("systemctl", "stop", "uplinkd")
    wait_until(lambda: page()[("uplinkd_up", ())] == 0, 30, "a page without the daemon")
    machine.run("systemctl", "start", "uplinkd")
    wait_until(lambda: page()[("uplinkd_up", ())] == 1, 30, "a page with the daemon")
    machine.run("systemctl", "stop", "uplinkd-exporter")
    result = machine.run("systemctl", "show", "-P", "Result", "uplinkd-exporter").stdout
    assert result.strip() == "success"


NODE_EXPORTER = BUILD / "unpacked/node-exporter/usr/bin/prometheus-node-exporter"
COLLECTED = "/var/lib/prometheus/node-exporter"


class NodeExporter:
    """The real one, with the textfile collector alone."""

    def __init__(self, ns, folder, log):
        self.ns, self.log = ns, log
        self.process = start(
            ns,
            NODE_EXPORTER,
            "--collector.disable-defaults",
            "--collector.textfile",
            f"--collector.textfile.directory={folder}",
            "--web.listen-address=127.0.0.1:9100",
            log=log,
        )
        wait_until(self.samples, 60, lambda: log.read_text())

    def samples(self):
        try:
            with self.ns:
                connection = http.client.HTTPConnection("127.0.0.1", 9100, timeout=30 * base.SLOW)
                connection.connect()
            connection.request("GET", "/metrics")
            return samples(parse_text(connection.getresponse().read().decode()))
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return None


def plain(sample):
    """The collector adds empty labels, and has its own way to write a bound."""
    name, labels = sample
    return name, tuple((k, float(v) if k == "le" else v) for k, v in labels if v)


@pytest.mark.slow
def test_the_timer_writes_a_file_again_and_again_that_the_node_exporter_reads():
    bed = Bed(n_uplinks=2, n_ports=0)
    machine = Machine(system(*LIBRARIES), bed.hv)
    machine.install_uplinkd()
    machine.write("/etc/uplinkd/uplinkd.yaml", UNIT_CONFIG)
    machine.path(COLLECTED).mkdir(parents=True)
    machine.boot()
    machine.run("systemctl", "start", "uplinkd")
    target = machine.path(f"{COLLECTED}/uplinkd.prom")
    assert not target.exists()
    begin = time.time()
    machine.run("systemctl", "enable", "--now", "uplinkd-metrics.timer")
    machine.wait(target.exists, "the first file", 120)
    assert target.stat().st_mtime - begin > 25, "the timer, not its start, starts the service"
    first = target.stat()
    assert first.st_mode & 0o777 == 0o644 and first.st_uid == 0
    machine.wait(lambda: target.stat().st_ino != first.st_ino, "another file", 120)
    machine.run("systemctl", "stop", "uplinkd-metrics.timer")  # the file stays as it is
    service = lambda: machine.run("systemctl", "show", "-P", "ActiveState", "uplinkd-metrics")
    machine.wait(lambda: service().stdout == "inactive\n", "the end of the service")
    text = target.read_text()
    found = samples(parse_text(text))
    assert found[("uplinkd_up", ())] == 1 and found[("uplinkd_read_failures", ())] == 0, text
    done = run(TOOLS / "promtool", "check", "metrics", text_input=text, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr
    collector = NodeExporter(bed.hv, machine.path(COLLECTED), machine.dir / "node-exporter.log")
    collected = collector.samples()
    assert collected[("node_textfile_scrape_error", ())] == 0, collector.log.read_text()
    missing = set(map(plain, found)) - set(map(plain, collected))
    assert not missing, missing
    # also after a boot, without anybody who starts it
    machine.run("systemctl", "enable", "uplinkd")
    target.unlink()
    machine.reboot()
    machine.wait(target.exists, "the first file after a boot", 120)
    result = machine.run("systemctl", "show", "-P", "Result", "uplinkd-metrics").stdout
    assert result.strip() == "success", machine.journal("uplinkd-metrics")
