"""Say of fields that are not in order by which option each was given."""

from __future__ import annotations

from collections.abc import Mapping

from application.commands.build import CONTRADICTED
from application.errors import InvalidInputError
from domain.terms.problems import Problem
from workers.terminal.failures import ExitCode, Failure

COMMAND_OPTIONS: Mapping[str, str] = {"command_id": "--id", "actor_id": "--as", "acting_as": "--role"}
"""By which options fields of every command are given."""


def failure_of(
    error: InvalidInputError,
    options: Mapping[str, str] = COMMAND_OPTIONS,
    code: ExitCode = ExitCode.REFUSED,
) -> Failure:
    """Return what a command ends with, one line for each problem.

    Args:
        error: What a use case raised.
        options: Option by field; what is in none is called by its field.
        code: What the process exits with.
    """
    lines = [_line(problem, options) for problem in error.problems]
    return Failure("\n".join([*lines, *filter(None, [error.hint])]), code)


def _line(problem: Problem, options: Mapping[str, str]) -> str:
    option = options.get(problem.field)
    if option is not None and problem.sentence == CONTRADICTED:
        return f"{problem.field}: is given by {option}; leave it out of --data"
    return f"{option or problem.field or 'the command'}: {problem.sentence}"
