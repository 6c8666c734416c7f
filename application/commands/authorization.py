"""Who may give a command in whose name, and who as an operator: decided here and nowhere else.

A command becomes an `AuthorizedCommand` here alone, and only such a one is sent to an agreement, previewed or
noted. Which role somebody holds in an agreement is not looked at: the agreement knows, and decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from activities.directory.people import Directory
from application.config.policy_sets import KnownPolicies
from application.errors import NotAnOperatorError, NotPermittedError
from application.identity.operators import require_operator
from application.identity.principal import Principal
from domain.agreement.commands import Command
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role


@dataclass(frozen=True)
class AuthorizedCommand:
    """A command that its actor may ask for. Made by `Authority.over` alone."""

    command: Command
    is_operator: bool
    """Whether the actor acts as an operator, and the directory has them as one."""

    def along_with(self, policies: KnownPolicies) -> AuthorizedCommand:
        """Return the same with the policy set that the command names, where not every workflow knows that.

        Raises:
            UpdateRefusedError: It names a set that is not known here.
        """
        return replace(self, command=policies.along_with(self.command))


@dataclass(frozen=True)
class Authority:
    """What was established of a principal. Made by `establish_authority` alone."""

    person_id: PersonId
    is_operator: bool
    """Whether the directory has them as an operator; False also where nobody had to know."""

    def over(self, command: Command) -> AuthorizedCommand:
        """Authorize a command.

        Raises:
            NotPermittedError: It is given in another person's name.
            NotAnOperatorError: It is given as an operator, which was not established.
        """
        if command.actor_id != self.person_id:
            raise NotPermittedError(
                f"{self.person_id} gives commands in their own name, not in that of {command.actor_id}."
            )
        as_operator = command.acting_as is Role.OPERATOR
        if as_operator and not self.is_operator:
            raise NotAnOperatorError(self.person_id)
        return AuthorizedCommand(command, is_operator=as_operator)


async def establish_authority(
    directory: Callable[[], Awaitable[Directory]], principal: Principal, acting_as: Role | None
) -> Authority:
    """Establish in which capacity a principal may give commands.

    Args:
        directory: Opens the directory, which is asked only about operators.
        principal: Whoever calls.
        acting_as: The role in which they ask to be taken; None for whichever they hold.

    Raises:
        NotPermittedError: They are no person: a service or a machine gives no commands of its own.
        NotAnOperatorError: They ask to be taken as an operator, and the directory does not have them as one.
    """
    person_id = principal.person_id
    if person_id is None:
        raise NotPermittedError("Commands are given in a person's name; say whose.")
    as_operator = acting_as is Role.OPERATOR
    if as_operator:
        await require_operator(await directory(), principal)
    return Authority(person_id, is_operator=as_operator)


async def authorize(
    directory: Callable[[], Awaitable[Directory]], principal: Principal, command: Command
) -> AuthorizedCommand:
    """Authorize one command of a principal.

    Raises:
        NotPermittedError: As `establish_authority` and `Authority.over`.
    """
    authority = await establish_authority(directory, principal, command.acting_as)
    return authority.over(command)
