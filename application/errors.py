"""How use cases end without what was asked for: one family of errors that every front door translates.

The command line makes exit codes of them and HTTP problem details; what a sentence says is for people, and
names the field that it is about rather than an option of the command line.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.kernel.model import PersonId
from domain.terms.problems import Problem


class UseCaseError(Exception):
    """A use case ended without what was asked for. The text says why and what to do."""

    @property
    def sentence(self) -> str:
        """The text."""
        return str(self)


class InvalidInputError(UseCaseError):
    """What was given is not in order; nothing was done.

    Attributes:
        problems: One for each field; a field may be empty for the whole.
        hint: What helps to put it right; empty where the problems say it.
    """

    def __init__(self, problems: Sequence[Problem], hint: str = "") -> None:
        super().__init__("\n".join([*map(str, problems), *filter(None, [hint])]))
        self.problems = tuple(problems)
        self.hint = hint


class SamePersonError(InvalidInputError):
    """Somebody is named as their own delegate, successor or manager."""


class UnknownCommandError(UseCaseError):
    """There is no command of this name."""


class NotPermittedError(UseCaseError):
    """The principal may not do this."""


class NotAnOperatorError(NotPermittedError):
    """The principal is no operator, as far as the directory knows.

    Attributes:
        person_id: Who is none.
    """

    def __init__(self, person_id: PersonId) -> None:
        super().__init__(
            f'{person_id} is no operator. Operators have "is_operator": true in the directory; '
            "set it with `sojourn people`, or act in a role that this person holds."
        )
        self.person_id = person_id


class AgreementNotFoundError(UseCaseError):
    """The record has no such agreement, or the principal's tenants have none.

    Attributes:
        agreement_id: Which.
    """

    def __init__(self, agreement_id: str) -> None:
        super().__init__(f"The record has no agreement {agreement_id}; `sojourn list` shows those there are.")
        self.agreement_id = agreement_id


class NotBegunError(UseCaseError):
    """The agreement had no event at the instant that was asked about.

    Attributes:
        agreement_id: Which.
    """

    def __init__(self, agreement_id: str, as_of: str) -> None:
        super().__init__(f"{agreement_id} had not begun by {as_of}; ask about a later instant.")
        self.agreement_id = agreement_id


class NoDatabaseError(UseCaseError):
    """It is set nowhere where the database is, and no embedded stack runs."""


class NoKeysError(UseCaseError):
    """There are no keys: the installation chose to keep what people write in clear."""

    def __init__(self) -> None:
        super().__init__(
            "SOJOURN_WITHOUT_KEYS is set: nothing is sealed, so nothing can be erased or opened."
        )


class ErasureForbiddenError(UseCaseError):
    """A person cannot be erased now: a legal hold or roles that they still hold forbid it."""


class OnLegalHoldError(UseCaseError):
    """Somebody concerned was put on legal hold meanwhile; nothing more was destroyed."""


class NothingMatchedError(UseCaseError):
    """Nothing is what the call is about; nothing was done."""


class WorkflowCallError(UseCaseError):
    """A workflow could not be called."""


class NotRunningError(WorkflowCallError):
    """No such workflow runs: it never did, or it has ended."""


class NotRunningHereError(NotRunningError):
    """The record has the agreement, and no workflow of it runs in this Temporal namespace."""

    def __init__(self, agreement_id: str) -> None:
        super().__init__(
            f"{agreement_id} is in the record and not running in this Temporal namespace: start it again "
            f"from its record with `sojourn resume {agreement_id}`, unless it runs at another address of "
            "Temporal."
        )


class NoAnswerError(WorkflowCallError):
    """No answer came in time: the command may still be accepted, and may be repeated with the same id."""


class UpdateRefusedError(WorkflowCallError):
    """The workflow refused; nothing was written.

    Attributes:
        code: Of the rule.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
