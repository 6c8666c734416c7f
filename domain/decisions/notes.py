"""Rules of notes."""

from __future__ import annotations

from domain.commands.notes import KeepNote
from domain.decisions.dispatch import rule
from domain.draft import Draft
from domain.events.notes import NoteKept


@rule.register
def keep_note(command: KeepNote, draft: Draft) -> None:
    """Nothing forbids a note, and nothing follows from it."""
    draft.add(NoteKept(at=draft.at, note=command.note, audience=command.audience))
