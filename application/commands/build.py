"""Build a command from what a front door was given: a name, an actor, fields as JSON and an id."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from application.errors import InvalidInputError, UnknownCommandError
from domain.agreement.commands import COMMANDS, Command
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.terms.problems import Problem, problems_of

GIVEN_BESIDE = ("command_id", "actor_id", "acting_as")
"""Fields of every command that a front door is given beside its data."""

CONTRADICTED = "is given beside the data with another value; leave it out there"
"""What is said of one of them that the data has otherwise."""


def command_type(name: str) -> type[Command]:
    """Return the type of the commands of a name; dashes count as underscores.

    Raises:
        UnknownCommandError: There is none; the text names those that are spelled much alike.
    """
    found = COMMANDS.get(name.replace("-", "_"))
    if found is None:
        close = difflib.get_close_matches(name, COMMANDS, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`sojourn commands` lists those there are."
        raise UnknownCommandError(f"There is no command {name}: {hint}")
    return found


def build_command(
    name: str,
    data: Mapping[str, JsonValue],
    *,
    actor_id: PersonId,
    acting_as: Role | None = None,
    command_id: str,
) -> Command:
    """Build a command.

    Args:
        name: Of the command; dashes count as underscores.
        data: The command's own fields. Those that the other arguments give may be repeated, not contradicted.
        actor_id: Who gives it.
        acting_as: In which role, where that has to be said.
        command_id: The id to give it; the same id again is the same command.

    Raises:
        UnknownCommandError: There is no such command.
        InvalidInputError: Fields are missing or wrong; each is named.
    """
    kind = command_type(name)
    given: dict[str, JsonValue] = {"command_id": command_id, "actor_id": actor_id}
    if acting_as is not None:
        given["acting_as"] = str(acting_as)
    problems = [
        Problem(field=field, sentence=CONTRADICTED)
        for field in GIVEN_BESIDE
        if field in data and data[field] != given.get(field)
    ]
    try:
        command = kind.model_validate_json(json.dumps({**data, **given}), strict=True)
    except ValidationError as error:
        problems += [
            found.model_copy(
                update={
                    "sentence": found.sentence.replace("a field of this request", "a field of this command")
                }
            )
            for found in problems_of(error)
        ]
        hint = f"`sojourn commands {kind.model_fields['type'].default}` has an example."
        raise InvalidInputError(problems, hint) from error
    if problems:
        raise InvalidInputError(problems)
    return command
