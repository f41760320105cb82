"""What must never be in a recording: found by its value, or by its shape.

Values are those that were live when it was made: keys, cookies and identifiers that went over
the wire, and what the environment of this machine keeps secret. In queries and bodies they
are replaced (`scrub`); wherever else they are, and whatever looks like somebody's key, keeps
the recording from being written (`refuse_secrets`).
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from tck.cassettes.cassette import Cassette, Interaction

REPLAY_KEY = "tck-replay-key"  # pragma: allowlist secret
"""What stands for the key in a recording, and is the key when that is replayed."""
SCRUBBED = "tck-scrubbed"
"""What stands for any other live value."""

_SECRET_VARIABLE = re.compile(
    r"(API_?KEY|ACCESS_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?"
    r"|ORG_ID|ORGANIZATION|PROJECT_ID|ACCOUNT_ID|TENANT_ID)$"
)
_PRIVATE_HEADER = re.compile(
    r"^(proxy-)?authorization$|key$|token$|secret|organi[sz]ation|project|account|tenant"
)
_COOKIE = re.compile(r"(?:^|[;,])\s*([^\s=;,]+)=(\"[^\"]*\"|[^;,]*)")
_COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite", "version", "priority"}
_SHORTEST = 8


@dataclass(frozen=True)
class Live:
    """A value that was live when a recording was made."""

    value: str
    what: str
    """What it is, in words that do not show it."""
    stand_in: str = SCRUBBED

    def forms(self) -> Iterator[str]:
        """The value in every way that requests and responses write text."""
        yield from dict.fromkeys(
            (
                self.value,
                quote(self.value, safe=""),
                quote_plus(self.value),
                json.dumps(self.value)[1:-1],
                json.dumps(self.value, ensure_ascii=False)[1:-1],
                self.value.encode().decode("latin-1"),  # in a body that is not all text
            )
        )

    def hidden_forms(self) -> Iterator[str]:
        """Encodings in which only a program would put it."""
        data = self.value.encode()
        yield data.hex()
        yield from _in_base64(data)


# Base64 writes three bytes as four characters. A value may begin with the first, second or
# third of three; then this many characters hold bits of what stands before it.
_SHARED_CHARACTERS = (0, 2, 3)


def _in_base64(data: bytes) -> Iterator[str]:
    """What base64 makes of data inside a longer text, as far as the data alone decides it."""
    for before, shared in enumerate(_SHARED_CHARACTERS):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The last four characters may hold bits of what follows.
            yield encode(bytes(before) + data).decode()[shared:-4]


@dataclass(frozen=True)
class FoundSecret:
    """Something secret, and where it is; neither field shows it."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place} holds {self.what}"


class SecretFoundError(Exception):
    """A recording would hold a secret; the message says where, and does not show it."""


def live_values(
    api_keys: Iterable[str],
    headers: Iterable[Mapping[str, str]] = (),
    addresses: Iterable[str] = (),
) -> list[Live]:
    """Everything that must not be in a recording, the longest first.

    Args:
        api_keys: which were used for it.
        headers: of its requests and responses, as they were on the wire.
        addresses: that were asked; a user and password in one are live too.
    """
    found = [Live(key, "a key of this recording", REPLAY_KEY) for key in api_keys if key]
    for sent in headers:
        for name, value in sent.items():
            values = _private(name.lower(), value)
            found += [Live(one, f"a value of the header {name}") for one in values]
    for address in addresses:
        found += [Live(one, "a user or password of a URL") for one in _credentials(address)]
    found += _values_of_this_machine()
    unique = {one.value: one for one in reversed(found)}
    return sorted(unique.values(), key=lambda one: -len(one.value))


def scrub(cassette: Cassette, live: Iterable[Live]) -> Cassette:
    """The recording with something else in place of live values, in queries and bodies."""
    live = list(live)

    def scrubbed(interaction: Interaction) -> Interaction:
        request, response = interaction.request, interaction.response
        return Interaction(
            replace(
                request,
                query=without(request.query, live),
                body=_bytes_without(request.body, live),
            ),
            replace(response, body=_bytes_without(response.body, live)),
        )

    return replace(cassette, interactions=tuple(map(scrubbed, cassette.interactions)))


def refuse_secrets(cassette: Cassette, live: Iterable[Live]) -> None:
    """Raise `SecretFoundError` when a recording holds what it must not."""
    for found in find_secrets(cassette, live):
        raise SecretFoundError(f"{found}; nothing was written")


def find_secrets(cassette: Cassette, live: Iterable[Live]) -> Iterator[FoundSecret]:
    """What a recording holds that it must not: live values in any form, and known shapes."""
    live = list(live)
    for place, text in _texts(cassette):
        for one in live:
            if any(_pattern(form).search(text) for form in one.forms()) or (
                len(one.value) >= _SHORTEST and any(form in text for form in one.hidden_forms())
            ):
                yield FoundSecret(place, one.what)
        if (shape := _known_shape(text)) is not None:
            yield FoundSecret(place, shape)


