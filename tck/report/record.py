"""What `tck record` says in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from tck.cassettes.record_scenario import RecordStep

_SHOWN = {
    "recorded": "[green]recorded[/]",
    "failed": "[red]failed[/]  ",
    "kept": "[yellow]kept[/]    ",
}
_KEPT = "the recording is of a hosted provider; --force replaces it by one of the local model"


def print_step(step: RecordStep, console: Console) -> None:
    """Print how the recording of one scenario ended."""
    why = _KEPT if step.outcome == "kept" else step.problem
    line = (
        f"[dim]{step.number:>{len(str(step.total))}}/{step.total}[/] {_SHOWN[step.outcome]} "
        f"{step.adapter} {step.scenario} ({step.service}){': ' if why else ''}{escape(why)}"
    )
    console.print(line, soft_wrap=True, highlight=False)
