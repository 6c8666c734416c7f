"""Rules of the agreement phase: propose, sign, decline, request changes, amend, withdraw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.agreement.commands.forming import (
    AmendTerms,
    DeclineAgreement,
    ProposeAgreement,
    RequestChanges,
    SignAgreement,
    WithdrawAgreement,
)
from domain.agreement.events.forming import (
    AgreementDeclined,
    AgreementProposed,
    AgreementSigned,
    AgreementWithdrawn,
    ChangesRequested,
    TermsAmended,
)
from domain.agreement.state import Agreement, Party
from domain.decisions.consent import affected_by, changed_fields, check_amendment, parties_under
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan, planned
from domain.decisions.registry import rule
from domain.decisions.suspension import not_paused
from domain.decisions.transitions import unsigned
from domain.kernel.calendar import Calendar
from domain.kernel.digests import digest_by_field
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Kind, ObligationKind, ObligationStatus, Phase, Role
from domain.kinds import KINDS
from domain.ledger.obligation import LedgerChange, Obligation
from domain.policy.choice import chosen
from domain.policy.policy_set import KindPolicy
from domain.scheduling.obligations import NewObligation, open_obligation
from domain.terms import Terms, digest
from domain.terms.rules.criteria import unassessable

ANSWERED_BY_NEW_TERMS = frozenset({ObligationKind.REQUESTED_CHANGES, ObligationKind.COURSE_CORRECTION})


def propose(command: ProposeAgreement, draft: Draft, calendars: Mapping[PersonId, Calendar]) -> None:
    """Open the agreement and ask every party for a signature.

    Raises:
        Refused: If the terms name a policy set that does not exist and is not sent along, or a calendar is
            missing.
    """
    terms = command.terms
    policy = _policy(command)
    parties = parties_of(terms)
    missing = sorted({party.person_id for party in parties} - calendars.keys())
    if missing:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"The directory does not know {', '.join(missing)}; add them with `sojourn people FILE`.",
        )
    owner = calendars[terms.programme_owner]
    expiry_day = owner.working_day_from(owner.local_date(draft.at), policy.expires_unsigned_after)
    event = AgreementProposed(
        at=draft.at,
        agreement_id=command.agreement_id,
        request_digest=digest(terms),
        terms=terms,
        digests=digest_by_field(terms),
        policy=policy,
        calendars=calendars,
        parties=parties,
        expires_at=owner.closing_of(expiry_day),
    )
    proposed = draft.after(event)
    asked = tuple(signature_owed(proposed, party, draft.at) for party in unsigned(proposed))
    beside = tuple(open_obligation(proposed, owed, draft.at) for owed in planned(proposed))
    vague = tuple(_criteria_owed(proposed, terms, draft.at))
    draft.add(event.with_ledger(LedgerChange(opened=(*asked, *beside, *vague))))


def _policy(command: ProposeAgreement) -> KindPolicy:
    reference = command.terms.policy_set
    return chosen(
        reference.policy_set_id,
        reference.version,
        command.policies,
        Kind(command.terms.kind),
        code=RefusalCode.TERMS_INVALID,
        field="policy_set",
    )


def parties_of(terms: Terms) -> tuple[Party, ...]:
    """Return everybody whom the terms name, in their roles."""
    common = (
        (Role.MENTEE, terms.mentee),
        (Role.MENTOR, terms.mentor),
        (Role.LINE_MANAGER, terms.line_manager),
        (Role.HRBP, terms.hrbp),
        (Role.PROGRAMME_OWNER, terms.programme_owner),
        *((Role.SPONSOR, person_id) for person_id in terms.sponsors),
        *((Role.OBSERVER, person_id) for person_id in terms.observers),
    )
    named = tuple(Party(role=role, person_id=person_id) for role, person_id in common)
    return (*named, *KINDS[Kind(terms.kind)].parties(terms))


def signature_owed(agreement: Agreement, party: Party, at: datetime) -> Obligation:
    """Return a signature owed under the version in force; before the start it stalls by the first day."""
    calendar = agreement.calendar_of(party.person_id)
    latest = calendar.working_day_from(agreement.starts_on, -agreement.policy.signature_before_start)
    owed = NewObligation(
        kind=ObligationKind.SIGNATURE,
        subject=signature_subject(party, agreement.terms_version),
        owner=party,
        stalls_by=latest if agreement.phase is Phase.AGREEMENT else None,
    )
    return open_obligation(agreement, owed, at)


def _criteria_owed(agreement: Agreement, terms: Terms, at: datetime) -> Iterator[Obligation]:
    """Yield the criteria to be written so that they can be assessed before anybody signs."""
    if ObligationKind.CRITERIA not in agreement.policy.allowances or agreement.phase is not Phase.AGREEMENT:
        return
    for criterion_id in unassessable(terms):
        owed = NewObligation(
            kind=ObligationKind.CRITERIA, subject=criterion_id, owner=agreement.holder(Role.MENTOR)
        )
        yield open_obligation(agreement, owed, at)


def signature_subject(party: Party, terms_version: int) -> str:
    """Name one person's signature under one version."""
    return f"{party.role}:{party.person_id}:v{terms_version}"


