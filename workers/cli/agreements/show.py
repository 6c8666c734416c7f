"""Show one agreement: how it stands, what happened to it, and whom it told."""

from __future__ import annotations

import typer
from pydantic import JsonValue

from activities.postgres.rows import NoticeRow
from application.container import Container
from application.identity.principal import Proof
from application.queries.agreements import AgreementSnapshot, ObligationWithStatus
from application.queries.one_agreement import KnownAgreement, read_agreement, read_events, read_notices
from domain.kernel.vocabulary import ObligationStatus
from domain.ledger.obligation import Obligation
from domain.stream.messages import RecordedEvent
from domain.views.health import Stall
from domain.views.status import StatusView, obligation_view, status_view
from workers.cli.input import read_instant
from workers.cli.options import Agreement, AsJson, AsOf, Onlooker
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.output import NOTHING, console, instant, print_json, print_models, say, table, words

DATA_AT_MOST = 300
"""Characters of an event's data that a person is shown; `--json` has all of it."""


def show(
    agreement: Agreement,
    person: Onlooker = None,
    as_of: AsOf = None,
    settled: bool = typer.Option(False, "--settled", help="Also what is fulfilled, waived or superseded."),
    as_json: AsJson = False,
) -> None:
    """Show how an agreement stands: phase, health, the five stages, and who owes what by when.

    Read from the record, so it works while no worker runs. Without --as-of it is looked at now, or at its
    last event where its own time runs ahead of the clock, as it does after a demonstration.

    With --as PERSON it shows what that person may know: concerns and breaches go round whom they are about.
    """
    moment = None if as_of is None else read_instant(as_of, "--as-of")

    principal = principal_named(person)

    async def read(container: Container) -> KnownAgreement:
        return await read_agreement(container, principal, agreement, moment)

    snapshot, owed = run(read)
    if principal.proof is Proof.UNCHECKED:
        say(
            f"Nobody has checked that it is {person} who asks: there are no keys for tokens "
            "(SOJOURN_TOKEN_SECRET, SOJOURN_TOKEN_KEY_FILE)."
        )
    view = status_view(snapshot.agreement, snapshot.at)
    if as_json:
        print_json(_as_json(snapshot, view, owed if settled else None))
        return
    _print(snapshot, view, [each for each in owed if settled or each.status is ObligationStatus.OPEN])


def events(
    agreement: Agreement,
    after: int = typer.Option(0, "--after", min=0, help="Only events after this version."),
    person: Onlooker = None,
    as_json: AsJson = False,
) -> None:
    """List what happened to an agreement, in order, as the record holds it.

    Each row carries version, type, occurred_at (the agreement's own time), recorded_at (when PostgreSQL wrote
    it), actor, command_id, data and hash. What people wrote is withheld; with --as PERSON it shows what that
    person may read. What tells of somebody whom it is not for the reader to know about is left out, so
    versions may be missing. The hash is always that of the whole event.
    """
    principal = principal_named(person)

    async def read(container: Container) -> list[RecordedEvent]:
        return await read_events(container, principal, agreement, after)

    rows = run(read)
    if as_json:
        print_json([event_as_json(row) for row in rows])
        return
    console().print(
        table(
            "Version",
            "Occurred",
            "Event",
            "By",
            rows=(
                (row.version, instant(row.occurred_at), row.type, f"{words(row.actor_role)} {row.actor_id}")
                for row in rows
            ),
        )
    )


def notices(
    agreement: Agreement,
    person: Onlooker = None,
    failed: bool = typer.Option(False, "--failed", help="Only those that were given up."),
    as_json: AsJson = False,
) -> None:
    """List whom an agreement told what, and what became of each notice: queued, sent, skipped or failed.

    A skipped notice says why: what it was about had been settled before it was sent. A failed one says what
    the mail server or the channel answered.
    """
    principal = principal_named(person)

    async def read(container: Container) -> list[NoticeRow]:
        return await read_notices(container, principal, agreement)

    rows = [row for row in run(read) if not failed or row.state == "failed"]
    if as_json:
        print_models(rows)
        return
    if not rows:
        console().print("No notices." if not failed else "No notice was given up.")
        return
    console().print(
        table(
            "Not before",
            "To",
            "What",
            "State",
            rows=(
                (
                    instant(row.notice.not_before),
                    f"{words(row.notice.recipient_role)} {row.notice.recipient_id}",
                    f"{words(row.notice.kind)}\n{row.notice.obligation_id or row.notice.event_type}",
                    _state(row),
                )
                for row in rows
            ),
        )
    )


