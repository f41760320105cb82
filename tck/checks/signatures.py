"""Holding a method against the contract's."""

from __future__ import annotations

import inspect
from inspect import Parameter
from typing import Any

from tck.checks.comparing import plain, same
from tck.verdicts import Violation

_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def assert_signature(provider: Any, name: str, contract: type) -> None:
    """Raise a `Violation` unless the method can be called in every way the contract allows.

    Parameters beyond the contract's are an adapter's own affair as long as a caller may
    leave them out.
    """
    method = getattr(provider, name, None)
    where = f"the signature of {name}() beside {contract.__module__}.{contract.__name__}.{name}"
    if not inspect.iscoroutinefunction(method):
        raise Violation(
            expected=f"{name} is a coroutine function (`async def`)",
            seen=f"{name} = {method!r:.100}",
            look_at=where,
        )
    expected = _parameters(getattr(contract, name))
    expected.pop("self")
    seen = _parameters(method)
    for wanted in expected.values():
        found = seen.pop(wanted.name, None)
        if found is None or not _same(wanted, found):
            raise Violation(
                expected=f"{name}() has the parameter {_shown(wanted)}",
                seen="it has no such parameter" if found is None else _shown(found),
                look_at=where,
            )
    for extra in seen.values():
        if extra.default is Parameter.empty and extra.kind not in _VARIADIC:
            raise Violation(
                expected=f"{name}() can be called with the contract's parameters alone",
                seen=f"it requires {_shown(extra)} too",
                look_at=where,
            )


def _parameters(function: Any) -> dict[str, Parameter]:
    return dict(inspect.signature(function).parameters)


def _same(wanted: Parameter, found: Parameter) -> bool:
    if wanted.kind is not found.kind:
        return False
    default = plain(found.default)
    if isinstance(wanted.default, float):
        return type(default) in (int, float) and bool(default == wanted.default)
    return default is wanted.default or same(wanted.default, default)


def _shown(parameter: Parameter) -> str:
    bare = parameter.replace(annotation=Parameter.empty)
    star = "keyword-only " if parameter.kind is Parameter.KEYWORD_ONLY else ""
    return f"{star}`{bare}`"
