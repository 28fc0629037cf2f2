# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Judges the results folder of a guest. A missing result counts as failed."""

import os
import re
import xml.etree.ElementTree as ET

# A kernel message that fails the run whatever the tests report. Not a bug: on a busy host an
# emulated CPU, work queue or NIC appears stuck.
SPLAT = re.compile(
    r"BUG:|Oops|WARNING: |general protection fault|refcount_t|UBSAN|Kernel panic|unregister_netdevice: waiting"
)
NO_SPLAT = re.compile(
    r"soft lockup|workqueue lockup|rcu_\w+ (self-)?detected|clocksource|dev_watchdog"
)


class Results:
    """Tests of one step, or of several added up."""

    def __init__(self):
        self.passed = 0
        self.failed = []  # (test, why)
        self.skipped = []  # (test, why)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def read_junit(path, results):
    """Adds the cases of a JUnit file (of pytest or Criterion); False if no readable one is
    there.
    """
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError):
        return False
    for suite in root.iter("testsuite"):
        for case in suite.iter("testcase"):
            test = f"{case.get('classname') or suite.get('name')}::{case.get('name')}"
            broken = [child for child in case if child.tag in ("failure", "error")]
            skip = case.find("skipped")
            if broken:
                results.failed.append(
                    (test, (broken[0].get("message") or broken[0].text or broken[0].tag).strip())
                )
            elif skip is not None:
                results.skipped.append((test, skip.get("message") or ""))
            else:
                results.passed += 1
    return True


def judge_step(out, step, lacks):
    """lacks: words of the kernel list; each skip must have one in its message, name or line of the
    log.
    """
    results = Results()
    path = os.path.join(out, step)
    log = read_text(path + ".log")
    status, _, limit_s = read_text(path + ".status").strip().partition(" ")

    have_junit = read_junit(path + ".xml", results)
    for test, why in results.skipped:
        name = test.rpartition("::")[2]
        said = " ".join([test, why] + [line for line in log.splitlines() if name in line]).lower()
        if not any(word.lower() in said for word in lacks):
            results.failed.append(
                (
                    test,
                    f"skipped, and nothing in vmtest/kernels allows it: {why or 'no reason given'}",
                )
            )
    results.skipped = [
        skip for skip in results.skipped if skip[0] not in {test for test, _ in results.failed}
    ]

    def harness(why):
        results.failed.append((f"{step}::harness", why))

    if not status:
        harness("did not run to its end: the machine died, or was stopped at its limit")
    elif status in ("124", "137"):
        harness(f"stopped after its limit of {limit_s} s")
    elif not have_junit:
        harness(f"left no results, exit status {status}: {' '.join(log.strip().splitlines()[-1:])}")
    elif status != "0" and not results.failed:
        harness(f"exit status {status} with no failed test")
    elif not results.passed and not results.failed:
        harness("has no test that ran")
    left = read_text(path + ".left").split("\n")[:-1]
    if left:
        harness(f"left behind: {', '.join(left)}")
    return results


def judge_kernel_log(out):
    """The complaints of the kernel as one test."""
    results = Results()
    whole = read_text(os.path.join(out, "dmesg"))
    log = whole or read_text(os.path.join(out, "console.log"))
    splats = [line for line in log.splitlines() if SPLAT.search(line) and not NO_SPLAT.search(line)]
    if splats:
        results.failed.append(("kernel::log", "; ".join(splats[:3])))
    elif whole:
        results.passed += 1
    return results


def write_junit(path, name, results):
    """Writes the findings of the host for programs that collect the XML files."""
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(results.passed + len(results.failed)),
        failures=str(len(results.failed)),
    )
    for test, why in results.failed:
        ET.SubElement(
            ET.SubElement(suite, "testcase", classname=name, name=test), "failure", message=why
        )
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
