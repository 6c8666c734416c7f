"""Which policy set is meant: a known one by name, or one that came along as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS
from domain.agreement.commands.forming import ProposeAgreement
from domain.agreement.commands.operations import AdoptPolicy
from domain.agreement.events.forming import AgreementProposed
from domain.decisions.decide import decide
from domain.kernel.digests import digest_of_model
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import Frozen
from domain.kernel.vocabulary import Kind, ObligationKind
from domain.policy.choice import chosen
from domain.policy.documents import document_of, policy_set_of
from domain.policy.policy_set import DEFAULT, PolicySet
from domain.terms.parts import PolicyReference


def patient(version: int = 1, *, milestone: int = 30, policy_set_id: str = "patient") -> PolicySet:
    """A set in which milestones of secondments stall later."""
    document = document_of(DEFAULT)
    document.update(policy_set_id=policy_set_id, version=version)
    kinds: Any = document["kinds"]
    kinds["secondment"]["allowances"]["milestone"]["stalled"] = milestone
    return policy_set_of(document)


def without(policies: PolicySet, **changes: object) -> PolicySet:
    """The set with a secondment's thresholds replaced."""
    changed = policies.kinds[Kind.SECONDMENT].model_copy(update=changes)
    return policies.model_copy(update={"kinds": {**policies.kinds, Kind.SECONDMENT: changed}})


def refusal(sent: PolicySet | None, name: str = "patient", version: int = 1) -> str:
    """Why a secondment cannot live by what was sent."""
    with pytest.raises(Refused) as refused:
        chosen(name, version, sent, Kind.SECONDMENT, code=RefusalCode.TERMS_INVALID, field="policy_set")
    assert refused.value.code is RefusalCode.TERMS_INVALID
    return refused.value.sentence


def test_a_set_that_is_sent_along_is_the_one_meant() -> None:
    """Its thresholds are taken as they came; a known one needs nothing to come along."""
    where: Any = {"code": RefusalCode.TERMS_INVALID, "field": "policy_set"}
    sent = patient()
    assert chosen("patient", 1, sent, Kind.SECONDMENT, **where) == sent.kinds[Kind.SECONDMENT]
    assert chosen("default", 1, None, Kind.ROTATION, **where) == DEFAULT.kinds[Kind.ROTATION]
    assert chosen("default", 1, DEFAULT, Kind.ROTATION, **where) == DEFAULT.kinds[Kind.ROTATION]


def test_what_cannot_be_lived_by_is_refused() -> None:
    """Another set than the one named, a known version with other thresholds, gaps and contradictions."""
    assert "there is no patient version 1; there is default version 1" in refusal(None)
    assert "policies: is patient version 2, and policy_set names patient version 1" in refusal(patient(2))
    assert "default version 1 is fixed" in refusal(patient(policy_set_id="default"), "default")
    sent = patient()
    only_rotations = sent.model_copy(update={"kinds": {Kind.ROTATION: sent.kinds[Kind.ROTATION]}})
    assert "lacks thresholds of a secondment" in refusal(only_rotations)
    allowances = dict(sent.kinds[Kind.SECONDMENT].allowances)
    del allowances[ObligationKind.FORCED_CHOICE]
    assert "lacks thresholds of a secondment" in refusal(without(sent, allowances=allowances))
    assert "is not of patient version 1" in refusal(without(sent, version=7))
    assert "ladder: needs at least one rung" in refusal(without(sent, ladder=()))


@pytest.mark.parametrize("model", [AdoptPolicy, ProposeAgreement])
def test_a_command_without_a_set_is_the_command_of_older_releases(
    model: type[AdoptPolicy | ProposeAgreement], begun: Callable[[str], Any]
) -> None:
    """Its digest, by which a repeated command is known, does not change; with a set it does."""
    who = {"command_id": "c-1", "actor_id": "P-1"}
    own: dict[str, Any] = (
        dict(AdoptPolicy.example)
        if model is AdoptPolicy
        else {"agreement_id": "a-1", "terms": begun("secondment").terms}
    )
    command: Frozen = model.model_validate({**who, **own})
    assert "policies" not in command.model_dump(mode="json")
    sent = command.model_copy(update={"policies": patient()})
    assert digest_of_model(sent) != digest_of_model(command)
    assert model.model_validate_json(sent.model_dump_json()) == sent


def test_an_agreement_carries_what_it_was_proposed_under(begun: Callable[[str], Any]) -> None:
    """A proposal under a set of one's own writes its thresholds into the first event."""
    life = begun("secondment")
    reference = PolicyReference(policy_set_id="patient", version=1)
    terms = life.terms.model_copy(update={"policy_set": reference})
    propose = ProposeAgreement(
        command_id="c-1", actor_id=terms.approved_by, agreement_id="a-1", terms=terms, policies=patient()
    )
    [proposed] = decide(None, propose, terms.approved_at, life.agreement.calendars)
    assert isinstance(proposed, AgreementProposed)
    assert proposed.policy == patient().kinds[Kind.SECONDMENT]


def test_a_set_only_goes_forward(active: Callable[[str], Any]) -> None:
    """A version that an agreement carries means one thing for ever, and a lower one is not gone back to."""
    life = active("secondment")

    def adopt(policies: PolicySet) -> None:
        named = {"policy_set_id": policies.policy_set_id, "version": policies.version}
        life.by(
            "hrbp", "adopt_policy", **named, reason="As agreed.", policies=policies.model_dump(mode="json")
        )

    def refused(policies: PolicySet) -> Refused:
        named = {"policy_set_id": policies.policy_set_id, "version": policies.version}
        return life.refusal(
            "hrbp", "adopt_policy", **named, reason="As agreed.", policies=policies.model_dump(mode="json")
        )

    adopt(patient(2))
    assert life.agreement.policy == patient(2).kinds[Kind.SECONDMENT]
    assert refused(patient(2)).code is RefusalCode.NO_CHANGE
    assert "carries patient version 2 with other thresholds" in refused(patient(2, milestone=40)).sentence
    assert "give these thresholds version 3 or higher" in refused(patient(1)).sentence
    adopt(patient(3, milestone=40))
    assert life.agreement.policy.version == 3


def test_the_catalogue_has_one_way_to_another_policy() -> None:
    """Only this command takes a set along, so that the command line knows where to put it."""
    taking = [name for name, command in COMMANDS.items() if "policies" in command.model_fields]
    assert taking == ["adopt_policy"]
