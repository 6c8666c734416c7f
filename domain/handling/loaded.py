"""What a workflow is given when it resumes from the record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind
from domain.ledger.notice import Notice, NoticeId
from domain.stream.messages import Head, PartyRow

REMEMBERED_COMMANDS = 256
"""How many of its last commands a workflow knows by heart; the record knows all of them."""


class KnownCommand(Frozen):
    """A command that is in the record."""

    command_id: str
    digest: str | None
    """SHA-256 of its content; None where words of it are erased, so that only its id is left to go by."""
    version: int
    """The stream's version after it."""
    event_types: tuple[str, ...]

    def is_of(self, digest: str) -> bool:
        """Whether a command of this id with this content is this one, as far as can be told."""
        return self.digest is None or self.digest == digest


class LoadedAgreement(Frozen):
    """An agreement as its stream folds, and what its workflow still has to do for it."""

    agreement: Agreement | None
    """None where the record has no such stream."""
    commands: tuple[KnownCommand, ...] = ()
    """The last ones, oldest first."""
    undelivered: tuple[Notice, ...] = ()


class CalendarsWanted(Frozen):
    """Whose working time is needed, over which stretch."""

    person_ids: tuple[PersonId, ...]
    first: date
    last: date


class Deliveries(Frozen):
    """Notices of one agreement, each to be sent once its moment has come in the agreement's own time."""

    notice_ids: tuple[NoticeId, ...]
    """The record holds all the rest about them."""
    at: Instant
    """Now."""
    closed: bool = False
    """Whether the agreement is: what is left is looked at whether its moment has come or not."""


SettledAs = Literal["sent", "skipped", "failed"]
"""What became of a notice in the end. Until then the record says until when it is deferred, and why."""


class Delivery(Frozen):
    """A notice to be sent now, in the agreement's own time."""

    notice: Notice
    at: datetime


class Deferral(Frozen):
    """A notice that is to wait: its reader does not work now, or has had the one mail of the day."""

    until: Instant
    """When to try again."""


def head_of(agreement: Agreement, at: datetime) -> Head:
    """The row that operators filter by, as the agreement stands at an instant."""
    return Head(
        kind=Kind(agreement.kind),
        phase=agreement.phase,
        outcome=agreement.outcome,
        tenant=agreement.terms.tenant,
        request_id=agreement.terms.request_id,
        request_digest=agreement.request_digest,
        cohort=agreement.terms.cohort,
        terms_version=agreement.terms_version,
        starts_on=agreement.starts_on,
        ends_on=agreement.ends_on,
        mentor_hours_per_month=agreement.terms.mentor_commitment.hours_per_month,
        last_activity_at=agreement.last_activity_at,
        silent_at=agreement.silent_at,
        paused_until=agreement.paused_until,
        held=agreement.held,
        next_instant=next_instant(agreement, at),
        parties=tuple(
            PartyRow(role=party.role, person_id=party.person_id, scope=party.scope)
            for party in agreement.parties
        ),
    )
