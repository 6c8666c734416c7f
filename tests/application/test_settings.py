"""Settings are checked once, at start, and a wrong one says what to set."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.settings import Settings, SettingsError, describe_settings, load_settings
from deploy.embedded import Stack


def test_environment_sets_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable sets its field; what the command line gives wins over it."""
    monkeypatch.setenv("SOJOURN_TASK_QUEUE", "from-environment")
    monkeypatch.setenv("SOJOURN_LOG_FORMAT", "json")
    assert load_settings().task_queue == "from-environment"
    assert load_settings().log_format == "json"
    assert load_settings(task_queue="given").task_queue == "given"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SOJOURN_SMTP_PORT", "mail", r"SOJOURN_SMTP_PORT: .*integer.*SOJOURN_SMTP_PORT=587"),
        ("SOJOURN_SMTP_PORT", "70000", r"SOJOURN_SMTP_PORT: .*65535"),
        ("SOJOURN_LOG_FORMAT", "xml", r"SOJOURN_LOG_FORMAT: .*'json' or 'console'"),
        ("SOJOURN_DATABASE_URL", "mysql://x/y", r"SOJOURN_DATABASE_URL: it must begin with postgresql://"),
        ("SOJOURN_NOTICE_SENDER", "nobody", r"SOJOURN_NOTICE_SENDER: .*sojourn@example\.org"),
        ("SOJOURN_METRICS_ADDRESS", "9464", r"SOJOURN_METRICS_ADDRESS: .*127\.0\.0\.1:9464"),
        ("SOJOURN_METRICS_ADDRESS", "localhost:70000", r"SOJOURN_METRICS_ADDRESS: the port must be between"),
        ("SOJOURN_SMTP_USERNAME", "me", r"SOJOURN_SMTP_USERNAME and SOJOURN_SMTP_PASSWORD both"),
        (
            "SOJOURN_DATABASE_POOL_SIZE",
            "5",
            r"\(20\) is more than SOJOURN_DATABASE_POOL_SIZE \(5\)",
        ),
        ("SOJOURN_TASK_QUEU", "x", r"SOJOURN_TASK_QUEU is not a setting: did you mean SOJOURN_TASK_QUEUE\?"),
    ],
)
def test_wrong_setting_names_variable_and_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    """The error names the variable to change and shows what a right one looks like."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=says):
        load_settings()


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody repairs one setting to be told of the next."""
    monkeypatch.setenv("SOJOURN_SMTP_PORT", "mail")
    monkeypatch.setenv("SOJOURN_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("SOJOURN_COLOUR", "blue")
    with pytest.raises(SettingsError, match=r"(?s)SOJOURN_COLOUR.*SOJOURN_SMTP_PORT.*SOJOURN_LOG_LEVEL"):
        load_settings()


def test_error_does_not_repeat_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database address with a mistake may hold a password: it is not shown."""
    monkeypatch.setenv("SOJOURN_DATABASE_URL", "postgres+x://me:hunter2@db/sojourn")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_every_setting_is_described() -> None:
    """`sojourn settings` has a meaning for each, and its error an example."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.examples, name
    described = [row.variable for row in describe_settings(load_settings())]
    assert described[0] == "SOJOURN_DATABASE_URL"
    assert "TEMPORAL_ADDRESS" in described


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `sojourn settings` prints can be pasted into a ticket."""
    monkeypatch.setenv("SOJOURN_DATABASE_URL", "postgresql://me:hunter2@db:5432/sojourn?password=hunter3")
    monkeypatch.setenv("SOJOURN_SMTP_USERNAME", "me")
    monkeypatch.setenv("SOJOURN_SMTP_PASSWORD", "hunter4")
    monkeypatch.setenv("TEMPORAL_API_KEY", "hunter5")
    settings = load_settings()
    shown = {row.variable: row.current for row in describe_settings(settings)}
    assert "hunter" not in "".join(shown.values())
    assert "hunter" not in repr(settings)
    assert shown["SOJOURN_DATABASE_URL"] == "postgresql://me:********@db:5432/sojourn?password=********"
    assert shown["SOJOURN_SMTP_PASSWORD"] == "********"


def test_no_database_says_how_to_get_one(tmp_path: Path) -> None:
    """Without a setting and without a stack, the error offers both ways."""
    with pytest.raises(SettingsError, match=r"sojourn up.*SOJOURN_DATABASE_URL=postgresql://"):
        load_settings(data=tmp_path).database_dsn()


async def test_running_stack_gives_its_database(data_folder: Path, tmp_path: Path) -> None:
    """Commands find the database of the stack on their data folder, else of the one started last."""
    async with Stack(data_folder, headless=True, durable=False) as stack:
        assert load_settings(data=data_folder).database_dsn() == stack.postgres.dsn
        assert load_settings(data=tmp_path).database_dsn() == stack.postgres.dsn
        elsewhere = load_settings(database_url="postgresql://db/sojourn")
        assert elsewhere.database_dsn() == "postgresql://db/sojourn"
