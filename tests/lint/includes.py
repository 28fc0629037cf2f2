#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""Checks the include graph of user/ against the table in docs/architecture.md.

A row of the table names a component (a folder of user/, or of user/integration/) and the components
that it may include.
The checker reports includes that the table does not allow, components without a row, edges of the
table that point upwards, and cycles between files. A forward declaration of a struct that another
component defines counts as an include of that component, and so does an extern declaration of its
objects. headers/ may be included by all.

Usage: includes.py [ROOT]
"""
import re
import sys
from collections import defaultdict
from pathlib import Path

ROW = re.compile(r"^\| `user/([\w/]+)/` \|[^|]*\|([^|]*)\|")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
STRUCT = re.compile(r"^struct (\w+)\s*\{", re.M)
FORWARD = re.compile(r"^\s*struct (\w+);", re.M)
EXTERN = re.compile(r"^extern\s[^;(]*?(\w+)(?:\[[^\]]*\])*;", re.M)
OBJECT = re.compile(r"^(?!extern|static|typedef|\s|#|/)[\w\s*]+?\b(\w+)(?:\[[^\]]*\])*\s*=", re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def read_table(text):
    """{component: set of components that it may include}, in the order of the rows."""
    table = {}
    for line in text.splitlines():
        row = ROW.match(line)
        if row:
            table[row[1]] = set(re.findall(r"`([\w/]+)`", row[2]))
    return table


def component_of(path):
    """Of a file of user/: "link", or "integration/net"; None: of no component."""
    return path[len("user/") :].rpartition("/")[0] or None if path.startswith("user/") else None


def read_sources(root):
    """{path: text without comments} of all C sources and headers of user/."""
    files = sorted((root / "user").glob("**/*.[ch]"))
    return {str(f.relative_to(root)): COMMENT.sub("", f.read_text()) for f in files}


def resolve(path, name, sources):
    """The file of user/ that `#include "name"` in path refers to; None: not one of user/."""
    beside = str(Path(path).parent / name)
    return next((p for p in (f"user/{name}", beside) if p in sources), None)


def file_edges(sources):
    return {
        path: {
            target
            for name in INCLUDE.findall(text)
            if (target := resolve(path, name, sources)) is not None
        }
        for path, text in sources.items()
    }


def owners(sources, pattern):
    """{name: component} of what the pattern finds; a name with two owners belongs to neither."""
    found = defaultdict(set)
    for path, text in sources.items():
        for name in pattern.findall(text):
            found[name].add(component_of(path))
    return {name: next(iter(where)) for name, where in found.items() if len(where) == 1}


def component_edges(sources):
    """[(path, component that it uses, reason)]."""
    structs, objects = owners(sources, STRUCT), owners(sources, OBJECT)
    edges = []
    for path, targets in file_edges(sources).items():
        edges += [(path, component_of(t), f"includes {t}") for t in sorted(targets)]
    for path, text in sources.items():
        for pattern, where, kind in ((FORWARD, structs, "struct"), (EXTERN, objects, "extern")):
            for name in pattern.findall(text):
                if where.get(name):
                    edges.append((path, where[name], f"declares {kind} {name}"))
    return [e for e in edges if e[1] != component_of(e[0])]


def find_cycle(edges):
    """A list of nodes that form a cycle, or None."""
    state, trail = {}, []

    def visit(node):
        state[node] = "open"
        trail.append(node)
        for target in sorted(edges.get(node, ())):
            if state.get(target) == "open":
                return trail[trail.index(target) :] + [target]
            if target not in state and (cycle := visit(target)):
                return cycle
        trail.pop()
        state[node] = "done"
        return None

    for node in sorted(edges):
        if node not in state and (cycle := visit(node)):
            return cycle
    return None


def check(root):
    """A list of messages; empty when the rules hold."""
    table = read_table((root / "docs/architecture.md").read_text())
    sources = read_sources(root)
    used = {component_of(path) for path in sources}
    order = list(table)
    bad = [f"user/{c}/: has no row in docs/architecture.md" for c in sorted(used - set(table))]
    bad += [f"docs/architecture.md: user/{c}/ does not exist" for c in order if c not in used]
    for component, allowed in table.items():
        for target in sorted(allowed):
            if target not in table:
                bad.append(f"docs/architecture.md: {component} may include {target}: no such row")
            elif order.index(target) <= order.index(component):
                bad.append(
                    f"docs/architecture.md: {component} may include {target}: points upwards"
                )
    for path, target, reason in component_edges(sources):
        if target not in table.get(component_of(path), set()):
            bad.append(f"{path}: {reason}; {component_of(path)} may not use {target}")
    cycle = find_cycle(file_edges(sources))
    if cycle:
        bad.append("include cycle: " + " -> ".join(cycle))
    return bad


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    bad = check(root)
    print("\n".join(bad), file=sys.stderr, end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