def _open_signature(draft: Draft) -> Obligation:
    """Return the signature that the actor owes.

    Raises:
        Refused: If the actor has signed, or is not asked to.
    """
    actor, agreement = draft.actor, draft.agreement
    owed = draft.owed_by_actor(ObligationKind.SIGNATURE)
    if owed:
        return owed[0]
    if actor.person_id in {signature.party.person_id for signature in agreement.signatures}:
        raise Refused(
            RefusalCode.ALREADY_DONE,
            f"{actor.person_id} has signed version {agreement.terms_version} already.",
        )
    raise Refused(RefusalCode.NOT_OPEN, f"No signature is asked of {actor.person_id} as {actor.role}.")


@rule.register
def sign(command: SignAgreement, draft: Draft) -> None:
    """Note one signature under the version in force, with the whole checklist acknowledged."""
    agreement = draft.agreement
    owed = _open_signature(draft)
    if command.terms_version != agreement.terms_version:
        raise Refused(
            RefusalCode.VERSION_MISMATCH,
            f"Version {agreement.terms_version} is in force, not {command.terms_version}; "
            "read it and sign that.",
        )
    vague = [held.subject for held in agreement.obligations.values() if held.kind is ObligationKind.CRITERIA]
    if vague:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"success_criteria: {', '.join(sorted(vague))} cannot be assessed as written; "
            "amend_terms first, so that everybody signs what can be seen.",
        )
    missing = [
        item.item_id for item in agreement.terms.compliance if item.item_id not in command.acknowledged
    ]
    if missing:
        raise Refused(
            RefusalCode.INCOMPLETE,
            f"acknowledged: {', '.join(missing)} of the checklist are not acknowledged.",
        )
    draft.add(
        AgreementSigned(
            at=draft.at,
            party=Party(role=owed.owner_role, person_id=owed.owner_id),
            terms_version=agreement.terms_version,
            acknowledged=command.acknowledged,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.SIGNATURE, owed.subject)),
        )
    )


@rule.register
def decline(command: DeclineAgreement, draft: Draft) -> None:
    """Close the agreement, as a signatory who has not signed may."""
    owed = _open_signature(draft)
    draft.add(
        AgreementDeclined(
            at=draft.at,
            party=Party(role=owed.owner_role, person_id=owed.owner_id),
            reason=command.reason,
            ledger=LedgerChange(settled=draft.everything_settled()),
        )
    )


@rule.register
def request_changes(command: RequestChanges, draft: Draft) -> None:
    """Note one open request per person, for fields that the terms have."""
    agreement = draft.agreement
    unknown = sorted(set(command.fields) - set(type(agreement.terms).model_fields))
    if unknown or not command.fields:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"fields: {', '.join(unknown) or 'none given'}; name fields of the terms, such as milestones.",
        )
    subject = draft.actor.person_id
    if draft.open(ObligationKind.REQUESTED_CHANGES, subject):
        raise Refused(
            RefusalCode.ALREADY_DONE, f"A request of {subject} is open; it has to be answered first."
        )
    owed = NewObligation(
        kind=ObligationKind.REQUESTED_CHANGES, subject=subject, owner=agreement.holder(Role.PROGRAMME_OWNER)
    )
    draft.add(
        ChangesRequested(
            at=draft.at,
            party=draft.actor,
            fields=command.fields,
            what=command.what,
            ledger=LedgerChange(opened=(open_obligation(agreement, owed, draft.at),)),
        )
    )


@rule.register
def amend(command: AmendTerms, draft: Draft) -> None:
    """Put a new version in force: the ledger follows its plan, and only those affected sign again."""
    agreement = draft.agreement
    not_paused(agreement)
    check_amendment(agreement, command.terms, draft.at)
    changed = changed_fields(agreement, command.terms)
    event = TermsAmended(
        at=draft.at,
        terms=command.terms,
        digests=digest_by_field(command.terms),
        terms_version=agreement.terms_version + 1,
        changed=changed,
        affected=affected_by(agreement, changed),
        parties=parties_under(agreement, command.terms),
        reason=command.reason,
    )
    held = sorted(agreement.obligations.values(), key=lambda held: held.obligation_id)
    answered = tuple(each.obligation_id for each in held if each.kind in ANSWERED_BY_NEW_TERMS)
    old_signatures = tuple(each.obligation_id for each in held if each.kind is ObligationKind.SIGNATURE)
    after = draft.after(event)
    vague = {owed.obligation_id: owed for owed in _criteria_owed(after, command.terms, draft.at)}
    clear = tuple(
        each.obligation_id
        for each in held
        if each.kind is ObligationKind.CRITERIA and each.obligation_id not in vague
    )
    follow_plan(
        draft,
        event,
        settled=(
            *draft.settled((*answered, *clear), ObligationStatus.FULFILLED),
            *draft.settled(old_signatures),
        ),
        opens=(
            *(signature_owed(after, party, draft.at) for party in unsigned(after)),
            *(owed for key, owed in vague.items() if key not in agreement.obligations),
        ),
    )


@rule.register
def withdraw(command: WithdrawAgreement, draft: Draft) -> None:
    """Take the placement back before its start."""
    draft.add(
        AgreementWithdrawn(
            at=draft.at, reason=command.reason, ledger=LedgerChange(settled=draft.everything_settled())
        )
    )