def event_as_json(row: RecordedEvent) -> dict[str, JsonValue]:
    """Return an event as `events --json` gives it."""
    recorded = row.model_dump(mode="json")
    return {
        "version": recorded["version"],
        "type": recorded["type"],
        "occurred_at": recorded["occurred_at"],
        "recorded_at": recorded["recorded_at"],
        "actor": {"person_id": recorded["actor_id"], "role": recorded["actor_role"]},
        "command_id": recorded["command_id"],
        "data": recorded["data"],
        "hash": recorded["hash"],
        "previous_hash": recorded["previous_hash"],
        "event_id": recorded["event_id"],
        "schema_version": recorded["schema_version"],
    }


def _as_json(
    snapshot: AgreementSnapshot, view: StatusView, owed: list[ObligationWithStatus] | None
) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = view.model_dump(mode="json")
    shown["parties"] = [party.model_dump(mode="json") for party in snapshot.agreement.parties]
    if owed is not None:
        shown["obligations"] = [
            {
                **obligation_view(each.obligation, snapshot.at).model_dump(mode="json"),
                "status": str(each.status),
            }
            for each in owed
        ]
    return shown


def _print(snapshot: AgreementSnapshot, view: StatusView, owed: list[ObligationWithStatus]) -> None:
    out = console()
    standing_words = f"{view.kind} · {view.phase} · {words(view.health)}"
    if view.outcome is not None:
        standing_words = f"{view.kind} · closed: {words(view.outcome)}"
    out.print(view.agreement_id, style="bold")
    out.print(standing_words)
    out.print(view.stage_line)
    out.print(
        f"{view.starts_on} to {view.ends_on} · terms version {view.terms_version} · version {view.version} · "
        f"as of {instant(view.as_of)}"
    )
    if view.paused_until is not None:
        out.print(f"Paused until {instant(view.paused_until)}")
    if view.stall is not None:
        out.print(_stall_words(view.stall))
    out.print()
    out.print(
        table(
            "Role",
            "Person",
            "Scope",
            rows=(
                (words(party.role), party.person_id, party.scope or NOTHING)
                for party in snapshot.agreement.parties
            ),
        )
    )
    out.print()
    if not owed:
        out.print("Nobody owes anything.")
        return
    out.print(
        table(
            "Due",
            "Owner",
            "Obligation",
            "State",
            rows=(
                (
                    instant(each.obligation.due_at),
                    f"{words(each.obligation.owner_role)} {each.obligation.owner_id}",
                    each.obligation.obligation_id,
                    _status(each, snapshot),
                )
                for each in owed
            ),
        )
    )


def _stall_words(stall: Stall) -> str:
    return (
        f"Stalled since {instant(stall.since)}: {words(stall.reason)}, waiting on the "
        f"{words(stall.waiting_on.role)} {stall.waiting_on.person_id}. {stall.next}"
    )


def _status(each: ObligationWithStatus, snapshot: AgreementSnapshot) -> str:
    if each.status is not ObligationStatus.OPEN:
        return str(each.status)
    return _urgency(each.obligation, snapshot)


def _urgency(obligation: Obligation, snapshot: AgreementSnapshot) -> str:
    view = obligation_view(obligation, snapshot.at)
    level = "" if view.level is None else f", level {view.level}"
    if obligation.is_stalled(snapshot.at):
        return f"stalled{level}"
    return f"overdue{level}" if view.overdue else f"open{level}"


def _state(row: NoticeRow) -> str:
    lines = [row.state]
    if row.sent_at is not None:
        lines[0] += f" {instant(row.sent_at)}"
    if row.reason is not None:
        lines.append(row.reason)
    if row.last_error is not None and row.state != "sent":
        lines.append(f"{row.attempts} attempts; {row.last_error}"[:DATA_AT_MOST])
    return "\n".join(lines)
