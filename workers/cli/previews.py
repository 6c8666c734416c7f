"""Print what a command would lead to, and what became of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import typer
from rich.markup import escape

from application.commands.bulk import BulkResult, Outcome
from application.commands.preview import MovedObligation, Preview
from workers.terminal.failures import ExitCode
from workers.terminal.output import console, instant, print_json, say, table, words

_EXIT_CODES = (
    (Outcome.REFUSED, ExitCode.REFUSED),
    (Outcome.UNREACHABLE, ExitCode.UNREACHABLE),
    (Outcome.UNANSWERED, ExitCode.UNKNOWN_OUTCOME),
)
"""The first that applies to any item is what the command ends with."""


def print_preview(preview: Preview, *, as_json: bool) -> None:
    """Print what a command would lead to."""
    if as_json:
        print_json(preview.model_dump(mode="json"))
        return
    for line in _lines(preview):
        console().print(escape(line), soft_wrap=True)


def report_bulk(items: Sequence[BulkResult], *, batch: str, as_json: bool) -> None:
    """Print what became of each agreement, and end the command accordingly.

    Args:
        items: One per command.
        batch: Under which the same commands are given again.
        as_json: For programs.

    Raises:
        typer.Exit: Something was refused, or could not be reached, or did not answer.
    """
    if as_json:
        print_json({"batch": batch, "items": [item.model_dump(mode="json") for item in items]})
    else:
        shown = table("Agreement", "Outcome", "What", rows=(_row(item) for item in items))
        console().print(shown)
    counts = {outcome: sum(item.outcome is outcome for item in items) for outcome in Outcome}
    told = ", ".join(f"{count} {words(outcome)}" for outcome, count in counts.items() if count)
    say(f"{told or 'Nothing to do'} (batch {batch}).")
    code = next((code for outcome, code in _EXIT_CODES if counts[outcome]), ExitCode.OK)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def _row(item: BulkResult) -> tuple[str, str, str]:
    what = item.sentence or ", ".join(item.event_types) or "nothing changes"
    if item.code:
        what = f"{item.code}: {what}"
    if item.version is not None and item.outcome is Outcome.ACCEPTED:
        what = f"version {item.version}: {what}"
    if item.preview is not None and not item.preview.given_before:
        what = "\n".join([what, *_ledger(item.preview)])
    return item.agreement_id, f"{words(item.outcome)}\n{item.command}", what


def _lines(preview: Preview) -> Iterator[str]:
    if preview.given_before:
        yield f"{preview.agreement_id}: given before, at version {preview.version}; nothing would change."
        return
    events = ", ".join(preview.event_types) or "nothing"
    yield f"{preview.agreement_id} at {instant(preview.as_of)}, version {preview.version}: {events}"
    yield from _ledger(preview)
    for told in preview.told:
        about = f" about {told.obligation_id}" if told.obligation_id else ""
        yield (
            f"  tells    {words(told.role)} {told.person_id}: {words(told.notice)}{about}, "
            f"from {instant(told.not_before)}"
        )
    yield "Nothing was sent and nothing was written."


def _ledger(preview: Preview) -> Iterator[str]:
    for opened in preview.opened:
        owner = f"{words(opened.owner_role)} {opened.owner_id}"
        yield f"  opens    {opened.obligation_id}, owed by {owner}, due {instant(opened.due_at)}"
    for settled in preview.settled:
        yield f"  settles  {settled.obligation_id} as {settled.status}"
    for moved in preview.moved:
        yield f"  moves    {moved.obligation_id}: {'; '.join(_differences(moved))}"


def _differences(moved: MovedObligation) -> Iterator[str]:
    if moved.owner_before != moved.owner_after:
        yield f"from {moved.owner_before} to {moved.owner_after}"
    if moved.due_before != moved.due_after:
        yield f"due {instant(moved.due_before)} -> {instant(moved.due_after)}"
    else:
        yield f"due {instant(moved.due_after)} as before"
    if moved.stalled_before != moved.stalled_after:
        yield f"stalled {instant(moved.stalled_before)} -> {instant(moved.stalled_after)}"
    if moved.reminders_before != moved.reminders_after:
        yield f"rungs ahead {moved.reminders_before} -> {moved.reminders_after}"
