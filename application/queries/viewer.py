"""Who looks at agreements, and what they may know of each: the one rule of disclosure for every front door.

Without a name it is an operator's: structure, and of a concern or a breach only that somebody owes an answer.
With one, it is what that person may know of each agreement, by the audience table. A service sees structure,
of the agreements of its tenants alone.
"""

from __future__ import annotations

from activities.directory.people import Directory
from application.errors import AgreementNotFoundError, NotPermittedError
from application.identity.operators import is_operator
from application.identity.principal import Principal, PrincipalKind, Scope, require_scope
from application.queries.agreements import AgreementSnapshot
from domain.kernel.model import Frozen, PersonId
from domain.privacy.disclosure import OPERATOR, Disclosure, Reader, reader_of
from domain.stream.serialization import read_event


class Viewer(Frozen):
    """Somebody who looks at agreements. Make one with `viewer_of`."""

    person_id: PersonId | None = None
    is_operator: bool = True
    """Whether they look after agreements that they are no party to."""
    tenants: frozenset[str] | None = None
    """Whose agreements there are for them at all; None for everybody's."""

    def may_see_tenant(self, tenant: str) -> bool:
        """Tell whether agreements of a tenant are there for them."""
        return self.tenants is None or tenant in self.tenants

    def reader(self, snapshot: AgreementSnapshot) -> Reader:
        """Return them as a reader of one agreement.

        Raises:
            AgreementNotFoundError: It is another tenant's: to them there is none.
            Refused: They are neither a party nor an operator.
        """
        if not self.may_see_tenant(snapshot.agreement.terms.tenant):
            raise AgreementNotFoundError(snapshot.agreement.agreement_id)
        if self.person_id is None:
            return OPERATOR
        return reader_of(snapshot.agreement, self.person_id, at=snapshot.at, operator=self.is_operator)

    def disclosure(self, snapshot: AgreementSnapshot) -> Disclosure:
        """Return what of one agreement they may know.

        Raises:
            AgreementNotFoundError: As `reader`; Refused likewise.
        """
        return Disclosure(self.reader(snapshot), [read_event(row) for row in snapshot.events])

    def known(self, snapshot: AgreementSnapshot) -> AgreementSnapshot:
        """Return one agreement as far as they may know it; its events stay as they are.

        Raises:
            AgreementNotFoundError: As `reader`; Refused likewise.
        """
        return snapshot._replace(agreement=self.disclosure(snapshot).agreement(snapshot.agreement))


UNNAMED_OPERATOR = Viewer()
"""Whoever has a machine of the installation."""


async def viewer_of(directory: Directory, principal: Principal) -> Viewer:
    """Return a principal as a viewer; whether a person is an operator the directory says.

    Raises:
        NotPermittedError: It is a service that may not read.
    """
    match principal.kind:
        case PrincipalKind.MACHINE:
            return UNNAMED_OPERATOR
        case PrincipalKind.SERVICE:
            require_scope(principal, Scope.READ)
            return Viewer(tenants=principal.tenants)
        case PrincipalKind.PERSON:
            person_id = str(principal.id)
            return Viewer(person_id=person_id, is_operator=await is_operator(directory, person_id))


def viewer_by_token(principal: Principal) -> Viewer:
    """Return a principal as a viewer where no directory is read: the token's issuer vouches for operators.

    Raises:
        NotPermittedError: It is a service: of these it takes the directory's word, and their scopes'.
    """
    if principal.kind is PrincipalKind.MACHINE:
        return UNNAMED_OPERATOR
    if principal.person_id is None:
        raise NotPermittedError(f"{principal.id} is a service: payloads are shown to people.")
    return Viewer(person_id=principal.person_id, is_operator=principal.claims_operator)
