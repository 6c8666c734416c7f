"""Who may give which command, in which kind and phase: before any rule of its own is asked."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS, ProposeAgreement
from domain.decisions import decide as deciding
from domain.decisions.decide import actor_of, decide
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Role

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

WITHDRAWN = [{"who": "hrbp", "give": "withdraw_agreement", "reason": "Filled."}]
ROWS: dict[str, Row] = {
    "too late": (
        "secondment",
        WITHDRAWN,
        "mentee",
        "sign_agreement",
        {},
        RefusalCode.AGREEMENT_CLOSED,
        "halden-grid.HG-SEC-2026-0117 is closed (withdrawn); sign_agreement came too late.",
    ),
    "another kind": (
        "secondment:active",
        [],
        "mentee",
        "log_observation",
        {},
        RefusalCode.WRONG_KIND,
        "log_observation is for shadowing only; this is a secondment.",
    ),
    "another phase": (
        "secondment",
        [],
        "mentee",
        "complete_milestone",
        {},
        RefusalCode.WRONG_PHASE,
        (
            "complete_milestone is possible in phase active or debrief or synthesis; "
            "this agreement is in agreement."
        ),
    ),
    "a stranger": (
        "secondment:active",
        [],
        "P-9",
        "record_check_in",
        {},
        RefusalCode.NOT_A_PARTY,
        "P-9 is no party to halden-grid.HG-SEC-2026-0117.",
    ),
    "an operator who must be a party": (
        "secondment:active",
        [],
        "operator",
        "record_check_in",
        {},
        RefusalCode.NOT_A_PARTY,
        "OP-1 is no party to halden-grid.HG-SEC-2026-0117.",
    ),
    "another role": (
        "secondment:active",
        [],
        "observer",
        "record_check_in",
        {},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "record_check_in may be given by mentee, mentor; P-2230 is observer here.",
    ),
    "an operator by their own word alone": (
        "secondment:active",
        [],
        "mentee",
        "pause_placement",
        {"acting_as": "operator", "reason": "Mine.", "until": "2027-05-03", "shifts_dates": True},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "P-1042 is no operator, as far as anybody has established.",
    ),
    "acting as what one is not": (
        "secondment:active",
        [],
        "mentee",
        "record_check_in",
        {"acting_as": "mentor"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "record_check_in may be given by mentee, mentor; P-1042 is mentee here.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_command_is_refused_by_kind_phase_and_role(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads where and by whom the command may be given."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)


@pytest.fixture
def proposed_twice(begun: Callable[[str], Any]) -> Refused:
    """The refusal of a second proposal."""
    life = begun("secondment")
    command = ProposeAgreement(
        command_id="again", actor_id="P-1310", agreement_id=life.agreement.agreement_id, terms=life.terms
    )
    with pytest.raises(Refused) as refused:
        decide(life.agreement, command, life.now, {})
    return refused.value


@pytest.fixture
def about_nothing(begun: Callable[[str], Any]) -> Refused:
    """The refusal of a command to an agreement that was never proposed."""
    command = COMMANDS["withdraw_agreement"].model_validate(
        {"command_id": "c1", "actor_id": "P-1300", "reason": "Filled."}
    )
    with pytest.raises(Refused) as refused:
        decide(None, command, begun("secondment").now)
    return refused.value


def test_an_agreement_is_proposed_once_and_first(proposed_twice: Refused, about_nothing: Refused) -> None:
    """Nothing can be done to what does not exist, and nothing can begin twice."""
    assert proposed_twice.code is RefusalCode.ALREADY_DONE
    assert proposed_twice.sentence == "halden-grid.HG-SEC-2026-0117 was proposed already."
    assert about_nothing.code is RefusalCode.UNKNOWN_REFERENCE
    assert about_nothing.sentence == "There is no such agreement yet; place the request first."


def test_every_refusal_before_the_rules_is_in_the_table(
    refused: Callable[..., Refused],
    proposed_twice: Refused,
    about_nothing: Refused,
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    found |= {raised_at(proposed_twice), raised_at(about_nothing)}
    assert refusals_in(deciding) - found == set()


def test_one_person_in_two_roles_acts_in_the_one_that_may(situation: Callable[..., Any]) -> None:
    """Whoever is HR partner and programme owner need not say which, where only one of them may."""
    script = [
        {
            "who": "operator",
            "give": "reassign_role",
            "role": "programme_owner",
            "from_person": "P-1310",
            "to_person": "P-1015",
            "reason": "Moved.",
        }
    ]
    life = situation("secondment:active", script)

    def given(name: str, **fields: Any) -> Role:  # noqa: ANN401  as a command has them
        raw = {"command_id": "c1", "actor_id": "P-1015", **COMMANDS[name].example, **fields}
        return actor_of(life.agreement, COMMANDS[name].model_validate(raw)).role

    assert given("close_incomplete") is Role.PROGRAMME_OWNER
    assert given("end_early") is Role.LINE_MANAGER
    assert given("end_early", acting_as="programme_owner") is Role.PROGRAMME_OWNER
