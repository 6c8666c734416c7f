"""Whoever calls a front door, and how it was proved that it is they.

A front door establishes the principal and passes it to a use case; use cases decide what it may do. About
roles a principal is not believed: those in an agreement come from the agreement, the operator's from the
directory (`application.identity.operators`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from application.errors import NotPermittedError
from domain.kernel.model import Frozen, PersonId


class PrincipalKind(StrEnum):
    """What somebody is to the product."""

    PERSON = "person"
    """Somebody of the directory, or who says so."""
    SERVICE = "service"
    """A program of the organisation, such as its HR system."""
    MACHINE = "machine"
    """Whoever has a machine with this installation's settings: its keys and its database's password."""


class Proof(StrEnum):
    """How it was proved who somebody is."""

    TOKEN = "token"  # noqa: S105  a way to prove, no secret
    """A bearer token or key whose signature, audience and expiry were checked."""
    MACHINE = "machine"
    """They have the machine; nothing else could be asked of them that the machine does not hold."""
    UNCHECKED = "unchecked"
    """Nobody has checked: nothing is set up to check with, as in an embedded stack on one's own machine."""


class Scope(StrEnum):
    """What a service may be let do; people and machines need none."""

    READ = "read"
    PLACE = "place"


class Principal(Frozen):
    """Whoever calls a use case. Make one with `person`, `service` or `machine`."""

    kind: PrincipalKind
    id: str | None
    """The person's id in the directory, or the service's name; None for a machine."""
    proof: Proof
    tenants: frozenset[str] | None = None
    """A service sees and places agreements of these tenants alone; None for whoever is not bound to any."""
    scopes: frozenset[Scope] = frozenset()
    """What a service may do."""
    claims_operator: bool = False
    """Whether whoever issued the token vouches that they are an operator. For that the codec endpoint, which
    reads no directory, shows them structure; every use case asks the directory instead."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.id is None) is not (self.kind is PrincipalKind.MACHINE):
            raise ValueError("people and services have an id, and a machine has none")
        if (self.tenants is None) is (self.kind is PrincipalKind.SERVICE):
            raise ValueError("a service is bound to tenants, and nobody else is")
        return self

    @classmethod
    def person(cls, person_id: PersonId, proof: Proof, *, claims_operator: bool = False) -> Self:
        """Make a principal of a person.

        Args:
            person_id: Their id in the directory.
            proof: How it was proved that it is they.
            claims_operator: What their token says; see the field.
        """
        return cls(kind=PrincipalKind.PERSON, id=person_id, proof=proof, claims_operator=claims_operator)

    @classmethod
    def service(cls, name: str, *, tenants: frozenset[str], scopes: frozenset[Scope]) -> Self:
        """Make a principal of a service whose token or key was checked.

        Args:
            name: Under which it is known.
            tenants: Whose agreements it may see and place.
            scopes: What it may do.
        """
        return cls(kind=PrincipalKind.SERVICE, id=name, proof=Proof.TOKEN, tenants=tenants, scopes=scopes)

    @classmethod
    def machine(cls) -> Self:
        """Make a principal of whoever sits at a machine that has this installation's settings."""
        return cls(kind=PrincipalKind.MACHINE, id=None, proof=Proof.MACHINE)

    @property
    def person_id(self) -> PersonId | None:
        """The person's id; None for whoever is no person."""
        return self.id if self.kind is PrincipalKind.PERSON else None


def require_machine(principal: Principal) -> None:
    """Refuse everybody who is not at a machine of the installation: its operation is theirs alone.

    Raises:
        NotPermittedError: They are not.
    """
    if principal.kind is not PrincipalKind.MACHINE:
        raise NotPermittedError(
            f"{principal.id} may not do this: it takes a machine that has the installation's settings."
        )


def require_scope(principal: Principal, scope: Scope) -> None:
    """Refuse a service that was not given a scope.

    Raises:
        NotPermittedError: It was not.
    """
    if principal.kind is PrincipalKind.SERVICE and scope not in principal.scopes:
        raise NotPermittedError(f"{principal.id} was not given the scope {scope}.")
