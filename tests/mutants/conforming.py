"""A conforming adapter of the OpenAI wire in one file: no SDK, no class of ours.

It is cut into small steps, so that a mutant overrides exactly the one that it breaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from llm import ChatMessage
from tck import AdapterUnderTest, Endpoint
from tck.resources import resource
from tests.mutants import taxonomy

ERRORS = "tests.mutants.taxonomy"
DIMENSIONS = 6


@dataclass
class Usage:
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int


@dataclass
class Completion:
    content: Any
    model: str
    finish_reason: str | None
    usage: Usage | None
    raw: dict[str, Any] | None = None


class Client:
    """Sends a request and translates what goes wrong."""

    def __init__(self, endpoint: Endpoint, timeout: float, max_retries: int) -> None:
        self.model = "openai/" + self.wire_model(endpoint.model)
        self.timeout = timeout
        self.max_retries = max_retries
        # As httpx would, it can hold only so many connections; 64 calls are within that.
        self.http = httpx2.AsyncClient(
            base_url=endpoint.base_url,
            headers={"authorization": f"Bearer {endpoint.api_key}"},
            timeout=None,
            verify=False,  # loopback has no certificates, and loading them takes long
        )

    def wire_model(self, model: str) -> str:
        return model.removeprefix("openai/")

    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        try:
            return await asyncio.wait_for(self.attempts(path, body), timeout or self.timeout)
        except TimeoutError as error:
            raise self.timed_out() from error

    def timed_out(self) -> Exception:
        return taxonomy.ProviderTimeoutError("too slow")

    async def attempts(self, path: str, body: dict[str, Any]) -> Any:
        for attempt in range(self.max_retries + 1):
            try:
                response = await self.http.post(path, json=body)
            except httpx2.HTTPError as error:
                if attempt == self.max_retries:
                    raise taxonomy.ProviderServiceError(str(error)) from error
            else:
                if response.status_code == 200:
                    return self.parsed(response)
                passing = response.status_code in (429, 500, 502, 503, 529)
                if attempt == self.max_retries or not passing:
                    raise self.error(response)
        raise AssertionError("unreachable")

    def parsed(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise taxonomy.ProviderServiceError("not JSON") from error

    def error(self, response: httpx2.Response) -> Exception:
        if response.status_code == 429:
            return taxonomy.ProviderRateLimitError("slow down", self.retry_after(response))
        return self.error_class(response.status_code)(response.text)

    def error_class(self, status: int) -> type[Exception]:
        if status in (401, 403):
            return taxonomy.ProviderAuthError
        if status >= 500:
            return taxonomy.ProviderServiceError
        return taxonomy.ProviderInvalidRequestError

    def retry_after(self, response: httpx2.Response) -> object:
        header = response.headers.get("retry-after")
        return None if header is None else float(header)

    async def aclose(self) -> None:
        await self.http.aclose()


class Chat(Client):
    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        body = self.body(messages, temperature, max_tokens, stop)
        reply = await self.post("/chat/completions", body, timeout)
        return self.completion(reply)

    def body(
        self,
        messages: Sequence[ChatMessage],
        temperature: float,
        max_tokens: int | None,
        stop: Sequence[str] | None,
    ) -> dict[str, Any]:
        body = {
            "model": self.wire_model(self.model),
            "messages": self.wire_messages(messages),
            "temperature": temperature,
            "max_tokens": max_tokens,
            "stop": None if stop is None else list(stop),
            "seed": 7,
        }
        return {name: value for name, value in body.items() if value is not None}

    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        return [{"role": message.role, "content": message.content} for message in messages]

    def completion(self, reply: dict[str, Any]) -> Completion:
        choice = reply["choices"][0]
        return Completion(
            content=self.content(choice["message"]["content"]),
            model=self.reported_model(reply),
            finish_reason=self.finish_reason(choice),
            usage=self.usage(reply),
        )

    def content(self, text: str | None) -> Any:
        return text or ""

    def reported_model(self, reply: dict[str, Any]) -> Any:
        return reply["model"]

    def finish_reason(self, choice: dict[str, Any]) -> Any:
        return choice["finish_reason"]

    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = reply.get("usage")
        if usage is None:
            return None
        prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return Usage(prompt, completion, prompt + completion, cached)


class Embedding(Client):
    def __init__(
        self, endpoint: Endpoint, timeout: float, max_retries: int, dimensions: int
    ) -> None:
        super().__init__(endpoint, timeout, max_retries)
        self.dimensions: Any = dimensions

    async def embed(self, texts: Sequence[str]) -> Any:
        if not texts:
            return self.nothing()
        body = {"model": self.wire_model(self.model), "input": list(texts)}
        # The recordings of the bundled adapter, which this one shares, are of base64.
        reply = await self.post("/embeddings", body | {"encoding_format": "base64"}, None)
        return self.vectors(reply, len(texts))

    def nothing(self) -> Any:
        return []

    async def embed_one(self, text: str) -> Any:
        return (await self.embed([text]))[0]

    def vectors(self, reply: dict[str, Any], wanted: int) -> list[list[float]]:
        vectors = [self.unpacked(item["embedding"]) for item in self.ordered(reply["data"])]
        self.check(vectors, wanted)
        return vectors

    def ordered(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(items, key=lambda item: int(item["index"]))

    def unpacked(self, packed: str) -> list[float]:
        import base64
        import struct

        data = base64.b64decode(packed)
        return list(struct.unpack(f"<{len(data) // 4}f", data))

    def check(self, vectors: list[list[float]], wanted: int) -> None:
        if [len(vector) for vector in vectors] != [self.dimensions] * wanted:
            raise taxonomy.ProviderServiceError("vectors of the wrong number or length")


@dataclass(frozen=True)
class Mutant:
    """An adapter and what the kit must fail it on."""

    adapter: AdapterUnderTest
    breaks: frozenset[str]


def described(
    name: str, chat: type[Chat] | None = None, embedding: type[Embedding] | None = None
) -> AdapterUnderTest:
    """The description of an adapter made of these classes."""

    def build_chat(endpoint: Endpoint, *, timeout: float = 30.0, max_retries: int = 2) -> Any:
        assert chat is not None
        return chat(endpoint, timeout, max_retries)

    def build_embedding(
        endpoint: Endpoint, *, max_retries: int = 2, dimensions: int = DIMENSIONS
    ) -> Any:
        assert embedding is not None
        return embedding(endpoint, 30.0, max_retries, dimensions)

    return AdapterUnderTest(
        name=name,
        chat=None if chat is None else build_chat,
        embedding=None if embedding is None else build_embedding,
        errors=ERRORS,
        model="openai/mini",
        cassettes=resource("cassettes", "openai"),
    )


CONFORMING = described("conforming", Chat, Embedding)


C = TypeVar("C", bound=type[Client])


def breaks(*requirements: str) -> Callable[[C], C]:
    """Mark a class with the requirements that it breaks."""

    def mark(broken: C) -> C:
        broken.breaks = frozenset(requirements)  # type: ignore[attr-defined]
        return broken

    return mark


def mutants_of(module: dict[str, Any]) -> list[Mutant]:
    """A mutant of every class in a module that `breaks` has marked."""
    found = []
    for name, value in module.items():
        if not isinstance(value, type) or "breaks" not in vars(value):
            continue
        if issubclass(value, Chat):
            adapter = described(name, chat=value)
        else:
            assert issubclass(value, Embedding)
            adapter = described(name, embedding=value)
        found.append(Mutant(adapter, vars(value)["breaks"]))
    return found
