"""The sets that requests and commands may name: read from files, each version meaning one thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.config.policy_files import policy_set_as_yaml
from application.config.policy_sets import KnownPolicies
from application.errors import UpdateRefusedError
from application.settings import SettingsError, load_settings
from domain.agreement.commands.operations import AdoptPolicy, NudgeObligation
from domain.policy.policy_set import DEFAULT

PATIENT = policy_set_as_yaml(DEFAULT).replace("policy_set_id: default", "policy_set_id: patient")
SECOND = PATIENT.replace("version: 1", "version: 2").replace("missed_after: 3", "missed_after: 4")


def kept(folder: Path, **texts: str) -> list[Path]:
    """Writes a file for each text; gives them back."""
    files = [folder / f"{name}.yaml" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text)
    return files


def test_files_and_folders_are_read_beside_what_comes_with_the_product(tmp_path: Path) -> None:
    """A folder gives its YAML and JSON files; the same set in two files is one set."""
    folder = tmp_path / "sets"
    folder.mkdir()
    kept(folder, patient=PATIENT, again=PATIENT)
    (folder / "README.md").write_text("not a policy set")
    [second] = kept(tmp_path, second=SECOND)
    known = KnownPolicies.read([folder, second])
    names = [(each.policy_set_id, each.version) for each in known.sets]
    assert names == [("default", 1), ("patient", 1), ("patient", 2)]
    newest = known.newest("patient")
    assert newest is not None
    assert newest.version == 2
    assert known.find("patient", 3) is None
    assert known.to_send("default", 1) is None
    assert known.to_send("patient", 2) == newest
    assert [each.source for each in known] == [None, folder / "again.yaml", second]
    assert KnownPolicies.read([]).sets == KnownPolicies.built_in().sets


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Each problem names its file, and the sentence ends with the sets that are in order."""
    files = kept(
        tmp_path,
        patient=PATIENT,
        otherwise=PATIENT.replace("missed_after: 3", "missed_after: 5"),
        fixed=policy_set_as_yaml(DEFAULT).replace("missed_after: 3", "missed_after: 5"),
        typing=PATIENT.replace("feedback: {due", "feedbak: {due", 1),
    )
    (tmp_path / "latin.yaml").write_bytes("policy_set_id: größer".encode("latin-1"))
    with pytest.raises(SettingsError) as error:
        KnownPolicies.read([*files, tmp_path / "latin.yaml", tmp_path / "gone.yaml"])
    told = str(error.value)
    assert told.startswith("SOJOURN_POLICY_FILES:\n")
    assert f"otherwise.yaml: patient version 1 is in {files[0]} with other thresholds" in told
    assert "call these version 2" in told
    assert "fixed.yaml: default version 1 comes with the product with other thresholds" in told
    assert "did you mean feedback?" in told
    assert "latin.yaml is not UTF-8 text" in told
    assert "gone.yaml is not there" in told
    assert told.endswith("In order are default version 1, patient version 1.")


def test_only_what_a_workflow_does_not_know_goes_along(tmp_path: Path) -> None:
    """A command that names a set of one's own takes it along; any other command stays as it is."""
    known = KnownPolicies.read(kept(tmp_path, patient=PATIENT))
    who = {"command_id": "c-1", "actor_id": "P-1"}

    def adopt(name: str, version: int) -> AdoptPolicy:
        return AdoptPolicy.model_validate(
            {**who, "policy_set_id": name, "version": version, "reason": "As agreed."}
        )

    sent = known.along_with(adopt("patient", 1))
    assert isinstance(sent, AdoptPolicy)
    assert sent.policies == known.find("patient", 1)
    assert known.along_with(sent) is sent
    assert known.along_with(adopt("default", 1)) == adopt("default", 1)
    nudge = NudgeObligation.model_validate({**who, "obligation_id": "milestone:map"})
    assert known.along_with(nudge) is nudge
    with pytest.raises(UpdateRefusedError, match="there is default version 1, patient version 1"):
        known.along_with(adopt("patient", 2))


def test_the_setting_lists_paths_as_path_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files and folders stand in one variable."""
    monkeypatch.setenv("SOJOURN_POLICY_FILES", "/etc/sojourn/policies:one.yaml")
    assert load_settings().policy_files == (Path("/etc/sojourn/policies"), Path("one.yaml"))
    monkeypatch.delenv("SOJOURN_POLICY_FILES")
    assert load_settings().policy_files == ()
