"""On which line of a TOML text each thing stands, whatever the text looks like."""

import tomllib
from pathlib import Path

import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from sla.regulations.toml_errors import explain
from sla.regulations.toml_lines import TomlLines

TRAPS = (
    r'''# [[rule]]
[regulation]
title = "[[rule]]"            # length = 1
note = """
[[rule]]
length = 2 \""" still inside
"""

[[rule]]                      # line 9
id = 'a # b'
stops_on = [
  "settled",                  # line 12: ] = [[rule]]
  # "closed",
  'withdrawn', "x ] y"
]
label = { id = "a = b, c", en = '}' }   # line 16
"length" = 5

  [ rule . consequence ]      # line 19
  id = '''
    + "'''\n[[rule]]\n'''"
    + r"""

[[ rule ]]                    # line 24
label.id = "dotted"
label.en = "key"
when = 2026-11-24 08:00:00    # line 27
pauses = [["a", "b"],
          ["c", "d"]]
[[rule.deep]]
x = 1
[[rule.deep]]
x = [{ y = 1 },
     { y = 2 }]"""
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("regulation",), 2),
        (("regulation", "note"), 4),
        (("rule", 0), 9),
        (("rule", 0, "id"), 10),
        (("rule", 0, "stops_on", 0), 12),
        (("rule", 0, "stops_on", 2), 14),
        (("rule", 0, "label", "en"), 16),
        (("rule", 0, "length"), 17),
        (("rule", 0, "consequence"), 19),
        (("rule", 1), 24),
        (("rule", 1, "label", "en"), 26),
        (("rule", 1, "when"), 27),
        (("rule", 1, "pauses", 1, 1), 29),
        (("rule", 1, "deep", 0, "x"), 31),
        (("rule", 1, "deep", 1, "x", 1, "y"), 34),
        (("rule", 1, "no such key"), 24),  # the table around it
        (("no such table", "x"), None),
    ],
)
def test_the_line_of_a_thing(path, line):
    assert TomlLines(TRAPS).of(*path) == line


def paths(value, path=()):
    """The path of everything in a table."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        yield (*path, key)
        if isinstance(member, dict | list):
            yield from paths(member, (*path, key))


FILES = [
    *REPOSITORY.glob("*.toml"),
    *REPOSITORY.glob("regulations/**/*.toml"),
    *REPOSITORY.glob("examples/**/*.toml"),
    *REPOSITORY.glob("templates/words/**/*.toml"),  # those of a new site are no TOML yet
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_every_thing_in_a_file_is_found_and_nothing_else(file: Path):
    text = file.read_text(encoding="utf-8")
    known = TomlLines(text).known
    assert set(known) == set(paths(tomllib.loads(text)))
    written = text.split("\n")
    assert all(
        path[-1] in written[line - 1] for path, line in known.items() if isinstance(path[-1], str)
    )


VALUES = [
    "1",
    "-2.5e3",
    "true",
    "inf",
    "2026-11-24",
    "2026-11-24 08:00:00.5+08:00",
    '""',
    "''",
    '"[[t]]"',
    "'# no'",
    r'"\" ] } , ="',
    '""""quoted" """',
    '"""\n[[t]]\nk0 = 1\n"""',
    '"""a\\"""b""""',
    "'''\n[t]\n'''",
    "''''it's'''",
    "[]",
    "[ 1, 2 , ]",
    '[\n# ]\n"a", # [[t]]\n[ "b" ],\n]',
    "{}",
    "{ a = 1, 'b c' = [ 2, { d = '}' } ] }",
]


@given(
    st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(["", " # [[t]] k9 = [", "\n\n"])))
)
def test_each_key_is_found_after_whatever_stands_before_it(members):
    text, expected = "", {}
    for number, (value, rest) in enumerate(members):
        text += "[[t]]\n"
        expected["t", number, f"k{number}"] = text.count("\n") + 1
        text += f"k{number} = {value}{rest}\n"
    tables = tomllib.loads(text)
    lines = TomlLines(text)
    assert set(lines.known) == set(paths(tables))
    assert {path: lines.of(*path) for path in expected} == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \n", 2), ("a = 1\n\n[[rule]\n", 3), ("a = 1\na = 2\n", 2), ('a = """\nb\n', 3)],
)
def test_what_is_no_toml_bears_its_own_line(text, line):
    with pytest.raises(tomllib.TOMLDecodeError) as refused:
        tomllib.loads(text)
    found, told = explain(refused.value, text)
    assert found == line
    assert "at line" not in told
    assert "end of document" not in told
