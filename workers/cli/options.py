"""Options that several commands share, worded once, and choices that name themselves when mistyped."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from workers.cli.sign_in import signed_in
from workers.terminal.failures import ExitCode, Failure

Agreement = Annotated[
    str, typer.Argument(metavar="AGREEMENT", help="Its id: the tenant, a dot and the request's id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Operator = Annotated[
    str,
    typer.Option("--as", metavar="OPERATOR", help="Who gives it: their person id.", callback=signed_in),
]
Actor = Annotated[
    str,
    typer.Option("--as", metavar="PERSON", help="Who gives it: their person id.", callback=signed_in),
]
Looker = Annotated[
    str, typer.Option("--as", metavar="PERSON", help="Who looks: their person id.", callback=signed_in)
]
Onlooker = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="PERSON",
        help="As far as this person may know. Default: as an unnamed operator.",
        callback=signed_in,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
Patience = Annotated[
    float, typer.Option("--wait", min=1, metavar="SECONDS", help="How long to wait for each answer.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would follow; send nothing and write nothing.")
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="INSTANT",
        help="Look at this instant, past or future: 2027-03-01T09:00:00Z. Future: if nothing else happens.",
    ),
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only this kind; repeat for several.")
]
Phases = Annotated[
    list[str] | None, typer.Option("--phase", metavar="PHASE", help="Only in this phase; repeat for several.")
]
Tenant = Annotated[str | None, typer.Option(metavar="TENANT", help="Only of this tenant.")]
Cohort = Annotated[str | None, typer.Option(metavar="COHORT", help="Only of this cohort.")]
InvolvedPerson = Annotated[
    str | None, typer.Option("--person", metavar="PERSON", help="Only where this person is a party.")
]

Choice = TypeVar("Choice", bound=StrEnum)


def choices(given: Sequence[str] | None, of: type[Choice], option: str) -> list[Choice]:
    """Read the values given for an option.

    Raises:
        Failure: One is none of the choices; the sentence lists them.
    """
    chosen: list[Choice] = []
    for text in given or ():
        try:
            chosen.append(of(text.strip().lower().replace("-", "_")))
        except ValueError:
            raise Failure(
                f"{option}: {text!r} is none of {', '.join(of)}.",
                ExitCode.USAGE,
            ) from None
    return chosen
