"""A check that cannot fail shows nothing: each finds what is deliberately wrong, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.ledger.notice import NoticeKind
from tests.chaos.checks import BETWEEN_LOOK_AND_HANDOVER, CHECKS
from tests.chaos.notes import Notes, Sent, Standing
from tests.chaos.observation import Course, LogRow, NoticeFact, Observation, Span
from tests.chaos.post import Letter
from tests.chaos.processes import Death
from tests.chaos.report import report_on
from tests.chaos.schedule import Fault, Plan
from tests.chaos.striking import Struck
from workflows.contract import Receipt

ONE = "acme.R-1"
T0 = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AN_HOUR = timedelta(hours=1)
RECEIPT = Receipt(agreement_id=ONE, command_id="c1", version=2, event_types=("feedback.given",))
TWICE = (LogRow(ONE, 2, "feedback.given", "c1", "11"), LogRow(ONE, 3, "feedback.given", "c1", "12"))


def letter(notice_id: str = "n1", at: datetime = T0, **changes: object) -> Letter:
    """A reminder that was taken as it should be, unless told otherwise."""
    fields: dict[str, object] = {
        "agreement_id": ONE,
        "notice_id": notice_id,
        "message_id": f"<{notice_id}@example.org>",
        "mail": frozenset({notice_id}),
        "kind": NoticeKind.REMINDER,
        "obligation_id": "check_in:1",
        "connected_at": at,
        "arrived_at": at,
        "sender": 0,
        "heard": True,
    }
    return Letter(**{**fields, **changes})  # pyright: ignore[reportArgumentType]  as various as the fields


def seen(sent: Sent | None = None, **changes: object) -> Observation:
    """A run in which all is well: one command acknowledged, one reminder sent, one agreement closed."""
    note = sent or Sent(ONE, "c1", "give_feedback", deliveries=2, receipts=[RECEIPT, RECEIPT])
    notes = Notes(placed={ONE}, standings=[Standing(ONE, 3, "{}", "{}")])
    notes.commands[ONE, note.command_id] = note
    good = Observation(
        notes=notes,
        log=[
            LogRow(ONE, 1, "agreement.proposed", f"propose/{ONE}", "10"),
            LogRow(ONE, 2, "feedback.given", "c1", "11"),
            LogRow(ONE, 3, "agreement.expired", "time/2/20270301T090000.0", "12"),
        ],
        notices=[NoticeFact("n1", ONE, "sent", None)],
        letters=[letter()],
        noted={"n1": T0 + SECOND / 10},
        deaths=[],
        struck=[],
        courses={
            ONE: Course(owed={"check_in:1": [Span(T0 - AN_HOUR, T0 + AN_HOUR)]}, closed_at=T0 + AN_HOUR)
        },
        differences=[],
    )
    return replace(good, **changes)


def found(observation: Observation) -> set[str]:
    """The names of the checks that found something."""
    return {name for name, check in CHECKS.items() if list(check(observation))}


def told(fate: str) -> Sent:
    """The command of the run with another fate."""
    if fate == "refused":
        return Sent(ONE, "c1", "give_feedback", deliveries=1, refusals=["paused"])
    return Sent(ONE, "c1", "give_feedback", deliveries=1, unanswered=1)


def struck(fault: Fault, began: datetime, seconds: float = 1) -> Struck:
    """A fault that was."""
    return Struck(fault, began, began + seconds * SECOND, 1)


WELL = seen()
ONCE, OTHERS, NOBODY, RECEIPTS, CHAINS, SETTLED, TWICE_TOLD, ARRIVED, END, AGREE = CHECKS
DIFFERENT = Receipt(agreement_id=ONE, command_id="c1", version=9, event_types=("feedback.given",))

WRONG: Mapping[str, tuple[str, Observation]] = {
    "an acknowledged command is not in the log": (ONCE, replace(WELL, log=[WELL.log[0]])),
    "an acknowledged command is there twice": (ONCE, replace(WELL, log=[WELL.log[0], *TWICE])),
    "an acknowledged command led to another event": (
        ONCE,
        replace(WELL, log=[WELL.log[0], WELL.log[1]._replace(type="note.kept")]),
    ),
    "an acknowledged command is at another version": (
        ONCE,
        replace(WELL, log=[WELL.log[0], WELL.log[1]._replace(version=7)]),
    ),
    "a placement that was confirmed is not in the log": (ONCE, replace(WELL, log=WELL.log[1:])),
    "a placement was proposed twice": (
        ONCE,
        replace(WELL, log=[*WELL.log, WELL.log[0]._replace(transaction="99")]),
    ),
    "a refused command is in the log": (OTHERS, seen(told("refused"))),
    "an unanswered command is there twice": (OTHERS, seen(told("unknown"), log=[WELL.log[0], *TWICE])),
    "somebody else's command is there": (
        NOBODY,
        replace(WELL, log=[*WELL.log, LogRow(ONE, 4, "note.kept", "c9", "13")]),
    ),
    "a repeat got another receipt": (
        RECEIPTS,
        seen(Sent(ONE, "c1", "give_feedback", receipts=[RECEIPT, DIFFERENT])),
    ),
    "a repeat was refused": (
        RECEIPTS,
        seen(Sent(ONE, "c1", "give_feedback", receipts=[RECEIPT], refused_after_receipt=["paused"])),
    ),
    "a command was answered with a fault": (
        RECEIPTS,
        seen(Sent(ONE, "c1", "give_feedback", receipts=[RECEIPT], faults=["not_recorded: it cannot be"])),
    ),
    "a stream was altered": (CHAINS, replace(WELL, differences=["its content was altered"])),
    "a reminder of what is settled": (
        SETTLED,
        replace(WELL, letters=[letter(at=T0 + AN_HOUR + 2 * BETWEEN_LOOK_AND_HANDOVER)]),
    ),
    "a reminder of what was settled before its sender was frozen": (
        SETTLED,
        replace(
            WELL,
            letters=[letter(at=T0 + 2 * AN_HOUR)],
            struck=[struck(Fault.WORKER_FROZEN, T0 + AN_HOUR + SECOND, 3000)],
        ),
    ),
    "a letter after the close": (
        SETTLED,
        replace(WELL, letters=[letter(at=T0 + 2 * AN_HOUR, obligation_id=None)]),
    ),
    "a letter came twice, and nothing was broken": (
        TWICE_TOLD,
        replace(WELL, letters=[letter(), letter(at=T0 + SECOND)], noted={"n1": T0 + 2 * SECOND}),
    ),
    "a letter came again after it was noted as sent": (
        TWICE_TOLD,
        replace(WELL, letters=[letter(heard=False), letter(at=T0 + SECOND)]),
    ),
    "a letter came twice, and another worker died": (
        TWICE_TOLD,
        replace(
            WELL,
            letters=[letter(), letter(at=T0 + SECOND)],
            noted={"n1": T0 + 2 * SECOND},
            deaths=[Death(1, T0 + SECOND / 2)],
        ),
    ),
    "a letter came twice, and its sender had died before": (
        TWICE_TOLD,
        replace(
            WELL,
            letters=[letter(), letter(at=T0 + SECOND)],
            noted={"n1": T0 + 2 * SECOND},
            deaths=[Death(0, T0 - SECOND)],
        ),
    ),
    "a letter came twice, and its sender died afterwards": (
        TWICE_TOLD,
        replace(
            WELL,
            letters=[letter(), letter(at=T0 + SECOND)],
            noted={"n1": T0 + 2 * SECOND},
            deaths=[Death(0, T0 + 3 * SECOND)],
        ),
    ),
    "a letter came again as another message": (
        TWICE_TOLD,
        replace(
            WELL,
            letters=[letter(heard=False), letter(at=T0 + SECOND, message_id="<other@example.org>")],
            noted={"n1": T0 + 2 * SECOND},
        ),
    ),
    "a notice that is sent never arrived": (ARRIVED, replace(WELL, letters=[])),
    "a notice is forgotten in the outbox": (
        ARRIVED,
        replace(WELL, notices=[NoticeFact("n1", ONE, "queued", None)]),
    ),
    "a notice was given up with the mail server up": (
        ARRIVED,
        replace(WELL, notices=[NoticeFact("n1", ONE, "failed", "no address")]),
    ),
    "an agreement is still open": (END, replace(WELL, courses={ONE: Course(owed={}, closed_at=None)})),
    "a workflow says something else than its stream": (
        AGREE,
        replace(WELL, notes=Notes(placed={ONE}, standings=[Standing(ONE, 3, '{"a":1}', '{"a":2}')])),
    ),
    "a workflow was never asked": (AGREE, replace(WELL, notes=Notes(placed={ONE}))),
}

ALLOWED: Mapping[str, Observation] = {
    "all is well": WELL,
    "an unanswered command that is not in the log": seen(told("unknown"), log=[WELL.log[0]]),
    "an unanswered command that is in the log": seen(told("unknown")),
    "a refused command that is not in the log": seen(told("refused"), log=[WELL.log[0]]),
    "a reminder that crossed with the answer": replace(
        WELL, letters=[letter(at=T0 + AN_HOUR + BETWEEN_LOOK_AND_HANDOVER / 2)]
    ),
    "a reminder whose sender was frozen after it had looked": replace(
        WELL,
        letters=[letter(at=T0 + AN_HOUR + 10 * SECOND)],
        struck=[struck(Fault.WORKER_FROZEN, T0 + AN_HOUR - SECOND, 10)],
    ),
    "an announcement after the close": replace(
        WELL, letters=[letter(at=T0 + 2 * AN_HOUR, kind=NoticeKind.ANNOUNCEMENT)]
    ),
    "a letter that its sender was not told about came again": replace(
        WELL, letters=[letter(heard=False), letter(at=T0 + SECOND)], noted={"n1": T0 + 2 * SECOND}
    ),
    "a letter that its sender was not told about came again beside another notice": replace(
        WELL,
        letters=[
            letter(heard=False),
            letter(at=T0 + SECOND, message_id="<other@example.org>", mail=frozenset({"n1", "n2"})),
        ],
        noted={"n1": T0 + 2 * SECOND},
    ),
    "a letter came again because its sender had died": replace(
        WELL,
        letters=[letter(), letter(at=T0 + 90 * SECOND)],
        noted={"n1": T0 + 91 * SECOND},
        deaths=[Death(0, T0 + SECOND / 2)],
    ),
    "a notice was given up while the mail server was down": replace(
        WELL,
        notices=[NoticeFact("n1", ONE, "failed", "no answer")],
        struck=[struck(Fault.MAIL_SILENT, T0, 900)],
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found(wrong: str) -> None:
    """Each check finds what it is there for, so a run in which it finds nothing says something."""
    name, observation = WRONG[wrong]
    assert name in found(observation)


@pytest.mark.parametrize("allowed", ALLOWED)
def test_what_is_allowed_is_not_found(allowed: str) -> None:
    """A check that cries at what is promised to be possible would be ignored."""
    assert found(ALLOWED[allowed]) == set()


def test_every_check_is_shown_to_fail() -> None:
    """No check is added without an observation that it has to find fault with."""
    assert {name for name, _ in WRONG.values()} == set(CHECKS)


def test_what_is_lost_and_doubled_is_counted() -> None:
    """The figures of a report come from the same observations as its findings."""

    def figures(observation: Observation) -> tuple[bool, int, int]:
        report = report_on(observation, Plan(1, 0), began=T0, workers_started_in_vain=0)
        return report.ok, report.lost, report.doubled

    assert figures(WELL) == (True, 0, 0)
    assert figures(WRONG["an acknowledged command is not in the log"][1]) == (False, 1, 0)
    assert figures(WRONG["an acknowledged command is there twice"][1]) == (False, 0, 1)
