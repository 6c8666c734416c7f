"""Rules of notes."""

from __future__ import annotations

from domain.agreement.commands.notes import KeepNote
from domain.agreement.events.notes import NoteKept
from domain.decisions.draft import Draft
from domain.decisions.registry import rule


@rule.register
def keep_note(command: KeepNote, draft: Draft) -> None:
    """Nothing forbids a note, and nothing follows from it."""
    draft.add(NoteKept(at=draft.at, note=command.note, audience=command.audience))
