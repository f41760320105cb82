"""An adapter whose wire none of the bundled dialects speaks, with its recordings.

To record it again: ``tox -e record -- tests.custom_wire:ADAPTER``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from examples.llama_cpp_dialect import LlamaCppDialect
from llm import ChatMessage
from tck import AdapterUnderTest, Endpoint
from tests.mutants import taxonomy
from tests.mutants.conforming import Completion, Extractor, Usage


class LlamaCpp(Extractor):
    """The conforming adapter, as far as it does not depend on the wire, on another one."""

    async def post(self, path: str, body: dict[str, Any], timeout: float | None) -> Any:
        del path
        return await super().post("/completion", body, timeout)

    def canonical(self, model: str) -> str:
        return "llama-cpp/" + self.wire_model(model)

    def wire_model(self, model: str) -> str:
        return model.removeprefix("llama-cpp/")

    def body(
        self,
        messages: Sequence[ChatMessage],
        temperature: float,
        max_tokens: int | None,
        stop: Sequence[str] | None,
    ) -> dict[str, Any]:
        turns = [
            f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages
        ]
        body = {
            "model": self.wire_model(self.model),
            "prompt": "".join([*turns, "<|im_start|>assistant\n"]),
            "temperature": temperature,
            "n_predict": max_tokens,
            "stop": self.wire_stop(stop),
            "seed": 7,
        }
        return {name: value for name, value in body.items() if value is not None}

    def mode(self, model: type[BaseModel]) -> dict[str, Any]:
        return {"json_schema": model.model_json_schema()}

    def with_schema(self, messages: list[ChatMessage], model: type[BaseModel]) -> list[ChatMessage]:
        return messages

    def completion(self, reply: dict[str, Any]) -> Any:
        prompt, completion = reply["tokens_evaluated"], reply["tokens_predicted"]
        return Completion(
            content=self.content(reply["content"]),
            model=reply["model"],
            finish_reason=reply["stop_type"],
            usage=Usage(prompt, completion, prompt + completion, reply["timings"]["cache_n"]),
        )

    def first_choice(self, reply: Any) -> Any:
        content = self.content(reply["content"])
        cut = "length" if reply["stop_type"] == "limit" else "stop"
        return {"message": {"content": content}, "finish_reason": cut}


def _build(
    endpoint: Endpoint,
    *,
    timeout: float = 30.0,
    max_retries: int = 2,
    return_raw: bool = False,
) -> LlamaCpp:
    built = LlamaCpp(endpoint, timeout, max_retries)
    built.return_raw = return_raw
    return built


ADAPTER = AdapterUnderTest(
    name="llama-cpp",
    chat=_build,
    wire=LlamaCppDialect(),
    errors=taxonomy.__name__,
    model="llama-cpp/small",
    cassettes=Path(__file__).with_name("cassettes"),
)
