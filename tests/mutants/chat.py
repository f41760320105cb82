"""What goes wrong in `complete`."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence
from typing import Any

import httpx2

from llm import ChatMessage, from_provider
from llm import Usage as LlmUsage
from tck import AdapterUnderTest, Endpoint
from tck.resources import resource
from tests.mutants import taxonomy
from tests.mutants.conforming import Chat, Completion, Mutant, Usage, breaks, mutants_of


@breaks("CHAT-01")
class TemperatureIsPositional(Chat):
    async def complete(self, messages: Any, temperature: float = 0.0, **rest: Any) -> Completion:
        return await super().complete(messages, temperature=temperature, **rest)


@breaks("CHAT-01", "CHAT-07")
class TemperatureDefaultsToOne(Chat):
    async def complete(
        self,
        messages: Any,
        *,
        temperature: float = 1.0,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        return await super().complete(
            messages, temperature=temperature, max_tokens=max_tokens, stop=stop, timeout=timeout
        )


@breaks("CHAT-01")
class CompleteIsNoCoroutineFunction(Chat):
    def complete(self, *args: Any, **kwargs: Any) -> Any:
        return super().complete(*args, **kwargs)


@breaks("CHAT-01", "CHAT-02")
class ModelIsMissing(Chat):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._name = self.model
        del self.model

    def body(self, *args: Any) -> dict[str, Any]:
        self.model = self._name
        try:
            return super().body(*args)
        finally:
            del self.model


@breaks("CHAT-03", "REC-01")
class ContentIsStripped(Chat):
    def content(self, text: str | None) -> Any:
        return (text or "").strip()


@breaks("CHAT-03")
class ContentIsNormalised(Chat):
    def content(self, text: str | None) -> Any:
        import unicodedata

        return unicodedata.normalize("NFKC", text or "")


@breaks("CHAT-03")
class ContentIsBounded(Chat):
    def content(self, text: str | None) -> Any:
        return (text or "")[:65536]


@breaks("CHAT-03")
class ModelIsTheRequestedOne(Chat):
    def reported_model(self, reply: dict[str, Any]) -> Any:
        return self.wire_model(self.model)


@breaks("CHAT-03", "CHAT-08", "REC-01")
class FinishReasonIsConstant(Chat):
    def finish_reason(self, choice: dict[str, Any]) -> Any:
        return "stop"


@breaks("CHAT-04")
class NoTextIsNone(Chat):
    def content(self, text: str | None) -> Any:
        return None if text is None else super().content(text)


@breaks("CHAT-04")
class NoTextIsAnError(Chat):
    def content(self, text: str | None) -> Any:
        if not text:
            raise taxonomy.ProviderServiceError("empty reply")
        return super().content(text)


@breaks("CHAT-05")
class UsageIsNeverNone(Chat):
    def usage(self, reply: dict[str, Any]) -> Usage | None:
        return super().usage(reply) or Usage(0, 0, 0, 0)


@breaks("CHAT-05")
class CachedTokensAreForgotten(Chat):
    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = super().usage(reply)
        if usage is not None:
            usage.cached_tokens = 0
        return usage


@breaks("CHAT-05", "REC-01")
class TotalIsOnlyTheReply(Chat):
    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = super().usage(reply)
        if usage is not None:
            usage.total_tokens = usage.completion_tokens
        return usage


@breaks("CHAT-05")
class CachedTokensAreCountedTwice(Chat):
    def usage(self, reply: dict[str, Any]) -> Usage | None:
        usage = super().usage(reply)
        if usage is not None:
            usage.prompt_tokens += usage.cached_tokens
            usage.total_tokens += usage.cached_tokens
        return usage


@breaks("CHAT-05")
class UsageWithoutDetailsIsAnError(Chat):
    def cached_tokens(self, usage: dict[str, Any]) -> int:
        return int(usage["prompt_tokens_details"]["cached_tokens"])


@breaks("CHAT-06", "REC-01", "REC-05")
class SystemBecomesAUserTurn(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        wire = super().wire_messages(messages)
        return [{**m, "role": "user"} if m["role"] == "system" else m for m in wire]


@breaks("CHAT-06")
class OnlyTheFirstSystemMessageCounts(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        wire = super().wire_messages(messages)
        systems = [m for m in wire if m["role"] == "system"]
        return systems[:1] + [m for m in wire if m["role"] != "system"]


@breaks("CHAT-06")
class LastMessageIsSentTwice(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        wire = super().wire_messages(messages)
        return [*wire, wire[-1]] if len(wire) > 4 else wire


@breaks("CHAT-06")
class CallersListIsChanged(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        wire = super().wire_messages(messages)
        if isinstance(messages, list):
            messages.append(ChatMessage(role="assistant", content=""))
        return wire


@breaks("CHAT-06")
class TuplesAreRefused(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        if isinstance(messages, tuple) and len(messages) > 1:
            raise TypeError("messages must be a list")
        return super().wire_messages(messages)


@breaks("CHAT-06")
class OfTwoQuestionsTheLastIsSent(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        wire = super().wire_messages(messages)
        later = [*(m["role"] for m in wire[1:]), "nobody"]
        return [
            message
            for message, next_role in zip(wire, later, strict=True)
            if (message["role"], next_role) != ("user", "user")
        ]


@breaks("CHAT-06")
class RepeatedMessagesAreSentOnce(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        return super().wire_messages(list(dict.fromkeys(messages)))


@breaks("CHAT-06")
class QuestionsAreStripped(Chat):
    def wire_messages(self, messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
        return [{**m, "content": m["content"].strip()} for m in super().wire_messages(messages)]


@breaks("CHAT-02")
class ModelIsBare(Chat):
    def canonical(self, model: str) -> str:
        return self.wire_model(model)


@breaks("CHAT-02")
class BareModelsStayBare(Chat):
    def canonical(self, model: str) -> str:
        return model

    def wire_model(self, model: str) -> str:
        return model.removeprefix("openai/")


@breaks("CHAT-02")
class EveryPrefixIsStripped(Chat):
    def wire_model(self, model: str) -> str:
        return model.rpartition("openai/")[2]


@breaks("CHAT-02")
class OnlyWhatFollowsTheLastSlashIsSent(Chat):
    def canonical(self, model: str) -> str:
        return model if "/" in model else f"openai/{model}"

    def wire_model(self, model: str) -> str:
        return model.rpartition("/")[2]


# The recordings are of temperature 0.0.
@breaks("CHAT-07", "REC-01", "REC-04", "REC-05")
class ZeroIsTakenForNoTemperature(Chat):
    def body(self, messages: Any, temperature: Any, max_tokens: Any, stop: Any) -> Any:
        return super().body(messages, temperature or None, max_tokens, stop)  # type: ignore[arg-type]


@breaks("CHAT-07")
class TemperatureIsConstant(Chat):
    def body(self, messages: Any, temperature: Any, max_tokens: Any, stop: Any) -> Any:
        return super().body(messages, 0.0, max_tokens, stop)


@breaks("CHAT-07", limits={"temperature": "the provider rejects it"})
class TheClaimOfNoTemperatureIsFalse(Chat):
    pass


@breaks("CHAT-09", limits={"stop": "the provider rejects it"})
class TheClaimOfNoStopIsFalse(Chat):
    pass


@breaks("CHAT-09", "CHAT-16", "REC-01", "REC-05")
class StopIsDropped(Chat):
    def wire_stop(self, stop: Sequence[str] | None) -> Any:
        return None


@breaks("CHAT-09", "REC-01", "REC-05")
class OnlyTheFirstStopIsSent(Chat):
    def wire_stop(self, stop: Sequence[str] | None) -> Any:
        return stop and (super().wire_stop(stop) or [])[:1]


@breaks("CHAT-09")
class TuplesOfStopsAreDropped(Chat):
    def wire_stop(self, stop: Sequence[str] | None) -> Any:
        return None if isinstance(stop, tuple) else super().wire_stop(stop)


@breaks("CHAT-12")
class CancellationIsSwallowed(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        try:
            return await super().complete(messages, **parameters)
        except asyncio.CancelledError:
            return Completion("", "", None, None)


@breaks("CHAT-12")
class CancellationIsAnErrorOfTheProvider(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        try:
            return await super().complete(messages, **parameters)
        except asyncio.CancelledError as error:
            raise taxonomy.ProviderServiceError("cancelled") from error


@breaks("CHAT-12")
class TheRequestIsShielded(Chat):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tasks: set[asyncio.Task[Any]] = set()

    async def attempts(self, path: str, body: dict[str, Any]) -> Any:
        task = asyncio.create_task(super().attempts(path, body))
        self.tasks.add(task)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await super().aclose()


@breaks("CHAT-12")
class CancellationBreaksTheProvider(Chat):
    broken = False

    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        if self.broken:
            raise taxonomy.ProviderServiceError("out of order")
        try:
            return await super().complete(messages, **parameters)
        except asyncio.CancelledError:
            self.broken = True
            raise


@breaks("CHAT-13")
class RawIsAlwaysThere(Chat):
    def raw(self, reply: Any) -> Any:
        return reply


@breaks("CHAT-13")
class RawIsNeverThere(Chat):
    def raw(self, reply: Any) -> Any:
        return None


@breaks("CHAT-13")
class RawIsText(Chat):
    def raw(self, reply: Any) -> Any:
        return str(reply) if self.return_raw else None


@breaks("CHAT-13")
class RawIsOnlyTheUsage(Chat):
    def raw(self, reply: Any) -> Any:
        return reply["usage"] if self.return_raw else None


@breaks("CHAT-14")
class OneClientForEveryLoop(Chat):
    @property
    def http(self) -> Any:
        if not self.clients:
            _ = super().http
        return next(iter(self.clients.values()))


@breaks("CHAT-15")
class KeyIsInTheRepr(Chat):
    def __repr__(self) -> str:
        return f"Chat(api_key={self.endpoint.api_key!r})"


@breaks("CHAT-15")
class KeyIsInTheLog(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        logging.getLogger("acme").debug("Bearer %s", self.endpoint.api_key)
        return await super().post(path, body, timeout)


@breaks("CHAT-15")
class KeyIsInTheErrorOfALostConnection(Chat):
    def lost(self, error: httpx2.HTTPError) -> Any:
        return taxonomy.ProviderServiceError(f"{error!r}: {dict(error.request.headers)}")


@breaks("CHAT-16")
class BareStopIsSpelled(Chat):
    def wire_stop(self, stop: Sequence[str] | None) -> Any:
        return None if stop is None else list(stop)


@breaks("CHAT-17")
class OneCallAtATime(Chat):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lock = asyncio.Semaphore(4)

    async def attempts(self, path: str, body: dict[str, Any]) -> Any:
        async with self.lock:
            return await super().attempts(path, body)


# Without max_tokens, no recording has the request.
@breaks("CHAT-08", "REC-01", "REC-04", "REC-05")
class MaxTokensIsDropped(Chat):
    def body(self, messages: Any, temperature: float, max_tokens: Any, stop: Any) -> Any:
        return super().body(messages, temperature, None, stop)


@breaks("CHAT-08")
class LongAnswersAreClamped(Chat):
    def body(self, messages: Any, temperature: float, max_tokens: Any, stop: Any) -> Any:
        return super().body(messages, temperature, max_tokens and min(max_tokens, 4096), stop)


@breaks("CHAT-03", "CHAT-08", "REC-01")
class ACutReplyIsAnError(Chat):
    def finish_reason(self, choice: dict[str, Any]) -> Any:
        if choice["finish_reason"] == "length":
            raise taxonomy.ProviderServiceError("cut")
        return choice["finish_reason"]


@breaks("CHAT-10")
class MessagesAreKeptOnSelf(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        self.messages = messages
        await asyncio.sleep(0)
        return await super().complete(self.messages, **parameters)


@breaks("CHAT-10")
class ReplyIsKeptOnSelf(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        self.reply = await super().complete(messages, **parameters)
        await asyncio.sleep(0.005)
        return self.reply


@breaks("CHAT-10")
class UsageIsKeptOnSelf(Chat):
    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        reply = await super().complete(messages, **parameters)
        self.last_usage = reply.usage
        await asyncio.sleep(0.005)
        reply.usage = self.last_usage
        return reply


@breaks("CHAT-10")
class QuestionsAreToldApartByTheLastMessage(Chat):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.flying: dict[str, asyncio.Task[Completion]] = {}

    @functools.wraps(Chat.complete)
    async def complete(self, messages: Any, **parameters: Any) -> Completion:  # type: ignore[override]
        key = messages[-1].content
        if key not in self.flying:
            task = asyncio.create_task(super().complete(messages, **parameters))
            task.add_done_callback(lambda _: self.flying.pop(key))
            self.flying[key] = task
        return await self.flying[key]


@breaks("CHAT-11")
class TimeoutOfTheCallIsIgnored(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        return await super().post(path, body, None)


@breaks("CHAT-11")
class TimeoutOfTheConstructorWins(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        return await super().post(path, body, min(timeout or self.timeout, self.timeout))


@breaks("CHAT-11")
class TimeoutIsPerAttempt(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        for _ in range(4):
            try:
                return await super().post(path, body, timeout)
            except taxonomy.ProviderTimeoutError as error:
                last = error
        raise last


@breaks("CHAT-11")
class TimeoutIsPerRetry(Chat):
    """As the SDKs do it, unless their retries are switched off."""

    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        for attempt in range(self.max_retries + 1):
            try:
                return await super().post(path, body, timeout)
            except taxonomy.ProviderTimeoutError:
                if attempt == self.max_retries:
                    raise
        raise AssertionError("unreachable")


@breaks("CHAT-11")
class TimeoutIsAServiceError(Chat):
    def timed_out(self) -> Exception:
        return taxonomy.ProviderServiceError("too slow")


@breaks("CHAT-11")
class TheTimeoutEndsWithTheHeaders(Chat):
    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        headers = asyncio.Event()

        async def arrived(response: Any) -> None:
            headers.set()

        self.http.event_hooks["response"].append(arrived)
        call = asyncio.create_task(self.attempts(path, body))
        waiting = asyncio.create_task(headers.wait())
        limit = timeout or self.timeout
        try:
            await asyncio.wait({call, waiting}, timeout=limit, return_when="FIRST_COMPLETED")
            if not call.done() and not headers.is_set():
                raise self.timed_out()
            return await call
        finally:
            call.cancel()
            waiting.cancel()


@breaks("CHAT-11")
class TimeoutIsNotTranslated(Chat):
    def timed_out(self) -> Exception:
        return TimeoutError("too slow")


class _Anthropic:
    """The bundled adapter of another wire, to be spoiled from outside."""

    def __init__(self, endpoint: Endpoint, **options: Any) -> None:
        self._inner = from_provider(
            endpoint.model, api_key=endpoint.api_key, api_base=endpoint.base_url, **options
        )
        self.model = self._inner.model

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Any:
        return self.spoiled(
            await self._inner.complete(
                self.prepared(messages), max_tokens=max_tokens, stop=stop, timeout=timeout
            )
        )

    def prepared(self, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        return messages

    def spoiled(self, completion: Any) -> Any:
        return completion

    async def aclose(self) -> None:
        await self._inner.aclose()


class CacheTokensAreLeftOut(_Anthropic):
    """``input_tokens`` taken for the whole prompt."""

    def spoiled(self, completion: Any) -> Any:
        usage = completion.usage
        prompt = usage.prompt_tokens - usage.cached_tokens
        completion.usage = LlmUsage(
            prompt_tokens=prompt,
            completion_tokens=usage.completion_tokens,
            total_tokens=prompt + usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
        )
        return completion


class LateSystemMessagesAreDemoted(_Anthropic):
    """A system message after the first turn is sent as the user's."""

    def prepared(self, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        first_turn = next((n for n, m in enumerate(messages) if m.role != "system"), 0)
        return [
            ChatMessage(role="user", content=message.content)
            if message.role == "system" and number > first_turn
            else message
            for number, message in enumerate(messages)
        ]


def _anthropic(broken: type[_Anthropic], *requirements: str) -> Mutant:
    adapter = AdapterUnderTest(
        name=broken.__name__,
        chat=broken,
        wire="anthropic",
        model="anthropic/claude-haiku-4-5",
        limits={"temperature": "the wire takes no sampling parameters any more"},
        cassettes=resource("cassettes", "anthropic"),
    )
    return Mutant(adapter, frozenset(requirements))


MUTANTS = [
    *mutants_of(globals()),
    _anthropic(CacheTokensAreLeftOut, "CHAT-05"),
    _anthropic(LateSystemMessagesAreDemoted, "CHAT-06"),
]
