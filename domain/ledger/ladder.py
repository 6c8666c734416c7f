"""The escalation ladder in one table: what each rung means, what it is called, and whom it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.notice import NoticeKind
from domain.ledger.obligation import Level


class Told(Enum):
    """Whom a rung tells, in terms of the obligation that reached it."""

    OWNER = auto()
    COUNTERPART = auto()
    """The mentor of a mentee, and the mentee of everybody else."""
    MENTOR_AND_MANAGER = auto()
    """The mentor, and whoever `MANAGERS_OF` names for the owner's role."""
    SPONSOR_AND_HR = auto()


@dataclass(frozen=True)
class RungMeaning:
    """What reaching one rung of the ladder means."""

    label: str
    """For a timer or a list, in two or three words."""
    sentence: str
    """What happens then, with `{role}` for the owner's role."""
    tells: tuple[tuple[Told, NoticeKind], ...] = ()
    """Who is sent which notice; empty where something else than a notice follows."""


LADDER: Mapping[Level, RungMeaning] = {
    0: RungMeaning("Heads-up", "a heads-up to the {role}", ((Told.OWNER, NoticeKind.HEADS_UP),)),
    1: RungMeaning("Ladder level 1", "a reminder to the {role}", ((Told.OWNER, NoticeKind.REMINDER),)),
    2: RungMeaning(
        "Ladder level 2",
        "a second reminder to the {role}, and word to the counterpart",
        ((Told.OWNER, NoticeKind.REMINDER), (Told.COUNTERPART, NoticeKind.COUNTERPART)),
    ),
    3: RungMeaning(
        "Ladder level 3",
        "the mentor and the manager concerned are told",
        ((Told.MENTOR_AND_MANAGER, NoticeKind.ESCALATION),),
    ),
    4: RungMeaning("Ladder level 4", "it enters the operators' queue"),
    5: RungMeaning(
        "Ladder level 5", "sponsor and HR are told", ((Told.SPONSOR_AND_HR, NoticeKind.ESCALATION),)
    ),
    6: RungMeaning("Ladder level 6", "the programme owner has to choose"),
}
"""The meaning of every rung. When each is reached stands in the policy that an agreement carries."""

LAST_LEVEL: Level = 6
"""The rung that opens a forced choice."""

AT_RISK_FROM_LEVEL: Level = 3
"""The rung from which on an overdue obligation puts the placement at risk."""

OUTSIDE_THE_LADDER = frozenset({ObligationKind.CONCERN, ObligationKind.FORCED_CHOICE})
"""Obligations without a ladder: a concern skips it, and a forced choice is its end."""

MANAGERS_OF: Mapping[Role, tuple[Role, ...]] = {
    Role.HOST_MANAGER: (Role.HRBP,),
    Role.LINE_MANAGER: (Role.HRBP,),
    Role.LEG_MANAGER: (Role.SPONSOR,),
    Role.HOST_EXPERT: (Role.LINE_MANAGER,),
}
"""The manager concerned, by the owner's role; the line manager where a role is not listed."""


def what_follows(level: Level, owner_role: Role) -> str:
    """Return what happens when an obligation reaches a rung, without a full stop."""
    return LADDER[level].sentence.format(role=owner_role.replace("_", " "))
