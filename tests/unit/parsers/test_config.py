"""Configuration to blocks: a stanza is whole, a long one is a heading and what is below it."""

from __future__ import annotations

import json

from parser_laws import assert_lawful, assert_split, blocks_of

from answerable.adapters.parsers import config, formats
from answerable.domain.documents import BlockKind, Text
from answerable.library.split import split

CODE, HEADING = BlockKind.CODE, BlockKind.HEADING


def chunks(text: Text) -> list[tuple[tuple[str, ...], str]]:
    """Return heading path and text of every chunk."""
    return [(one.heading, text.text[one.start : one.end]) for one in split(text)]


def long_values(indent: str, count: int = 30) -> str:
    """Return members that no chunk holds together."""
    return "".join(f"{indent}option{n}:\n{indent}  value: {'x' * 60}\n" for n in range(count))


def test_yaml_is_cut_between_keys() -> None:
    """Each key with its comments and what it holds is one block, and the source stays."""
    source = (
        "# about all\nversion: 3\n\nserver:\n  # port\n  port: 80\n\n  host: a\n"
        "  # retries: 3\nlist:\n- one\n- two\n# last\nend: 1\n"
    )
    text = config.yaml(source)
    assert text.text == source
    assert text.masks == ()
    assert text.title == ""
    assert blocks_of(text, CODE) == [
        "# about all\nversion: 3",
        "server:\n  # port\n  port: 80\n\n  host: a\n  # retries: 3",
        "list:\n- one\n- two",
        "# last\nend: 1",
    ]


def test_a_long_stanza_of_yaml_is_a_section() -> None:
    """Its key is a heading above its parts, and ends where the next key begins."""
    source = f"a: 1\nserver:\n  tls:\n{long_values('    ')}  port: 80\nlast: 2\n"
    text = config.yaml(source)
    assert_lawful(text)
    found = chunks(text)
    assert found[0] == ((), "a: 1")
    assert found[1][0] == ("server:", "tls:")
    assert found[-2] == (("server:",), "  port: 80")
    assert found[-1] == ((), "last: 2")
    assert all(len(words) <= 1200 for _, words in found)


def test_lists_of_yaml_are_cut_between_items() -> None:
    """Also where the items stand at the column of their key; a block of text is not cut at keys."""
    script = "".join(f"      key{n}: echo {n}\n" for n in range(5))
    items = "".join(f"- alert: A{n}\n  expr: {'x' * 300}\n" for n in range(6))
    text = config.yaml(f"rules:\n{items}- run: |\n{script}  name: last\n")
    assert blocks_of(text, HEADING) == ["rules:"]
    assert blocks_of(text, CODE)[0].startswith("- alert: A0\n  expr")
    assert blocks_of(text, CODE)[-1] == f"- run: |\n{script}  name: last"
    assert len(blocks_of(text, CODE)) == 7


def test_a_long_text_in_yaml_is_no_keys() -> None:
    """What a block scalar holds begins no stanza, however it looks."""
    script = "".join(f"  key{n}: {'x' * 50}\n" for n in range(40))
    text = config.yaml(f"script: |\n{script}\n  tail: 1\nnext: 1\n")
    assert blocks_of(text, HEADING) == ["script: |"]
    assert blocks_of(text, CODE) == [script.rstrip("\n"), "  tail: 1", "next: 1"]


def test_a_key_after_a_long_text_in_a_list() -> None:
    """The text of a first key ends where the next key of its item begins."""
    script = "".join(f"    key{n}: {'x' * 50}\n" for n in range(40))
    text = config.yaml(f"steps:\n- run: |\n{script}  name: a\n  if: b\n")
    assert blocks_of(text, HEADING) == ["steps:", "- run: |"]
    assert blocks_of(text, CODE)[-1] == "  if: b"


def test_documents_of_yaml() -> None:
    """Of several documents a short one is one block; nothing is said twice."""
    one, two = "apiVersion: v1\nkind: A\n", "---\nkind: B\nspec:\n  x: 1\n"
    assert blocks_of(config.yaml(one + two), CODE) == [one.strip(), two.strip()]


def test_yaml_is_never_loaded() -> None:
    """Tags make nothing and aliases are not expanded: both are shown as they stand."""
    bomb = "a: &a [x,x,x,x]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    bomb += "run: !!python/object/apply:os.system ['true']\n"
    assert config.yaml(bomb).text == bomb


def test_json_is_cut_between_members() -> None:
    """A long member is a heading by its key alone, and its parts stand below it."""
    data = {"name": "x", "panels": [{"id": n, "title": "t" * 90} for n in range(20)], "end": {}}
    source = json.dumps(data, indent=2) + "\n"
    text = config.json(source)
    assert text.text == source
    assert_lawful(text)
    found = chunks(text)
    assert found[0] == ((), '{\n  "name": "x",')
    assert found[1][0] == ("panels",)
    assert found[-1] == ((), '  "end": {}\n}')


def test_json_on_one_line_is_set_anew() -> None:
    """It says the same, number for number, and is cut between members."""
    data = {"a": [1, 2.50, {"b": "c, {d}"}], "many": [{"n": n, "w": ["x" * 50]} for n in range(99)]}
    source = '{"a":1.50,"a":2,' + json.dumps(data)[1:]
    text = config.json(source)
    assert json.loads(text.text) == data
    assert '"a": 1.50,\n  "a": 2,' in text.text
    assert max(map(len, text.text.split("\n"))) < 200
    assert_lawful(text)
    assert_split(text, split(text), 1200)


def test_broken_json_is_text() -> None:
    """What is cut off in the middle of a string is shown as far as it goes."""
    source = '{"a": [' + '{"key": "value"}, ' * 200 + '"open'
    assert config.json(source).text.endswith('"open\n')
    assert formats.read("a.json", b"{]: Iron rusts.")[1].text == "{]: Iron rusts."


def test_sections_of_toml_and_ini() -> None:
    """A section with its comment is a block; brackets in strings and lists begin none."""
    source = (
        "title = 'x'\n\n# about the server\n[server]\nport = 1\nlist = [\n  'a',\n]\n\n"
        "[server.tls]\ntext = '''\n[no]\n'''\n"
    )
    text = config.sections(source)
    assert blocks_of(text, CODE) == [
        "title = 'x'",
        "# about the server\n[server]\nport = 1\nlist = [\n  'a',\n]",
        "[server.tls]\ntext = '''\n[no]\n'''",
    ]
    long = "[a]\n" + "".join(f"key{n} = {'v' * 40}\n" for n in range(60)) + "[b]\nx = 1\n"
    found = chunks(config.sections(long))
    assert [heading for heading, _ in found] == [("[a]",), ("[a]",), ("[a]",), ()]


def test_configuration_without_sections_keeps_its_blocks() -> None:
    """Braces and indentation are structure enough."""
    source = b"user x;\n\nhttp {\n  a 1;\n\n  server {\n    listen 80;\n  }\n}\n"
    name, text = formats.read("nginx.conf", source)
    assert name == "config"
    assert blocks_of(text, CODE)[1].startswith("http {")
    assert blocks_of(text, CODE)[1].endswith("\n}")


def test_what_is_set_anew_keeps_its_words() -> None:
    """Comments stay comments, what is no JSON keeps its blanks, and nothing is composed."""
    source = '{"a": 1, // the first one\n/* and the\nrest */ "b": not json, "c": e \u0301x}'
    assert config.spread(source) == (
        '{\n  "a": 1,\n   // the first one\n   /* and the\nrest */ "b": not json,\n'
        '  "c": e \u0301x\n}\n'
    )
    assert config.spread("/" * 100_000 + "*" * 100_000)
