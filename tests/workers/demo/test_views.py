"""What a demonstration prints where nobody watches it live."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console

from application.queries.agreements import StalledAgreement
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role, StallReason
from domain.stream.messages import RecordedEvent
from domain.views.health import WaitingOn
from workers.demo.life import Life
from workers.demo.views import PlainView, QuietView

NOW = datetime(2027, 4, 16, 11, tzinfo=UTC)


class FrozenLife(Life):
    """A life that is looked at and not lived."""

    def __init__(self) -> None:
        self.agreement_id = "acme.R-1"
        self.kind = Kind.SECONDMENT
        self.now = NOW


def happening(kind: str, **data: object) -> RecordedEvent:
    """An event of a type."""
    return RecordedEvent.model_validate(
        {
            "event_id": "e",
            "agreement_id": "acme.R-1",
            "version": 1,
            "type": kind,
            "schema_version": 1,
            "occurred_at": NOW,
            "recorded_at": NOW,
            "actor_id": "P-1",
            "actor_role": "mentee",
            "command_id": "c",
            "data": data,
            "previous_hash": "",
            "hash": "",
        }
    )


QUEUE = StalledAgreement(
    agreement_id="acme.R-1",
    kind=Kind.SECONDMENT,
    phase=Phase.ACTIVE,
    tenant="acme",
    cohort=None,
    reason=StallReason.CHECKINS_MISSED,
    waiting_on=WaitingOn(role=Role.MENTOR, person_id="P-2"),
    since=NOW - timedelta(days=9),
    obligation_id="check_in:6",
    obligation_kind=ObligationKind.CHECK_IN,
    due_at=NOW - timedelta(days=20),
    level=5,
    next="The programme owner has to choose.",
    as_of=NOW,
)


def shown(view: type[PlainView], events: Sequence[RecordedEvent]) -> str:
    """What a view of lines prints."""
    out = io.StringIO()
    with view(Console(file=out, width=80), {}) as opened:
        for event in events:
            opened.happened(FrozenLife(), event)
        opened.says(FrozenLife(), "P-2, mentor, stops answering.")
        opened.queue(FrozenLife(), [QUEUE])
    return out.getvalue()


def test_lines_tell_turning_points_and_leave_routine_out() -> None:
    """A log gets what matters: a missed check-in, rungs from the second on, the queue; no signatures."""
    told = shown(
        PlainView,
        [
            happening("agreement.signed"),
            happening("meeting.missed", meeting="check_in", number=5),
            happening("obligation.escalated", obligation_id="check_in:6", level=1),
            happening("obligation.escalated", obligation_id="check_in:6", level=4),
        ],
    )
    assert "2027-04-16  secondment  P-1, mentee: check-in 5 was missed" in told
    assert "check_in:6: level 4, in the operators' queue" in told
    assert "level 1" not in told
    assert "signs" not in told
    assert "stops answering" in told
    assert "$ sojourn stalled --kind secondment --as-of 2027-04-16T11:00:00Z" in told
    assert "checkins missed" in told


def test_a_quiet_view_says_nothing() -> None:
    """Standard error stays clean where a program reads the result."""
    assert shown(QuietView, [happening("meeting.missed", meeting="check_in", number=5)]) == ""
