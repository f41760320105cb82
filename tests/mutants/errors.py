"""What goes wrong in the translation of errors."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.mutants import taxonomy
from tests.mutants.conforming import Chat, Completion, Embedding, breaks, mutants_of


@breaks("ERR-01", "REC-04")
class UnauthorizedIsAnInvalidRequest(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return (
            taxonomy.ProviderInvalidRequestError if status == 401 else super().error_class(status)
        )


@breaks("ERR-01", "REC-04")
class EmbeddingErrorsAreBare(Embedding):
    def error_class(self, status: int) -> type[Exception]:
        return RuntimeError if status == 401 else super().error_class(status)


@breaks("ERR-03")
class RateLimitIsAServiceError(Chat):
    def error(self, response: httpx2.Response) -> Exception:
        if response.status_code == 429:
            return taxonomy.ProviderServiceError("slow down")
        return super().error(response)


@breaks("ERR-03")
class RetryAfterIsForgotten(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        return None


@breaks("ERR-03")
class RetryAfterIsInMilliseconds(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        header = response.headers.get("retry-after")
        return None if header is None else float(header) * 1000


@breaks("ERR-03")
class RetryAfterIsAString(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        return response.headers.get("retry-after")


@breaks("ERR-03")
class RetryAfterHasADefault(Chat):
    def retry_after(self, response: httpx2.Response) -> object:
        return float(response.headers.get("retry-after", "1"))


@breaks("ERR-03")
class RetryAfterIsLostWhenEmbedding(Embedding):
    def retry_after(self, response: httpx2.Response) -> object:
        return None


# The texts of all the others mention a rate limit too.
@breaks("ERR-01", "ERR-03", "ERR-05", "ERR-06")
class RateLimitIsToldByItsText(Chat):
    def error(self, response: httpx2.Response) -> Exception:
        if "rate limit" in response.text:
            return taxonomy.ProviderRateLimitError(response.text, self.retry_after(response))
        return self.error_class(response.status_code)(response.text)


@breaks("ERR-05")
class NotFoundIsAServiceError(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return taxonomy.ProviderServiceError if status == 404 else super().error_class(status)


@breaks("ERR-05")
class UnprocessableIsBare(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return ValueError if status == 422 else super().error_class(status)


@breaks("ERR-06")
class OverloadedIsUnknown(Chat):
    def error_class(self, status: int) -> type[Exception]:
        return taxonomy.ProviderError if status == 529 else super().error_class(status)


@breaks("ERR-06")
class UnavailableIsARateLimit(Chat):
    def error(self, response: httpx2.Response) -> Exception:
        if response.status_code == 503:
            return taxonomy.ProviderRateLimitError("overloaded", self.retry_after(response))
        return super().error(response)


@breaks("CHAT-11", "ERR-01", "ERR-03", "ERR-05", "ERR-06", "REC-04")
class ErrorsBecomeAnEmptyReply(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        try:
            return await super().post(path, body, timeout)
        except Exception:
            message = {"message": {"content": ""}, "finish_reason": "stop"}
            return {"choices": [message], "model": ""}


@breaks("ERR-01", "ERR-05", "REC-04")
class ErrorsAreReturned(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        try:
            return await super().post(path, body, timeout)
        except (taxonomy.ProviderAuthError, taxonomy.ProviderInvalidRequestError) as error:
            return error

    def completion(self, reply: Any) -> Completion:
        return reply if isinstance(reply, Exception) else super().completion(reply)  # type: ignore[return-value]


MUTANTS = mutants_of(globals())
