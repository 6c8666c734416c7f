"""Erase a person: what would go, what stays and why; and doing it, as often as it takes.

Destroying the keys comes first: from then on nothing that was sealed for the person can be read, in the log
or in any copy of it. Everything after it clears what is left beside it, and can be done again. The receipt
tells of all that was ever erased of the person, whichever run did it: destroyed keys leave their rows behind,
and which histories go is noted before they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from pydantic import JsonValue
from temporalio.client import Client

from activities.data_rights.log import Looked, RightsLog
from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.integrity.snapshots import count_agreements
from activities.keys.envelopes import agreement_of, person_of
from activities.keys.legal_holds import OnHoldError
from activities.keys.subjects import Destroyed, SubjectKeys
from application.container import Container
from application.data_rights.receipts import SignedReceipt, sign_receipt
from application.data_rights.temporal_histories import HistoryRemoval
from application.errors import ErasureForbiddenError, NothingMatchedError, OnLegalHoldError
from application.identity.operators import require_operator
from application.identity.principal import Principal
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import load_snapshot
from domain.kernel.model import Frozen, PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.data_subjects import holders_of, subject_of
from domain.privacy.free_text import with_words_changed
from domain.stream.messages import RecordedEvent
from domain.stream.sealed_values import ERASED

ERASED_IN = (
    "sojourn.event: unreadable, since the keys are destroyed; the rows and their hashes stay as they are",
    "sojourn.person: name, address, channels, numbers, leave and delegate",
    "every process: keys in memory, within seconds",
)

KEPT = (
    "the id, roles, dates, codes and ratings, in agreements that others are party to as well",
    "what the person wrote about others, sealed for those whom it is about",
    "notices: to which id, when, about which obligation; never their text",
    "this receipt, as the law asks of whoever erases",
    "backups made before: until they expire, and without the schema sojourn_keys they open nothing",
)


class InAgreement(Frozen):
    """What an agreement holds of a person."""

    agreement_id: str
    open: bool
    roles: tuple[Role, ...]
    sealed_events: int
    """Events with something sealed for them."""
    clear_events: int
    """Events with words of theirs from before there were keys: these cannot be taken away."""
    retention_class: str


class Plan(Frozen):
    """What an erasure would do, and what forbids it."""

    person_id: PersonId
    known: bool
    """Whether the directory has them."""
    on_hold: str | None
    """The reference of the legal hold that forbids it."""
    keys: int
    """Keys that would be destroyed."""
    agreements: tuple[InAgreement, ...]
    known_to_stay: bool
    """Whether the directory knows no last day of theirs."""

    @property
    def forbidden(self) -> str | None:
        """Why it cannot be done now; None where it can."""
        if self.on_hold is not None:
            return (
                f"{self.person_id} is on legal hold ({self.on_hold}): lift it with "
                f"`sojourn hold {self.person_id} --lift`."
            )
        holding = [each.agreement_id for each in self.agreements if each.open and each.roles]
        if holding and self.known_to_stay:
            return (
                f"{self.person_id} still holds roles in {', '.join(holding)}: report the departure first "
                "with `sojourn departed`, which hands the roles over or flags them."
            )
        return None


async def plan_erasure(
    container: Container, principal: Principal, person_id: PersonId, *, progress: Progress = NO_PROGRESS
) -> Plan:
    """Return what an erasure of a person would do. Changes nothing.

    Args:
        container: What it takes.
        principal: The operator who asks.
        person_id: Whom it would erase.
        progress: Told of agreements that were looked at.

    Raises:
        NoKeysError: Nothing is encrypted here, so nothing can be erased.
        NotPermittedError: The principal is no operator.
        NothingMatchedError: Nothing is known of such a person.
        ErasureForbiddenError: A legal hold or roles that they still hold forbid it.
    """
    container.key_ring()
    await require_operator(await container.directory(), principal)
    progress.start(await count_agreements(await container.pool()))
    plan = await (await _eraser(container)).plan(person_id, progress.advance)
    if not plan.known and not plan.keys and not plan.agreements:
        raise NothingMatchedError(f"Nothing is known of {person_id}.")
    if plan.forbidden is not None:
        raise ErasureForbiddenError(plan.forbidden)
    return plan


async def erase_person(
    container: Container,
    principal: Principal,
    plan: Plan,
    *,
    reference: str,
    keep: Callable[[SignedReceipt], None],
    told: Callable[[str], None] = lambda _: None,
) -> SignedReceipt:
    """Erase a person and keep the signed receipt; the same again finishes what was interrupted.

    Args:
        container: What it takes.
        principal: The operator who erases.
        plan: As `plan_erasure` has just made it.
        reference: Of the person's request; for the receipt, never a name.
        keep: Keeps the receipt where it is to be kept. It is noted in the record afterwards, so that whoever
            is cut off in between gets the same by the same call again.
        told: Called with each step, for whoever waits.

    Raises:
        NotPermittedError: The principal is no operator.
        OnLegalHoldError: They were put on legal hold since the plan was made; nothing more was erased.
    """
    ring = container.key_ring()
    operator_id = await require_operator(await container.directory(), principal)
    # Reached before anything is destroyed: half an erasure is none.
    client = await container.temporal()
    try:
        receipt = await (await _eraser(container)).erase(
            plan,
            by=operator_id,
            reference=reference,
            client=client,
            task_queue=container.settings.task_queue,
            told=told,
        )
    except OnHoldError as held:
        raise OnLegalHoldError(str(held)) from held
    signed = sign_receipt(ring, receipt)
    keep(signed)
    rights = await container.rights()
    await rights.note(plan.person_id, "person.erased", operator_id, signed.model_dump(mode="json"))
    return signed


async def _eraser(container: Container) -> Eraser:
    return Eraser(
        event_store=await container.event_store(),
        directory=await container.directory(),
        keys=await container.subject_keys(),
        rights=await container.rights(),
    )


class Eraser:
    """Erases people, step by step.

    Args:
        event_store: Where the events are.
        directory: Where names are.
        keys: Where their keys are.
        rights: Where it is noted.
    """

    def __init__(
        self, *, event_store: EventStore, directory: Directory, keys: SubjectKeys, rights: RightsLog
    ) -> None:
        self._event_store = event_store
        self._directory = directory
        self._keys = keys
        self._rights = rights

    async def plan(self, person_id: PersonId, looked: Looked = lambda _: None) -> Plan:
        """Return what there is of a person, and whether it may be erased. Changes nothing.

        Args:
            person_id: Whom.
            looked: Told how many agreements more were looked at: it takes a while in a large record.
        """
        hold = await self._rights.hold_on(person_id)
        row = (await self._directory.get([person_id])).get(person_id)
        return Plan(
            person_id=person_id,
            known=row is not None,
            on_hold=None if hold is None else str(hold.data.get("reference", "")),
            keys=len(await self._keys.in_use(person_id)),
            agreements=tuple(
                [
                    await self._in_agreement(each.agreement_id, each.sealed, person_id)
                    for each in await self._rights.agreements_of(person_id, looked)
                ]
            ),
            known_to_stay=row is not None and row.left_on is None,
        )

    async def erase(
        self,
        plan: Plan,
        *,
        by: PersonId,
        reference: str,
        client: Client,
        task_queue: str,
        told: Callable[[str], None],
    ) -> dict[str, JsonValue]:
        """Erase; the same again finishes what was interrupted.

        Args:
            plan: As just made, with nothing that forbids it.
            by: Who erases.
            reference: Of the person's request; for the receipt.
            client: Temporal, whose histories hold payloads that are sealed for no person in particular.
            task_queue: Where agreements that still run go on, from the record.
            told: Called with each step, for whoever waits.

        Returns:
            The receipt, still to be signed.

        Raises:
            OnHoldError: They were put on legal hold since the plan was made; nothing more was erased.
        """
        destroyed = await self._keys.destroy(plan.person_id, by=by, reference=reference)
        told(f"{len(destroyed)} keys destroyed")
        cleared = await self._rights.clear_directory(plan.person_id)
        told("the directory is cleared")
        history_removal = HistoryRemoval(self._event_store, self._rights, client, task_queue)
        for each in plan.agreements:
            await history_removal.remove(
                each.agreement_id, of=[plan.person_id], by=by, on_account_of=plan.person_id
            )
            told(f"{each.agreement_id}: deletion of its histories requested")
        histories = await history_removal.removed_runs(plan.person_id)
        return {
            "person_id": plan.person_id,
            "erased_at": datetime.now(UTC).isoformat(),
            "by": by,
            "reference": reference,
            "keys_destroyed": destroyed_keys(await self._keys.destroyed(plan.person_id)),
            "directory_cleared": cleared,
            "erased_in": list(ERASED_IN),
            "agreements": [each.model_dump(mode="json") for each in plan.agreements],
            "temporal_histories_deleted_on_request": {
                each.agreement_id: len(histories.get(each.agreement_id, ())) for each in plan.agreements
            },
            "kept": list(KEPT),
        }

    async def _in_agreement(self, agreement_id: str, sealed: int, person_id: PersonId) -> InAgreement:
        snapshot = await load_snapshot(self._event_store, agreement_id)
        if snapshot is None:
            raise LookupError(agreement_id)
        found = snapshot.agreement
        holders = holders_of(found.parties)
        return InAgreement(
            agreement_id=agreement_id,
            open=not found.closed,
            roles=tuple(role for role in Role if role in found.roles_of(person_id)),
            sealed_events=sealed,
            clear_events=sum(_has_clear_words_of(person_id, row, holders) for row in snapshot.events),
            retention_class=found.terms.retention_class,
        )


def destroyed_keys(keys: Iterable[Destroyed]) -> list[JsonValue]:
    """Return destroyed keys as a receipt tells of them."""
    return [
        {
            "person_id": person_of(key.reference.subject_id),
            "agreement_id": agreement_of(key.reference.subject_id),
            "version": key.reference.version,
            "at": key.at.isoformat(),
        }
        for key in keys
    ]


def _has_clear_words_of(person_id: str, row: RecordedEvent, holders: dict[Role, PersonId]) -> bool:
    found: list[str] = []

    def note(place: str, words: str) -> JsonValue:
        subject = subject_of(row.type, place, row.data, author=row.actor_id, holders=holders)
        if subject == person_id and words != ERASED:
            found.append(place)
        return words

    with_words_changed(row.type, row.data, note)
    return bool(found)
