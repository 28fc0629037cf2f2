# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
"""The include checker reports violations of the table, and no clean tree."""
import includes
import pytest

TABLE = """
| folder | owns | may include |
|---|---|---|
| `user/top/` | x | `mid`, `low` |
| `user/part/own/` | x | `low` |
| `user/mid/` | x | `low` |
| `user/low/` | x | nothing |
"""

CLEAN = {
    "user/top/a.c": '#include "mid/m.h"\n#include "low/l.h"\n',
    "user/mid/m.h": '#include "low/l.h"\nstruct mid { int x; };\n',
    "user/mid/m.c": '#include "mid/m.h"\nint mid_table[] = { 1 };\n',
    "user/part/own/a.c": '#include "low/l.h"\n#include "part/own/a.h"\n',
    "user/part/own/a.h": "int own;\n",
    "user/low/l.h": "struct low { int x; };\n",
}


def check(tmp_path, files, table=TABLE):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/architecture.md").write_text(table)
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return includes.check(tmp_path)


def test_clean_tree_passes(tmp_path):
    assert check(tmp_path, CLEAN) == []


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("user/low/x.c", '#include "mid/m.h"\n', "low may not use mid"),
        ("user/low/x.h", "struct mid;\n", "declares struct mid; low may not use mid"),
        ("user/low/x.c", "extern int mid_table[];\n", "declares extern mid_table"),
        ("user/new/x.c", "int x;\n", "user/new/: has no row"),
        ("user/part/x.c", "int x;\n", "user/part/: has no row"),
        ("user/part/own/x.c", '#include "mid/m.h"\n', "part/own may not use mid"),
        ("user/low/x.c", '#include "part/own/a.h"\n', "low may not use part/own"),
        ("user/low/y.h", '#include "low/z.h"\n', "include cycle"),
    ],
)
def test_violation_is_named(tmp_path, name, text, message):
    files = {**CLEAN, name: text, "user/low/z.h": '#include "low/y.h"\n'}
    assert any(message in line for line in check(tmp_path, files))


def test_comments_do_not_count(tmp_path):
    assert check(tmp_path, {**CLEAN, "user/low/x.c": '/*\n#include "mid/m.h"\n*/\n'}) == []


def test_table_that_points_upwards_is_refused(tmp_path):
    table = TABLE.replace("| nothing |", "| `mid` |")
    assert any("points upwards" in line for line in check(tmp_path, CLEAN, table))
