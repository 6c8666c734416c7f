"""Where the rules register: one function per command."""

from __future__ import annotations

from functools import singledispatch

from domain.agreement.commands import Command
from domain.decisions.draft import Draft


@singledispatch
def rule(command: Command, draft: Draft) -> None:
    """Add to the draft what the command leads to, or refuse it.

    Raises:
        Refused: If a rule forbids the command.
        NotImplementedError: If no rule is registered, which a test excludes.
    """
    raise NotImplementedError(f"no rule for {command.type}")
