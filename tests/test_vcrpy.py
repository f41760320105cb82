"""The private parts of vcrpy that the kit builds on are as they were when it was written.

When this file fails after an upgrade, `tck/cassettes/interception.py` must be held against
the new vcrpy before the bound on it in `pyproject.toml` is raised.
"""

from __future__ import annotations

import http.client
import inspect
import re
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import vcr.patch
from vcr.cassette import Cassette
from vcr.filters import decode_response
from vcr.patch import CassettePatcherBuilder
from vcr.request import Request

from tck.cassettes import interception
from tck.cassettes.interception import playing, recording
from tck.wire.server import LoopbackServer, Received, Reply
from tests.helpers import REPOSITORY

OVERRIDDEN = ["_load", "_save", "append", "can_play_response_for", "play_response"]
OVERRIDDEN += ["find_requests_with_most_matches", "__len__"]
PATCHED: list[tuple[Any, str]] = [
    (httpx.HTTPTransport, "handle_request"),
    (httpx.AsyncHTTPTransport, "handle_async_request"),
    (httpx2.HTTPTransport, "handle_request"),
    (httpx2.AsyncHTTPTransport, "handle_async_request"),
    (aiohttp.ClientSession, "_request"),
    (http.client, "HTTPConnection"),
    (http.client, "HTTPSConnection"),
]


def test_the_installed_version_is_one_that_is_allowed() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (bound,) = (line for line in project["dependencies"] if line.startswith("vcrpy"))
    lower, upper = re.search(r">=(\d+)", bound), re.search(r"<(\d+)", bound)
    assert lower is not None
    assert upper is not None, f"{bound} allows versions that nobody has tried"
    assert int(lower[1]) <= int(metadata.version("vcrpy").split(".")[0]) < int(upper[1])


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_what_is_overridden_is_called_as_before(name: str) -> None:
    theirs = inspect.signature(getattr(Cassette, name)).parameters
    ours = inspect.signature(getattr(interception._Switchboard, name)).parameters
    assert list(theirs) == list(ours), f"vcrpy calls Cassette.{name} with other arguments now"


def test_what_is_read_is_there() -> None:
    assert isinstance(Cassette.write_protected, property)
    request = Request("POST", "http://provider.test/v1/x?a=1", b"{}", {"n": "v"})
    assert (request.method, request.path, request.parsed_uri.query) == ("POST", "/v1/x", "a=1")
    assert request.url == "http://provider.test/v1/x?a=1"
    assert (request.body, dict(request.headers)) == (b"{}", {"n": "v"})
    vars(request)["_tck_response"] = "a response can be kept with its request"
    assert list(inspect.signature(decode_response).parameters) == ["response"]
    assert list(inspect.signature(CassettePatcherBuilder).parameters) == ["cassette"]


def test_the_libraries_are_patched_while_a_tape_runs_and_no_longer() -> None:
    before = [getattr(owner, name) for owner, name in PATCHED]
    with playing([]):
        during = [getattr(owner, name) for owner, name in PATCHED]
    after = [getattr(owner, name) for owner, name in PATCHED]
    for (owner, name), real, patched in zip(PATCHED, before, during, strict=True):
        assert patched is not real, f"vcrpy no longer replaces {owner.__name__}.{name}"
    assert after == before


def test_a_real_connection_is_made_by_our_reset_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vcrpy's own takes the patches off for every thread."""

    async def respond(_: Received) -> Reply:
        return Reply(b"{}")

    resets: list[None] = []

    @contextmanager
    def counted() -> Iterator[None]:
        resets.append(None)
        with reset():
            yield

    reset = interception._reset_for_real_ones
    monkeypatch.setattr(interception, "_reset_for_real_ones", counted)
    theirs = vcr.patch.force_reset
    with LoopbackServer(respond, limit=10) as server, recording():
        assert vcr.patch.force_reset is counted
        with urllib.request.urlopen(f"{server.origin}/v1/x", timeout=5) as response:
            assert response.read() == b"{}"
    assert resets, "vcrpy no longer looks force_reset up in vcr.patch"
    assert vcr.patch.force_reset is theirs
