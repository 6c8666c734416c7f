"""The key of each person: made when first needed, kept wrapped, cached in memory, destroyed to erase.

Data keys are random, never derived: a derived key cannot be destroyed. A destroyed key leaves its row behind
without the key, so that an erasure can be told from a key that was lost.
"""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from activities.keys.envelopes import KeyReference, SubjectKey, framed, named
from activities.keys.legal_holds import refuse_held
from activities.keys.ring import KEY_BYTES, KeyRing, KeysError, Wrapped
from activities.postgres.pool import Database

CACHED = 10_000
"""Keys of people that one process keeps at hand."""

LOOK_AGAIN = timedelta(seconds=5)
"""How long a process may use a key before it looks whether keys were destroyed: one look for all of them."""

_ASLEEP = timedelta(minutes=30)
"""After such a pause nothing in the cache is trusted."""

_LOOK_BACK = timedelta(hours=1)
"""How far a look goes back: more than a pause may last, whatever the order in which destructions commit."""

_REWRAPPED_AT_ONCE = 500


class Destroyed(NamedTuple):
    """A key that is no more."""

    reference: KeyReference
    at: datetime


class LostKeyError(KeysError):
    """A person's key is not in the database although something is sealed with it, and nobody erased them.

    Attributes:
        reference: Which key.
    """

    def __init__(self, reference: KeyReference) -> None:
        super().__init__(
            f"The key of {named(reference.subject_id)} (version {reference.version}) is missing in "
            "sojourn_keys.subject_key. That is a loss and no erasure: restore the schema sojourn_keys from "
            "its backup, then run `sojourn verify`, which names erased keys that came back with it."
        )
        self.reference = reference


