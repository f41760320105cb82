"""Checks of `llm.EmbeddingProvider`."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from llm import EmbeddingProvider
from tck.building import build, release
from tck.checks import in_process
from tck.checks.calls import ended, raised, returned, together
from tck.checks.comparing import is_a, plain
from tck.checks.registry import check
from tck.checks.signatures import assert_signature
from tck.checks.subject import Subject
from tck.verdicts import Violation
from tck.wire.dialects.model import EmbeddingRequest
from tck.wire.server import Reply
from tck.wire.wire import Wire

_WORDS = ("alpha", "beta", "gamma", "delta", "epsilon")

Numbered = list[tuple[int, list[float]]]


@check("EMB-02", needs_wire=False, sends=False)
async def dimensions_at_construction(subject: Subject, wire: Wire) -> None:
    async with subject.embedding(wire) as provider:
        _dimensions(provider)
        if wire.received:
            raise Violation(
                expected="dimensions is known without a request",
                seen=f"{len(wire.received)} requests before the first call",
            )


@check("EMB-03", needs_wire=False, sends=False)
async def no_texts(subject: Subject, wire: Wire) -> None:
    async with subject.embedding(wire) as provider:
        nothing: tuple[Sequence[str], ...] = ([], ())
        for texts in nothing:
            vectors = await returned(partial(provider.embed, texts), f"embed({texts})")
            if not is_a(vectors, list) or list.__len__(vectors):
                raise Violation(expected=f"embed({texts}) == []", seen=f"{vectors!r:.80}")
        if wire.received:
            raise Violation(
                expected="no request for no texts", seen=f"{len(wire.received)} requests"
            )


@check("EMB-04", needs_wire=False)
async def order(subject: Subject, wire: Wire) -> None:
    if subject.in_process:
        await in_process.order(subject, wire)
        return
    listings: dict[str, Callable[[Numbered], Numbered]] = {
        "in order": list,
        "in reverse": lambda listed: listed[::-1],
        "shuffled": lambda listed: listed[1::2] + listed[::2],
    }
    async with subject.embedding(wire) as provider:
        length = _dimensions(provider)
        for how, listing in listings.items():
            _serve(wire, length, listing)
            texts = _repeating(how)
            expected = [vector_of(text, length) for text in texts]
            embedded = await returned(partial(provider.embed, texts), "embed()")
            vectors = _vectors(embedded, len(texts))
            for text, wanted, seen in zip(texts, expected, vectors, strict=True):
                if seen != wanted:
                    owners = (
                        repr(other)
                        for other, vector in zip(texts, expected, strict=True)
                        if vector == seen
                    )
                    raise Violation(
                        expected=f"the vector of {text!r} in its place, when the reply lists "
                        f"them {how}",
                        seen=f"the vector of {next(owners, 'none of the texts')}",
                    )


@check("EMB-05", needs_wire=False)
async def length_and_number(subject: Subject, wire: Wire) -> None:
    spoiled: dict[str, Callable[[Numbered], Numbered]] = {
        "every vector one number longer": lambda listed: [(n, [*v, 0.5]) for n, v in listed],
        "every vector one number shorter": lambda listed: [(n, v[:-1]) for n, v in listed],
        "the last vector one number shorter": _last_shorter,
        "one vector fewer than texts": lambda listed: listed[:-1],
        "no vectors": lambda listed: listed[:0],
    }
    async with subject.embedding(wire) as provider:
        length = _dimensions(provider)
        _serve(wire, length, list)
        for texts in (_texts("right"), _repeating("repeated")):
            vectors = await returned(partial(provider.embed, texts), "embed()")
            _assert_lengths(vectors, len(texts), length)
        texts = [*_texts("beside an empty one"), ""]
        vectors, refusal = await ended(partial(provider.embed, texts), "embed()")
        if refusal is None:
            _assert_lengths(vectors, len(texts), length)
        if subject.in_process:
            return
        for what, spoil in spoiled.items():
            _serve(wire, length, spoil)
            await subject.raises(
                "ProviderError",
                partial(provider.embed, _texts(what)),
                f"embed() against a reply with {what}",
            )


def _assert_lengths(vectors: object, number: int, length: int) -> None:
    lengths = [len(vector) for vector in _vectors(vectors, number)]
    if lengths != [length] * number:
        raise Violation(
            expected=f"{number} vectors of length dimensions = {length}", seen=f"lengths {lengths}"
        )


@check("EMB-07", needs_wire=False)
async def embed_one(subject: Subject, wire: Wire) -> None:
    async with subject.embedding(wire) as provider:
        _serve(wire, _dimensions(provider), list)
        for text in ("one text", "  white space, and\na line feed  ", "Füße 東京 😀"):
            embedded = await returned(partial(provider.embed_one, text), "embed_one()")
            several = _vectors(await returned(partial(provider.embed, [text]), "embed()"), 1)
            if _numbers(embedded) != several[0]:
                raise Violation(
                    expected=f"embed_one({text!r}) == (await embed([{text!r}]))[0]",
                    seen=f"{embedded!r:.60} and {several[0]!r:.60}",
                )


@check("EMB-01", needs_wire=False, sends=False)
async def signatures(subject: Subject, wire: Wire) -> None:
    async with subject.embedding(wire) as provider:
        for name in ("model", "dimensions"):
            if not hasattr(provider, name):
                raise Violation(expected=f"the provider has the attribute {name}", seen="none")
        if not is_a(provider.model, str):
            raise Violation(expected="model is a str", seen=f"model = {provider.model!r:.80}")
        for name in ("embed", "embed_one"):
            assert_signature(provider, name, EmbeddingProvider)


@check("EMB-06", needs_wire=False)
async def plain_floats(subject: Subject, wire: Wire) -> None:
    async with subject.embedding(wire) as provider:
        length = _dimensions(provider)
        # Whole numbers, as some servers write 1.0; others write what is no number.
        _serve(wire, length, lambda listed: [(n, [int(x) for x in v]) for n, v in listed])
        _assert_plain(await returned(partial(provider.embed, _texts("whole")), "embed()"))
        _serve(wire, length, list)
        _assert_plain(await returned(partial(provider.embed, _texts("plain")), "embed()"))
        if subject.in_process:
            return
        for odd, where in itertools.product((math.nan, math.inf), ("every", "the last")):
            _serve(wire, length, partial(_spoiled, odd=odd, only_last=where != "every"))
            what = f"{odd} in {where} vector"
            await subject.raises(
                "ProviderError", partial(provider.embed, _texts(what)), f"embed() against {what}"
            )


def _spoiled(listed: Numbered, *, odd: float, only_last: bool) -> Numbered:
    if only_last:
        return [*listed[:-1], *_spoiled(listed[-1:], odd=odd, only_last=False)]
    return [(number, [*vector[:-1], odd]) for number, vector in listed]


def _assert_plain(vectors: object) -> None:
    for vector in _listed(vectors, len(_WORDS)):
        if type(vector) is not list:
            raise Violation(expected="every vector is a list", seen=f"a {type(vector).__name__}")
        for number in vector:
            if type(number) is not float or not math.isfinite(number):
                raise Violation(
                    expected="every number is a finite Python float",
                    seen=f"{number!r:.40}, a {type(number).__name__}",
                )


@check("EMB-08", needs_wire=False, sends=False)
async def unknown_model(subject: Subject, wire: Wire) -> None:
    prefix, slash, _ = subject.embedding_model.rpartition("/")
    unknown = f"{prefix}{slash}tck-model-that-nobody-knows"
    factory = subject.adapter.embedding
    assert factory is not None  # noqa: S101 - the capability says so
    try:
        provider = build(factory, wire.endpoint(unknown))
    except Exception:  # noqa: BLE001 - any refusal will do
        return
    dimensions = getattr(provider, "dimensions", None)
    await release(provider)
    raise Violation(
        expected=f"the model {unknown!r} without dimensions= is refused at construction",
        seen=f"it was built, with dimensions = {dimensions!r:.40}",
        look_at="a default that is a guess, or a factory that passes dimensions= by itself",
    )


@check("EMB-09", needs_wire=False)
async def no_cross_talk(subject: Subject, wire: Wire) -> None:
    if subject.in_process:
        await in_process.no_cross_talk(subject, wire, CONCURRENT_CALLS)
        return
    async with subject.embedding(wire) as provider:
        length = _dimensions(provider)

        async def script(request: EmbeddingRequest) -> Reply:
            await wire.turn(CONCURRENT_CALLS)
            return _reply(wire, request, length, list)

        wire.on_embeddings(script)

        async def ask(number: int) -> None:
            text = f"text number {number}"
            vectors = await returned(partial(provider.embed, [text]), "embed()")
            if _vectors(vectors, 1) != [vector_of(text, length)]:
                raise Violation(
                    expected=f"call {number} of {CONCURRENT_CALLS} concurrent ones gets the "
                    "vector of its own text",
                    seen="another",
                )

        await together(*(ask(number) for number in range(CONCURRENT_CALLS)))


@check("EMB-10")
async def many_texts(subject: Subject, wire: Wire) -> None:
    texts = [f"text number {number}" for number in range(_MANY)]
    async with subject.embedding(wire) as provider:
        length = _dimensions(provider)

        def script(request: EmbeddingRequest) -> Reply:
            if len(request.texts) > _LARGEST_BATCH:
                message = f"at most {_LARGEST_BATCH} texts a request"
                return Reply(wire.dialect.write_error(400, message), 400)
            return _reply(wire, request, length, list)

        wire.on_embeddings(script)
        vectors = _vectors(await returned(partial(provider.embed, texts), "embed()"), _MANY)
        for text, vector in zip(texts, vectors, strict=True):
            if vector != vector_of(text, length):
                raise Violation(expected=f"the vector of {text!r} in its place", seen="another")


@check("EMB-11", needs_wire=False, sends=False)
async def a_bare_string(subject: Subject, wire: Wire) -> None:
    async with subject.embedding(wire) as provider:
        _serve(wire, _dimensions(provider), list)
        await raised(partial(provider.embed, "letters"), "embed('letters')")


CONCURRENT_CALLS = 64
_MANY = 3000
_LARGEST_BATCH = 2048


def _texts(purpose: str) -> list[str]:
    """Other texts for each purpose, for adapters that keep the vectors that they know."""
    return [f"{word} ({purpose})" for word in _WORDS]


def _repeating(purpose: str) -> list[str]:
    """As `_texts`, with the first of them at the end once more."""
    texts = _texts(purpose)
    return [*texts, texts[0]]


def vector_of(text: str, length: int) -> list[float]:
    """A vector that no other text has, of numbers that 32 bits hold exactly."""
    seed = hashlib.sha256(text.encode()).digest()
    numbers = [(byte - 128) / 256 + index % 7 for index, byte in enumerate(seed)]
    return (numbers * (length // len(numbers) + 1))[:length]


def _last_shorter(listed: Numbered) -> Numbered:
    number, vector = listed[-1]
    return [*listed[:-1], (number, vector[:-1])]


def _serve(wire: Wire, length: int, arrange: Callable[[Numbered], Iterable[Any]]) -> None:
    wire.on_embeddings(lambda request: _reply(wire, request, length, arrange))


def _reply(
    wire: Wire,
    request: EmbeddingRequest,
    length: int,
    arrange: Callable[[Numbered], Iterable[Any]],
) -> Reply:
    listed = [(number, vector_of(text, length)) for number, text in enumerate(request.texts)]
    return Reply(wire.embedding_dialect.write_embeddings(request, list(arrange(listed))))


def _dimensions(provider: Any) -> int:
    dimensions = plain(getattr(provider, "dimensions", None))
    if type(dimensions) is not int or dimensions <= 0:
        raise Violation(
            expected="dimensions is a positive int as soon as the provider is built",
            seen=f"dimensions = {dimensions!r:.80}",
            look_at="the table of known models, and the dimensions= of the constructor",
            cause="dimensions",
        )
    return dimensions


def _vectors(vectors: Any, number: int) -> list[list[object]]:
    """What ``embed`` returns, as numbers of nobody's own."""
    return [_numbers(vector) for vector in _listed(vectors, number)]


def _listed(vectors: Any, number: int) -> list[Any]:
    if not is_a(vectors, list) or list.__len__(vectors) != number:
        is_list = is_a(vectors, list)
        seen = f"{list.__len__(vectors)} of them" if is_list else f"{vectors!r:.80}"
        raise Violation(expected=f"a list of {number} vectors", seen=seen)
    return list.copy(vectors)


def _numbers(vector: Any) -> list[object]:
    """The numbers of a vector, whatever it is made of: its types are for another check."""
    try:
        if is_a(vector, list):
            return [float(number) for number in list.copy(vector)]
        if not is_a(vector, str):
            return [float(number) for number in vector]
    except (TypeError, ValueError, OverflowError):
        pass
    raise Violation(expected="a vector is a list of floats", seen=f"{vector!r:.80}")
