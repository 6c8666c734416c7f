"""What every command has: an id, an actor, and who may give it when."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import JsonValue, StringConstraints

from domain.kernel.model import Frozen, PersonId
from domain.kernel.vocabulary import Phase, Role

CommandId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]
"""Chosen by the caller; the same id is the same command, however often it arrives."""

MANAGERS = frozenset({Role.LINE_MANAGER, Role.HOST_MANAGER, Role.LEG_MANAGER})
HR = frozenset({Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR})
PAIR = frozenset({Role.MENTEE, Role.MENTOR})
HOSTS = frozenset({Role.HOST_MANAGER, Role.HOST_EXPERT, Role.LEG_MANAGER})
CLOSE_TO_THE_WORK = PAIR | HOSTS
EVERYBODY = frozenset(Role) - {Role.SYSTEM}

FORMING = frozenset({Phase.AGREEMENT})
ACTIVE = frozenset({Phase.ACTIVE})
BEFORE_THE_END = frozenset({Phase.AGREEMENT, Phase.ACTIVE})
UNTIL_CLOSED = frozenset(Phase) - {Phase.CLOSED}
ACTIVE_OR_LOOKING_BACK = frozenset({Phase.ACTIVE, Phase.DEBRIEF, Phase.SYNTHESIS})


class Command(Frozen):
    """What somebody wants to happen. Imperative; refused or turned into events.

    Every kind of placement takes it, unless a kind's rules name it among their own.
    """

    given_by: ClassVar[frozenset[Role]]
    """The roles that may give it."""
    phases: ClassVar[frozenset[Phase]]
    """The phases in which it makes sense."""
    example: ClassVar[dict[str, JsonValue]]
    """Its own fields, filled in believably."""

    command_id: CommandId
    actor_id: PersonId
    acting_as: Role | None = None
    """Needed only where a person holds several roles, and by operators, who are no party."""
    type: str