# What detect-secrets does not know: the keys of providers of language models.
_SHAPES = {
    "an Anthropic key": r"sk-ant-[A-Za-z0-9_-]{10,}",
    "an OpenRouter key": r"sk-or-[A-Za-z0-9_-]{10,}",
    "an OpenAI key": r"sk-[A-Za-z0-9_-]{20,}",
    "a Google API key": r"AIza[0-9A-Za-z_-]{35}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "a Groq key": r"gsk_[A-Za-z0-9]{30,}",
    "an xAI key": r"xai-[A-Za-z0-9]{30,}",
    "a Perplexity key": r"pplx-[A-Za-z0-9]{30,}",
    "a Replicate token": r"r8_[A-Za-z0-9]{30,}",
    "a bearer token": r"[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}=*",
    "an organisation of OpenAI's": r"org-[A-Za-z0-9]{20,}",
    "a project of OpenAI's": r"proj_[A-Za-z0-9]{20,}",
    "a user and password in a URL": r"[a-z][a-z0-9+.-]*://[^\s/@:\"']+:[^\s/@\"']+@",
}
_COMPILED = {what: re.compile(rf"(?<![A-Za-z0-9_-]){shape}") for what, shape in _SHAPES.items()}


def _known_shape(text: str) -> str | None:
    """The first shape in a text that is somebody's key's."""
    for what, shape in _COMPILED.items():
        if shape.search(text):
            return f"what looks like {what}"
    for detector in _detectors():
        if next(iter(detector.analyze_string(text)), None):
            return f"what looks like a secret ({detector.secret_type})"
    return None


@cache
def _detectors() -> list[Any]:
    """Those of detect-secrets that go by a shape: by entropy, every vector would be one."""
    # It takes a tenth of a second to import, and only recording and linting need it.
    from detect_secrets.plugins import (  # noqa: PLC0415
        aws,
        azure_storage_key,
        discord,
        github_token,
        gitlab_token,
        jwt,
        mailchimp,
        npm,
        openai,
        private_key,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    return [
        aws.AWSKeyDetector(),
        azure_storage_key.AzureStorageKeyDetector(),
        discord.DiscordBotTokenDetector(),
        github_token.GitHubTokenDetector(),
        gitlab_token.GitLabTokenDetector(),
        jwt.JwtTokenDetector(),
        mailchimp.MailchimpDetector(),
        npm.NpmDetector(),
        openai.OpenAIDetector(),
        private_key.PrivateKeyDetector(),
        pypi_token.PypiTokenDetector(),
        sendgrid.SendGridDetector(),
        slack.SlackDetector(),
        square_oauth.SquareOAuthDetector(),
        stripe.StripeDetector(),
        telegram_token.TelegramBotTokenDetector(),
        twilio.TwilioKeyDetector(),
    ]


def _private(name: str, value: str) -> list[str]:
    """What is secret in a header: the values of cookies, a token without its scheme."""
    if name in ("cookie", "set-cookie"):
        cookies = _COOKIE.findall(value)
        found = [one for key, one in cookies if key.lower() not in _COOKIE_ATTRIBUTES]
    elif _PRIVATE_HEADER.search(name):
        scheme, _, token = value.rpartition(" ")
        found = [token, *(_basic(token) if scheme.lower() == "basic" else ())]
    else:
        found = []
    return [one.strip('"') for one in found if len(one) >= _SHORTEST]


def _basic(token: str) -> list[str]:
    try:
        return base64.b64decode(token).decode().split(":")
    except ValueError:
        return []


def _credentials(address: str) -> list[str]:
    found = re.match(r"[a-z]+://([^/@\s]+)@", address)
    return [one for one in found[1].split(":") if one] if found else []


def _values_of_this_machine() -> Iterator[Live]:
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name.upper()) and len(value) >= _SHORTEST:
            yield Live(value, f"the value of the environment variable {name}")
    yield Live(str(Path.home()), "the path of the home folder")
    host = socket.gethostname()
    # A host that is called by an ordinary word would be found in ordinary text.
    if len(host) >= _SHORTEST and not host.isalpha():
        yield Live(host, "the name of this machine")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    # A home folder may be as short as `/root`, which other words begin or end with.
    ends = (r"(?<![\w.-])", r"(?![\w.-])") if form.startswith("/") else ("", "")
    return re.compile(ends[0] + re.escape(form) + ends[1], re.ASCII)


def without(text: str, live: Iterable[Live]) -> str:
    """A text with something else in place of live values."""
    for one in live:
        for form in one.forms():
            text = _pattern(form).sub(one.stand_in, text)
    return text


def _bytes_without(body: bytes, live: Iterable[Live]) -> bytes:
    try:
        return without(body.decode("utf-8"), live).encode("utf-8")
    except UnicodeDecodeError:
        return without(body.decode("latin-1"), live).encode("latin-1")


def _texts(cassette: Cassette) -> Iterator[tuple[str, str]]:
    """Everything that is written of a recording, bodies also as what their JSON says."""
    yield "the passport", json.dumps(dict(cassette.passport), ensure_ascii=False)
    for number, interaction in enumerate(cassette.interactions):
        request, response = interaction.request, interaction.response
        of = f"of interaction {number}"
        address = f"{request.path}?{request.query}"
        yield f"the address {of}", f"{address}\n{unquote_plus(address)}"
        for name, value in request.headers.items():
            yield f"the request header {name} {of}", value
        yield from ((f"the request body {of}", text) for text in _readings(request.body))
        yield f"the reason {of}", response.reason
        for name, value in response.headers.items():
            yield f"the response header {name} {of}", value
        yield from ((f"the response body {of}", text) for text in _readings(response.body))


def _readings(body: bytes) -> Iterator[str]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    yield text
    try:
        said = list(_strings(json.loads(text)))
    except (ValueError, RecursionError):
        if "%" in text:
            yield unquote_plus(text)
        return
    # Escapes and base64 hide what a text says.
    yield "\n".join([*said, *filter(None, map(_decoded, said))])


def _decoded(text: str) -> str:
    """What base64 says, where it says something that can be read."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except ValueError:
        return ""


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
