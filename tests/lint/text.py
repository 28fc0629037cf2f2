#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Checks of the text of files: width, length, licence lines, and words that the project avoids.

Rules
- Lines have at most 100 columns in C, headers, Python, Markdown prose and comments of scripts.
  Exempt are string literals, row tables ("clang-format off"), Markdown tables, code blocks, links.
- A hand-written C file has fewer than 700 lines.
- Source files carry an SPDX line and a copyright line.
- Prose and comments avoid the words in WORDS (docs: CONTRIBUTING.md, "Language").

Usage: text.py FILE...
"""
import re
import sys
from pathlib import Path

COLUMNS = 100
LINES = 700
TAB = 8

WORDS = re.compile(
    r"\b(anew|nobody|somebody|any more|none of it|as such|let go|lets go|at hand|of its own|"
    r"what came when|each (two|three|few|\d+(\.\d+)?) ?(s|ms|seconds|minutes))\b",
    re.I,
)
CLAUSE = re.compile(r"(^|[.;:*/#] )What [a-z]+ (is|was|has|had|can|may|must|only)\b")
STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
SCRIPTS = {".py", ".sh", ""}


def width(line):
    columns = 0
    for c in line:
        columns += TAB - columns % TAB if c == "\t" else 1
    return columns


def is_source(path):
    return path.suffix in {".c", ".h", ".py"} or path.name == "Makefile"


def exempt_lines(path, lines):
    """Numbers of the lines (from 0) to which the limit of columns does not apply."""
    exempt, table, block = set(), False, False
    for n, line in enumerate(lines):
        if path.suffix in {".c", ".h"}:
            if "clang-format off" in line:
                table = True
            if table or STRING.search(line):
                exempt.add(n)
            if "clang-format on" in line:
                table = False
        elif path.suffix == ".scd":
            exempt.add(n)  # a unit test compares its lines with the key table
        elif path.suffix == ".md":
            if line.lstrip().startswith("```"):
                block = not block
            if block or line.lstrip().startswith(("|", "[")) or "](" in line or "<!--" in line:
                exempt.add(n)
        elif STRING.search(line) or '"""' in line:
            exempt.add(n)
        elif path.suffix != ".py" and not line.lstrip().startswith("#"):
            exempt.add(n)
    return exempt


def check_file(path):
    """A list of messages about one file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    bad = []
    exempt = exempt_lines(path, lines)
    for n, line in enumerate(lines):
        if n not in exempt and width(line) > COLUMNS:
            bad.append(f"{path}:{n + 1}: {width(line)} columns, more than {COLUMNS}")
        for pattern in (WORDS, CLAUSE) if path.name != Path(__file__).name else ():
            found = pattern.search(line)
            if found:
                bad.append(f"{path}:{n + 1}: avoid '{found[0].strip()}'")
    if path.suffix in {".c", ".h"} and len(lines) >= LINES:
        bad.append(f"{path}: {len(lines)} lines, {LINES} or more")
    if is_source(path) or (text.startswith("#!") and path.suffix in SCRIPTS):
        head = "\n".join(lines[:4])
        for needed in ("SPDX-License-Identifier: GPL-2.0", "Copyright (C) The uplinkd authors"):
            if needed not in head:
                bad.append(f"{path}: no line '{needed}' at the top")
    return bad


def main():
    bad = [message for name in sys.argv[1:] for message in check_file(Path(name))]
    print("\n".join(bad), file=sys.stderr, end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
