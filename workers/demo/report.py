"""What a demonstration showed, as data: for the table at the end, and for programs that check it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from activities.event_store.event_store import EventStore
from application.queries.agreements import StalledAgreement
from domain.agreement.state import Agreement
from domain.kernel.model import Frozen, Instant
from domain.kernel.vocabulary import Kind, Outcome, Phase, StallReason
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded
from domain.views.health import Stall, assess
from workers.demo.life import Life
from workers.demo.mailboxes import Letter

DAYS_A_MONTH = 30.44


class StallEpisode(Frozen):
    """One stretch of time for which an agreement was stalled."""

    reason: StallReason
    person_id: str
    """On whom it waited."""
    since: Instant
    until: Instant
    level: int | None
    """The highest rung reached."""

    @property
    def days(self) -> float:
        """How long."""
        return (self.until - self.since) / timedelta(days=1)


class Refusal(Frozen):
    """A command that a rule forbade."""

    command_id: str
    command: str
    actor_id: str
    sentence: str


class Notices(Frozen):
    """What became of an agreement's notices."""

    sent: int
    skipped: int
    """Settled before they were sent."""
    failed: int
    queued: int
    letters: int
    """That arrived in a mailbox, by themselves or in a mail with others."""
    invites_moved: int
    """Meetings whose invite was updated."""


class AgreementReport(Frozen):
    """One placement as it was lived."""

    agreement_id: str
    kind: Kind
    phase: Phase
    outcome: Outcome | None
    starts_on: date
    ends_on: date
    proposed_at: Instant
    closed_at: Instant
    virtual_months: float
    events: int
    commands: int
    """That people gave and that were accepted."""
    refusals: tuple[Refusal, ...]
    notices: Notices
    stalls: tuple[StallEpisode, ...]
    stalled_days: float
    reassigned_to: str | None
    """Who took the mentor's role over."""
    surprises: tuple[str, ...]
    """What did not go as the cast expected; nothing, unless something is wrong."""


class Check(Frozen):
    """Something that has to hold at the end."""

    name: str
    holds: bool
    detail: str


class Durations(Frozen):
    """Seconds by the clock on the wall."""

    set_up: float
    """Servers, migrations, worker, directory."""
    placements: float
    """From placing the requests to the close of the last."""
    checks: float


class Addresses(Frozen):
    """Where to look."""

    temporal: str
    namespace: str
    ui_url: str | None
    record: str
    """The PostgreSQL database, as a DSN."""
    data: str
    kept_open: bool


class DemonstrationReport(Frozen):
    """A whole demonstration."""

    ok: bool
    agreements: tuple[AgreementReport, ...]
    stalled: tuple[StalledAgreement, ...]
    """What `sojourn stalled` said to the operator who then acted."""
    checks: tuple[Check, ...]
    durations: Durations
    addresses: Addresses


async def report_on(life: Life, event_store: EventStore, letters: Sequence[Letter]) -> AgreementReport:
    """One placement, from its record and its letters."""
    events = await event_store.stream(life.agreement_id)
    agreement = life.agreement
    stalls = stalls_in(events)
    began, closed = events[0].occurred_at, events[-1].occurred_at
    return AgreementReport(
        agreement_id=life.agreement_id,
        kind=life.kind,
        phase=agreement.phase,
        outcome=agreement.outcome,
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        proposed_at=began,
        closed_at=closed,
        virtual_months=round((closed - began).days / DAYS_A_MONTH, 1),
        events=len(events),
        commands=life.commands,
        refusals=tuple(
            Refusal(
                command_id=command.command_id,
                command=command.type,
                actor_id=command.actor_id,
                sentence=sentence,
            )
            for command, sentence in life.refusals
        ),
        notices=await _notices(life.agreement_id, event_store, letters),
        stalls=stalls,
        stalled_days=round(sum(stall.days for stall in stalls), 1),
        reassigned_to=next(
            (str(event.data["to_person"]) for event in events if event.type == "role.reassigned"), None
        ),
        surprises=tuple(life.surprises),
    )


async def _notices(agreement_id: str, event_store: EventStore, letters: Sequence[Letter]) -> Notices:
    states = Counter(row.state for row in await event_store.notices.of(agreement_id))
    moved = {letter.obligation_id for letter in letters if letter.moves}
    return Notices(
        sent=states["sent"],
        skipped=states["skipped"],
        failed=states["failed"],
        queued=states["queued"],
        letters=len(letters),
        invites_moved=len(moved),
    )


def stalls_in(events: Sequence[RecordedEvent]) -> tuple[StallEpisode, ...]:
    """When an agreement was stalled: between two events the ledger stands still, so its instants decide."""
    episodes: list[StallEpisode] = []
    agreement: Agreement | None = None
    running: tuple[Stall, datetime] | None = None
    for event in events:
        stall = None if agreement is None else assess(agreement, event.occurred_at).stall
        if stall is not None:
            running = (stall, event.occurred_at)
        agreement = fold_recorded((event,), agreement)
        after = None if agreement is None else assess(agreement, event.occurred_at).stall
        if running is not None and after is None:
            episodes.append(_episode(*running))
            running = None
    return tuple(episodes)


def _episode(stall: Stall, until: datetime) -> StallEpisode:
    return StallEpisode(
        reason=stall.reason,
        person_id=stall.waiting_on.person_id,
        since=stall.since,
        until=until,
        level=stall.level,
    )
