"""Whether the thresholds of a policy make sense together: what they must not be, and what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from domain.kernel.vocabulary import Kind, ObligationKind
from domain.ledger.ladder import OUTSIDE_THE_LADDER
from domain.ledger.obligation import MEETING_KINDS
from domain.policy.policy_set import Allowance, KindPolicy, PolicySet
from domain.terms.problems import Problem, path

LONGEST = 1_000
"""Working days, about four years: more is a slip of the pen."""

COUNTED_FROM_ASKING = frozenset(
    {
        ObligationKind.SIGNATURE,
        ObligationKind.REQUESTED_CHANGES,
        ObligationKind.MILESTONE_VERIFICATION,
        ObligationKind.FEEDBACK,
        ObligationKind.SELF_ASSESSMENT,
        ObligationKind.SESSION_DEBRIEF,
        ObligationKind.BLOCKER,
        ObligationKind.CONCERN,
        ObligationKind.PROPOSAL,
        ObligationKind.BREACH,
        ObligationKind.COURSE_CORRECTION,
        ObligationKind.PIVOT_CONSENT,
        ObligationKind.SYNTHESIS_SIGNATURE,
        ObligationKind.FORCED_CHOICE,
        ObligationKind.SUCCESSOR,
        ObligationKind.COVER,
        ObligationKind.CRITERIA,
    }
)
"""Due so many days after somebody is asked, so that fewer than none make no sense."""

ASKED_BY_SOME_KINDS: Mapping[Kind, frozenset[ObligationKind]] = {
    Kind.SECONDMENT: frozenset({ObligationKind.RETURN_PLAN}),
    Kind.SHADOWING: frozenset(
        {
            ObligationKind.OBSERVATION,
            ObligationKind.PRACTICE,
            ObligationKind.SESSION_DEBRIEF,
            ObligationKind.EXPERIMENT,
        }
    ),
    Kind.ROTATION: frozenset(
        {
            ObligationKind.ANNEX_SIGNATURE,
            ObligationKind.LEG_DELIVERABLE,
            ObligationKind.LEG_DEBRIEF,
            ObligationKind.HANDOVER,
            ObligationKind.LEG_START,
        }
    ),
}
"""What not every kind of placement asks for, by the kinds that do; the others carry the line without using
it."""

ASKED_BY_EVERY_KIND = frozenset(ObligationKind).difference(*ASKED_BY_SOME_KINDS.values())
"""What is asked for whatever the kind."""


def asked_by(kind: Kind) -> frozenset[ObligationKind]:
    """Return the obligations that a kind of placement can open."""
    return ASKED_BY_EVERY_KIND | ASKED_BY_SOME_KINDS[kind]


def senseless(policies: PolicySet) -> Iterator[Problem]:
    """Yield thresholds that no agreement could live by, such as a stall before the due day."""
    if policies.version < 1:
        yield Problem(field="version", sentence="must be 1 or more")
    for kind, policy in policies.kinds.items():
        yield from senseless_for(kind, policy)


def odd(policies: PolicySet) -> Iterator[Problem]:
    """Yield what is allowed and worth a second look: a stall that comes when the ladder has ended."""
    for kind, policy in policies.kinds.items():
        last = policy.ladder[-1].working_days
        asked = asked_by(kind)
        for obligation, allowance in policy.allowances.items():
            grace = allowance.stalled - allowance.due
            if obligation in asked - OUTSIDE_THE_LADDER and grace > last:
                sentence = (
                    f"counts as stalled {grace} working days after its due day, when the ladder has ended: "
                    f"its last rung comes after {last}"
                )
                yield Problem(field=_allowance(kind, obligation), sentence=sentence)


def _allowance(kind: Kind, obligation: ObligationKind) -> str:
    return path("kinds", kind, "allowances", obligation)


def senseless_for(kind: Kind, policy: KindPolicy) -> Iterator[Problem]:
    """Yield thresholds of one kind that contradict one another."""
    for obligation, allowance in policy.allowances.items():
        field = _allowance(kind, obligation)
        yield from _in_order(field, allowance)
        if obligation in MEETING_KINDS and allowance.due != 0:
            yield Problem(field=path(field, "due"), sentence="must be 0: a meeting is due on its own day")
        if obligation in COUNTED_FROM_ASKING and allowance.due < 0:
            sentence = "must not be less than 0: it is counted from the day on which it is asked for"
            yield Problem(field=path(field, "due"), sentence=sentence)
    first = path("kinds", kind, "first_meeting")
    yield from _in_order(first, policy.first_meeting)
    if policy.first_meeting.due < 0:
        yield Problem(field=path(first, "due"), sentence="must not be less than 0: it follows the start")
    for name, least in (
        ("signature_before_start", 0),
        ("expires_unsigned_after", 1),
        ("missed_running", 1),
        ("missed_after", 0),
    ):
        if not least <= getattr(policy, name) <= LONGEST:
            yield Problem(field=path("kinds", kind, name), sentence=f"must lie between {least} and {LONGEST}")
    if policy.covered_from is not None and not 1 <= policy.covered_from <= LONGEST:
        sentence = f"must lie between 1 and {LONGEST}, or be left out where nobody is to stand in"
        yield Problem(field=path("kinds", kind, "covered_from"), sentence=sentence)
    if not 1 <= policy.silence.least <= policy.silence.most <= LONGEST:
        sentence = f"must have 1 or more as least, no more than most, and at most {LONGEST} as most"
        yield Problem(field=path("kinds", kind, "silence"), sentence=sentence)
    yield from _ladder(path("kinds", kind, "ladder"), policy)


def _in_order(field: str, allowance: Allowance) -> Iterator[Problem]:
    if allowance.stalled < allowance.due:
        sentence = (
            f"stalls after {allowance.stalled} working days, before it is due after {allowance.due}: "
            "stalled must not be less than due"
        )
        yield Problem(field=field, sentence=sentence)
    if max(abs(allowance.due), abs(allowance.stalled)) > LONGEST:
        yield Problem(field=field, sentence=f"must stay within {LONGEST} working days")


def _ladder(field: str, policy: KindPolicy) -> Iterator[Problem]:
    steps = policy.ladder
    if not steps:
        yield Problem(field=field, sentence="needs at least one rung")
    for index, (lower, upper) in enumerate(pairwise(steps), start=1):
        if upper.level <= lower.level:
            sentence = f"level {upper.level} follows level {lower.level}: levels ascend, each at most once"
            yield Problem(field=path(field, index), sentence=sentence)
        if upper.working_days <= lower.working_days:
            sentence = (
                f"level {upper.level} comes after {upper.working_days} working days, no later than level "
                f"{lower.level} after {lower.working_days}: a higher rung comes later"
            )
            yield Problem(field=path(field, index), sentence=sentence)
    for index, step in enumerate(steps):
        if (step.level == 0) != (step.working_days <= 0):
            sentence = "level 0 comes on or before the due day, every other level after it"
            yield Problem(field=path(field, index), sentence=sentence)
        if abs(step.working_days) > LONGEST:
            yield Problem(field=path(field, index), sentence=f"must stay within {LONGEST} working days")
