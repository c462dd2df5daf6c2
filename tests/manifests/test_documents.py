"""YAML into documents with positions, and what is refused."""

from __future__ import annotations

import pytest

from emulator.manifests.documents import Position, Unreadable, read_documents, split_lists


def faults(text: str) -> list[str]:
    with pytest.raises(Unreadable) as caught:
        read_documents(text)
    return [f"{f.position.line}:{f.position.column} {f.message}; {f.hint}" for f in caught.value.faults]


def test_every_value_knows_where_it_stands() -> None:
    (document,) = read_documents("a:\n  b:\n    - c: 1\n      d: 2\n")
    assert document.value == {"a": {"b": [{"c": 1, "d": 2}]}}
    assert document.position(("a", "b", 0, "d")) == Position(4, 7)
    assert document.position(("a", "b", 0, "missing")) == Position(3, 7)


def test_several_documents_and_empty_ones() -> None:
    assert [d.value for d in read_documents("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]


def test_json_and_a_byte_order_mark_are_read() -> None:
    assert read_documents('\ufeff{"a": [true, null]}')[0].value == {"a": [True, None]}


def test_quoted_scalars_stay_text() -> None:
    assert read_documents("a: 'yes'\nb: \"1\"\n")[0].value == {"a": "yes", "b": "1"}


def test_a_list_is_taken_apart_with_its_positions() -> None:
    text = "kind: List\nitems:\n  - kind: A\n  - kind: B\n"
    found = list(split_lists(read_documents(text)))
    assert [d.value for d in found] == [{"kind": "A"}, {"kind": "B"}]
    assert found[1].position(("kind",)) == Position(4, 5)


def test_anchors_and_merge_keys_are_expanded() -> None:
    text = "base: &base {a: 1, b: 2}\nmore:\n  <<: *base\n  b: 3\n"
    assert read_documents(text)[0].value["more"] == {"a": 1, "b": 3}


def test_a_doubled_key_is_refused_with_both_places() -> None:
    assert faults("a: 1\nb: 2\na: 3\n") == ['3:1 key "a" is there twice (first at line 1); remove one of the two']


def test_a_tab_is_explained() -> None:
    assert faults("a:\n\tb: 1\n") == ["2:1 a tab where YAML wants spaces; indent with spaces"]


def test_a_billion_laughs_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (fault,) = faults("\n".join(lines))
    assert "expands to more than 200000 values" in fault


def test_bad_syntax_has_its_place_and_a_hint() -> None:
    (fault,) = faults("a: b: c\n")
    assert fault.startswith("1:5 no YAML: mapping values are not allowed")
    assert "is the indentation right" in fault


def test_plain_scalars_are_read_as_kubectl_does_keys_too() -> None:
    assert read_documents("answer: y\nn: 0o17\ndate: 2001-01-01\n")[0].value == {
        "answer": True,
        "false": 15,
        "date": "2001-01-01",
    }


def test_a_string_tag_keeps_a_number_a_string() -> None:
    assert read_documents('a: !!str "1"\nb: !!int "1"\n')[0].value == {"a": "1", "b": 1}