class SubjectKeys:
    """People's keys over a pool of connections, under a key ring.

    Every method raises `DatabaseUnavailableError` and `DatabaseRefusedError` as the record does, and
    `KeysError` where the ring cannot unwrap.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], ring: KeyRing) -> None:
        self._database = Database(pool)
        self._ring = ring
        self._cached: OrderedDict[KeyReference, SubjectKey] = OrderedDict()
        self._newest: dict[str, KeyReference] = {}
        self._looked = float("-inf")

    async def for_encryption(self, subject_ids: Collection[str]) -> Mapping[str, SubjectKey]:
        """Return the newest key of each of these people, made where there is none that can be used."""
        await self._drop_destroyed()
        lacking = sorted({each for each in subject_ids if self._at_hand(each) is None})
        found: dict[str, SubjectKey] = {}
        if lacking:
            found = await self._fetched_or_made(lacking)
        for subject_id in subject_ids:
            known = self._at_hand(subject_id)
            if known is not None:
                found[subject_id] = known
        return found

    async def for_decryption(
        self, references: Collection[KeyReference]
    ) -> Mapping[KeyReference, SubjectKey | None]:
        """Return the keys that encrypted texts name; None where the key was destroyed.

        Raises:
            LostKeyError: There is no such key, and none was destroyed.
        """
        await self._drop_destroyed()
        found: dict[KeyReference, SubjectKey | None] = {
            each: self._cached[each] for each in references if each in self._cached
        }
        lacking = sorted(set(references) - found.keys())
        if lacking:
            rows = await self._database.rows(
                "subject_keys", [each.subject_id for each in lacking], [each.version for each in lacking]
            )
            found.update({_reference(row): self._usable(row) for row in rows})
        for reference in lacking:
            if reference not in found:
                raise LostKeyError(reference)
        return found

    async def destroy(self, person_id: str, *, by: str, reference: str) -> list[Destroyed]:
        """Destroy every key of a person, so that nobody reads their words again; it is noted of them.

        Args:
            person_id: Whose.
            by: Who does it.
            reference: Of the case it belongs to.

        Returns:
            Each key destroyed now; empty where there was none.

        Raises:
            OnHoldError: They are on legal hold; nothing was destroyed.
        """
        return await self._destroyed_now(person_id, None, by, {"reference": reference})

    async def destroy_in(self, agreement_id: str, *, by: str, reference: str) -> list[Destroyed]:
        """Destroy every key of an agreement, so that nobody reads again what was written in it; it is noted.

        Args:
            agreement_id: Which.
            by: Who does it.
            reference: Of the rule or run it belongs to.

        Returns:
            Each key destroyed now; empty where there was none.

        Raises:
            OnHoldError: Somebody in it is on legal hold; nothing was destroyed.
        """
        why = {"agreement_id": agreement_id, "reference": reference}
        return await self._destroyed_now(None, agreement_id, by, why)

    async def destroyed(self, person_id: str) -> list[Destroyed]:
        """Return every key of a person that was ever destroyed, whichever call did it, in order."""
        return [_destroyed(row) for row in await self._database.rows("destroyed_keys", person_id)]

    async def destroyed_in(self, agreement_id: str) -> list[Destroyed]:
        """Return every key of an agreement that was ever destroyed, whichever call did it, in order."""
        return [
            _destroyed(row) for row in await self._database.rows("destroyed_agreement_keys", agreement_id)
        ]

    async def in_use(self, person_id: str) -> list[KeyReference]:
        """Return the keys of a person that there are to destroy."""
        return [_reference(row) for row in await self._database.rows("keys_in_use", person_id)]

    async def in_use_in(self, agreement_id: str) -> list[KeyReference]:
        """Return the keys of an agreement that there are to destroy."""
        return [_reference(row) for row in await self._database.rows("agreement_keys_in_use", agreement_id)]

    async def rewrap(self) -> int:
        """Wrap every key anew that is not under the primary key-encryption key; events stay as they are.

        Only over connections of the role that owns the schema.

        Returns:
            How many keys were wrapped anew.
        """
        done = 0
        while rows := await self._database.rows(
            "subject_keys_under_others", self._ring.primary_id, _REWRAPPED_AT_ONCE
        ):
            wrapped = [self._ring.wrap(self._unwrapped(row), _bound_to(_reference(row))) for row in rows]
            await self._database.rows(
                "rewrap_subject_keys",
                [row["subject_id"] for row in rows],
                [row["version"] for row in rows],
                [each.key_id for each in wrapped],
                [each.content for each in wrapped],
            )
            done += len(rows)
        return done

    async def counts(self) -> Mapping[str, int]:
        """Return how many people's keys are under each key-encryption key."""
        rows = await self._database.rows("subject_keys_by_wrapping")
        return {row["key_id"]: row["keys"] for row in rows}

    async def check(self) -> None:
        """Make sure that this ring can unwrap what is in the database: one key of each that wraps any.

        Raises:
            KeysError: It cannot; the text names the key.
        """
        for row in await self._database.rows("subject_key_samples"):
            self._unwrapped(row)

    async def _fetched_or_made(self, subject_ids: list[str]) -> dict[str, SubjectKey]:
        found: dict[str, SubjectKey] = {}
        lacking = list(subject_ids)
        # Whoever loses the race to make a key finds the winner's on the next turn.
        while lacking:
            rows = {row["subject_id"]: row for row in await self._database.rows("newest_keys", lacking)}
            versions: dict[str, int] = {}
            for subject_id in lacking:
                row = rows.get(subject_id)
                key = None if row is None else self._usable(row)
                if key is None:
                    versions[subject_id] = 1 if row is None else row["version"] + 1
                else:
                    found[subject_id] = self._newest_is(key)
            lacking = [] if not versions else await self._made(versions, found)
        return found

    async def _made(self, versions: Mapping[str, int], found: dict[str, SubjectKey]) -> list[str]:
        """Make keys; return whose key somebody else was quicker to make."""
        references = [KeyReference(subject_id, version) for subject_id, version in versions.items()]
        wrapped = [self._ring.wrap(os.urandom(KEY_BYTES), _bound_to(each)) for each in references]
        rows = await self._database.rows(
            "keep_subject_keys",
            [each.subject_id for each in references],
            [each.version for each in references],
            [each.key_id for each in wrapped],
            [each.content for each in wrapped],
        )
        for row in rows:
            key = self._usable(row)
            if key is not None:
                found[row["subject_id"]] = self._newest_is(key)
        return [each for each in versions if each not in found]

    def _usable(self, row: asyncpg.Record) -> SubjectKey | None:
        if row["destroyed_at"] is not None:
            return None
        reference = _reference(row)
        key = self._cached.get(reference)
        if key is None:
            key = SubjectKey(reference, AESGCM(self._unwrapped(row)))
            self._cached[reference] = key
            if len(self._cached) > CACHED:
                oldest, _ = self._cached.popitem(last=False)
                self._newest.pop(oldest.subject_id, None)
        return key

    def _unwrapped(self, row: asyncpg.Record) -> bytes:
        return self._ring.unwrap(Wrapped(row["key_id"], row["wrapped"]), _bound_to(_reference(row)))

    def _newest_is(self, key: SubjectKey) -> SubjectKey:
        self._newest[key.reference.subject_id] = key.reference
        return key

    def _at_hand(self, subject_id: str) -> SubjectKey | None:
        reference = self._newest.get(subject_id)
        key = None if reference is None else self._cached.get(reference)
        if key is not None:
            self._cached.move_to_end(key.reference)
        return key

    async def _drop_destroyed(self) -> None:
        now = time.monotonic()
        if not self._cached:
            self._looked = now
            return
        since = timedelta(seconds=now - self._looked)
        if since < LOOK_AGAIN:
            return
        if since > _ASLEEP:
            self._cached.clear()
            self._newest.clear()
        else:
            self._forget(
                *(row["subject_id"] for row in await self._database.rows("destroyed_lately", _LOOK_BACK))
            )
        self._looked = now

    async def _destroyed_now(
        self, person_id: str | None, agreement_id: str | None, by: str, why: Mapping[str, str]
    ) -> list[Destroyed]:
        rows = await self._database.rows("destroy_keys", person_id, agreement_id, by, json.dumps(why))
        refuse_held(rows)
        self._forget(*(row["subject_id"] for row in rows))
        return [_destroyed(row) for row in rows]

    def _forget(self, *subject_ids: str) -> None:
        for subject_id in subject_ids:
            self._newest.pop(subject_id, None)
        for reference in _of(self._cached, set(subject_ids)):
            del self._cached[reference]


def _of(references: Iterable[KeyReference], subject_ids: set[str]) -> list[KeyReference]:
    return [each for each in references if each.subject_id in subject_ids] if subject_ids else []


def _reference(row: asyncpg.Record) -> KeyReference:
    return KeyReference(row["subject_id"], row["version"])


def _destroyed(row: asyncpg.Record) -> Destroyed:
    return Destroyed(_reference(row), row["destroyed_at"])


def _bound_to(reference: KeyReference) -> bytes:
    return framed("sojourn.subject-key.v1", reference.subject_id, str(reference.version))
