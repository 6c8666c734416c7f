"""Try notices again that were given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from application.commands.bulk import BulkResult, submit_to_many
from application.commands.resend import plan_resend
from application.container import Container
from application.identity.operators import require_operator
from domain.kernel.vocabulary import Role
from workers.cli.agreements.operate import confirm
from workers.cli.options import AsJson, DryRun, Operator, Patience, Yes
from workers.cli.previews import report_bulk
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import counting


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

    principal = principal_named(person)

    async def give(container: Container) -> list[BulkResult]:
        plan = await plan_resend(
            await container.event_store(),
            actor_id=person,
            reason=reason,
            agreement_ids=ids or (),
            recipients=recipients or (),
        )
        await require_operator(await container.directory(), principal)
        if not dry_run and not yes:
            confirm(f"Try {plan.notices} notices of {len(plan.commands)} agreements again?")
        with counting("resend_notices", total=len(plan.commands)) as progress:
            return await submit_to_many(
                container,
                principal,
                Role.OPERATOR,
                plan.commands,
                patience=timedelta(seconds=wait),
                dry_run=dry_run,
                progress=progress,
            )

    report_bulk(run(give), batch="resend", as_json=as_json)
