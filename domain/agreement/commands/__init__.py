"""Everything that somebody can ask of an agreement, in the imperative."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.commands.base import Command, CommandId
from domain.agreement.commands.forming import ProposeAgreement
from domain.kernel.areas import import_areas
from domain.kernel.registry import by_type

COMMANDS: Mapping[str, type[Command]] = {
    name: kind
    for name, kind in by_type(import_areas(__name__), Command).items()
    if kind is not ProposeAgreement
}
"""Name to class, of every command that a person can give, in the order of a placement's life."""

__all__ = ["COMMANDS", "Command", "CommandId", "ProposeAgreement"]
