"""What is read from the record, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind, ObligationKind, ObligationStatus, Phase, Role, StallReason
from domain.ledger.notice import Notice
from domain.ledger.obligation import Level, Obligation
from domain.stream.messages import Head, RecordedEvent
from domain.views.health import Overdue

NoticeState = Literal["queued", "sent", "skipped", "failed"]
"""`failed` was given up on; a notice that will be tried again is `queued` with attempts and an error."""


class Cursor(Frozen):
    """A place in the global order of all events: everything up to it has been read."""

    epoch: int = 0
    tx: int = 0
    position: int = 0


START = Cursor()
"""Before the first event."""


class Page(Frozen):
    """The next events in the global order."""

    events: tuple[RecordedEvent, ...]
    cursor: Cursor
    """Where to go on: after the last event of the page, or unchanged where there was none."""


class AgreementRow(Frozen):
    """One agreement as its head row tells it."""

    agreement_id: str
    version: int
    head: Head
    opened_at: Instant
    """When its first event happened, in the agreement's own time."""
    updated_at: Instant
    """When its last event happened, in the agreement's own time."""
    recorded_at: Instant
    """When PostgreSQL wrote the last event."""


class KnownRequest(Frozen):
    """The agreement that a request opened."""

    agreement_id: str
    digest: str | None
    """Of its terms; None where words of them are erased or their key is lost: its id is left to go by."""
    version: int

    def is_of(self, digest: str) -> bool:
        """Tell whether a request of this id with this content is this one, as far as can be told."""
        return self.digest is None or self.digest == digest


class ObligationRow(Frozen):
    """An obligation and what became of it."""

    obligation: Obligation
    status: ObligationStatus
    settled_at: Instant | None


class StalledRow(Frozen):
    """Why an agreement is stalled, since when, on whom, and what happens next."""

    agreement_id: str
    kind: Kind
    phase: Phase
    cohort: str | None
    reason: StallReason
    waiting_on_role: Role | None
    """None only where an agreement is silent and owes nothing."""
    waiting_on_id: PersonId | None
    since: Instant
    obligation_id: str | None
    obligation_kind: ObligationKind | None
    due_at: Instant | None
    level: Level | None
    """The highest rung reached by then; None below the first."""
    next_level: Level | None
    next_at: Instant | None
    """When the next rung is reached; None at the top of the ladder."""


class StalledPageRow(StalledRow):
    """The same, and whose placement it is."""

    tenant: str


class StalledFilters(TypedDict, total=False):
    """Which stalled agreements; any of the values of each; what is left out does not narrow."""

    kind: Sequence[Kind]
    reason: Sequence[StallReason]
    waiting_on_role: Sequence[Role]
    waiting_on_id: Sequence[PersonId]
    level: Sequence[Level]
    tenant: Sequence[str]
    cohort: Sequence[str]


class StalledPlace(Frozen):
    """A place in the list of stalled agreements: right after this one."""

    since: Instant
    agreement_id: str


class KnownValues(Frozen):
    """Tenants and cohorts of the record, in alphabetical order."""

    tenants: tuple[str, ...]
    cohorts: tuple[str, ...]


class OverdueRow(Overdue):
    """What has been due for longest in an agreement that is neither stalled, closed, paused nor on hold."""

    agreement_id: str
    kind: Kind
    phase: Phase


class StalledTally(Frozen):
    """How many stalled agreements have these four things in common."""

    kind: Kind
    reason: StallReason
    waiting_on_role: Role | None
    level: Level | None
    agreements: int


class NoticeRow(Frozen):
    """A notice and what became of it."""

    notice: Notice
    state: NoticeState
    attempts: int
    last_error: str | None
    reason: str | None
    """Why it was skipped, or why it waits longer than it was queued for."""
    queued_at: Instant
    sent_at: Instant | None
    digest_id: str | None = None
    """Reader and day of the mail that it went out with; None where by itself."""
    next_try_at: Instant | None = None
    """In the agreement's own time, while it waits after a try that failed."""


class TakenNotice(Frozen):
    """A notice as a delivery finds it."""

    state: NoticeState
    tries: int | None
    """How often it was tried since it was last asked for; None where another delivery is at it."""
