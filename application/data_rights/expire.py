"""Let what was written in an agreement expire on its date: what is due, what keeps it, and doing it.

An agreement's words are sealed under keys of their own, one for each of its people. Destroying these makes
them unreadable in the log and in every copy of it, while agreement, hashes and reports stay. It is noted
before it is begun and after it is done, so that a run that was cut off is finished by the next.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from pydantic import JsonValue

from activities.data_rights.log import Looked, RightsLog
from activities.event_store.event_store import EventStore
from activities.integrity.snapshots import count_agreements
from activities.keys.envelopes import person_of
from activities.keys.legal_holds import OnHoldError
from activities.keys.subjects import SubjectKeys
from application.container import Container
from application.data_rights.erase import destroyed_keys
from application.data_rights.receipts import SignedReceipt, sign_receipt
from application.data_rights.temporal_histories import HistoryRemoval
from application.identity.operators import require_operator
from application.identity.principal import Principal
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import load_snapshot
from domain.agreement.state import Agreement
from domain.kernel.model import Frozen, PersonId
from domain.privacy.retention import State, period_of, state_of

ERASED_IN = (
    "sojourn.event: words of this agreement are unreadable, since their keys are destroyed; the rows stay",
    "every process: keys in memory, within seconds",
)

KEPT = (
    "ids, roles, dates, codes and ratings, which reports count",
    "words that an earlier release sealed under a person's own key: `sojourn erase` destroys that",
    "words from before there were keys",
    "backups made before: until they expire, and without the schema sojourn_keys they open nothing",
)


class Due(Frozen):
    """An agreement whose words are due, or would be."""

    agreement_id: str
    retention_class: str
    closed_on: date
    due_on: date | None
    """The first day on which its words are not to be kept any more; None where nobody has said."""
    state: State
    holds: Mapping[PersonId, str]
    """Who is on legal hold, by reference of the hold."""
    people: tuple[PersonId, ...]
    """For whom something is sealed in it."""
    keys: int
    """Keys that would be destroyed: 0 where an earlier run was cut off behind it."""


class ExpiryOutcome(NamedTuple):
    """What became of one agreement whose words are due, or would be."""

    due: Due
    receipt: SignedReceipt | None
    """None where nothing was erased: `due.state` says why."""


async def list_due(
    container: Container, principal: Principal, on: date, *, progress: Progress = NO_PROGRESS
) -> list[ExpiryOutcome]:
    """Return the agreements whose words are due by a day; nothing is erased.

    Args:
        container: What it takes.
        principal: The operator who asks.
        on: The day, in UTC.
        progress: Told of agreements that were looked at.

    Raises:
        NoKeysError: Nothing is encrypted here.
        NotPermittedError: The principal is no operator.
    """
    expiry, _ = await _expiry(container, principal)
    progress.start(await count_agreements(await container.pool()))
    return [ExpiryOutcome(due, None) async for due in expiry.due(on, progress.advance)]


async def erase_due(
    container: Container,
    principal: Principal,
    on: date,
    *,
    reference: str,
    keep: Callable[[str, SignedReceipt], None],
    progress: Progress = NO_PROGRESS,
) -> list[ExpiryOutcome]:
    """Erase the words of agreements that are due; the same call again finishes what was cut off.

    Args:
        container: What it takes.
        principal: The operator who does it.
        on: The day, in UTC; never one to come.
        reference: Of the rule or the run; for the receipts, never a name.
        keep: Keeps an agreement's signed receipt where it is to be kept, before it is noted in the record.
        progress: Told of agreements that were looked at.

    Raises:
        NoKeysError: Nothing is encrypted here.
        NotPermittedError: The principal is no operator.
    """
    ring = container.key_ring()
    expiry, operator_id = await _expiry(container, principal)
    history_removal = HistoryRemoval(
        await container.event_store(),
        await container.rights(),
        await container.temporal(),
        container.settings.task_queue,
    )
    done: list[ExpiryOutcome] = []
    progress.start(await count_agreements(await container.pool()))
    async for due in expiry.due(on, progress.advance):
        if due.state is not State.DUE:
            done.append(ExpiryOutcome(due, None))
            continue

        def sign_and_keep(
            receipt: dict[str, JsonValue], agreement_id: str = due.agreement_id
        ) -> dict[str, JsonValue]:
            signed = sign_receipt(ring, receipt)
            keep(agreement_id, signed)
            return signed.model_dump(mode="json")

        try:
            written = await expiry.expire(
                due,
                by=operator_id,
                reference=reference,
                history_removal=history_removal,
                kept=sign_and_keep,
            )
        except OnHoldError as held:
            # Placed since it was found to be due: told as any other that a hold keeps.
            kept = due.model_copy(update={"state": State.ON_HOLD, "holds": held.holds})
            done.append(ExpiryOutcome(kept, None))
        else:
            done.append(ExpiryOutcome(due, SignedReceipt.model_validate(written)))
    return done


async def _expiry(container: Container, principal: Principal) -> tuple[Expiry, PersonId]:
    keys = await container.subject_keys()
    operator_id = await require_operator(await container.directory(), principal)
    expiry = Expiry(
        await container.event_store(), keys, await container.rights(), container.settings.retention_periods
    )
    return expiry, operator_id


class Expiry:
    """Finds what is due and lets it expire.

    Args:
        event_store: Where the events are.
        keys: Where people's keys are.
        rights: Where it is noted.
        periods: The organisation's own table of retention classes.
    """

    def __init__(
        self, event_store: EventStore, keys: SubjectKeys, rights: RightsLog, periods: Mapping[str, str]
    ) -> None:
        self._event_store = event_store
        self._keys = keys
        self._rights = rights
        self._periods = periods

    async def due(self, on: date, looked: Looked = lambda _: None) -> AsyncGenerator[Due]:
        """Yield what is due on a day, in order of id, and first what an earlier run began; changes nothing.

        Args:
            on: The day, in UTC.
            looked: Told how many agreements more were looked at.
        """
        begun = await self._rights.expiries_begun()
        for agreement_id in begun:
            found = await self._of(agreement_id, on, begun=True)
            if found is not None:
                yield found
        async for each in self._rights.retained(looked):
            periods = [period_of(name, self._periods) for name in each.classes]
            closed_on = each.closed_at.astimezone(UTC).date()
            # Folding settles which class holds; what no class makes due need not be folded.
            possible = any(period is None or period.after(closed_on) <= on for period in periods)
            if each.agreement_id not in begun and possible:
                found = await self._of(each.agreement_id, on)
                if found is not None:
                    yield found

    async def expire(
        self,
        due: Due,
        *,
        by: PersonId,
        reference: str,
        history_removal: HistoryRemoval,
        kept: Callable[[dict[str, JsonValue]], dict[str, JsonValue]],
    ) -> dict[str, JsonValue]:
        """Let one agreement's words expire; the same again finishes what was cut off.

        Args:
            due: As just found.
            by: Who does it.
            reference: Of the rule or the run; for the receipt.
            history_removal: Removes what Temporal keeps.
            kept: Given the receipt, signs it and keeps it where it is to be kept; gives it back as signed.

        Returns:
            The signed receipt.

        Raises:
            ValueError: It is not due.
            OnHoldError: Somebody in it was put on legal hold since; nothing more was erased.
        """
        if due.state is not State.DUE:
            raise ValueError(f"{due.agreement_id} is {due.state}")
        begun = (await self._rights.expiries_begun()).get(due.agreement_id, [])
        why: dict[str, JsonValue] = {
            "agreement_id": due.agreement_id,
            "retention_class": due.retention_class,
            "due_on": None if due.due_on is None else due.due_on.isoformat(),
            "reference": reference,
        }
        for person_id in due.people:
            if person_id not in begun:
                await self._rights.note(person_id, "expiry.begun", by, why)
        await self._keys.destroy_in(due.agreement_id, by=by, reference=reference)
        await history_removal.remove(due.agreement_id, of=due.people, by=by)
        histories = {
            run
            for person_id in due.people
            for run in (await history_removal.removed_runs(person_id)).get(due.agreement_id, [])
        }
        receipt = kept(
            {
                **why,
                "closed_on": due.closed_on.isoformat(),
                "erased_at": datetime.now(UTC).isoformat(),
                "by": by,
                "people": [*due.people],
                "keys_destroyed": destroyed_keys(await self._keys.destroyed_in(due.agreement_id)),
                "erased_in": [*ERASED_IN],
                "temporal_histories_deleted_on_request": len(histories),
                "kept": [*KEPT],
            }
        )
        for person_id in due.people:
            await self._rights.note(
                person_id, "words.expired", by, {"agreement_id": due.agreement_id, **receipt}
            )
        return receipt

    async def _of(self, agreement_id: str, on: date, *, begun: bool = False) -> Due | None:
        """Return an agreement whose words are due, from its stream; None where they are not, or not yet."""
        snapshot = await load_snapshot(self._event_store, agreement_id)
        if snapshot is None or not snapshot.agreement.closed:
            return None
        agreement = snapshot.agreement
        retention_class = agreement.terms.retention_class
        closed_on = snapshot.events[-1].occurred_at.astimezone(UTC).date()
        period = period_of(retention_class, self._periods)
        due_on = None if period is None else period.after(closed_on)
        if due_on is not None and due_on > on and not begun:
            return None
        in_use = await self._keys.in_use_in(agreement_id)
        gone = [key.reference for key in await self._keys.destroyed_in(agreement_id)] if begun else []
        people = sorted({person_of(each.subject_id) for each in (*in_use, *gone)})
        holds = await self._rights.holds_on({*people, *_parties(agreement)})
        return Due(
            agreement_id=agreement_id,
            retention_class=retention_class,
            closed_on=closed_on,
            due_on=due_on,
            state=state_of(due_on, on_hold=bool(holds), begun=begun),
            holds=holds,
            people=tuple(people),
            keys=len(in_use),
        )


def _parties(agreement: Agreement) -> Sequence[PersonId]:
    return [party.person_id for party in agreement.parties]
