"""Events of the agreement phase: proposed, signed, changed, concluded, or given up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.calendar import Calendar
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import DigestOfWords, Instant, PersonId, Slug, Words
from domain.policy.policy_set import KindPolicy
from domain.terms import Terms


class AgreementProposed(Event):
    """HR approved a placement; its parties are asked to sign the first version of the terms."""

    type: Literal["agreement.proposed"] = "agreement.proposed"
    agreement_id: str
    request_digest: Annotated[DigestOfWords, Audience.AUTHOR, Subject.EVERYBODY_IN_THE_TERMS]
    """SHA-256 of the whole request, by which the same request is recognised when it comes again."""
    terms: Annotated[Terms, Audience.EVERY_SIDE]
    digests: Annotated[Mapping[str, DigestOfWords], Audience.AUTHOR, Subject.AS_IN_THE_TERMS]
    """SHA-256 of each field of the terms, so that a change of words is seen without the words."""
    policy: KindPolicy
    calendars: Annotated[Mapping[PersonId, Calendar], Audience.IN_CONFIDENCE]
    parties: tuple[Party, ...]
    expires_at: Instant


class CalendarsSnapshotted(Event):
    """People joined, or their calendars were read again: due instants from here on follow these."""

    type: Literal["calendars.snapshotted"] = "calendars.snapshotted"
    calendars: Annotated[Mapping[PersonId, Calendar], Audience.IN_CONFIDENCE]


class AgreementSigned(MeaningfulEvent):
    """A party agreed to a version of the terms and acknowledged its checklist."""

    type: Literal["agreement.signed"] = "agreement.signed"
    party: Party
    terms_version: int
    acknowledged: tuple[Slug, ...]


class AgreementDeclined(MeaningfulEvent):
    """A party refused the terms; the agreement is closed."""

    type: Literal["agreement.declined"] = "agreement.declined"
    party: Party
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class ChangesRequested(MeaningfulEvent):
    """A party asks for other terms before signing, or in the middle of the placement."""

    type: Literal["changes.requested"] = "changes.requested"
    party: Party
    fields: tuple[str, ...]
    what: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class TermsAmended(MeaningfulEvent):
    """A new version of the terms; only the parties that a changed field affects sign it."""

    type: Literal["terms.amended"] = "terms.amended"
    terms: Annotated[Terms, Audience.EVERY_SIDE]
    digests: Annotated[Mapping[str, DigestOfWords], Audience.AUTHOR, Subject.AS_IN_THE_TERMS]
    terms_version: int
    changed: tuple[str, ...]
    affected: tuple[Party, ...]
    parties: tuple[Party, ...]
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class AgreementConcluded(Event):
    """Everybody who has to has signed the version in force."""

    type: Literal["agreement.concluded"] = "agreement.concluded"
    terms_version: int


class AgreementWithdrawn(MeaningfulEvent):
    """The placement is taken back before it started."""

    type: Literal["agreement.withdrawn"] = "agreement.withdrawn"
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class AgreementExpired(Event):
    """Nobody finished signing in the time that the policy gives."""

    type: Literal["agreement.expired"] = "agreement.expired"
    missing: tuple[Party, ...]


class PlacementStarted(Event):
    """The first day of the placement has come and its agreement is signed."""

    type: Literal["placement.started"] = "placement.started"
    starts_on: date
