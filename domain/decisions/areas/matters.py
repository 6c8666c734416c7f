"""Rules of blockers, concerns, proposals and breaches: who answers, and who must not be asked."""

from __future__ import annotations

from domain.agreement.commands.matters import (
    MakeProposal,
    RaiseBlocker,
    RaiseConcern,
    ReportBreach,
    SettleMatter,
)
from domain.agreement.events.matters import (
    BlockerRaised,
    BreachReported,
    ConcernRaised,
    MatterSettled,
    ProposalMade,
)
from domain.agreement.state import Agreement, Matter, Party
from domain.decisions.draft import Draft
from domain.decisions.registry import rule
from domain.decisions.suspension import after_hold
from domain.kernel.digests import digest_of
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.obligation import LedgerChange
from domain.privacy.confidentiality import obligations_known_to
from domain.scheduling.obligations import NewObligation, open_obligation

CONCERN_ROUTE = (Role.MENTOR, Role.LINE_MANAGER, Role.HRBP, Role.PROGRAMME_OWNER)
"""Who hears a concern: the first who is neither the person concerned nor the one who raised it."""

BREACH_ROUTES = {
    "boundary": (Role.LINE_MANAGER, Role.HRBP, Role.PROGRAMME_OWNER),
    "ethics": (Role.HRBP, Role.PROGRAMME_OWNER),
}
"""Who looks into a breach."""

HELP_ROUTE = (Role.MENTOR, Role.LINE_MANAGER, Role.PROGRAMME_OWNER)
"""Who helps with a blocker and answers a proposal."""


def handler(agreement: Agreement, matter: Matter) -> Party:
    """Return who hears a concern or looks into a breach, as the roles are held now.

    Raises:
        Refused: If everybody on its route is concerned.
    """
    if matter.kind is ObligationKind.CONCERN:
        route = CONCERN_ROUTE
    else:
        route = BREACH_ROUTES["ethics" if matter.holds else "boundary"]
    return routed(agreement, route, {matter.about, matter.raised_by})


def routed(agreement: Agreement, route: tuple[Role, ...], bypassing: set[PersonId | None]) -> Party:
    """Return the first on the route who is not to be bypassed.

    Raises:
        Refused: If everybody on the route is concerned.
    """
    for role in route:
        for party in agreement.holding(role):
            if party.person_id not in bypassing:
                return party
    raise Refused(
        RefusalCode.CONFLICT_OF_INTEREST,
        "Everybody who could hear this is concerned; turn to HR outside this agreement.",
    )


def _is_new(draft: Draft, matter_id: str) -> None:
    if matter_id in draft.agreement.matters:
        raise Refused(RefusalCode.ALREADY_DONE, f"matter_id: {matter_id} is taken; choose another id.")


def _named(command: RaiseConcern | ReportBreach) -> str:
    """Return the matter's id: that of the command, unless somebody chose one that others could guess."""
    return command.matter_id or f"m-{digest_of([command.command_id, command.actor_id])[:16]}"


def _opened(draft: Draft, kind: ObligationKind, matter_id: str, owner: Party) -> LedgerChange:
    owed = NewObligation(kind=kind, subject=matter_id, owner=owner)
    return LedgerChange(opened=(open_obligation(draft.agreement, owed, draft.at),))


@rule.register
def raise_blocker(command: RaiseBlocker, draft: Draft) -> None:
    """Ask the mentor for help, or the line manager where the mentor raised it."""
    _is_new(draft, command.matter_id)
    owner = routed(draft.agreement, HELP_ROUTE, {draft.actor.person_id})
    draft.add(
        BlockerRaised(
            at=draft.at,
            matter_id=command.matter_id,
            raised_by=draft.actor.person_id,
            category=command.category,
            what=command.what,
            needed=command.needed,
            ledger=_opened(draft, ObligationKind.BLOCKER, command.matter_id, owner),
        )
    )


@rule.register
def raise_concern(command: RaiseConcern, draft: Draft) -> None:
    """Take a concern round the person concerned."""
    matter_id = _named(command)
    _is_new(draft, matter_id)
    owner = routed(draft.agreement, CONCERN_ROUTE, {command.about, draft.actor.person_id})
    draft.add(
        ConcernRaised(
            at=draft.at,
            matter_id=matter_id,
            raised_by=draft.actor.person_id,
            about=command.about,
            handled_by=owner,
            what=command.what,
            ledger=_opened(draft, ObligationKind.CONCERN, matter_id, owner),
        )
    )


@rule.register
def make_proposal(command: MakeProposal, draft: Draft) -> None:
    """Ask the mentor for an answer."""
    _is_new(draft, command.matter_id)
    owner = routed(draft.agreement, HELP_ROUTE, {draft.actor.person_id})
    draft.add(
        ProposalMade(
            at=draft.at,
            matter_id=command.matter_id,
            raised_by=draft.actor.person_id,
            what=command.what,
            expected=command.expected,
            ledger=_opened(draft, ObligationKind.PROPOSAL, command.matter_id, owner),
        )
    )


@rule.register
def report_breach(command: ReportBreach, draft: Draft) -> None:
    """Open a breach; one of ethics holds the placement until it is settled, one of boundaries does not."""
    matter_id = _named(command)
    _is_new(draft, matter_id)
    bypassing: set[PersonId | None] = {command.about, draft.actor.person_id}
    owner = routed(draft.agreement, BREACH_ROUTES[command.breaches], bypassing)
    draft.add(
        BreachReported(
            at=draft.at,
            matter_id=matter_id,
            raised_by=draft.actor.person_id,
            breaches=command.breaches,
            about=command.about,
            handled_by=owner,
            what=command.what,
            ledger=_opened(draft, ObligationKind.BREACH, matter_id, owner),
        )
    )


@rule.register
def settle_matter(command: SettleMatter, draft: Draft) -> None:
    """Settle a matter, by its owner or HR; a proposal is accepted or not."""
    seen = obligations_known_to(draft.agreement, draft.actor.person_id, {draft.actor.role})
    matters = {name: each for name, each in draft.agreement.matters.items() if f"{each.kind}:{name}" in seen}
    matter = matters.get(command.matter_id)
    if matter is None:
        known = ", ".join(sorted(matters)) or "none"
        raise Refused(RefusalCode.NOT_OPEN, f"matter_id: {command.matter_id} is not open; open are {known}.")
    owed = draft.agreement.obligations[f"{matter.kind}:{matter.matter_id}"]
    answers = {owed.owner_id, owed.principal_id}
    may_settle = answers if matter.outlives_the_placement else {*answers, matter.raised_by}
    if draft.actor.person_id not in may_settle and draft.actor.role is not Role.OPERATOR:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{matter.matter_id} is with the {owed.owner_role}, who settles it.",
        )
    if matter.kind is ObligationKind.PROPOSAL and command.accepted is None:
        raise Refused(
            RefusalCode.INCOMPLETE, "accepted: say whether the proposal is accepted, true or false."
        )
    event = MatterSettled(
        at=draft.at, matter_id=matter.matter_id, accepted=command.accepted, resolution=command.resolution
    )
    again = after_hold(draft.agreement, draft.after(event), draft.at)
    change = LedgerChange(
        settled=draft.fulfilled(matter.kind, matter.matter_id),
        moved=tuple(each for each in again if each.obligation_id != owed.obligation_id),
    )
    draft.add(event.with_ledger(change))
