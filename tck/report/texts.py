"""Texts of strangers, made fit to be shown.

What an adapter raises or returns ends in findings. It may hold escape sequences, markup, lone
surrogates, or a megabyte; no terminal and no file may be the worse for it.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 2000
"""Characters of one text that a terminal shows."""

# Controls, formats (bidi marks among them), surrogates, private and unassigned characters, and
# the two separators that some terminals and parsers take for line ends.
_UNFIT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str, encoding: str = "utf-8") -> str:
    """A text as a terminal can show it: what is no plain character becomes its escape.

    Args:
        text: any; line ends stay, tabs become blanks.
        encoding: what the terminal takes; anything else becomes an escape too.
    """
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    if not text.isascii() or not text.replace("\n", "").isprintable():
        text = "".join(map(_shown, text))
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
    return text


def shortened(text: str, longest: int = LONGEST) -> str:
    """The beginning of a text, and how long it was."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def without_surrogates(text: str) -> str:
    """A text that has a UTF-8 encoding: lone surrogates become their escapes."""
    return _SURROGATES.sub(_escaped, text)


def fit_for_xml(text: str) -> str:
    """A text that XML 1.0 can hold: other characters become their escapes."""
    return _NOT_XML.sub(_escaped, text)


def _shown(character: str) -> str:
    if character == "\n" or unicodedata.category(character) not in _UNFIT:
        return character
    return _escape(character)


def _escaped(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
