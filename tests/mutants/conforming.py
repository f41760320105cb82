"""A conforming adapter of the OpenAI wire in one file: no SDK, no class of ours.

It is cut into small steps, so that a mutant overrides exactly the one that it breaks.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from llm import ChatMessage, tolerant_json
from tck import AdapterUnderTest, Endpoint
from tests.mutants import taxonomy

R = TypeVar("R")
T = TypeVar("T", bound=BaseModel)

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

    errors: Any = taxonomy

    def __init__(self, endpoint: Endpoint, timeout: float, max_retries: int) -> None:
        self.model = self.canonical(endpoint.model)
        self.check_key(endpoint.api_key)
        self.timeout = timeout
        self.max_retries = max_retries
        self.endpoint = endpoint
        self.clients: dict[asyncio.AbstractEventLoop, httpx2.AsyncClient] = {}

    @property
    def http(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self.clients:
            self.clients[loop] = httpx2.AsyncClient(
                base_url=self.endpoint.base_url,
                headers={"authorization": f"Bearer {self.endpoint.api_key}"},
                timeout=None,
                verify=False,  # loopback has no certificates, and loading them takes long
            )
        return self.clients[loop]

    def check_key(self, key: str | None) -> None:
        if not key:
            raise self.errors.ProviderAuthError("no key")

    def canonical(self, model: str) -> str:
        return "openai/" + self.wire_model(model)

    def wire_model(self, model: str) -> str:
        return model.removeprefix("openai/")

    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        try:
            return await asyncio.wait_for(self.attempts(path, body), timeout or self.timeout)
        except TimeoutError as error:
            raise self.timed_out() from error

    def timed_out(self) -> Any:
        return self.errors.ProviderTimeoutError("too slow")

    async def attempts(self, path: str, body: dict[str, Any]) -> Any:
        for attempt in range(self.max_retries + 1):
            try:
                response = await self.http.post(path, json=body)
            except httpx2.HTTPError as error:
                if attempt == self.max_retries:
                    raise self.lost(error) from error
            else:
                if response.status_code == 200:
                    return self.parsed(response)
                if attempt == self.max_retries or not self.passing(response.status_code):
                    raise self.error(response) from self.cause(response)
        raise AssertionError("unreachable")

    def lost(self, error: httpx2.HTTPError) -> Any:
        return self.errors.ProviderServiceError(str(error))

    def passing(self, status: int) -> bool:
        return status in (429, 500, 502, 503, 529)

    def cause(self, response: httpx2.Response) -> BaseException | None:
        return RuntimeError(f"HTTP {response.status_code}")

    def parsed(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise self.errors.ProviderServiceError("not JSON") from error

    def read(self, reader: Callable[[Any], R], reply: Any) -> R:
        try:
            return reader(reply)
        except self.errors.ProviderError:
            raise
        except Exception as error:
            raise self.errors.ProviderServiceError("an unreadable reply") from error

    def error(self, response: httpx2.Response) -> Any:
        if response.status_code == 429:
            return self.errors.ProviderRateLimitError("slow down", self.retry_after(response))
        return self.error_class(response.status_code)(response.text)

    def error_class(self, status: int) -> Any:
        if status in (401, 403):
            return self.errors.ProviderAuthError
        if status >= 500:
            return self.errors.ProviderServiceError
        return self.errors.ProviderInvalidRequestError

    def retry_after(self, response: httpx2.Response) -> object:
        headers = response.headers
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        header = headers.get("retry-after")
        if header is None:
            return None
        try:
            seconds = float(header)
        except ValueError:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        return max(0.0, seconds) if math.isfinite(seconds) else None

    async def aclose(self) -> None:
        client = self.clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


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
        completion = self.read(self.completion, reply)
        completion.raw = self.raw(reply)
        return completion

    return_raw = False

    def raw(self, reply: Any) -> Any:
        return reply if self.return_raw else None

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
            "stop": self.wire_stop(stop),
            "seed": 7,
        }
        return {name: value for name, value in body.items() if value is not None}

    def wire_stop(self, stop: Sequence[str] | None) -> Any:
        return None if stop is None else [stop] if isinstance(stop, str) else list(stop)

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
        if text is not None and not isinstance(text, str):
            raise self.errors.ProviderServiceError("a content that is no text")
        return text or ""

    def reported_model(self, reply: dict[str, Any]) -> Any:
        return reply["model"]

    def finish_reason(self, choice: dict[str, Any]) -> Any:
        return choice["finish_reason"]

    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = reply.get("usage")
        if usage is None:
            return None
        prompt, completion = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
        return Usage(prompt, completion, prompt + completion, self.cached_tokens(usage))

    def cached_tokens(self, usage: dict[str, Any]) -> int:
        details = usage.get("prompt_tokens_details") or {}
        return int(details.get("cached_tokens") or 0)


class Extractor(Chat):
    async def complete_structured(
        self,
        messages: Sequence[ChatMessage],
        response_model: type[T],
        *,
        temperature: float = 0.0,
        max_retries: int = 2,
        timeout: float | None = None,
    ) -> T:
        extraction = self.extract(list(messages), response_model, temperature, max_retries)
        try:
            return await asyncio.wait_for(extraction, self.whole_timeout(timeout))
        except TimeoutError as error:
            raise self.timed_out() from error

    def whole_timeout(self, timeout: float | None) -> float:
        return timeout or self.timeout

    async def extract(
        self, messages: list[ChatMessage], model: type[T], temperature: float, max_retries: int
    ) -> T:
        conversation = self.with_schema(messages, model)
        texts: list[str] = []
        problems: list[Exception] = []
        for _ in range(self.rounds(max_retries)):
            body = self.body(conversation, temperature, None, None) | self.mode(model)
            choice = self.read(self.first_choice, await self.post("/chat/completions", body, None))
            text = choice["message"].get("refusal") or choice["message"]["content"] or ""
            self.keep(texts, text)
            if choice["message"].get("refusal"):
                self.refused(text)
            try:
                return self.instance(text, choice["finish_reason"], model)
            except (ValueError, ValidationError) as problem:
                self.keep_problem(problems, problem)
                conversation = self.after(conversation, text, problem)
        raise self.errors.StructuredExtractionError("never valid", texts, problems)

    def first_choice(self, reply: Any) -> Any:
        choice = reply["choices"][0]
        self.content(choice["message"]["content"])
        return choice

    def mode(self, model: type[BaseModel]) -> dict[str, Any]:
        return {}

    def rounds(self, max_retries: int) -> int:
        return max_retries + 1

    def keep(self, texts: list[str], text: str) -> None:
        texts.append(text)

    def keep_problem(self, problems: list[Exception], problem: Exception) -> None:
        problems.append(problem)

    def refused(self, text: str) -> None:
        raise self.errors.StructuredExtractionError(f"refused: {text}", [text], [])

    def with_schema(self, messages: list[ChatMessage], model: type[BaseModel]) -> list[ChatMessage]:
        schema = json.dumps(model.model_json_schema())
        return [ChatMessage(role="system", content=f"Write JSON like {schema}"), *messages]

    def instance(self, text: str, finish_reason: str, model: type[T]) -> T:
        if finish_reason == "length":
            raise ValueError("it was cut off")
        return model.model_validate_json(json.dumps(self.loads(text)))

    def loads(self, text: str) -> dict[str, Any]:
        return tolerant_json.loads(text)

    def after(
        self, conversation: list[ChatMessage], text: str, problem: Exception
    ) -> list[ChatMessage]:
        said = ChatMessage(role="assistant", content=text)
        return [*conversation, said, ChatMessage(role="user", content=self.complaint(problem))]

    def complaint(self, problem: Exception) -> str:
        if not isinstance(problem, ValidationError):
            return f"That is wrong: {problem}"
        return f"That is wrong: {'; '.join(self.problems(problem))}"

    def problems(self, problem: ValidationError) -> list[str]:
        return [f"{error['loc']}: {error['msg']}" for error in problem.errors()]


class Embedding(Client):
    def __init__(
        self, endpoint: Endpoint, timeout: float, max_retries: int, dimensions: int | None
    ) -> None:
        super().__init__(endpoint, timeout, max_retries)
        self.dimensions: Any = dimensions or self.known(endpoint.model)

    def known(self, model: str) -> int:
        if "mini" not in model:
            raise ValueError(f"nobody knows the dimensions of {model}")
        return DIMENSIONS

    batch = 2048

    async def embed(self, texts: Sequence[str]) -> Any:
        self.refuse_text(texts)
        if not texts:
            return self.nothing()
        vectors = []
        for start in range(0, len(texts), self.batch):
            vectors += await self.embed_batch(list(texts[start : start + self.batch]))
        return vectors

    def refuse_text(self, texts: Sequence[str]) -> None:
        if isinstance(texts, str):
            raise TypeError("a list of texts")

    async def embed_batch(self, texts: list[str]) -> Any:
        # The recordings of the bundled adapter, which this one shares, are of base64.
        body = {"model": self.wire_model(self.model), "input": texts, "encoding_format": "base64"}
        reply = await self.post("/embeddings", body, None)
        return self.read(lambda reply: self.vectors(reply, len(texts)), reply)

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
        if not all(math.isfinite(number) for vector in vectors for number in vector):
            raise self.errors.ProviderServiceError("a vector with what is no number")
        if [len(vector) for vector in vectors] != [self.dimensions] * wanted:
            raise self.errors.ProviderServiceError("vectors of the wrong number or length")


class Backend:
    """A backend of the same wire."""

    errors = taxonomy

    def __init__(self, endpoint: Endpoint, max_retries: int) -> None:
        self.client = Client(endpoint, 30.0, max_retries)
        self.model = self.client.wire_model(endpoint.model)

    @property
    def get_model_kwargs(self) -> dict[str, Any]:
        return {"model": self.model, "temperature": 0.5, "max_tokens": 99, "stream": False}

    async def __call__(
        self,
        messages: list[dict[str, str]],
        output_schema_model: type[BaseModel] | None = None,
    ) -> Any:
        choice = await self.choice(self.body(messages, output_schema_model))
        if output_schema_model is None:
            return self.text(choice)
        return self.instance(choice, output_schema_model)

    def body(self, messages: Any, model: type[BaseModel] | None) -> dict[str, Any]:
        body = {**self.sent_kwargs(), "messages": messages}
        return body if model is None else body | self.mode(model)

    def sent_kwargs(self) -> dict[str, Any]:
        return self.get_model_kwargs

    def mode(self, model: type[BaseModel]) -> dict[str, Any]:
        named = {"name": "answer", "schema": model.model_json_schema()}
        return {"response_format": {"type": "json_schema", "json_schema": named}}

    async def choice(self, body: dict[str, Any]) -> Any:
        return (await self.client.post("/chat/completions", body, None))["choices"][0]

    def text(self, choice: Any) -> Any:
        return choice["message"]["content"] or ""

    def instance(self, choice: Any, model: type[BaseModel]) -> Any:
        if choice["message"]["refusal"] or choice["finish_reason"] == "length":
            raise taxonomy.StructuredExtractionError("no whole answer", [], [])
        return model.model_validate_json(choice["message"]["content"])

    async def close(self) -> None:
        await self.client.aclose()


@dataclass(frozen=True)
class Mutant:
    """An adapter and what the kit must fail it on."""

    adapter: AdapterUnderTest
    breaks: frozenset[str]


def described(
    name: str,
    chat: type[Chat] | None = None,
    embedding: type[Embedding] | None = None,
    backend: type[Backend] | None = None,
    **fields: Any,
) -> AdapterUnderTest:
    """The description of an adapter made of these classes."""

    def build_chat(
        endpoint: Endpoint,
        *,
        timeout: float = 30.0,
        max_retries: int = 2,
        return_raw: bool = False,
    ) -> Any:
        assert chat is not None
        built = chat(endpoint, timeout, max_retries)
        built.return_raw = return_raw
        return built

    def build_embedding(
        endpoint: Endpoint, *, max_retries: int = 2, dimensions: int | None = None
    ) -> Any:
        assert embedding is not None
        return embedding(endpoint, 30.0, max_retries, dimensions)

    def build_backend(endpoint: Endpoint, *, max_retries: int = 2) -> Any:
        assert backend is not None
        return backend(endpoint, max_retries)

    fields.setdefault("cassettes", Path(__file__).with_name("cassettes"))
    return AdapterUnderTest(
        name=name,
        backend=None if backend is None else build_backend,
        chat=None if chat is None else build_chat,
        embedding=None if embedding is None else build_embedding,
        errors=(chat or embedding or backend or Client).errors.__name__,
        model="openai/mini",
        **fields,
    )


CONFORMING = described("conforming", Extractor, Embedding, Backend)


C = TypeVar("C", bound=type[Client] | type[Backend])


def breaks(*requirements: str, **fields: Any) -> Callable[[C], C]:
    """Mark a class with the requirements that it breaks, and with fields of its description."""

    def mark(broken: C) -> C:
        marks: Any = broken
        marks.breaks, marks.fields = frozenset(requirements), fields
        return broken

    return mark


def mutants_of(module: dict[str, Any]) -> list[Mutant]:
    """A mutant of every class in a module that `breaks` has marked."""
    found = []
    for name, value in module.items():
        if not isinstance(value, type) or "breaks" not in vars(value):
            continue
        if issubclass(value, Chat):
            adapter = described(name, chat=value, **vars(value)["fields"])
        elif issubclass(value, Backend):
            adapter = described(name, backend=value, **vars(value)["fields"])
        else:
            assert issubclass(value, Embedding)
            adapter = described(name, embedding=value, **vars(value)["fields"])
        found.append(Mutant(adapter, vars(value)["breaks"]))
    return found
