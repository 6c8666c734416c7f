"""Copies of real lives: the same rows under other ids, at other dates.

What a copy shares with its original is what happened and how far apart; who, where and when differ.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from benchmarks.lives import Life, Moment
from domain.kernel.vocabulary import Role
from domain.views.health import assess

CLOSED_SHARE = 0.60
STALLED_SHARE = 0.03
MEAN_EVENTS = 20.0

TABLES = ("event", "command", "agreement", "agreement_party", "obligation")
"""What a copy fills, in the order of its sheets."""

_SHARED_BY: Mapping[Role, int] = {
    Role.MENTEE: 1,
    Role.MENTOR: 4,
    Role.LINE_MANAGER: 8,
    Role.HOST_MANAGER: 8,
    Role.LEG_MANAGER: 8,
    Role.SPONSOR: 40,
    Role.HRBP: 200,
    Role.PROGRAMME_OWNER: 500,
}
"""Of how many agreements, on average, one person holds the role."""

_DATE = re.compile(r"(?<![\d-])(\d{4}-\d\d-\d\d)(?:([T ])(\d\d:\d\d:\d\d))?(?![\d-])")
_UUID = re.compile(r"\b[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-)")
_PERSON = re.compile(r"\bP-\d{4}\b")


class Glance(NamedTuple):
    """A moment looked at some time after it, before the next."""

    moment: Moment
    at: datetime


class Sheet(NamedTuple):
    """Rows of COPY text with gaps for ids, per table."""

    tables: tuple[bytes, ...]
    gaps: Mapping[str, int]
    """Person gaps, each with how many agreements share one."""


class Share(NamedTuple):
    """So many agreements, spread evenly over these glances."""

    agreements: int
    glances: Sequence[Glance]


def shares(moments: Sequence[Moment], agreements: int, rng: random.Random) -> list[Share]:
    """Which glances to copy how often, so that so many are closed, stalled and neither.

    Args:
        moments: Of all lives.
        agreements: How many copies in all.
        rng: Decides.
    """
    closed = [moment for moment in moments if moment.agreement.closed]
    alive = [moment for moment in moments if not moment.agreement.closed]
    stalled: defaultdict[tuple[object, ...], list[Glance]] = defaultdict(list)
    well: list[Glance] = []
    for moment in alive * 6:
        glance = Glance(moment, _some_time_after(moment, rng))
        stall = assess(moment.agreement, glance.at).stall
        if stall is None:
            well.append(glance)
        else:
            about = (moment.agreement.kind, stall.reason, stall.waiting_on.role, stall.level)
            stalled[about].append(glance)
    long_ago = [Glance(moment, _some_time_after(moment, rng)) for moment in closed for _ in range(20)]
    tilt = _tilt(well, long_ago)
    number_closed, number_stalled = round(agreements * CLOSED_SHARE), round(agreements * STALLED_SHARE)
    number_well = agreements - number_closed - number_stalled
    cells = list(stalled.values())
    return [
        Share(number_closed, _drawn(long_ago, min(number_closed, 800), tilt, rng)),
        Share(number_well, _drawn(well, min(number_well, 1200), tilt, rng)),
        Share(number_stalled, [rng.choice(rng.choice(cells)) for _ in range(min(number_stalled, 2000))]),
    ]


def sheet(glance: Glance, as_of: datetime, *, whole: bool) -> Sheet:
    """The rows of one life up to a moment, moved so that the glance falls on `as_of`.

    Args:
        glance: Where in the life.
        as_of: Where in time.
        whole: With terms, calendars and policy in the opening event, which are most of a life's bytes.
    """
    moment, life = glance.moment, glance.moment.life
    shift = as_of - glance.at
    gapped = _gaps(life)
    opening, *later = life.events[: moment.events]
    texts = (
        (opening if whole else _slim(opening)) + "".join(later),
        "".join(life.commands[: moment.commands]),
        moment.head,
        moment.parties,
        moment.obligations,
    )
    roles = {party.person_id: party.role for party in moment.agreement.parties}
    people = sorted({found for text in texts for found in _PERSON.findall(text)})
    return Sheet(
        tables=tuple(gapped(_moved(text, shift)).encode() for text in texts),
        gaps={person_id: _SHARED_BY.get(roles.get(person_id, Role.PEER), 20) for person_id in people},
    )


def _some_time_after(moment: Moment, rng: random.Random) -> datetime:
    latest = moment.until or moment.at + timedelta(days=700 if moment.agreement.closed else 45)
    return moment.at + rng.random() * (latest - moment.at)


def _tilt(well: Sequence[Glance], closed: Sequence[Glance]) -> float:
    """How much to prefer short streams, so that an agreement has `MEAN_EVENTS` events on average."""

    def mean(glances: Sequence[Glance], tilt: float) -> float:
        weights = [math.exp(-tilt * each.moment.events) for each in glances]
        weighted = zip(weights, glances, strict=True)
        return sum(weight * each.moment.events for weight, each in weighted) / sum(weights)

    low, high = -0.5, 0.5
    for _ in range(40):
        middle = (low + high) / 2
        overall = CLOSED_SHARE * mean(closed, middle) + (1 - CLOSED_SHARE) * mean(well, middle)
        low, high = (middle, high) if overall > MEAN_EVENTS else (low, middle)
    return high


def _drawn(glances: Sequence[Glance], number: int, tilt: float, rng: random.Random) -> list[Glance]:
    weights = [math.exp(-tilt * each.moment.events) for each in glances]
    return rng.choices(glances, weights, k=number)


def _moved(text: str, shift: timedelta) -> str:
    known: dict[str, str] = {}

    def move(found: re.Match[str]) -> str:
        moved = known.get(found[0])
        if moved is None:
            moved = known[found[0]] = moved_one(found)
        return moved

    def moved_one(found: re.Match[str]) -> str:
        day, between, time = found.groups()
        if time is None:
            return (date.fromisoformat(day) + timedelta(days=shift.days)).isoformat()
        instant = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC) + shift
        return f"{instant:%Y-%m-%d}{between}{instant:%H:%M:%S}"

    return _DATE.sub(move, text)


def _gaps(life: Life) -> Callable[[str], str]:
    """Turns ids into gaps. An event keeps all but the first eight digits of its id."""
    names = {life.agreement_id: "A", life.request_id: "R", life.tenant: "T", life.cohort: "C"}
    by_length = sorted(names, key=len, reverse=True)
    ids = re.compile("|".join(re.escape(each) for each in by_length))

    def gapped(text: str) -> str:
        text = ids.sub(lambda found: f"%({names[found[0]]})s", text.replace("%", "%%"))
        text = _UUID.sub("%(E)s", text)
        return _PERSON.sub(lambda found: f"%({found[0]})s", text)

    return gapped


def _slim(opening: str) -> str:
    fields = opening.split("\t")
    data = json.loads(fields[5].replace("\\\\", "\\"))
    kept = {name: data[name] for name in ("agreement_id", "ledger", "parties", "expires_at")}
    fields[5] = json.dumps(kept, separators=(",", ":"), ensure_ascii=False).replace("\\", "\\\\")
    return "\t".join(fields)
