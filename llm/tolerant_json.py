"""Reads the JSON object out of what a language model wrote: never silently wrong, and linear.

`loads` returns a ``dict`` or raises `json.JSONDecodeError`; it raises nothing else. What it
is sure of it repairs, and of what it is not sure it raises: a retry costs a call, wrong data
costs more.

The order of steps:

1. Text that ``json.loads`` accepts gives exactly its answer: an object is returned, an array
   or a scalar raises.
2. The text is searched from left to right for blocks in braces or brackets. Prose, fences,
   templates (``{name}``), thoughts (``<think>…</think>``) and commented lines are passed over.
3. Each block is read by the C decoder; failing that, by the C decoder with trailing commas
   made white space; failing that, token by token, which also takes smart and single quotes
   as delimiters, unquoted keys, comments, Python's literals, and line feeds in strings.
4. A block that is cut off by the end of the text raises, whatever stands before or in it. A
   block that began like an object but does not read as one is skipped whole: what it holds
   is no answer.
5. The largest object by source length is returned, unless an array that holds objects is
   larger, or something says that its outer brace was lost.

String contents are never touched. A trailing comma is made a carriage return, which is
white space between tokens and an error inside a string: had the repair reached into a string,
the decoder would say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from json import JSONDecodeError
from typing import Any

from llm._json_tokens import (
    BETWEEN,
    DOUBLE,
    FAMILIES,
    QUOTES,
    CutOffError,
    MalformedError,
    end_of,
    read_block,
)

_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_OPENERS = ("{", "[", '"')
_SPACE = re.compile(r"[ \t\n\r]*+")
# The look-behind comes last so that the search can jump from comma to comma.
_TRAILING_COMMA = re.compile(r",(?=[ \t\n\r]*+[}\]])(?<=[\w\"}\]],)")
_JSON_BLOCK = re.compile(r"{[ \t\n\r]*+[\"}]|\[")
_NEXT = re.compile(
    r"[{\[]|<(?P<thought>think|thinking|thought|reasoning)>"
    r"|(?P<end></(?:think|thinking|thought|reasoning)>)"
    r"|(?P<line>^[ \t]*+//[^\n]*+)|(?P<block>^[ \t]*+/\*|<!--)",
    re.MULTILINE,
)
_TEMPLATE = re.compile(r"{[\w.$-]++}")
# A quote, a colon or an equals sign, or a comment, after a brace: no prose, even if no JSON.
_BEGUN = re.compile(rf"{{\s*+[{QUOTES}]|{{[^{{}}\n:=]*+[:=]|[{{\[]\s*+(?://|#|/\*|<!--)")
_QUOTE = re.compile(rf"([{QUOTES}])")
_FIRST_QUOTE = re.compile(rf"[{{\[\s]*+([{QUOTES}])")
# Strings and brackets of a block that does not read; `open…` matches if a string does not end.
_ROUGHLY = {
    quote: re.compile(
        "|".join(
            rf"[{each}][^{each}\\]*+(?:\\.[^{each}\\]*+)*+(?:[{each}]|(?P<open{number}>\\?\Z))"
            for number, each in enumerate(sorted({'"', family}))
        )
        + r"|[{}\[\]]",
        re.DOTALL,
    )
    for family in FAMILIES
    for quote in family
}
_AFTER_MALFORMED = re.compile(rf"\s*+(?:[:\]}}]|,?\s*+[{QUOTES}])")
_KEY = rf"[{QUOTES}][^{QUOTES}\n]*+[{QUOTES}]\s*+[:\uff1a]\s*+"
_KEY_BEFORE = re.compile(rf"(?:\A|[,{{\[\n])\s*+{_KEY}\Z")
_KEY_QUOTE = re.compile(rf"[\"{DOUBLE}]|(?<!\w)'")
_COMMA_OR_CLOSER = re.compile(r"\s*+(?:,?\s*+(?P<closer>[}\]])|,)")

# In how many places of the prose before an object a lost object is looked for.
_QUOTES_TRIED = 8
# What failed attempts of the C decoder may cost, in lengths of the text: a failure counts the
# line feeds of everything before it, so that without a bound many would take quadratic time.
_ALLOWANCE = 16


def loads(text: str) -> dict[str, Any]:
    """Read the JSON object that a text holds.

    Args:
        text: what a model wrote: the object, and whatever it is dressed in.

    Raises:
        json.JSONDecodeError: it holds no object, one that is cut off, or one whose repair is
            not certain.
    """
    start = end_of(_SPACE, text, 0)
    # A trailing comma near the end would make all of a first attempt vain.
    if text[start : start + 1] not in _OPENERS:
        commas = _TRAILING_COMMA.search(text, max(0, text.rfind("}") - 40)) is not None
        return _Search(text, commas=commas).largest_object()
    if _TRAILING_COMMA.search(text, len(text) - 40):
        return _Search(text, commas=True).largest_object()
    known = None
    try:
        value, end = _scan(text, start)
    except JSONDecodeError as error:
        if _cut_off(error) and text[start] != '"':
            raise
    except StopIteration:
        pass
    except (RecursionError, ValueError) as error:
        raise JSONDecodeError(f"Too deep or too long ({error})", text, start) from None
    else:
        if end_of(_SPACE, text, end) == len(text):
            if type(value) is dict:
                return value
            raise JSONDecodeError("Not an object", text, start)
        known = value, end
    return _Search(text, tried=start, known=known).largest_object()


def _cut_off(error: JSONDecodeError) -> bool:
    """Whether the C decoder failed because the text ended.

    All before was JSON, and would be read alike token by token.
    """
    return error.pos >= len(error.doc) or error.msg.startswith("Unterminated string")


_THOUGHT_ENDS = object()


class _Search:
    """The search for blocks in a text that is not clean JSON.

    Args:
        text: all of it.
        tried: where the C decoder has been tried already.
        known: what it read there, and up to where, if it did.
        commas: whether trailing commas are likely.
    """

    def __init__(
        self,
        text: str,
        *,
        tried: int = -1,
        known: tuple[Any, int] | None = None,
        commas: bool = False,
    ) -> None:
        self._text = text
        self._tried = tried
        self._commas = commas
        self._known = known
        self._passed = {"{": -1, "[": -1}
        self._without_commas: str | None = None
        self._allowance = _ALLOWANCE * len(text)

    def largest_object(self) -> dict[str, Any]:
        """The largest object that stands in no other block."""
        best: tuple[int, int, dict[str, Any]] | None = None
        largest_array = prose_before_best = prose = 0
        for start, end, value in self._blocks():
            if value is _THOUGHT_ENDS:  # what came before was thought, not said
                best, largest_array = None, 0
            elif type(value) is dict:
                if best is None or end - start > best[1] - best[0]:
                    best, prose_before_best = (start, end, value), prose
            elif _holds_objects(value):
                largest_array = max(largest_array, end - start)
            prose = end
        if best is None or best[1] - best[0] <= largest_array:
            raise JSONDecodeError("No object", self._text, 0)
        if self._outer_brace_lost(prose_before_best, *best[:2]):
            raise JSONDecodeError("Part of an object without its brace", self._text, best[0])
        return best[2]

    def _blocks(self) -> Iterator[tuple[int, int, Any]]:
        """Every outermost block that reads as JSON: where it begins and ends, and its value."""
        text, position = self._text, 0
        while (found := _NEXT.search(text, position)) is not None:
            start = found.start()
            if found.lastgroup is not None:
                position = self._after_aside(found)
                yield start, position, _THOUGHT_ENDS if found.lastgroup == "end" else None
            elif template := _TEMPLATE.match(text, start):
                position = template.end()
            else:
                try:
                    value, position = self._read(start)
                except MalformedError as malformed:
                    position = self._after_malformed(start, malformed)
                except CutOffError:
                    if text[start] == "[" and text.find("{", start) < 0:
                        return
                    raise JSONDecodeError("Cut off", text, start) from None
                else:
                    yield start, position, value

    def _after_aside(self, found: re.Match[str]) -> int:
        """Where the text goes on after a thought or a comment."""
        if found["thought"]:
            closing = f"</{found['thought']}>"
            end = self._text.find(closing, found.end())
            if end < 0:
                raise JSONDecodeError("Cut off in a thought", self._text, found.start())
            return end + len(closing)
        if found["block"]:
            closing = "-->" if found["block"] == "<!--" else "*/"
            end = self._text.find(closing, found.end())
            if end < 0:
                raise JSONDecodeError("Cut off in a comment", self._text, found.start())
            return end + len(closing)
        return found.end()

    def _read(self, start: int) -> tuple[Any, int]:
        """The value of the block that opens at ``start``, and where it ends."""
        if start == self._tried and self._known is not None:
            return self._known
        if _JSON_BLOCK.match(self._text, start):
            found = self._read_as_json(start)
            if found is not None:
                return found
        return read_block(self._text, start, self._text[start])

    def _read_as_json(self, start: int) -> tuple[Any, int] | None:
        """What the C decoder reads of the text as it is, or without trailing commas."""
        text, untried = self._text, start != self._tried
        if self._without_commas is None:
            if untried and not self._commas:
                found, _ = self._decoded(text, start)
                if found is not None:
                    return found
                untried = False
            self._without_commas = _TRAILING_COMMA.sub("\r", text)
        found, stopped = self._decoded(self._without_commas, start)
        # The carriage return in a string is ours: its comma was not a trailing one.
        if stopped is not None and self._without_commas[stopped] == "\r" and text[stopped] == ",":
            self._allowance -= len(text)
            found, _ = self._decoded(_without_commas_outside_strings(text, start), start)
        if found is None and untried and self._without_commas != text:
            found, _ = self._decoded(text, start)
        return found

    def _decoded(self, source: str, start: int) -> tuple[tuple[Any, int] | None, int | None]:
        """What the C decoder makes of a block, if anything; else where it stopped, if it says so.

        Args:
            source: the text, or one of the same length in which commas are made white space.
            start: where the block begins.
        """
        if self._allowance <= 0:
            return None, None
        try:
            return _scan(source, start), None
        except JSONDecodeError as error:
            if _cut_off(error):
                raise CutOffError from None
            self._allowance -= error.pos + 100
            return None, error.pos
        except StopIteration as stop:
            self._allowance -= stop.value - start
            return None, None
        except (RecursionError, ValueError) as error:
            raise JSONDecodeError(f"Too deep or too long ({error})", self._text, start) from None

    def _after_malformed(self, start: int, malformed: MalformedError) -> int:
        """Where to go on after a block that does not read as JSON."""
        text = self._text
        opener = text[start]
        if not (malformed.begun or _BEGUN.match(text, start)):
            self._passed[opener] = start
            return start + 1  # prose
        end = malformed.position if malformed.depth == 0 else self._rough_end(start, malformed)
        if end is None or _AFTER_MALFORMED.match(text, end):
            raise JSONDecodeError("Malformed or cut off", text, start)
        return end

    def _rough_end(self, start: int, malformed: MalformedError) -> int | None:
        """Where a malformed block ends, by the brackets outside what may be strings."""
        text, depth = self._text, malformed.depth
        quote = _QUOTE.match(text, malformed.position) or _FIRST_QUOTE.match(text, start)
        strings = _ROUGHLY[quote[1] if quote else '"']
        for token in strings.finditer(text, malformed.position):
            if token.lastgroup is not None:
                return None
            if token[0] in "{[":
                depth += 1
            elif token[0] in "}]":
                depth -= 1
                if depth == 0:
                    return token.end()
        return None

    def _outer_brace_lost(self, prose: int, start: int, end: int) -> bool:
        """Whether a block is a member of an object, or array, whose opening is not there.

        Args:
            prose: where the prose before the block begins.
            start: where the block begins.
            end: where it ends.
        """
        text = self._text
        if _KEY_BEFORE.search(text[max(0, start - 200) : start]):
            return True
        for quote in islice(_KEY_QUOTE.finditer(text, prose, start), _QUOTES_TRIED):
            if self._members_end(quote.start() - 1, "{", cut_off=0) > end:
                return True
        after = _COMMA_OR_CLOSER.match(text, end_of(BETWEEN, text, end))
        if after is None:
            return False
        closer = after["closer"]
        if closer is None:
            comma = after.end() - 1
            return max(self._members_end(comma, "{"), self._members_end(comma, "[", cut_off=0)) > 0
        # In `{{"a": 1}}` the brace after belongs to the one before, which was passed over.
        opener = "{" if closer == "}" else "["
        passed = self._passed[opener]
        return passed < 0 or text.count(opener, passed, start) <= text.count(closer, passed, start)

    def _members_end(self, before: int, opener: str, cut_off: int | None = None) -> int:
        """Where an object, or array, ends of which members follow; 0 when none do.

        Args:
            before: where the character before the first of them is.
            opener: of the object or the array.
            cut_off: what to return for members that go on to the end of the text, if not that.
        """
        try:
            return read_block(self._text, before, opener)[1]
        except CutOffError as error:
            return 0 if not error.begun else len(self._text) if cut_off is None else cut_off
        except MalformedError:
            return 0


def _without_commas_outside_strings(text: str, start: int) -> str:
    """The text without the trailing commas that are in no string of the block at ``start``.

    A comma is in a string when an odd number of quotes stands between it and the start.
    """
    quotes = text.replace("\\\\", "__").replace('\\"', "__")
    pieces, done, odd = [], 0, 0
    counted = start
    for comma in _TRAILING_COMMA.finditer(text, start):
        place = comma.start()
        odd ^= quotes.count('"', counted, place) & 1
        counted = place
        if not odd:
            pieces += [text[done:place], "\r"]
            done = place + 1
    return "".join([*pieces, text[done:]])


def _holds_objects(value: Any) -> bool:
    values = [value]
    while values:
        value = values.pop()
        if type(value) is dict:
            return True
        if type(value) is list:
            values += value
    return False
