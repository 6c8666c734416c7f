"""Read one agreement as a principal may know it: how it stands, what happened, who was told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from activities.data_rights.access_after_close import Told
from activities.encryption.decrypt import decrypt_for_reader, decrypted_personal_view
from activities.postgres.rows import NoticeRow
from application.commands.after_close import with_noted_openings
from application.container import Container
from application.errors import AgreementNotFoundError, NotBegunError, NotPermittedError
from application.identity.principal import Principal
from application.queries.agreements import (
    AgreementSnapshot,
    ObligationWithStatus,
    all_obligations,
    load_snapshot,
)
from application.queries.explain import explain_agreement
from application.queries.viewer import Viewer, viewer_of
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded
from domain.views.explanation import Explanation
from domain.views.personal import PersonalView


class KnownAgreement(NamedTuple):
    """One agreement as far as a principal may know it."""

    snapshot: AgreementSnapshot
    obligations: list[ObligationWithStatus]
    """All that was ever owed and what became of it, by due instant."""


class AgreementOpenings(NamedTuple):
    """Who asked to read what is private in an agreement, and who was told of it."""

    events: list[RecordedEvent]
    told: list[Told]
    """Of a closed agreement; of an open one it is among its notices."""


async def read_agreement(
    container: Container, principal: Principal, agreement_id: str, as_of: datetime | None = None
) -> KnownAgreement:
    """Return how an agreement stands.

    Args:
        container: What it takes.
        principal: Who asks.
        agreement_id: Which.
        as_of: As for `application.queries.agreements.load_snapshot`.

    Raises:
        AgreementNotFoundError: There is none.
        NotBegunError: It had no event by then.
        Refused: The principal is neither a party nor an operator.
    """
    viewer = await viewer_of(await container.directory(), principal)
    snapshot = await load_snapshot(await container.event_store(), agreement_id, as_of)
    if snapshot is None:
        raise await _why_missing(container, viewer, agreement_id, as_of)
    disclosure = viewer.disclosure(snapshot)
    obligations = [
        each
        for each in all_obligations(snapshot.events)
        if disclosure.may_know_what_is_owed(each.obligation.obligation_id)
    ]
    return KnownAgreement(viewer.known(snapshot), obligations)


async def read_explanation(
    container: Container, principal: Principal, agreement_id: str, as_of: datetime | None = None
) -> Explanation:
    """Return why an agreement is stalled, or why it is not.

    Args:
        container: What it takes.
        principal: Who asks.
        agreement_id: Which.
        as_of: As for `application.queries.agreements.load_snapshot`.

    Raises:
        AgreementNotFoundError: As `read_agreement`; NotBegunError and Refused likewise.
    """
    viewer = await viewer_of(await container.directory(), principal)
    found = await explain_agreement(await container.event_store(), agreement_id, as_of, viewer)
    if found is None:
        raise await _why_missing(container, viewer, agreement_id, as_of)
    return found


async def read_events(
    container: Container, principal: Principal, agreement_id: str, after_version: int = 0
) -> list[RecordedEvent]:
    """Return what happened to an agreement, in order, with the words that are for the principal.

    Args:
        container: What it takes.
        principal: Who asks.
        agreement_id: Which.
        after_version: Only events after this version.

    Raises:
        AgreementNotFoundError: As `read_agreement`; Refused likewise.
    """
    rows = await (await container.event_store()).stream(agreement_id)
    folded = fold_recorded(rows)
    if folded is None:
        raise AgreementNotFoundError(agreement_id)
    viewer = await viewer_of(await container.directory(), principal)
    snapshot = AgreementSnapshot(folded, max(datetime.now(UTC), rows[-1].occurred_at), rows)
    opened = await with_noted_openings(await container.access_log(), snapshot)
    readable = await decrypt_for_reader(await container.encryption(), rows, viewer.reader(opened))
    return [row for row in readable if row.version > after_version]


async def read_notices(container: Container, principal: Principal, agreement_id: str) -> list[NoticeRow]:
    """Return whom an agreement told what, and what became of each notice.

    Raises:
        AgreementNotFoundError: As `read_agreement`; Refused likewise.
    """
    viewer = await viewer_of(await container.directory(), principal)
    event_store = await container.event_store()
    disclosure = viewer.disclosure(await _snapshot(container, agreement_id))
    return [
        row
        for row in await event_store.notices.of(agreement_id)
        if row.notice.obligation_id is None or disclosure.may_know_what_is_owed(row.notice.obligation_id)
    ]


async def read_openings(container: Container, principal: Principal, agreement_id: str) -> AgreementOpenings:
    """Return who asked to read what is private in an agreement, who approved, which field, and until when.

    Raises:
        AgreementNotFoundError: As `read_agreement`; Refused likewise.
    """
    snapshot = await _snapshot(container, agreement_id)
    reader = (await viewer_of(await container.directory(), principal)).reader(snapshot)
    noted = await container.access_log()
    rows = [*snapshot.events, *await noted.of(snapshot.agreement)]
    shown = await decrypt_for_reader(await container.encryption(), rows, reader)
    told = await noted.told(snapshot.agreement)
    return AgreementOpenings([row for row in shown if row.type.startswith("break_glass.")], told)


async def read_own_view(container: Container, principal: Principal, agreement_id: str) -> PersonalView:
    """Return an agreement as one of its parties sees it: what they owe, and what is for their eyes only.

    Raises:
        NotPermittedError: The principal is no person.
        AgreementNotFoundError: There is no such agreement.
        Refused: They are no party to it.
    """
    if principal.person_id is None:
        raise NotPermittedError("What is for one person's eyes is shown to that person; say who it is.")
    snapshot = await _snapshot(container, agreement_id)
    return await decrypted_personal_view(
        await container.encryption(), snapshot.agreement, snapshot.events, principal.person_id, snapshot.at
    )


async def _snapshot(container: Container, agreement_id: str) -> AgreementSnapshot:
    snapshot = await load_snapshot(await container.event_store(), agreement_id)
    if snapshot is None:
        raise AgreementNotFoundError(agreement_id)
    return snapshot


async def _why_missing(
    container: Container, viewer: Viewer, agreement_id: str, as_of: datetime | None
) -> AgreementNotFoundError | NotBegunError:
    """Return the error that says why an agreement has nothing to show."""
    row = await (await container.event_store()).read_models.agreement(agreement_id)
    if row is None or as_of is None or not viewer.may_see_tenant(row.head.tenant):
        return AgreementNotFoundError(agreement_id)
    return NotBegunError(agreement_id, f"{as_of:%Y-%m-%dT%H:%M:%SZ}")
