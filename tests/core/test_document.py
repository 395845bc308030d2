"""Documents survive reading, writing and editing without loss."""

from __future__ import annotations

import contextlib
import itertools
import json
from decimal import Decimal
from typing import Literal, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mulligan.core.document import (
    Node,
    Number,
    apply_patch,
    assemble,
    diff,
    parse,
    render,
    set_in_any,
    set_path,
    split_object,
    values_before,
)
from mulligan.core.limits import MESSAGE
from mulligan.core.records import Patch, PatchOp
from mulligan.errors import InvalidInput, TooLarge

literals = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,6})?", fullmatch=True)
names = st.text(max_size=8) | st.sampled_from(["", "/", "~", "~1", "a.b", "0", "-", "__proto__", "\x00", "\u2028"])
scalars = st.none() | st.booleans() | st.text(max_size=12) | literals.map(Number)


def trees(leaves: int) -> st.SearchStrategy[Node]:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(names, inner, max_size=6),
        max_leaves=leaves,
    )


nodes, small_nodes = trees(25), trees(4)
few = st.lists(st.sampled_from([Number("1"), Number("2"), "x", True, None]), max_size=8)


def problem(error: pytest.ExceptionInfo[InvalidInput]) -> tuple[str, str]:
    (only,) = error.value.problems
    return only.path, only.rule


# ── Reading and writing ──────────────────────────────────────────────────────────────────────────────────────────────

LETTERS = b'{"b":1.10,"a":[1e400,1152921504606846977,-0,-0.0,1E+2,0.1e-7],"a\\"\\\\":"\xc3\xa9\\n","":{},"l":[]}'


def test_literals_and_member_order_are_kept_to_the_letter() -> None:
    assert render(parse(LETTERS)) == LETTERS


@given(nodes)
def test_what_is_rendered_reads_back_as_the_same(node: Node) -> None:
    text = render(node)
    assert parse(text) == node
    assert render(parse(text)) == text


@given(nodes)
def test_rendered_text_is_json_to_the_standard_library(node: Node) -> None:
    assert json.loads(render(node), parse_int=Number, parse_float=Number) == node


@given(st.characters(categories=["Cs"]))
def test_half_a_surrogate_pair_is_no_character(half: str) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        render(parse(json.dumps(half).encode()))


@given(literals, literals)
def test_numbers_compare_by_value(one: str, other: str) -> None:
    assert (Number(one) == Number(other)) == (Decimal(one) == Decimal(other))
    assert Number(one) == Number(one)
    if Number(one) == Number(other):
        assert hash(Number(one)) == hash(Number(other))


@pytest.mark.parametrize(
    ("one", "other"), [("1.10", "1.1"), ("1", "1.0"), ("-0", "0"), ("1e2", "100"), ("0.00", "0e9"), ("12e-1", "1.2")]
)
def test_spellings_of_one_number_are_equal(one: str, other: str) -> None:
    assert Number(one) == Number(other)


def test_integers_beyond_floats_are_told_apart() -> None:
    assert parse(b"9007199254740993") != parse(b"9007199254740992")
    assert parse(b"1e400") != parse(b"1e401")


def test_a_number_is_neither_text_nor_truth() -> None:
    assert parse(b"1") != parse(b'"1"')
    assert parse(b"1") != parse(b"true")
    assert parse(b"0") != parse(b"false")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"[1,]",
        b'{"a":1,}',
        b"{1:2}",
        b"NaN",
        b"[-Infinity]",
        b"01",
        b"1 2",
        b'{"a":1,"a":1}',
        b'"\n"',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"'a'",
        b"[" * 100_000,
        b"1e" + b"1" * 1_000,
    ],
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert problem(refused)[0] == ""


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(InvalidInput, match="line 2 column 8"):
        parse(b'{\n  "a": tru\n}')


def test_a_hundred_levels_are_no_problem() -> None:
    deep = b'{"a":[' * 50 + b"1" + b"]}" * 50
    assert render(parse(deep)) == deep
    pointer = "/a/0" * 50
    assert apply_patch(deep, (PatchOp("replace", pointer, "2"),)) == deep.replace(b"1", b"2")
    assert diff(deep, deep.replace(b"1", b"2")) == (PatchOp("replace", pointer, "2"),)


# ── Splicing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_assembling_copies_values_byte_for_byte() -> None:
    assert assemble([]) == b"{}"
    assert assemble([("doc", b'{ "id" : 1.0 }'), ('q"', b"[ ]")]) == b'{"doc":{ "id" : 1.0 },"q\\"":[ ]}'


spaces = st.text(alphabet=" \t\n\r", max_size=3).map(str.encode)


