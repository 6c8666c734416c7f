"""Commands about notes: what somebody keeps beside the work."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from domain.agreement.audiences import Audience
from domain.agreement.commands.base import EVERYBODY, UNTIL_CLOSED, Command
from domain.kernel.model import Words


class KeepNote(Command):
    """Keep a note. Nobody else reads it unless its author says so; it ends no silence."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"note": "I said yes too quickly in the supplier call."}

    type: Literal["keep_note"] = "keep_note"
    note: Words
    audience: Literal[Audience.AUTHOR, Audience.PAIR] = Audience.AUTHOR
