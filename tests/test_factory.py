"""`from_provider`: which adapter serves which name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm import factory, from_provider
from llm.adapters import _extras

Route = Callable[..., str]

OPENAI = "llm.adapters.openai:OpenAIProvider"
OPENAI_EMBEDDINGS = "llm.adapters.openai:OpenAIEmbeddingProvider"
ANTHROPIC = "llm.adapters.anthropic:AnthropicProvider"
LITELLM = "llm.adapters.litellm:LiteLLMProvider"
LITELLM_EMBEDDINGS = "llm.adapters.litellm:LiteLLMEmbeddingProvider"
LOCAL = "llm.adapters.sentence_transformers:SentenceTransformersProvider"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes just these SDKs look installed, whatever this environment has."""

    def install(names: str) -> None:
        def find_spec(name: str) -> object:
            return object() if name in names.split() else None

        monkeypatch.setattr(factory, "find_spec", find_spec)
        monkeypatch.setattr(_extras, "find_spec", find_spec)

    return install


@pytest.fixture
def route(installed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Route:
    """Says which class `from_provider` would have built."""

    def route(model: str, sdks: str = "openai anthropic litellm", **options: Any) -> str:
        installed(sdks)
        monkeypatch.setattr(factory, "_load", lambda place: lambda name, **kwargs: place)
        place: Any = from_provider(model, **options)
        assert isinstance(place, str)
        return place

    return route


@pytest.mark.parametrize(
    ("model", "place"),
    [
        ("openai/gpt-4.1", OPENAI),
        ("OPENAI/gpt-4.1", OPENAI),
        ("openai/openai/gpt-oss-20b", OPENAI),
        ("gpt-4.1", OPENAI),
        ("GPT-4.1", OPENAI),
        ("o4-mini", OPENAI),
        ("chatgpt-4o-latest", OPENAI),
        ("ft:gpt-4.1:acme::x1", OPENAI),
        ("anthropic/claude-haiku-4-5", ANTHROPIC),
        ("Anthropic/claude-haiku-4-5", ANTHROPIC),
        ("claude-haiku-4-5", ANTHROPIC),
        ("mistral/mistral-large-latest", LITELLM),
        ("groq/openai/gpt-oss-20b", LITELLM),
        ("azure/gpt-4.1", LITELLM),
        ("openrouter/anthropic/claude-haiku-4-5", LITELLM),
        ("BAAI/bge-m3", LITELLM),
        ("command-r", LITELLM),
        ("omni-moderation", LITELLM),
    ],
)
def test_chat(route: Route, model: str, place: str) -> None:
    assert route(model) == place
    assert route(model, prefer_litellm=True) == LITELLM


@pytest.mark.parametrize(
    ("model", "place"),
    [
        ("openai/text-embedding-3-small", OPENAI_EMBEDDINGS),
        ("text-embedding-3-small", OPENAI_EMBEDDINGS),
        ("BAAI/bge-small-en-v1.5", LOCAL),
        ("baai/bge-small-en-v1.5", LOCAL),
        ("BAAI/of-tomorrow", LOCAL),
        ("sentence-transformers/all-MiniLM-L6-v2", LOCAL),
        ("Sentence-Transformers/all-MiniLM-L6-v2", LOCAL),
        ("all-MiniLM-L6-v2", LOCAL),
        ("Snowflake/snowflake-arctic-embed-m", LOCAL),
        ("snowflake/snowflake-arctic-embed-m", LITELLM_EMBEDDINGS),
        ("mistral/mistral-embed", LITELLM_EMBEDDINGS),
        ("voyage/voyage-4", LITELLM_EMBEDDINGS),
        ("bedrock/amazon.titan-embed-text-v2:0", LITELLM_EMBEDDINGS),
        ("a-provider-of-tomorrow/embed", LITELLM_EMBEDDINGS),
        ("anthropic/claude", LITELLM_EMBEDDINGS),
        ("embed-v4.0", LITELLM_EMBEDDINGS),
    ],
)
def test_embeddings(route: Route, model: str, place: str) -> None:
    assert route(model, kind="embedding") == place


def test_a_folder_with_a_model_is_loaded_from_there(route: Route, tmp_path: Path) -> None:
    assert route(str(tmp_path), kind="embedding") == LITELLM_EMBEDDINGS
    (tmp_path / "modules.json").write_text("[]")
    assert route(str(tmp_path), kind="embedding") == LOCAL


def test_litellm_stands_in_for_a_native_sdk_that_is_missing(route: Route) -> None:
    assert route("openai/gpt-4.1", sdks="litellm") == LITELLM
    assert route("openai/gpt-4.1", sdks="openai litellm") == OPENAI


@pytest.mark.parametrize(
    ("model", "kind", "distribution"),
    [
        ("openai/gpt-4.1", "llm", "openai"),
        ("text-embedding-3-small", "embedding", "openai"),
        ("claude-haiku-4-5", "llm", "anthropic"),
        ("mistral/mistral-large-latest", "llm", "litellm"),
        ("voyage/voyage-4", "embedding", "litellm"),
        ("nobody-knows-it", "llm", "litellm"),
        ("BAAI/bge-m3", "embedding", "sentence-transformers"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_installs_it(
    installed: Callable[[str], None], model: str, kind: Any, distribution: str
) -> None:
    installed("")
    with pytest.raises(ImportError, match=rf"python -m pip install {distribution}$"):
        from_provider(model, kind=kind)


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="kind must be 'llm' or 'embedding', not 'image'"):
        from_provider("openai/x", kind="image")  # type: ignore[call-overload]


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a distribution whose adapters register by entry points."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "acme_adapter.py").write_text(
        "class Chat:\n"
        "    def __init__(self, model, **kwargs):\n"
        "        self.model, self.kwargs = model, kwargs\n"
        "class Embeddings(Chat): pass\n"
    )

    def register(distribution: str, **groups: str) -> None:
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\n")
        lines = [f"[llm.{group}]\n{entry}\n" for group, entry in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))

    yield register
    sys.modules.pop("acme_adapter", None)


def test_custom_providers_register_under_a_prefix(register: Callable[..., None]) -> None:
    register(
        "acme",
        providers="acme = acme_adapter:Chat",
        embedding_providers="acme = acme_adapter:Embeddings",
    )
    chat: Any = from_provider("ACME/small", api_key="k")
    assert (type(chat).__name__, chat.model, chat.kwargs) == (
        "Chat",
        "ACME/small",
        {"api_key": "k"},
    )
    assert type(from_provider("acme/small", kind="embedding")).__name__ == "Embeddings"


def test_a_registration_that_cannot_be_loaded_is_named(register: Callable[..., None]) -> None:
    register("acme", providers="acme = acme_adapter:NoSuchClass")
    with pytest.raises(ImportError, match="acme_adapter:NoSuchClass of acme cannot be loaded"):
        from_provider("acme/small")


def test_a_prefix_that_two_distributions_claim_is_nobodys(register: Callable[..., None]) -> None:
    register("acme", providers="acme = acme_adapter:Chat")
    register("emca", providers="acme = acme_adapter:Embeddings")
    with pytest.raises(ImportError, match=r"several distributions register 'acme': .* uninstall"):
        from_provider("acme/small")