@given(st.lists(st.tuples(names, small_nodes, spaces), max_size=4, unique_by=lambda part: part[0]))
def test_splitting_undoes_assembling(parts: list[tuple[str, Node, bytes]]) -> None:
    spaced = [(name, space + render(node) + space) for name, node, space in parts]
    text = b" " + assemble(spaced) + b"\n"
    assert split_object(text) == {name: render(node) for name, node, _ in parts}
    assert list(split_object(text)) == [name for name, _, _ in parts]


@pytest.mark.parametrize(
    "text", [b"", b"1", b"[]", b"{", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{"a":1 "b":2}', b'{"a":1}x']
)
def test_splitting_wants_one_whole_object(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        split_object(text)


@pytest.mark.parametrize("pointer", ["/b", "/a/2", "/a/-", "/a/01", "/a/-1", "/a/0/0", "/s/0", "a", "/~2", "/a/\u0661"])
def test_a_place_that_is_not_there_is_named(pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        apply_patch(b'{"a":[1,2],"s":"text"}', (PatchOp("replace", pointer, "1"),))
    assert problem(refused)[0] == pointer


# ── Edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_patch_returns_the_very_same_bytes() -> None:
    odd = b'{ "a" : 1.10 }\n'
    assert apply_patch(odd, ()) is odd


def test_values_that_an_edit_does_not_touch_keep_their_letters() -> None:
    edited = apply_patch(LETTERS, (PatchOp("replace", "/l", "2.50"),))
    assert edited == LETTERS.replace(b'"l":[]', b'"l":2.50')


def test_the_six_operations() -> None:
    patch: Patch = (
        PatchOp("test", "/n", "1.0"),
        PatchOp("add", "/list/1", '"new"'),
        PatchOp("add", "/list/-", "1e400"),
        PatchOp("remove", "/gone"),
        PatchOp("replace", "/n", "9007199254740993"),
        PatchOp("move", "/moved", from_="/old"),
        PatchOp("copy", "/twice", from_="/moved"),
    )
    before = b'{"n":1,"list":["a","b"],"gone":0,"old":{"x":1.10}}'
    after = b'{"n":9007199254740993,"list":["a","new","b",1e400],"moved":{"x":1.10},"twice":{"x":1.10}}'
    assert apply_patch(before, patch) == after


def test_the_whole_document_can_be_replaced() -> None:
    assert apply_patch(b'{"a":1}', (PatchOp("replace", "", "[1.0]"),)) == b"[1.0]"


def test_copies_do_not_share_what_they_hold() -> None:
    patch = (PatchOp("copy", "/b", from_="/a"), PatchOp("add", "/b/0", "2"))
    assert apply_patch(b'{"a":[1]}', patch) == b'{"a":[1],"b":[2,1]}'


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        (PatchOp("replace", "/b", "1"), "/b"),
        (PatchOp("remove", "/a/5"), "/a/5"),
        (PatchOp("add", "/a/01", "1"), "/a/01"),
        (PatchOp("add", "/s/0", "1"), "/s/0"),
        (PatchOp("add", "/n/x", "1"), "/n/x"),
        (PatchOp("remove", ""), ""),
        (PatchOp("add", "/x"), "/x"),
        (PatchOp("move", "/x"), "/x"),
        (PatchOp("move", "/a/0", from_="/a"), "/a/0"),
        (PatchOp("copy", "/x", from_="/nowhere"), "/nowhere"),
        (PatchOp("copy", "/x", from_="/a/-"), "/a/-"),
        (PatchOp("copy", "/x", from_="a"), "a"),
        (PatchOp("test", "/s", '"other"'), "/s"),
        (PatchOp("add", "x", "1"), "x"),
    ],
)
def test_an_operation_that_cannot_be_carried_out_names_its_path(operation: PatchOp, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        apply_patch(b'{"a":[1],"s":"hunter2","n":1}', (operation,))
    assert problem(refused)[0] == path
    assert "hunter2" not in str(refused.value)


def test_a_value_that_is_not_json_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not JSON"):
        apply_patch(b"{}", (PatchOp("add", "/a", "nope"),))


def test_copies_cannot_double_a_document_without_end() -> None:
    bomb = tuple(PatchOp("copy", f"/{index}", from_="") for index in range(60))
    with pytest.raises(TooLarge):
        apply_patch(b'{"a":"' + b"x" * (MESSAGE // 1000) + b'"}', bomb)


def test_a_short_edit_cannot_name_a_large_place_without_end() -> None:
    document = b'{"a":"' + b"x" * (MESSAGE // 10) + b'"}'
    to_itself = PatchOp("move", "/a", from_="/a")
    assert len(values_before(document, (to_itself,) * 10)) == 10
    with pytest.raises(TooLarge):
        values_before(document, (to_itself,) * 12)
    with pytest.raises(TooLarge):
        values_before(document, tuple(PatchOp("copy", f"/{index}", from_="") for index in range(60)))


def test_an_edit_that_nests_without_end_is_refused() -> None:
    level = '{"a":' * 90 + "1" + "}" * 90
    deeper = tuple(PatchOp("add", "/a" * (90 * times + 1), level) for times in range(40))
    with pytest.raises(InvalidInput, match="nested too deeply"):
        apply_patch(b"{}", deeper)


PLACES = ["", "/", "/l", "/l/-", "/l/0", "/l/9", "/l/-/a", "/l/1/a/-", "/t/0", "/t/-", "/n/0", "/z/a", "l", "/~2"]


Op = Literal["add", "remove", "replace", "move", "copy", "test"]


@pytest.mark.parametrize("op", get_args(Op))
def test_an_edit_fits_or_is_refused_wherever_it_points(op: Op) -> None:
    document = b'{"l":[1,{"a":[]}],"t":"abc","n":1.5,"z":null}'
    for path, source, value in itertools.product(PLACES, [None, *PLACES], [None, "1"]):
        operation = PatchOp(op, path, value, source)
        for edit in (apply_patch, values_before):
            with contextlib.suppress(InvalidInput):
                edit(document, (operation,))


def test_an_edit_may_make_a_document_small_that_is_too_large() -> None:
    large = b'{"a":"' + b"x" * (2 * MESSAGE) + b'"}'
    assert apply_patch(large, (PatchOp("replace", "/a", '"s3://bucket"'),)) == b'{"a":"s3://bucket"}'


# ── Differences ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(nodes, nodes)
def test_applying_a_difference_gives_the_other_document(before: Node, after: Node) -> None:
    patch = diff(render(before), render(after))
    assert parse(apply_patch(render(before), patch)) == after
    assert (patch == ()) == (before == after)


@given(few, few)
def test_a_difference_of_lists_is_never_longer_than_both_lists(before: list[Node], after: list[Node]) -> None:
    patch = diff(render(before), render(after))
    assert parse(apply_patch(render(before), patch)) == after
    assert len(patch) <= len(before) + len(after)


@given(nodes, st.data())
def test_one_changed_value_is_one_operation(node: Node, data: st.DataObject) -> None:
    change = PatchOp("replace", data.draw(st.sampled_from(_leaves(node))), '"found nowhere in the document"')
    assert diff(render(node), apply_patch(render(node), (change,))) == (change,)


def _leaves(node: Node, place: str = "") -> list[str]:
    if isinstance(node, dict):
        escaped = ((name.replace("~", "~0").replace("/", "~1"), value) for name, value in node.items())
        return [leaf for name, value in escaped for leaf in _leaves(value, f"{place}/{name}")] or [place]
    if isinstance(node, list):
        return [leaf for index, value in enumerate(node) for leaf in _leaves(value, f"{place}/{index}")] or [place]
    return [place]


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        (b'{"doc":{"lang":"en","id":1}}', b'{"doc":{"id":1,"lang":"fr"}}', (PatchOp("replace", "/doc/lang", '"fr"'),)),
        (b'{"a":1.0,"b":[1,2]}', b'{ "b": [1.0, 2e0],\n "a": 1 }', ()),
        (b'{"a":1}', b'{"b":1}', (PatchOp("remove", "/a"), PatchOp("add", "/b", "1"))),
        (b"[1,2,3,4]", b"[2,4]", (PatchOp("remove", "/0"), PatchOp("remove", "/1"))),
        (b'["a","c"]', b'["a","b","c"]', (PatchOp("add", "/1", '"b"'),)),
        (b'[{"x":1},{"x":2}]', b'[{"x":1},{"x":3}]', (PatchOp("replace", "/1/x", "3"),)),
        (b"[]", b"{}", (PatchOp("replace", "", "{}"),)),
        (b'{"a/b":{"~":1}}', b'{"a/b":{"~":2}}', (PatchOp("replace", "/a~1b/~0", "2"),)),
        (b"9007199254740992", b"9007199254740993", (PatchOp("replace", "", "9007199254740993"),)),
        (b'{"a":1}', b'{"a":true}', (PatchOp("replace", "/a", "true"),)),
    ],
)
def test_a_difference_reads_like_the_edit_a_person_made(before: bytes, after: bytes, patch: Patch) -> None:
    assert diff(before, after) == patch


def test_long_lists_that_share_nothing_are_compared_in_no_time() -> None:
    before = render([Number(str(index)) for index in range(20_000)])
    after = render([Number(str(-index)) for index in range(1, 10_001)])
    patch = diff(before, after)
    assert len(patch) == 20_000
    assert apply_patch(before, patch) == after


# ── Paths of the command line ────────────────────────────────────────────────────────────────────────────────────────

DOCUMENT = b'{"doc":{"lang":"en","tags":["a","b"],"a.b":1,"author":null},"n":1,"0":{}}'


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("doc.lang", PatchOp("replace", "/doc/lang", "7")),
        ("/doc/lang", PatchOp("replace", "/doc/lang", "7")),
        ("doc.tags[1]", PatchOp("replace", "/doc/tags/1", "7")),
        ("doc.tags.1", PatchOp("replace", "/doc/tags/1", "7")),
        ("doc.tags[-]", PatchOp("add", "/doc/tags/-", "7")),
        ("doc.tags[2]", PatchOp("add", "/doc/tags/2", "7")),
        ("doc.tags[2].x", PatchOp("add", "/doc/tags/2", '{"x":7}')),
        (r"doc.a\.b", PatchOp("replace", "/doc/a.b", "7")),
        (r"x\[0\]", PatchOp("add", "/x[0]", "7")),
        ("0.x", PatchOp("add", "/0/x", "7")),
        ("new.deep.er", PatchOp("add", "/new", '{"deep":{"er":7}}')),
        ("doc.author.name", PatchOp("replace", "/doc/author", '{"name":7}')),
        ("", PatchOp("replace", "", "7")),
    ],
)
def test_a_dotted_path_becomes_one_operation(path: str, operation: PatchOp) -> None:
    patch = set_path(DOCUMENT, path, "7")
    assert patch == (operation,)
    apply_patch(DOCUMENT, patch)


@pytest.mark.parametrize(
    ("path", "place"),
    [("doc.tags[9]", "/doc/tags"), ("doc.tags.x", "/doc/tags"), ("n.x", "/n"), ("doc.lang[0]", "/doc/lang")],
)
def test_a_path_through_a_value_without_members_is_refused(path: str, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        set_path(DOCUMENT, path, "7")
    assert problem(refused)[0] == place


@pytest.mark.parametrize("path", [".", "a.", "a..b", "a[x]", "a[", "a]b", "[0]x", "a\\"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="not a path"):
        set_path(DOCUMENT, path, "7")


def test_the_value_of_a_path_has_to_be_json_and_keeps_its_letters() -> None:
    with pytest.raises(InvalidInput):
        set_path(DOCUMENT, "doc.lang", "fr")
    assert set_path(DOCUMENT, "n", " 1.10 ") == (PatchOp("replace", "/n", "1.10"),)


@given(st.dictionaries(names, small_nodes, min_size=1, max_size=4), st.data())
def test_any_name_can_be_reached_by_an_escaped_path(node: dict[str, Node], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(node)))
    assume(name != "" and not name.startswith("/"))
    path = "".join("\\" + sign if sign in ".[]\\" else sign for sign in name)
    assert set_path(render(node), path, "null")[0].path == "/" + name.replace("~", "~0").replace("/", "~1")


@pytest.mark.parametrize(
    ("document", "path", "after"),
    [
        (b'{"doc":{"lang":"en"}}', "doc.lang", b'{"doc":{"lang":"fr"}}'),
        (b'{"doc":{}}', "/doc/lang", b'{"doc":{"lang":"fr"}}'),
        (b'{"tags":["a","b"]}', "tags[1]", b'{"tags":["a","fr"]}'),
        (b'{"tags":["a"]}', "tags[-]", b'{"tags":["a","fr"]}'),
    ],
)
def test_one_edit_is_made_for_documents_that_are_not_at_hand(document: bytes, path: str, after: bytes) -> None:
    assert apply_patch(document, set_in_any(path, '"fr"')) == after


def test_what_an_operation_finds_is_what_those_before_it_left() -> None:
    patch = (
        PatchOp("remove", "/tags/0"),
        PatchOp("replace", "/tags/0", '"c"'),
        PatchOp("add", "/tags/-", '"d"'),
        PatchOp("replace", "/tags/1", '"e"'),
        PatchOp("copy", "/new", from_="/id"),
        PatchOp("replace", "/new", "null"),
    )
    document = b'{"tags": ["a", "b"], "id": 1152921504606846977}'
    assert values_before(document, patch) == [b'"a"', b'"b"', None, b'"d"', None, b"1152921504606846977"]
    assert apply_patch(document, patch) == b'{"tags":["c","e"],"id":1152921504606846977,"new":null}'
    with pytest.raises(InvalidInput, match="/nowhere"):
        values_before(document, (PatchOp("replace", "/nowhere", "1"),))
