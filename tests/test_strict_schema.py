"""Schemas for strict mode: what it can express is made strict on every level, and no more."""

from __future__ import annotations

import enum
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model
from typing_extensions import TypedDict

from llm.adapters._openai_format import response_format
from llm.adapters._strict_schema import InexpressibleError, strict_schema
from llm.structured import Answer, Shape

X = TypeVar("X")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    color: Color = Field(description="of the coat")
    friend: Cat = Field(description="who it plays with")


class Details(TypedDict):
    height: float
    width: float


class Everything(BaseModel):
    """One of each thing that strict mode can express."""

    text: str
    flag: bool
    nothing: None
    maybe: int | None
    maybe_given: str | None = None
    given: int = 5
    choice: Literal["a", "b"]
    mixed: Literal["a", 1]
    color: Color
    size: Size
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    either: Cat | Dog | int
    pets: list[Cat]
    names: set[str] = Field(max_length=3)
    details: Details
    day: date
    moment: datetime
    hour: time
    span: timedelta
    ident: UUID
    exact: Decimal
    folder: Path
    short: Annotated[str, Field(min_length=1, max_length=3)]
    code: Annotated[str, Field(pattern=r"^[a-z]+$")]
    bounded: Annotated[int, Field(ge=1, lt=10, multiple_of=2)]
    aliased: int = Field(alias="otherName")
    closed: Cat = Field(default=Cat(), title="C", examples=[{"kind": "cat"}], deprecated=False)


class Node(BaseModel):
    children: list[Node] = []


class Ping(BaseModel):
    pong: Pong | None = None


class Pong(BaseModel):
    ping: Ping | None = None


class Pair(NamedTuple):
    x: int
    y: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class Box(BaseModel, Generic[X]):
    content: X


# What OpenAI's documentation allows, of the keywords that pydantic writes.
ALLOWED = {
    "$ref", "additionalProperties", "anyOf", "description", "enum", "exclusiveMaximum",
    "exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems", "minimum",
    "multipleOf", "pattern", "properties", "required", "type",
}  # fmt: skip


def assert_strict(schema: dict[str, Any]) -> None:
    """Fails on whatever strict mode refuses, on any level."""
    definitions = schema.get("$defs", {})
    assert schema["type"] == "object"
    todo = [{key: value for key, value in schema.items() if key != "$defs"}, *definitions.values()]
    while todo:
        node = todo.pop()
        assert node
        assert node.keys() <= ALLOWED, node
        if "$ref" in node:
            assert node.keys() == {"$ref"}, "a reference stands alone"
            assert node["$ref"].removeprefix("#/$defs/") in definitions
            continue
        assert node.keys() & {"type", "enum", "anyOf"}, node
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
            todo += node["properties"].values()
        if node.get("type") == "array":
            todo.append(node["items"])
        assert not re.search(r"\(\?[=!<]", node.get("pattern", ""))
        todo += node.get("anyOf", [])


@pytest.mark.parametrize(
    "model",
    [Everything, Cat, Dog, Box[int], Box[list[Dog]], RootModel[list[int]], create_model("Empty")],
)
def test_what_can_be_expressed_is_strict_on_every_level(model: type[BaseModel]) -> None:
    form = response_format(Shape(model))["json_schema"]
    assert form["strict"] is True
    assert_strict(form["schema"])
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", form["name"])


def test_what_is_left_out_is_told() -> None:
    properties = strict_schema(Shape(Everything).schema)["properties"]
    assert properties["short"]["description"] == "(maxLength: 3, minLength: 1)"
    assert properties["names"]["description"] == "(uniqueItems: true)"
    assert properties["folder"]["description"] == '(format: "path")'
    looks_ahead = Annotated[str, Field(json_schema_extra={"pattern": "^(?!x).*$"})]
    model = create_model("LooksAhead", it=(looks_ahead, ...))
    assert_strict(strict_schema(Shape(model).schema))
    assert strict_schema(Shape(model).schema)["properties"]["it"] == {
        "type": "string",
        "description": '(pattern: "^(?!x).*$")',
    }
    dog = strict_schema(Shape(Dog).schema)["properties"]
    assert dog["color"] == {
        "description": "of the coat",
        "enum": ["red", "blue"],
        "type": "string",
    }
    assert dog["friend"]["description"] == "who it plays with"


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        (dict[str, int], "an object with any keys"),
        (dict[Annotated[str, Field(pattern="^x")], int], "keyword patternProperties"),
        (dict, "an object with any keys"),
        (Any, "a value of any type"),
        (object, "a value of any type"),
        (list, "a value of any type"),
        (list[Any], "a value of any type"),
        (tuple[int, str], "keyword prefixItems"),
        (Pair, "keyword prefixItems"),
        (Node, "Node holds itself"),
        (Ping, "Ping holds itself"),
        (Open, "an object with any keys"),
        (Annotated[int, Field(json_schema_extra={"not": {"const": 3}})], "keyword not"),
        (Annotated[int, Field(json_schema_extra={"allOf": [{}, {}]})], "keyword allOf"),
    ],
)
@pytest.mark.parametrize("depth", range(3))
def test_what_cannot_be_expressed_is_found_wherever_it_stands(
    annotation: Any, why: str, depth: int
) -> None:
    for _ in range(depth):
        outer: Any = create_model("Outer", inner=(annotation, ...))
        annotation = list[outer] | None
    model = create_model("Model", it=(annotation, ...))
    with pytest.raises(InexpressibleError, match=re.escape(why)):
        strict_schema(Shape(model).schema)
    form = response_format(Shape(model))["json_schema"]
    assert form["strict"] is False
    assert form["schema"] == Shape(model).schema


def test_a_schema_with_many_paths_takes_no_time() -> None:
    model: Any = int
    for depth in range(40):
        model = create_model(f"M{depth}", left=(model, ...), right=(model, ...))
    assert_strict(strict_schema(Shape(model).schema))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Box[int], "Box_int"),
        (create_model("Größe"), "Gr_e"),
        (create_model("日本"), "answer"),
        (create_model("x" * 80), "x" * 64),
    ],
)
def test_names_are_made_of_letters_that_every_wire_takes(model: type[BaseModel], name: str) -> None:
    assert Shape(model).name == name


@pytest.mark.parametrize("model", [Node, Ping, Everything, RootModel[list[int]], RootModel[Node]])
def test_the_root_is_an_object(model: type[BaseModel]) -> None:
    assert Shape(model).schema["type"] == "object"


def test_a_root_that_is_no_object_is_wrapped_and_unwrapped() -> None:
    shape = Shape(RootModel[list[date]])
    assert shape.schema["required"] == ["value"]
    found = shape.read(Answer(text='{"value": ["2026-01-02"]}'))
    assert found.root == [date(2026, 1, 2)]


def test_json_is_validated_as_json_in_strict_models_too() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        day: date
        color: Color
        amount: Decimal
        ident: UUID

    text = (
        '{"day": "2026-01-02", "color": "red", "amount": "0.10", '
        '"ident": "12345678-1234-5678-1234-567812345678"}'
    )
    found = Shape(Strict).read(Answer(text=text))
    assert (found.day, found.color, found.amount) == (date(2026, 1, 2), Color.RED, Decimal("0.10"))
