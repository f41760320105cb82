"""One pure coroutine a requirement: it gets a subject and a wire, and raises a verdict.

Checks know nothing of pytest, of terminals or of files. `CHECKS` holds them all.
"""

from tck.checks import backend, chat, chat_calls, embedding, errors, fuzzed, recordings, structured
from tck.checks.registry import CHECKS, Check
from tck.checks.subject import Subject

__all__ = [
    "CHECKS",
    "Check",
    "Subject",
    "backend",
    "chat",
    "chat_calls",
    "embedding",
    "errors",
    "fuzzed",
    "recordings",
    "structured",
]
