"""Right adapters that look unusual pass, and what they may not be is refused."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest
from pydantic import BaseModel

from tck.adapter import AdapterUnderTest, DescriptionError, error_classes
from tck.catalogue import requirements
from tck.checks import CHECKS
from tck.checks.comparing import is_a, plain, same
from tck.grading import Outcome, Result
from tck.run.assessment import assess
from tests.helpers import target_of
from tests.mutants import taxonomy
from tests.mutants.conforming import (
    CONFORMING,
    Backend,
    Chat,
    Embedding,
    Extractor,
    Usage,
    described,
)

T = TypeVar("T", bound=BaseModel)


class Text(str):
    __slots__ = ()


class Count(int):
    pass


class Seconds(float):
    pass


class Reason(enum.StrEnum):
    stop = "stop"
    length = "length"
    content_filter = "content_filter"


class Vectors(list[Any]):
    pass


def _of_a_subclass(found: BaseModel) -> Any:
    kind = type(found)
    tracked = cast(
        "type[BaseModel]",
        type(f"Tracked{kind.__name__}", (kind,), {"__annotations__": {"tries": int}, "tries": 1}),
    )
    return tracked.model_construct(found.model_fields_set, **dict(found))


class Subclasses(Extractor):
    """Everything that it returns is of a subclass of what the contract names."""

    def content(self, text: str | None) -> Any:
        return Text(super().content(text))

    def finish_reason(self, choice: dict[str, Any]) -> Any:
        reason = super().finish_reason(choice)
        return Reason(reason) if reason in list(Reason) else reason

    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = super().usage(reply)
        if usage is not None:
            usage.prompt_tokens = Count(usage.prompt_tokens)
            usage.total_tokens = Count(usage.total_tokens)
        return usage

    def retry_after(self, response: Any) -> object:
        seconds = super().retry_after(response)
        return None if seconds is None else Seconds(cast("float", seconds))

    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        return cast("T", _of_a_subclass(super().instance(text, finish_reason, model)))


class SubclassVectors(Embedding):
    def vectors(self, reply: dict[str, Any], wanted: int) -> Any:
        return Vectors(super().vectors(reply, wanted))


class SubclassBackend(Backend):
    def text(self, choice: Any) -> Any:
        return Text(super().text(choice))

    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        return _of_a_subclass(super().instance(choice, model))


SUBCLASSES = described("subclasses", Subclasses, SubclassVectors, SubclassBackend)


@pytest.mark.parametrize(
    "requirement",
    [
        *("CHAT-03", "CHAT-04", "CHAT-05", "CHAT-08", "CHAT-10", "ERR-03", "ERR-04", "ERR-08"),
        *("STR-02", "STR-04", "STR-06", "STR-07", "STR-10", "STR-11", "STR-14"),
        *("EMB-03", "EMB-04", "EMB-05", "EMB-06", "EMB-07", "EMB-09"),
        *("BKD-03", "BKD-08", "BKD-09", "REC-01", "REC-02", "REC-03"),
    ],
)
def test_what_is_of_a_subclass_passes(requirement: str) -> None:
    result = assess(target_of(SUBCLASSES), requirements()[requirement])
    assert result.outcome is Outcome.PASSED, result.detail


def _named(**others: Any) -> dict[str, Any]:
    names = [name for name in vars(taxonomy) if name.endswith("Error")]
    return {name: getattr(taxonomy, name) for name in names} | others


@pytest.mark.parametrize("requirement", ["ERR-01", "ERR-05", "ERR-11", "STR-05"])
def test_errors_can_be_a_mapping_from_our_names(requirement: str) -> None:
    adapter = replace(CONFORMING, errors=_named())
    result = assess(target_of(adapter), requirements()[requirement])
    assert result.outcome is Outcome.PASSED, result.detail


def test_error_classes_are_those_of_a_module_or_of_a_mapping() -> None:
    assert error_classes(CONFORMING) == _named()
    assert error_classes(replace(CONFORMING, errors=_named())) == _named()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"wire": None}, "without a wire only embedding= can be graded"),
        ({"errors": {"RateLimit": ValueError}}, "unknown names RateLimit: the kit knows Provid"),
        ({"errors": {"ProviderError": "ValueError"}}, "must map ProviderError to an exception"),
        ({"errors": {"ProviderError": int}}, "must map ProviderError to an exception class"),
        ({"errors": 5}, "must be the name of a module, or a mapping"),
        ({"limits": {"speed": "slow"}}, "declares unknown limits speed"),
        ({"name": "a b"}, "an adapter's name is made of letters"),
        ({"chat": "a string"}, "must be a function that takes an Endpoint"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(DescriptionError, match=says) as refusal:
        AdapterUnderTest(**{"name": "acme", "chat": Chat, **fields})
    assert str(refusal.value).count("\n") == 0


def test_missing_error_classes_are_one_finding() -> None:
    adapter = replace(CONFORMING, errors={"ProviderError": taxonomy.ProviderError})
    findings = [_failed(adapter, one).finding for one in ("ERR-01", "ERR-06", "ERR-11", "STR-05")]
    assert len(set(findings_without_places(findings))) == 1
    assert findings[0] is not None
    assert findings[0].cause == "error-classes"
    assert "there is no ProviderAuthError; there is no Provider" in findings[0].seen


def test_a_factory_that_raises_is_one_finding_and_one_that_refuses_a_name_is_not() -> None:
    def broken(endpoint: Any, **_: Any) -> Any:
        raise SystemExit(f"cannot reach {endpoint.base_url}")

    def choosy(endpoint: Any, **options: Any) -> Any:
        if endpoint.model != CONFORMING.model:
            raise ValueError(endpoint.model)
        assert CONFORMING.chat is not None
        return CONFORMING.chat(endpoint, **options)

    adapter = replace(CONFORMING, chat=broken)
    findings = [_failed(adapter, one).finding for one in ("CHAT-01", "CHAT-11", "ERR-01", "STR-02")]
    assert len(set(findings_without_places(findings))) == 1
    assert findings[0] is not None
    assert findings[0].cause == "factory:chat"
    refused = _failed(replace(CONFORMING, chat=choosy), "CHAT-02").finding
    assert refused is not None
    assert refused.cause == "behaviour"


def findings_without_places(findings: list[Any]) -> list[Any]:
    return [(found.expected, found.seen, found.look_at, found.cause) for found in findings]


def _failed(adapter: AdapterUnderTest, requirement: str) -> Result:
    assert requirement in CHECKS
    result = assess(target_of(adapter), requirements()[requirement])
    assert result.outcome is Outcome.FAILED, result.detail
    return result


def test_plain_values_are_of_built_in_types() -> None:
    value = Vectors([Text("a"), (Count(1), Seconds(0.5)), {Text("b"): Reason.stop}, True, None])
    copied = plain(value)
    assert copied == ["a", (1, 0.5), {"b": "stop"}, True, None]
    kinds = [type(inner) for inner in (copied, copied[0], *copied[1], *copied[2].values())]
    assert kinds == [list, str, int, float, str]


@pytest.mark.parametrize(
    ("expected", "seen", "is_same"),
    [
        (1, True, False),
        (1, 1.0, False),
        (None, 0, False),
        ("a", Text("a"), True),
        ([1, 2], (1, 2), False),
        ({"a": [1]}, {"a": [Count(1)]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
    ],
)
def test_same_is_of_value_and_type(expected: Any, seen: Any, is_same: bool) -> None:
    assert same(expected, seen) is is_same


def test_what_a_class_really_inherits_decides() -> None:
    class Liar:
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            return str

    assert isinstance(Liar(), str)
    assert not is_a(Liar(), str)
