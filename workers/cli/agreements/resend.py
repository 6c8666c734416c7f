"""Notices that were given up, tried again on their agreements' own path."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import typer

from activities.postgres.rows import NoticeRow
from application.commands.bulk import Item, Order
from application.config.keys import recognised
from domain.agreement.commands import Command
from domain.agreement.commands.operations import ResendNotices
from domain.kernel.vocabulary import Role
from domain.ledger.notice import MOST_NOTICES_AT_ONCE
from workers.cli.agreements.act import check_people
from workers.cli.agreements.operate import carry_out, confirm
from workers.cli.options import AsJson, DryRun, Operator, Patience, Yes
from workers.cli.previews import report
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import ExitCode, Failure


def resend(
    *,
    person: Operator,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded with each.")],
    ids: Annotated[
        list[str] | None,
        typer.Option("--agreement", metavar="ID", help="Only of this agreement; repeatable."),
    ] = None,
    recipients: Annotated[
        list[str] | None, typer.Option("--to", metavar="PERSON", help="Only to this person; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every notice that was given up.")] = False,
    wait: Patience = 60,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Try notices again that were given up, and say of each agreement what became of it.

    Each is looked at once more before it is sent: what was settled meanwhile is skipped. `sojourn notices`
    shows what becomes of it. Repeating a call does nothing twice, until a notice is given up anew. A closed
    agreement tells nobody anything any more: tell them yourself.
    """
    if bool(ids or recipients) == everything:
        raise Failure(
            "Say which notices: --agreement ID, --to PERSON, or --all for every one that was given up; "
            "not both.",
            ExitCode.USAGE,
        )

    async def work(reach: Reach) -> list[Item]:
        failed = await (await reach.event_store()).notices.failed(ids or None, recipients or None)
        if not failed:
            raise Failure("No such notice was given up; nothing was done.", ExitCode.NOTHING_MATCHED)
        by_agreement = groupby(failed, key=lambda row: row.notice.agreement_id)
        commands = {
            agreement_id: _command(person, reason, list(rows)[:MOST_NOTICES_AT_ONCE])
            for agreement_id, rows in by_agreement
        }
        await check_people(reach, next(iter(commands.values())))
        if not dry_run and not yes:
            confirm(f"Try {len(failed)} notices of {len(commands)} agreements again?")
        orders = [_order(agreement_id, command) for agreement_id, command in commands.items()]
        return await carry_out(reach, orders, wait, doing="resend_notices", dry_run=dry_run)

    report(reaching(work), batch="resend", as_json=as_json)


def _order(agreement_id: str, command: Command) -> Order:
    def made(_oldest: str | None) -> Command:
        return command

    return Order(agreement_id, made)


def _command(person: str, reason: str, rows: Sequence[NoticeRow]) -> Command:
    """The same command while the same notices are given up for the same time."""
    given_up = {row.notice.notice_id: row.attempts for row in rows}
    content = recognised({"reason": reason, "actor_id": person, "notices": dict(given_up)})
    return ResendNotices(
        command_id=f"resend/{content[:32]}",
        actor_id=person,
        acting_as=Role.OPERATOR,
        notice_ids=tuple(given_up),
        reason=reason,
    )
