"""What goes wrong in the translation of errors."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import Any

import httpx2

from tests.mutants import storage_taxonomy, taxonomy
from tests.mutants.conforming import Chat, Completion, Embedding, breaks, mutants_of


@breaks("ERR-01", "REC-04")
class UnauthorizedIsAnInvalidRequest(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return (
            taxonomy.ProviderInvalidRequestError if status == 401 else super().error_class(status)
        )


@breaks("ERR-01", "ERR-10", "REC-04")
class EmbeddingErrorsAreBare(Embedding):
    def error_class(self, status: int) -> type[Exception]:
        return RuntimeError if status == 401 else super().error_class(status)


@breaks("ERR-03", "ERR-04")
class RateLimitIsAServiceError(Chat):
    def error(self, response: httpx2.Response) -> Any:
        if response.status_code == 429:
            return taxonomy.ProviderServiceError("slow down")
        return super().error(response)


@breaks("ERR-03", "ERR-04")
class RetryAfterIsForgotten(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        return None


@breaks("ERR-03", "ERR-04")
class RetryAfterIsInMilliseconds(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        header = response.headers.get("retry-after")
        return None if header is None else float(header) * 1000


@breaks("ERR-03", "ERR-04")
class RetryAfterIsAString(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        return response.headers.get("retry-after")


@breaks("ERR-03", "ERR-04")
class RetryAfterHasADefault(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        return float(response.headers.get("retry-after", "1"))


@breaks("ERR-03")
class LongWaitsAreNotTold(Chat):
    """As the SDKs have it: what is more than a minute is not believed."""

    def retry_after(self, response: httpx2.Response) -> object:
        seconds = super().retry_after(response)
        return None if isinstance(seconds, float) and seconds > 60 else seconds


@breaks("ERR-03")
class ZeroIsTakenForNoWait(Embedding):
    def retry_after(self, response: httpx2.Response) -> object:
        return None if response.headers.get("retry-after") == "0" else super().retry_after(response)


@breaks("ERR-03", "ERR-04")
class RetryAfterIsLostWhenEmbedding(Embedding):
    def retry_after(self, response: httpx2.Response) -> object:
        return None


# The texts of all the others mention a rate limit too.
@breaks("ERR-01", "ERR-02", "ERR-03", "ERR-04", "ERR-05", "ERR-06")
class RateLimitIsToldByItsText(Chat):
    def error(self, response: httpx2.Response) -> Any:
        if "rate limit" in response.text:
            return taxonomy.ProviderRateLimitError(response.text, self.retry_after(response))
        return self.error_class(response.status_code)(response.text)


@breaks("ERR-05")
class NotFoundIsAServiceError(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return taxonomy.ProviderServiceError if status == 404 else super().error_class(status)


@breaks("ERR-05", "ERR-10")
class UnprocessableIsBare(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return ValueError if status == 422 else super().error_class(status)


@breaks("ERR-06")
class OverloadedIsUnknown(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return taxonomy.ProviderError if status == 529 else super().error_class(status)


@breaks("ERR-06")
class UnavailableIsARateLimit(Chat):
    def error(self, response: httpx2.Response) -> Any:
        if response.status_code == 503:
            return taxonomy.ProviderRateLimitError("overloaded", self.retry_after(response))
        return super().error(response)


@breaks("CHAT-11", *(f"ERR-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13)), "REC-04")
class ErrorsBecomeAnEmptyReply(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        try:
            return await super().post(path, body, timeout)
        except Exception:
            message = {"message": {"content": ""}, "finish_reason": "stop"}
            return {"choices": [message], "model": ""}


@breaks("ERR-01", "ERR-02", "ERR-05", "ERR-10", "ERR-12", "ERR-13", "REC-04")
class ErrorsAreReturned(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        try:
            return await super().post(path, body, timeout)
        except (taxonomy.ProviderAuthError, taxonomy.ProviderInvalidRequestError) as error:
            return error

    def completion(self, reply: Any) -> Completion:
        return reply if isinstance(reply, Exception) else super().completion(reply)  # type: ignore[return-value]


@breaks("ERR-02")
class ForbiddenIsAnInvalidRequest(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return (
            taxonomy.ProviderInvalidRequestError if status == 403 else super().error_class(status)
        )


@breaks("ERR-04")
class OnlySecondsAreRead(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        try:
            return float(response.headers.get("retry-after", "none"))
        except ValueError:
            return None


@breaks("ERR-07")
class LostConnectionsAreBare(Chat):
    def lost(self, error: httpx2.HTTPError) -> Any:
        return error


@breaks("ERR-07")
class LostConnectionsAreTimeouts(Embedding):
    def lost(self, error: httpx2.HTTPError) -> Any:
        return taxonomy.ProviderTimeoutError("no connection")


@breaks("ERR-07")
class HalfABodyIsBare(Chat):
    def lost(self, error: httpx2.HTTPError) -> Any:
        if "incomplete" in str(error) or "peer closed" in str(error):
            return ValueError("half a body")
        return super().lost(error)


@breaks("ERR-08", "ERR-10")
class TheReplyIsReadOutsideTheTry(Chat):
    def read(self, reader: Any, reply: Any) -> Any:
        return reader(reply)


@breaks("ERR-08", "ERR-10")
class NoJsonIsBare(Chat):
    def parsed(self, response: httpx2.Response) -> Any:
        return response.json()


@breaks("ERR-08", "ERR-10")
class WhatIsNoJsonIsTheAnswer(Chat):
    def parsed(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            choice = {"message": {"content": response.text}, "finish_reason": "stop"}
            return {"choices": [choice], "model": "m"}


@breaks("ERR-08", "ERR-10")
class NoChoicesAreAnEmptyAnswer(Chat):
    def completion(self, reply: Any) -> Completion:
        if isinstance(reply, dict) and not reply.get("choices"):
            return Completion("", "m", None, None)
        return super().completion(reply)


@breaks("ERR-08", "ERR-10")
class AnEmptyListOfChoicesIsAnEmptyAnswer(Chat):
    def completion(self, reply: Any) -> Completion:
        if isinstance(reply, dict) and reply.get("choices") == []:
            return Completion("", "m", None, None)
        return super().completion(reply)


@breaks("ERR-08")
class TheUsageIsReadOutsideTheTry(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        completion = await super().complete(messages, **parameters)
        if completion.usage is not None:
            completion.usage = super().usage({"usage": completion.usage})
        return completion

    def usage(self, reply: Any) -> Any:
        return reply.get("usage")


@breaks("ERR-09")
class TheMissingKeyIsBare(Chat):
    def check_key(self, key: str | None) -> None:
        if not key:
            raise ValueError("no key")


@breaks("ERR-09")
class TheMissingKeyIsAnInvalidRequest(Embedding):
    def check_key(self, key: str | None) -> None:
        if not key:
            raise taxonomy.ProviderInvalidRequestError("no key")


@breaks("ERR-10")
class ARareStatusIsBare(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return RuntimeError if status == 451 else super().error_class(status)


@breaks("ERR-10")
class AnErrorWithoutJsonIsBare(Chat):
    def error(self, response: httpx2.Response) -> Any:
        response.json()
        return super().error(response)


@breaks("ERR-11")
class ErrorsAreThoseOfAStore(Chat):
    errors = storage_taxonomy


@breaks("ERR-12")
class TheCauseIsLost(Chat):
    def cause(self, response: httpx2.Response) -> BaseException | None:
        return None


@breaks("ERR-12")
class TheCauseOfALostConnectionIsLost(Chat):
    async def attempts(self, path: str, body: dict[str, Any]) -> Any:
        try:
            return await super().attempts(path, body)
        except taxonomy.ProviderServiceError as error:
            if isinstance(error.__cause__, httpx2.HTTPError):
                raise error from None
            raise


@breaks("ERR-13")
class BadRequestsAreRetried(Chat):
    def passing(self, status: int) -> bool:
        return True


@breaks("ERR-13")
class UnprocessableIsRetried(Chat):
    def passing(self, status: int) -> bool:
        return status == 422 or super().passing(status)


@breaks("ERR-13")
class ForbiddenIsRetried(Embedding):
    def passing(self, status: int) -> bool:
        return status == 403 or super().passing(status)


@breaks("ERR-13")
class RateLimitsHaveABudgetOfTheirOwn(Chat):
    async def attempts(self, path: str, body: dict[str, Any]) -> Any:
        for _ in range(3):
            with suppress(taxonomy.ProviderRateLimitError):
                return await super().attempts(path, body)
        return await super().attempts(path, body)


MUTANTS = mutants_of(globals())
