"""What the checks of extraction ask for, and a model that answers attempt after attempt."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llm import ChatMessage
from tck.checks.calls import returned
from tck.checks.comparing import plain, same
from tck.checks.subject import hello
from tck.verdicts import Violation
from tck.wire.dialects.model import ChatRequest
from tck.wire.server import Reply
from tck.wire.wire import Wire


class Vehicle(BaseModel):
    """What most of the checks ask for."""

    owner: str
    wheel_count: int


class Wheel(BaseModel):
    diameter_mm: int


class Bicycle(BaseModel):
    """What feedback is about."""

    frame_colour: str
    front_wheel: Wheel


class Fuel(enum.Enum):
    PETROL = "petrol"
    WIND = "wind"


class Part(BaseModel):
    label: str
    weight: float | None = None


class Car(BaseModel):
    kind: Literal["car"] = "car"
    doors: int = 4


class Boat(BaseModel):
    kind: Literal["boat"]
    sails: list[str]


class Garage(BaseModel):
    """Nested models, lists, enums, optionals, defaults, unions, dates, constraints, aliases."""

    model_config = ConfigDict(populate_by_name=False)

    main: Part
    parts: list[Part]
    fuel: Fuel
    note: str | None
    size: int = 3
    content: Annotated[Car | Boat, Field(discriminator="kind")]
    either: int | str
    opened: date
    code: Annotated[str, Field(min_length=2, max_length=5, pattern="^[A-Z]+$")]
    grams: Annotated[int, Field(gt=0, le=1000)]
    spelled: str = Field(alias="spelledOtherwise")


class Prices(BaseModel):
    """An open map."""

    by_name: dict[str, list[int]]


class Tree(BaseModel):
    """A recursive model."""

    leaf: str
    branches: list[Tree] = []


INSTANCES: tuple[BaseModel, ...] = (
    Vehicle(owner="“Ana”, {b}", wheel_count=4),
    Garage(
        main=Part(label="wheel", weight=1.5),
        parts=[Part(label="a"), Part(label="b", weight=0.25)],
        fuel=Fuel.WIND,
        note=None,
        content=Boat(kind="boat", sails=["main", "jib"]),
        either="seven",
        opened=date(2026, 1, 31),
        code="ABC",
        grams=250,
        spelledOtherwise="yes",
    ),
    Prices(by_name={"a b": [1, 2], "": [], "ü": [3]}),
    Tree(leaf="1", branches=[Tree(leaf="2", branches=[Tree(leaf="3")]), Tree(leaf="4")]),
)


class Attempts:
    """A model that answers attempt after attempt, and what it was asked.

    Args:
        answer: what it writes at an attempt, given the request and the attempt's number.
    """

    def __init__(self, wire: Wire, answer: Callable[[ChatRequest, int], str]) -> None:
        self.requests: list[ChatRequest] = []
        self._wire, self._before = wire, len(wire.received)

        def script(request: ChatRequest) -> Reply:
            self.requests.append(request)
            text = answer(request, len(self.requests) - 1)
            return Reply(wire.structured_dialect.write_object(request, text))

        wire.on_chat(script)

    @property
    def first(self) -> ChatRequest:
        """The request of the first attempt.

        Raises:
            Violation: there was none.
        """
        if not self.requests:
            self._wire.assert_received(self._before)
            raise Violation(expected="a request for an answer", seen="others only")
        return self.requests[0]


def in_turn(wire: Wire, *texts: str) -> Attempts:
    """Attempts that are answered by these texts, the last one again and again."""
    return Attempts(wire, lambda _, number: texts[min(number, len(texts) - 1)])


def as_json(instance: BaseModel) -> str:
    """What a model writes that means this instance."""
    return instance.model_dump_json(by_alias=True)


def meaning(text: object) -> object:
    """An attempt as what it says: some wires carry the object rather than its text."""
    text = plain(text)
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


async def extracted(
    provider: Any,
    model: type[BaseModel],
    messages: Sequence[ChatMessage] | None = None,
    **parameters: Any,
) -> Any:
    """What ``complete_structured`` returns."""
    asked = hello() if messages is None else messages
    return await returned(
        lambda: provider.complete_structured(asked, model, **parameters),
        f"complete_structured(…, {model.__name__})",
    )


def assert_instance(expected: BaseModel, seen: object) -> None:
    """Raise a `Violation` unless an instance, of a subclass maybe, is what the model wrote."""
    if not same(expected, seen):
        raise Violation(expected=f"{expected!r:.300}", seen=f"{seen!r:.300}")
