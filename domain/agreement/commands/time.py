"""The command that nobody gives: time passing."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from domain.agreement.commands.base import UNTIL_CLOSED, Command
from domain.kernel.vocabulary import Role


class LetTimePass(Command):
    """See what has become due. It takes the same path as what people do."""

    given_by: ClassVar = frozenset({Role.SYSTEM})
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {}

    type: Literal["let_time_pass"] = "let_time_pass"
