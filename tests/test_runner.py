"""Whom the runner blames, and for what it blames nobody."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx2
import pytest

from tck.catalogue import requirements
from tck.grading import Outcome
from tck.run.assessment import assess
from tests.helpers import target_of
from tests.mutants.conforming import Backend, Chat, described


def _phone() -> None:
    with suppress(OSError):
        socket.create_connection(("prices.example.com", 443), timeout=1)


def test_a_thread_that_is_older_than_the_check_is_not_the_requirements_fault() -> None:
    with ThreadPoolExecutor(1) as background:
        background.submit(int).result()  # the thread starts here

        class Phones(Chat):
            def body(self, *arguments: Any) -> dict[str, Any]:
                background.submit(_phone).result()
                return super().body(*arguments)

        target = target_of(described("phones", Phones))
        result = assess(target, requirements()["CHAT-04"])
    assert result.outcome is Outcome.PASSED
    assert result.strays == ("prices.example.com:443",)


class Streams(Chat):
    """Right, as far as anybody can tell without a stream."""

    def body(self, *arguments: Any) -> dict[str, Any]:
        return super().body(*arguments) | {"stream": True}

    def parsed(self, response: httpx2.Response) -> Any:
        events = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
        if not events:
            raise self.errors.ProviderServiceError("no stream of events")
        return json.loads(events[-1])


@pytest.mark.parametrize("requirement", ["CHAT-03", "CHAT-06", "CHAT-10"])
def test_what_becomes_of_a_reply_that_was_to_be_streamed_is_not_verified(requirement: str) -> None:
    result = assess(target_of(described("streams", Streams)), requirements()[requirement])
    assert result.outcome is Outcome.NOT_VERIFIED
    assert "asks for a stream, which this wire does not script" in result.detail
    assert not result.kit_fault


def test_a_streaming_adapter_is_graded_on_what_needs_no_stream() -> None:
    target = target_of(described("streams", Streams))
    assert assess(target, requirements()["ERR-05"]).outcome is Outcome.PASSED


def test_a_backend_that_asks_for_a_stream_is_wrong() -> None:
    class Wrong(Backend):
        def sent_kwargs(self) -> dict[str, Any]:
            return self.get_model_kwargs | {"stream": True}

    result = assess(target_of(described("wrong", backend=Wrong)), requirements()["BKD-05"])
    assert result.outcome is Outcome.FAILED
