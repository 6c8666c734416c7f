"""What a status view shows: the five stages, health, and who owes what by when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from domain.agreement.state import Agreement
from domain.decisions.transitions import unsigned
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Health, Kind, ObligationKind, ObligationStatus, Outcome, Phase, Role
from domain.kinds import KINDS
from domain.ledger.obligation import Level, Obligation
from domain.views.health import Stall, assess, oldest_first

NOTHING_YET = "\N{EN DASH}"
DAYS_A_MEETING_MAY_SLIP = 3


class Stage(Frozen):
    """One of the five stages with how far it has come."""

    name: str
    done: int | None
    """None where nothing of the stage exists yet."""
    total: int | None

    def __str__(self) -> str:
        """As in `milestones 1/3`."""
        if self.done is None:
            return f"{self.name} {NOTHING_YET}"
        return f"{self.name} {self.done}" if self.total is None else f"{self.name} {self.done}/{self.total}"


class ObligationView(Frozen):
    """One open obligation."""

    id: str
    kind: ObligationKind
    owner_role: Role
    owner_id: PersonId
    opened_at: Instant
    due_at: Instant
    stalled_at: Instant
    status: ObligationStatus
    level: Level | None
    overdue: bool


class StatusView(Frozen):
    """An agreement at an instant, without anything that a person wrote."""

    agreement_id: str
    kind: Kind
    phase: Phase
    health: Health
    outcome: Outcome | None
    version: int
    """Of the stream."""
    terms_version: int
    as_of: Instant
    starts_on: date
    ends_on: date
    cohort: str | None
    stages: tuple[Stage, ...]
    stage_line: str
    stall: Stall | None
    paused_until: Instant | None
    end_decision: str | None
    feedback_sources: int
    experiments: int
    focus_uncovered: tuple[str, ...]
    open_matters: tuple[str, ...]
    obligations: tuple[ObligationView, ...]


def status_view(agreement: Agreement, at: datetime) -> StatusView:
    """The view of an agreement at an instant, UTC."""
    assessment = assess(agreement, at)
    stages = tuple(_stages(agreement))
    return StatusView(
        agreement_id=agreement.agreement_id,
        kind=agreement.kind,
        phase=agreement.phase,
        health=assessment.health,
        outcome=agreement.outcome,
        version=agreement.version,
        terms_version=agreement.terms_version,
        as_of=at,
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        cohort=agreement.terms.cohort,
        stages=stages,
        stage_line=" · ".join(str(stage) for stage in stages),
        stall=assessment.stall,
        paused_until=agreement.paused_until,
        end_decision=agreement.end_decision,
        feedback_sources=len(agreement.feedback_sources),
        experiments=agreement.experiments,
        focus_uncovered=KINDS[agreement.kind].focus_uncovered(agreement),
        open_matters=tuple(sorted(agreement.matters)),
        obligations=tuple(obligation_view(held, at) for held in oldest_first(agreement)),
    )


def obligation_view(obligation: Obligation, at: datetime) -> ObligationView:
    """One open obligation at an instant."""
    return ObligationView(
        id=obligation.obligation_id,
        kind=obligation.kind,
        owner_role=obligation.owner_role,
        owner_id=obligation.owner_id,
        opened_at=obligation.opened_at,
        due_at=obligation.due_at,
        stalled_at=obligation.stalled_at,
        status=ObligationStatus.OPEN,
        level=obligation.level_at(at),
        overdue=obligation.is_overdue(at),
    )


def _stages(agreement: Agreement) -> Iterable[Stage]:
    yield _signed(agreement)
    yield _milestones(agreement)
    yield _check_ins(agreement)
    started = agreement.ended_at is not None
    debriefed = len(agreement.debriefs)
    owed = sum(held.kind is ObligationKind.DEBRIEF for held in agreement.obligations.values())
    yield Stage(
        name="debrief", done=debriefed if started else None, total=debriefed + owed if started else None
    )
    submitted = agreement.synthesis_versions > 0
    yield Stage(
        name="synthesis",
        done=len(agreement.synthesis_signatures) if submitted else None,
        total=len(KINDS[agreement.kind].synthesis_signers) if submitted else None,
    )


def _signed(agreement: Agreement) -> Stage:
    rules = KINDS[agreement.kind]
    total = len(rules.signatories(agreement))
    done = total - len(unsigned(agreement))
    further = rules.further_signatures(agreement)
    return Stage(name="agreement signed", done=done + further.done, total=total + further.total)


def _milestones(agreement: Agreement) -> Stage:
    """Count milestones and what a kind delivers beside them."""
    agreed = {milestone.milestone_id for milestone in agreement.terms.milestones}
    verified = len(agreement.milestones_verified & agreed)
    beside = KINDS[agreement.kind].deliveries(agreement)
    return Stage(name="milestones", done=verified + beside.done, total=len(agreed) + beside.total)


def _check_ins(agreement: Agreement) -> Stage:
    series = agreement.meetings.get(ObligationKind.CHECK_IN)
    if series is None:
        return Stage(name="check-ins", done=None, total=None)
    days = max(0, (agreement.ends_on - agreement.starts_on).days + DAYS_A_MEETING_MAY_SLIP)
    planned = days // agreement.terms.cadence.check_in_days
    return Stage(name="check-ins", done=series.held, total=max(planned, series.scheduled))
