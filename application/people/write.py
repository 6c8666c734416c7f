"""Write people into the directory: all of them checked first, and who makes operators looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.directory.working_time import calendars_of_organisations
from application.container import Container
from application.errors import NotPermittedError
from application.identity.operators import require_operator
from application.identity.principal import Principal, PrincipalKind
from application.people.read import PeopleRefusedError
from application.progress import NO_PROGRESS, Progress
from domain.kernel.model import PersonId
from domain.kernel.person import Person

INSTALLATION = "installation"
"""Who made somebody an operator where nobody was named: whoever has its keys and its database's password."""

AT_ONCE = 500
"""People written by one statement."""


class Written(NamedTuple):
    """What was written to the directory."""

    people: int
    missing_delegates: list[PersonId]
    """Who is somebody's delegate and is not in the directory."""


async def write_people(
    container: Container,
    principal: Principal,
    people: Sequence[Person],
    *,
    tokens_are_checked: bool,
    progress: Progress = NO_PROGRESS,
) -> Written:
    """Write people as given, replacing what was known of them; others stay as they are.

    Whom it makes an operator, or one no longer, is noted for ever with who did it.

    Args:
        container: What it takes.
        principal: An operator, or whoever has a machine of the installation.
        people: Whom, checked by `application.people.read.read_people`.
        tokens_are_checked: Whether it can be proved who somebody is: then it takes an operator to change who
            is one, as soon as there is one.
        progress: Told of people who are written.

    Raises:
        NotPermittedError: The principal may not do it; nothing was written.
        PeopleRefusedError: A calendar of an organisation is not known; nothing was written.
    """
    directory = await container.directory()
    if principal.kind is not PrincipalKind.MACHINE:
        by = await require_operator(directory, principal)
    else:
        by = INSTALLATION
        if tokens_are_checked:
            await _refuse_other_operators(directory, people)
    await _check_calendars(directory, people)
    progress.start(len(people))
    written = 0
    for start in range(0, len(people), AT_ONCE):
        chunk = people[start : start + AT_ONCE]
        written += await directory.upsert(chunk, by=by)
        progress.advance(len(chunk))
    delegates = {person.delegate_id for person in people if person.delegate_id is not None}
    return Written(written, sorted(delegates - (await directory.get(delegates)).keys()))


async def _check_calendars(directory: Directory, people: Sequence[Person]) -> None:
    """Refuse people whose organisation's calendar is not known, or whose working time cannot be resolved."""
    known = await calendars_of_organisations(directory, people)
    sources = CalendarSources()
    problems = [
        f"{person.person_id}: {problem}" for person in people for problem in sources.problems(person, known)
    ]
    if problems:
        raise PeopleRefusedError(problems)


async def _refuse_other_operators(directory: Directory, people: Sequence[Person]) -> None:
    """Let nobody without a name change who is an operator, once there is one who could do it."""
    if not await directory.operators(datetime.now(UTC).date()):
        return
    known = await directory.get(person.person_id for person in people)
    changed = [
        person.person_id
        for person in people
        if person.is_operator != (person.person_id in known and known[person.person_id].is_operator)
    ]
    if changed:
        raise NotPermittedError(
            f"is_operator of {', '.join(changed)} would change, and tokens are checked here: say which "
            "operator does it with --as and their token, or leave it as it is. Nothing was written."
        )
