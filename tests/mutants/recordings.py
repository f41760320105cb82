"""What goes wrong only with what real providers say."""

from __future__ import annotations

import itertools
from typing import Any

import httpx2

from tests.mutants import taxonomy
from tests.mutants.conforming import Chat, Embedding, Extractor, Usage, breaks, mutants_of


@breaks("REC-01")
class UsageIsLostAmongUnknownFields(Chat):
    def usage(self, reply: dict[str, Any]) -> Usage | None:
        return None if "timings" in reply else super().usage(reply)


@breaks("REC-01", "REC-04", "REC-05")
class RequestsAreNeverTheSame(Chat):
    numbers = itertools.count()

    def body(self, *args: Any) -> dict[str, Any]:
        return super().body(*args) | {"user": f"user-{next(self.numbers)}"}


@breaks("REC-01")
class AnotherRequestIsMadeAndSwallowed(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        if len(body["messages"]) == 4:
            try:
                await super().post(path, body | {"temperature": 1.0}, timeout)
            except Exception:
                pass
        return await super().post(path, body, timeout)


@breaks("REC-02")
class NumbersAreRounded(Embedding):
    def unpacked(self, packed: str) -> list[float]:
        return [float(f"{number:.9g}") for number in super().unpacked(packed)]


@breaks("REC-03", "REC-05")
class ExtractionStumblesOverUnknownFields(Extractor):
    def first_choice(self, reply: Any) -> Any:
        if "timings" in reply:
            raise taxonomy.ProviderServiceError("an unreadable reply")
        return super().first_choice(reply)


@breaks("REC-04")
class ErrorsAreToldByTheirCode(Chat):
    def error(self, response: httpx2.Response) -> Any:
        if b'"code":' in response.content and b'"code":null' not in response.content:
            return taxonomy.ProviderServiceError(response.text)
        return super().error(response)


MUTANTS = mutants_of(globals())
