"""A fourth kind, a job swap, that lives here alone: what adding a kind touches, and that it is enough.

The registries of kinds are closed on purpose: a union that type checkers know, an enumeration that a schema
lists. So the kind is added the way everybody adds one, in a copy of the project: new modules beside those of
the other kinds, and the lines of `REGISTERED`. Swaps are then lived in the copy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from filecmp import dircmp
from pathlib import Path

import pytest

from domain.terms.common import CommonTerms
from tests.fixtures.paths import EXAMPLES, ROOT
from tests.fixtures.project_copy import copy_project, run

JOB_SWAP = Path(__file__).parent
"""Where the kind stands: its modules as they are added to `domain/`, its request, and its lives."""

REGISTERED: Mapping[str, Mapping[str, str]] = {
    "domain/kernel/vocabulary.py": {
        '    ROTATION = "rotation"\n': '    JOB_SWAP = "job_swap"\n',
    },
    "domain/terms/union.py": {
        "from domain.kernel.vocabulary import Kind\n": "from domain.terms.job_swap import JobSwapTerms\n",
        "OfAnyKind = SecondmentTerms | ShadowingTerms | RotationTerms": " | JobSwapTerms",
        "    Kind.ROTATION: RotationTerms,\n": "    Kind.JOB_SWAP: JobSwapTerms,\n",
    },
    "domain/terms/checks.py": {
        "from domain.terms.rules import advice, common, rotation, secondment, shadowing": ", job_swap",
        "    Kind.ROTATION: (*common.RULES, *rotation.RULES),\n": (
            "    Kind.JOB_SWAP: (*common.RULES, *job_swap.RULES),\n"
        ),
        "    Kind.ROTATION: (*advice.COMMON, *advice.ROTATION),\n": "    Kind.JOB_SWAP: advice.COMMON,\n",
    },
    "domain/terms/rules/advice.py": {"Kind.ROTATION: 21": ", Kind.JOB_SWAP: 28"},
    "domain/policy/policy_set.py": {
        "        Kind.ROTATION: _ROTATION,\n": "        Kind.JOB_SWAP: _SECONDMENT,\n",
    },
    "domain/policy/validation.py": {
        "    Kind.SECONDMENT: frozenset({ObligationKind.RETURN_PLAN}),\n": (
            "    Kind.JOB_SWAP: frozenset({ObligationKind.RETURN_PLAN}),\n"
        ),
    },
    "domain/kinds/__init__.py": {
        "from domain.kernel.vocabulary import Kind\n": "from domain.kinds.job_swap import JobSwapRules\n",
        "        RotationRules(),\n": "        JobSwapRules(),\n",
    },
}
"""By file, after which text what is added. Nothing is removed, and nothing else of `domain/` changes."""

ADDED = ("domain/terms/job_swap.py", "domain/terms/rules/job_swap.py", "domain/kinds/job_swap.py")

PYTEST = ("-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:xdist")


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which somebody added the kind."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    for module in ADDED:
        shutil.copy(JOB_SWAP / module, project / module)
    for path, lines in REGISTERED.items():
        text = (project / path).read_text()
        for after, line in lines.items():
            assert text.count(after) == 1, f"{path} does not have this once: {after}"
            text = text.replace(after, after + line)
        (project / path).write_text(text)
    shared = json.loads((EXAMPLES / "secondment.json").read_text())
    request = {name: value for name, value in shared.items() if name in CommonTerms.model_fields}
    request |= json.loads((JOB_SWAP / "request.json").read_text())
    (project / "examples/job_swap.json").write_text(json.dumps(request))
    return project


def test_adding_a_kind_touches_kinds_terms_policy_and_the_vocabulary(added: Path) -> None:
    """Whoever adds a kind opens no other folder of the domain: neither commands, nor decisions, nor views."""
    touched = set(_differing(dircmp(ROOT / "domain", added / "domain", ignore=["__pycache__"]), "domain"))
    assert touched == {*REGISTERED, *ADDED}
    beside = {path for path in touched if path.split("/")[1] not in {"terms", "policy", "kinds"}}
    assert beside == {"domain/kernel/vocabulary.py"}


def _differing(compared: dircmp[str], folder: str) -> list[str]:
    here = [f"{folder}/{name}" for name in (*compared.diff_files, *compared.right_only, *compared.left_only)]
    return here + [
        path for name, inner in compared.subdirs.items() for path in _differing(inner, f"{folder}/{name}")
    ]


def test_swaps_live_from_request_to_synthesis(added: Path) -> None:
    """They are checked, signed, lived, told of and explained, and no registry of kinds lacks them."""
    lives = "tests/domain/kinds/job_swap/lives.py"
    said = run(added, *PYTEST, lives, "tests/domain/kinds/test_rules.py")
    assert f"{lives}::test_a_swap_leads_through_every_phase_to_a_signed_synthesis PASSED" in said


def test_what_holds_of_every_kind_holds_of_swaps(added: Path) -> None:
    """They decline, expire, end early by each side and never complete on a date, as every kind does."""
    every_kind = ("tests/domain/lives/test_scripted_lives.py", "tests/domain/terms/rules/test_rule.py")
    said = run(added, *PYTEST, "-k", "job_swap and not leads_through", *every_kind)
    for test in (
        "test_a_date_alone_completes_nothing[job_swap]",
        "test_each_side_may_end_early_with_its_notice[host-the host's own-job_swap]",
        "test_an_agreement_that_nobody_finishes_signing_expires[job_swap]",
        "test_rules_read_only_what_they_say[job_swap]",
    ):
        assert f"{test} PASSED" in said
