"""Rules of feedback, self-assessments, wins, endorsements and notes."""

from __future__ import annotations

from domain.agreement.commands.feedback import (
    GiveEndorsement,
    GiveFeedback,
    KeepNote,
    RecordSelfAssessment,
    RecordWinOrSetback,
    RequestPeerFeedback,
    RevokeEndorsement,
)
from domain.agreement.content import Anchor
from domain.agreement.events.feedback import (
    EndorsementGiven,
    EndorsementRevoked,
    FeedbackGiven,
    NoteKept,
    PeerFeedbackRequested,
    SelfAssessmentRecorded,
    WinOrSetbackRecorded,
)
from domain.agreement.state import Agreement, Party
from domain.decisions.draft import Draft
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role
from domain.ledger.obligation import LedgerChange, Obligation, Settlement
from domain.scheduling.obligations import NewObligation, open_obligation

ON_THE_MENTORING = "mentoring"
"""The subject of the feedback that the mentee owes after a reflective session."""


@rule.register
def give_feedback(command: GiveFeedback, draft: Draft) -> None:
    """Give feedback to another party, tied to an agreed criterion or to a skill."""
    agreement = draft.agreement
    if command.receiver_id == draft.actor.person_id:
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            "receiver_id: feedback to oneself is a self-assessment; record that.",
        )
    if not agreement.roles_of(command.receiver_id):
        raise Refused(
            RefusalCode.NOT_A_PARTY, f"receiver_id: {command.receiver_id} is no party to this agreement."
        )
    _check_anchor(agreement, command.anchor)
    if command.rating is not None and command.anchor.kind != "criterion":
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE, "rating: it rates a criterion; anchor the feedback to one."
        )
    owed = _owed_by(draft, command.receiver_id, command.about)
    settled = () if owed is None else (_fulfilled(owed),)
    draft.add(
        FeedbackGiven(
            at=draft.at,
            giver=draft.actor,
            receiver_id=command.receiver_id,
            about=None if owed is None else owed.obligation_id,
            behaviour=command.behaviour,
            effect=command.effect,
            next_step=command.next_step,
            anchor=command.anchor,
            tone=command.tone,
            rating=command.rating,
            ledger=LedgerChange(settled=settled),
        )
    )


def _check_anchor(agreement: Agreement, anchor: Anchor) -> None:
    known = {criterion.criterion_id for criterion in agreement.terms.success_criteria}
    if anchor.kind == "criterion" and anchor.reference not in known:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"anchor: no criterion {anchor.reference}; the agreement has {', '.join(sorted(known))}.",
        )


def _owed_by(draft: Draft, receiver_id: PersonId, about: str | None) -> Obligation | None:
    """Return the feedback owed that this fulfils: the one named, or the first owed to this person."""
    owed = {held.obligation_id: held for held in draft.owed_by_actor(ObligationKind.FEEDBACK)}
    if about is not None and about not in owed:
        raise Refused(
            RefusalCode.NOT_OPEN,
            f"about: {draft.actor.person_id} does not owe {about}; "
            f"open are {', '.join(sorted(owed)) or 'none'}.",
        )
    fitting = {key: held for key, held in owed.items() if _is_for(draft.agreement, held, receiver_id)}
    if about is not None:
        if about not in fitting:
            raise Refused(
                RefusalCode.UNKNOWN_REFERENCE, f"receiver_id: {about} is not feedback to {receiver_id}."
            )
        return fitting[about]
    return next(iter(fitting.values()), None)


def _is_for(agreement: Agreement, owed: Obligation, receiver_id: PersonId) -> bool:
    """Return whether feedback is owed to this person: on the mentoring the mentor, else the mentee."""
    if owed.subject == ON_THE_MENTORING:
        return Role.MENTOR in agreement.roles_of(receiver_id)
    return receiver_id == agreement.mentee_id


def _fulfilled(obligation: Obligation) -> Settlement:
    return Settlement(obligation_id=obligation.obligation_id, status=ObligationStatus.FULFILLED)


@rule.register
def request_peer_feedback(command: RequestPeerFeedback, draft: Draft) -> None:
    """Ask a peer who is no party in another role, once at a time."""
    agreement = draft.agreement
    roles = agreement.roles_of(command.peer_id) - {Role.PEER}
    if roles:
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            f"peer_id: {command.peer_id} is {', '.join(sorted(roles))} here and gives feedback as that.",
        )
    if draft.open(ObligationKind.FEEDBACK, f"peer:{command.peer_id}"):
        raise Refused(RefusalCode.ALREADY_DONE, f"{command.peer_id} is asked already.")
    peer = Party(role=Role.PEER, person_id=command.peer_id)
    owed = NewObligation(kind=ObligationKind.FEEDBACK, subject=f"peer:{command.peer_id}", owner=peer)
    draft.add(
        PeerFeedbackRequested(
            at=draft.at,
            peer=peer,
            question=command.question,
            ledger=LedgerChange(opened=(open_obligation(agreement, owed, draft.at),)),
        )
    )


@rule.register
def record_self_assessment(command: RecordSelfAssessment, draft: Draft) -> None:
    """Record ratings of agreed criteria, each rated once."""
    rated = [rating.criterion_id for rating in command.ratings]
    for criterion_id in rated:
        _check_anchor(draft.agreement, Anchor(kind="criterion", reference=criterion_id))
    if len(set(rated)) != len(rated):
        raise Refused(RefusalCode.TERMS_INVALID, "ratings: rate each criterion once.")
    draft.add(
        SelfAssessmentRecorded(
            at=draft.at,
            ratings=command.ratings,
            ledger=LedgerChange(settled=draft.fulfilled(ObligationKind.SELF_ASSESSMENT, "criteria")),
        )
    )


@rule.register
def record_win_or_setback(command: RecordWinOrSetback, draft: Draft) -> None:
    """Record it as data; neither is a mark."""
    draft.add(
        WinOrSetbackRecorded(at=draft.at, is_win=command.is_win, what=command.what, lesson=command.lesson)
    )


@rule.register
def give_endorsement(command: GiveEndorsement, draft: Draft) -> None:
    """Record one endorsement a person; revoke it to write another."""
    if draft.actor.person_id in draft.agreement.endorsers:
        raise Refused(
            RefusalCode.ALREADY_DONE,
            f"{draft.actor.person_id} has endorsed already; revoke it to write another.",
        )
    draft.add(
        EndorsementGiven(
            at=draft.at, endorser=draft.actor, statement=command.statement, skill_uri=command.skill_uri
        )
    )


@rule.register
def revoke_endorsement(command: RevokeEndorsement, draft: Draft) -> None:
    """Take consent back while the agreement is open."""
    if draft.actor.person_id not in draft.agreement.endorsers:
        raise Refused(RefusalCode.NOT_OPEN, f"{draft.actor.person_id} has not endorsed.")
    draft.add(EndorsementRevoked(at=draft.at, endorser=draft.actor, reason=command.reason))


@rule.register
def keep_note(command: KeepNote, draft: Draft) -> None:
    """Keep a note: nothing forbids one, and nothing follows from it."""
    draft.add(NoteKept(at=draft.at, note=command.note, audience=command.audience))
