"""What an explanation is made of."""

from __future__ import annotations

from datetime import date

from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Health, Kind, ObligationKind, Outcome, Phase, Role
from domain.ledger.obligation import Level, ObligationId
from domain.views.health import Stall, WaitingOn


class Cause(Frozen):
    """An event of the record."""

    event_id: str
    version: int
    """Its place in the agreement's stream."""
    type: str
    at: Instant
    actor_id: PersonId | None
    """None where the reader may not know who it was."""
    actor_role: Role | None


class Climbed(Frozen):
    """A rung of the ladder that was reached."""

    level: Level
    event: Cause


class PolicyLine(Frozen):
    """The threshold that made it so."""

    policy_set_id: str
    version: int
    threshold: str
    """Its name in the policy set, as in `allowances.milestone`."""
    due: int | None
    """Working days after which it is due; None where the threshold gives none."""
    stalled: int
    """Working days after which it counts as stalled."""
    counted_from: date | None = None
    """The day both count from, in the owner's calendar. None where an obligation was begun again since (by a
    successor, or after a rest), and where the record does not tell."""
    at_the_latest: date | None = None
    """The day by which it stalls in any case, working days before the start. None where that is later."""
    not_before: date | None = None
    """The day to which it was put off, so that its owner has a working day. None where there was time."""


class Proposed(Frozen):
    """Somebody who could take over: proposed when somebody left, or when cover was sought."""

    person_id: PersonId
    in_place_of: PersonId
    event: Cause


class HeldUp(Frozen):
    """The obligation that an explanation is about."""

    obligation_id: ObligationId
    kind: ObligationKind
    subject: str
    waiting_on: WaitingOn
    opened_by: Cause
    moved_by: Cause | None
    """The last event that gave it other dates or another owner."""
    due_at: Instant
    stalled_at: Instant
    policy: PolicyLine
    levels: tuple[Climbed, ...]
    """As the record has them, since it was opened or moved."""
    stands_in_for: PersonId | None = None
    """Whose it is while they are on leave and the one whom it waits on acts for them."""
    proposed: Proposed | None = None
    """Who could take over from whoever is not there."""


class Ahead(Frozen):
    """Something that comes of itself."""

    at: Instant
    what: str
    """Reads on from its date: `a reminder to the mentee`."""


class Explanation(Frozen):
    """Why an agreement stands as it does."""

    agreement_id: str
    kind: Kind
    phase: Phase
    outcome: Outcome | None
    as_of: Instant
    health: Health
    stall: Stall | None
    """The same as everywhere else; None where it is not stalled."""
    about: HeldUp | None
    """The obligation that holds it up, or else the one that decides its health. None where it is silent,
    paused or closed, and where nobody owes anything."""
    cause: Cause | None
    """The event behind it: what opened or last moved the obligation, the last sign of life before a silence,
    the pause, the breach that holds it, or the close."""
    silence: PolicyLine | None
    """The limit of silence, where that is the reason."""
    next: tuple[Ahead, ...]
    """What comes of itself if nobody acts, soonest first."""
    also_stalled: tuple[ObligationId, ...]
    """Others past their stall, longest first."""
    paragraph: str
