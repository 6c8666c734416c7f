"""The directory from the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.directory.working_time import calendars_of_organisations
from domain.kernel.person import Person
from domain.terms.problems import problems_of
from workers.cli.input import Found, read_values
from workers.cli.operators import require_operator
from workers.cli.options import AsJson
from workers.cli.reach import Reach, reaching
from workers.cli.sign_in import nobody_is_checked, signed_in
from workers.terminal.failures import Failure
from workers.terminal.output import console, counting, print_json, say

INSTALLATION = "installation"
"""Who made somebody an operator where nobody was named: whoever has its keys and its database's password."""

Writer = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="OPERATOR",
        help="Who changes who is an operator: their person id. Default: the installation.",
        callback=signed_in,
    ),
]

AT_ONCE = 500
"""People written by one statement."""


def people(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="JSON object, array or JSON lines; - for stdin.")
    ],
    operator: Writer = None,
    as_json: AsJson = False,
) -> None:
    """Write people into the directory: names, addresses, time zone, holidays, working time, leave, delegate.

    Who is there already is replaced by what a file says; who is not named stays. All are checked before any
    is written, unknown time zones and holiday calendars included. Whom it makes an operator, or one no
    longer, is noted for ever with who did it; where tokens are checked, an operator has to (--as).
    """
    found = read_values(files)
    read = _read(found)

    async def work(reach: Reach) -> tuple[int, list[str]]:
        directory = await reach.directory()
        await _check_calendars(directory, read)
        if operator is not None:
            await require_operator(reach, operator)
        elif not nobody_is_checked():
            await _refuse_new_operators(directory, read)
        written = 0
        with counting("Writing people", total=len(read)) as bar:
            for start in range(0, len(read), AT_ONCE):
                chunk = read[start : start + AT_ONCE]
                written += await directory.upsert(chunk, by=operator or INSTALLATION)
                for _ in chunk:
                    bar.one_more()
        delegates = {person.delegate_id for person in read if person.delegate_id is not None}
        return written, sorted(delegates - (await directory.get(delegates)).keys())

    written, missing = reaching(work)
    for delegate in missing:
        say(f"Warning: {delegate} is somebody's delegate and is not in the directory; add them as well.")
    if as_json:
        print_json({"people": written, "missing_delegates": list(missing)})
    else:
        console().print(f"{written} {'person' if written == 1 else 'people'} written to the directory.")


async def _check_calendars(directory: Directory, people: Sequence[Person]) -> None:
    known = await calendars_of_organisations(directory, people)
    sources = CalendarSources()
    problems = [
        f"{person.person_id}: {problem}" for person in people for problem in sources.problems(person, known)
    ]
    if problems:
        raise Failure("\n".join([*problems, "Nothing was written."]))


async def _refuse_new_operators(directory: Directory, people: Sequence[Person]) -> None:
    """Lets nobody without a name change who is an operator, once there is one who could do it."""
    if not await directory.operators(datetime.now(UTC).date()):
        return
    known = await directory.get(person.person_id for person in people)
    changed = [
        person.person_id
        for person in people
        if person.is_operator != (person.person_id in known and known[person.person_id].is_operator)
    ]
    if changed:
        raise Failure(
            f"is_operator of {', '.join(changed)} would change, and tokens are checked here: say which "
            "operator does it with --as and their token, or leave it as it is. Nothing was written."
        )


def _read(found: list[Found]) -> list[Person]:
    problems: list[str] = []
    first: dict[str, tuple[Person, str]] = {}
    calendars = CalendarSources()
    with counting("Checking people", total=len(found)) as bar:
        for each in found:
            bar.one_more()
            try:
                person = Person.model_validate_json(json.dumps(each.value), strict=True)
            except ValidationError as error:
                problems.extend(_told(each, str(problem)) for problem in problems_of(error))
                continue
            problems.extend(
                _told(each, f"{person.person_id}: {problem}") for problem in calendars.problems(person)
            )
            known, where = first.setdefault(person.person_id, (person, each.where))
            if known != person:
                problems.append(
                    _told(each, f"person_id: {person.person_id} is described otherwise in {where}")
                )
    if problems:
        raise Failure("\n".join([*problems, "Nothing was written."]))
    return [person for person, _ in first.values()]


def _told(found: Found, problem: str) -> str:
    return f"{found.where}: {problem}" if found.where else problem
