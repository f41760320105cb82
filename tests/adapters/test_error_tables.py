"""One place translates an SDK's exceptions, and knows them all."""

from __future__ import annotations

import importlib
import time
from email.utils import formatdate
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest

from llm import (
    ProviderAuthError,
    ProviderRateLimitError,
    ProviderServiceError,
    ProviderTimeoutError,
)
from llm._translation import reply_behind, retry_after, translated


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    seconds = retry_after({"retry-after": formatdate(time.time() + 90, usegmt=True)})
    assert seconds is not None
    assert 80 < seconds <= 90


# The SDK, and the module of it where its exceptions are defined.
SDKS = {
    "openai": "openai._exceptions",
    "anthropic": "anthropic._exceptions",
    "litellm": "litellm.exceptions",
}
INSTALLED = [sdk for sdk in SDKS if find_spec(sdk) is not None]


def _table(sdk: str) -> Any:
    return importlib.import_module(f"llm.adapters.{sdk}").ERRORS


def _exceptions_of(sdk: str) -> set[type[Exception]]:
    """What the SDK shows, and what it defines beside that."""
    modules = (importlib.import_module(sdk), importlib.import_module(SDKS[sdk]))
    shown = [getattr(module, name) for module in modules for name in dir(module)]
    return {
        value
        for value in shown
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__.split(".")[0] == sdk
    }


@pytest.mark.parametrize("sdk", INSTALLED)
def test_every_exception_of_an_sdk_is_in_its_table(sdk: str) -> None:
    table, classes = _table(sdk), _exceptions_of(sdk)
    assert len(classes) > 10
    # The root is what an exception falls back to: nothing was decided of it.
    root = {"OpenAIError", "AnthropicError"}
    unmapped = {
        raised.__name__
        for raised in classes
        if raised.__name__ not in root
        and not {c.__name__ for c in raised.__mro__} & (table.keys() - root)
    }
    assert not unmapped
    inherited = {ancestor.__name__ for raised in classes for ancestor in raised.__mro__}
    assert not table.keys() - inherited, "the SDK has these no more"


@pytest.mark.parametrize("sdk", INSTALLED)
def test_a_timeout_is_told_from_the_connection_error_that_it_is(sdk: str) -> None:
    module = importlib.import_module(sdk)
    if sdk == "litellm":
        error: Exception = module.Timeout("slow", "m", "openai")
    else:
        error = module.APITimeoutError.__new__(module.APITimeoutError)
    with pytest.raises(ProviderTimeoutError) as caught, translated(_table(sdk)):
        raise error
    assert caught.value.__cause__ is error


def test_an_exception_of_nobody_is_an_unreadable_reply() -> None:
    unreadable = pytest.raises(ProviderServiceError, match="could not be read: KeyError: 'x'")
    with unreadable, translated({}):
        raise KeyError("x")


def test_our_own_errors_pass_through_untouched() -> None:
    error = ProviderAuthError("mine")
    with pytest.raises(ProviderAuthError) as caught, translated({}):
        raise error
    assert caught.value is error


class SaysStatusError(Exception):
    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(f"HTTP {status}")
        self.response = SimpleNamespace(status_code=status, headers=headers)


def _mislead(inner: int, outer: int) -> None:
    """As LiteLLM does: an exception about the status of another."""
    try:
        raise SaysStatusError(inner, {"Retry-After": "7"})
    except SaysStatusError:
        raise SaysStatusError(outer, {})  # noqa: B904


def test_the_status_is_that_of_the_innermost_exception() -> None:
    with pytest.raises(ProviderAuthError, match="HTTP 429") as caught, translated({}):
        _mislead(401, 429)
    assert reply_behind(caught.value) == (401, {"retry-after": "7"})


def test_what_the_caller_was_handling_is_none_of_the_reply() -> None:
    try:
        raise SaysStatusError(401, {})
    except SaysStatusError:
        with pytest.raises(ProviderRateLimitError) as caught, translated({}):
            _mislead(429, 500)
    assert reply_behind(caught.value) == (429, {"retry-after": "7"})
