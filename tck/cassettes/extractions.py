"""What a recorded extraction holds, read without the adapter's parser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from tck.cassettes.cassette import Interaction
from tck.wire.dialects.model import StructuredDialect


@dataclass(frozen=True)
class RecordedAttempt:
    """What a model answered when it was asked for an object."""

    text: str
    instance: BaseModel | None
    """``None`` if the answer is not valid."""


def recorded_attempts(
    dialect: StructuredDialect, model: type[BaseModel], interactions: Iterable[Interaction]
) -> list[RecordedAttempt]:
    """Every attempt of an extraction; refused requests do not count, as no model answered.

    Raises:
        Unreadable: a reply is not of the dialect.
    """
    attempts = []
    for interaction in interactions:
        if interaction.response.status == 200:
            reply = dialect.read_object(interaction.response.body)
            text = reply.text or ""
            cut = reply.finish_reason == dialect.cut_reason
            attempts.append(RecordedAttempt(text, None if cut else _instance(text, model)))
    return attempts


def _instance(text: str, model: type[BaseModel]) -> BaseModel | None:
    """A valid answer: all of the text, or all from its first brace to its last."""
    for candidate in (text, text[text.find("{") : text.rfind("}") + 1]):
        try:
            return model.model_validate_json(candidate)
        except ValidationError:
            continue
    return None
