"""Laws of `llm.tolerant_json.loads`, on whatever hypothesis comes up with.

    HYPOTHESIS_PROFILE=deep python -m pytest tests/test_tolerant_json_properties.py

runs many more examples, as `tox -e fuzz` does.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.tolerant_json import loads
from tests.dressing import Dressed, as_python, dressed, objects, smartly_quoted, soup, values
from tests.helpers import strings_of


def _outcome(text: str) -> Any:
    try:
        value = loads(text)
    except json.JSONDecodeError:
        return None
    assert type(value) is dict
    return value


@given(dressed())
def test_a_dressed_object_comes_back_equal(one: Dressed) -> None:
    assert json.dumps(loads(one.text)) == json.dumps(one.value)


@given(smartly_quoted())
def test_an_object_in_smart_quotes_comes_back_equal(one: Dressed) -> None:
    assert json.dumps(loads(one.text)) == json.dumps(one.value)


@given(as_python())
def test_a_python_dict_comes_back_equal_or_raises(one: Dressed) -> None:
    value = _outcome(one.text)
    assert value is None or json.dumps(value) == json.dumps(one.value)


@given(dressed() | smartly_quoted(), st.data())
def test_a_cut_object_raises(one: Dressed, data: st.DataObject) -> None:
    cut = data.draw(st.integers(one.start, one.end - 1))
    assert _outcome(one.text[:cut]) is None


@given(as_python(), st.data())
def test_a_cut_python_dict_raises(one: Dressed, data: st.DataObject) -> None:
    cut = data.draw(st.integers(one.start, one.end - 1))
    assert _outcome(one.text[:cut]) is None


@given(objects, objects)
def test_of_several_objects_the_largest_wins(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = json.dumps(one), json.dumps(other)
    largest = one if len(first) >= len(second) else other
    assert json.dumps(loads(f"{first}\n\nor\n\n{second}")) == json.dumps(largest)


@given(values)
def test_valid_json_agrees_with_json(value: Any) -> None:
    text = json.dumps(value)
    expected = json.loads(text) if isinstance(value, dict) else None
    assert json.dumps(_outcome(text)) == json.dumps(expected)


@given(values.map(json.dumps), st.text(max_size=3), st.integers(0, 100))
def test_damaged_json_is_read_as_json_does_or_by_the_laws(
    text: str, inserted: str, place: int
) -> None:
    place %= len(text) + 1
    _assert_laws(text[:place] + inserted + text[place:])


@given(soup | st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_anything_gives_a_dict_or_a_decode_error(text: str) -> None:
    _assert_laws(text)


def _assert_laws(text: str) -> None:
    value = _outcome(text)
    try:
        strict = json.loads(text)
    except (ValueError, RecursionError):
        strict = None
    if isinstance(strict, dict):
        assert json.dumps(value) == json.dumps(strict)
    elif strict is not None:
        assert value is None, "an array or a scalar was read as an object"
    if value is not None:
        assert json.dumps(loads(json.dumps(value))) == json.dumps(value)
        for string in strings_of(value):
            assert string in text or "\\" in text, f"{string!r} was made up"


@pytest.mark.parametrize("text", ["null", "1", '"{}"', "[]", '[{"a": 1}]', ""])
def test_what_is_no_object_raises(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        loads(text)
