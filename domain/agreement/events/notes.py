"""Events about notes."""

from __future__ import annotations

from typing import Literal

from domain.agreement.audiences import Audience
from domain.agreement.events.base import Event
from domain.kernel.model import Words


class NoteKept(Event):
    """Somebody kept a note. It ends no silence: others may not even read it."""

    type: Literal["note.kept"] = "note.kept"
    note: Words
    audience: Literal[Audience.AUTHOR, Audience.PAIR]
