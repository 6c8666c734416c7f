"""What an operator can set, each as one environment variable `SOJOURN_*`, checked once at start."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from deploy.addresses import find_running_stack
from domain.kernel.model import Frozen, Slug
from domain.privacy.retention import PeriodText

PREFIX = "SOJOURN_"
_MASK = "********"
_UNSET = "(not set)"
_LAST_PORT = 65535

_SHARED_WITH_TEMPORAL = {
    "deployment_name": "TEMPORAL_DEPLOYMENT_NAME",
    "build_id": "TEMPORAL_WORKER_BUILD_ID",
}
"""Settings that go by the names Temporal's own tools set."""

_TEMPORAL_VARIABLES = {
    "TEMPORAL_ADDRESS": "Host and port of Temporal; unset: the profile's, else the running embedded stack's.",
    "TEMPORAL_NAMESPACE": "Temporal namespace; unset: the profile's, else `default`.",
    "TEMPORAL_API_KEY": "API key for Temporal; switches TLS on.",
    "TEMPORAL_TLS": "Whether to connect to Temporal with TLS; certificates: TEMPORAL_TLS_*.",
    "TEMPORAL_PROFILE": "Which profile of temporal.toml to use.",
    "TEMPORAL_CONFIG_FILE": "Where temporal.toml is.",
}


class SettingsError(ValueError):
    """Settings are wrong or missing; the text names each variable, its meaning and an example."""


class SettingRow(Frozen):
    """One line of `sojourn settings`."""

    variable: str
    meaning: str
    default: str
    current: str
    """Secrets are masked."""


def _postgresql_address(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"postgresql", "postgres"}:
        raise ValueError("it must begin with postgresql://")
    return value


DatabaseAddress = Annotated[SecretStr, AfterValidator(_postgresql_address)]
"""A PostgreSQL connection URL; secret because it may carry a password."""


def _with_possible_port(value: str) -> str:
    if not 1 <= int(value.rpartition(":")[2]) <= _LAST_PORT:
        raise ValueError(f"the port must be between 1 and {_LAST_PORT}")
    return value


HostAndPort = Annotated[str, StringConstraints(pattern=r"^\S+:\d{1,5}$"), AfterValidator(_with_possible_port)]
"""Where something listens or is reached, as `host:port`."""


def _paths(value: object) -> object:
    """Split the paths that a variable lists, as in PATH."""
    return [path for path in value.split(os.pathsep) if path] if isinstance(value, str) else value


PolicyFiles = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_paths)]
"""Files and folders in one variable."""


def _periods(value: object) -> object:
    """Split periods by class, as in `class=7y,other=90d`."""
    if not isinstance(value, str):
        return value
    pairs = [each.partition("=") for each in value.split(",") if each.strip()]
    return {name.strip(): period.strip() for name, _, period in pairs}


RetentionPeriods = Annotated[Mapping[Slug, PeriodText], NoDecode, BeforeValidator(_periods)]
"""How long each retention class lasts, in one variable."""


class Settings(BaseSettings):
    """Settings of every process. Read them with `load_settings`; Temporal's own are `TEMPORAL_*`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    database_url: DatabaseAddress | None = Field(
        default=None,
        description="PostgreSQL database of the record; unset: that of the running embedded stack.",
        examples=["postgresql://sojourn:secret@db.example.org/sojourn"],
    )
    owner_database_url: DatabaseAddress | None = Field(
        default=None,
        description=(
            "The same database as the role that owns its schema, for `migrate`, `rebuild` and `keys "
            "rewrap`; unset: SOJOURN_DATABASE_URL."
        ),
        examples=["postgresql://sojourn_owner:secret@db.example.org/sojourn"],
    )
    as_owner: bool = Field(
        default=False,
        description=(
            "Serve as a database role that may change the log, such as the owner of the schema: refused "
            "unless this is set."
        ),
        examples=["true"],
    )
    database_pool_size: int = Field(
        default=20, ge=1, le=1000, description="Most database connections one process holds.", examples=["20"]
    )
    data: Path = Field(
        default=Path(".sojourn"),
        description="Folder with all data and logs of the embedded stack.",
        examples=["/var/lib/sojourn"],
    )
    key_file: Path | None = Field(
        default=None,
        description=(
            "File of the keys that seal what people write, made by `sojourn keys create`; unset: that of the "
            "running embedded stack."
        ),
        examples=["/etc/sojourn/keys.json"],
    )
    keys: SecretStr | None = Field(
        default=None,
        description="The same keys as a text, `id:base64` separated by commas, the primary first.",
        examples=["2026-11:<base64 of 32 bytes>"],
    )
    key_service: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="Function that gives the key service (KMS) that wraps those keys; unset: they are plain.",
        examples=["our_package.kms:key_service"],
    )
    without_keys: bool = Field(
        default=False,
        description="Keep what people write in clear, for want of keys: never where people write in earnest.",
        examples=["true"],
    )
    task_queue: str = Field(
        default="sojourn",
        min_length=1,
        max_length=200,
        description="Temporal task queue that workers serve and agreements start on.",
        examples=["sojourn"],
    )
    deployment_name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,63}$",
        validation_alias=_SHARED_WITH_TEMPORAL["deployment_name"],
        description="Temporal worker deployment that workers belong to; unset: as the task queue.",
        examples=["sojourn"],
    )
    build_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,63}$",
        validation_alias=_SHARED_WITH_TEMPORAL["build_id"],
        description="Which version of the deployment a worker is; unset: told by the code that is replayed.",
        examples=["2026.47"],
    )
    max_concurrent_activities: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Most activities one worker runs at once; at most the database pool's size.",
        examples=["20"],
    )
    max_cached_workflows: int = Field(
        default=1000,
        ge=1,
        description="Agreements one worker keeps in memory between their events.",
        examples=["1000"],
    )
    shutdown_seconds: float = Field(
        default=30.0,
        ge=0,
        description="How long a stopping worker lets running activities finish.",
        examples=["30"],
    )
    smtp_host: str = Field(
        default="localhost",
        min_length=1,
        description="Mail server that delivers notices.",
        examples=["smtp.example.org"],
    )
    smtp_port: int = Field(
        default=25, ge=1, le=65535, description="Port of the mail server.", examples=["587"]
    )
    smtp_username: str | None = Field(
        default=None, description="Account at the mail server; unset: none is needed.", examples=["sojourn"]
    )
    smtp_password: SecretStr | None = Field(
        default=None, description="Password of that account.", examples=["secret"]
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description=(
            "How mail is encrypted: starttls insists on it, tls is encrypted from the first byte, none is "
            "for a server on this machine."
        ),
        examples=["starttls"],
    )
    smtp_timeout_seconds: float = Field(
        default=20.0, gt=0, description="How long the mail server may take to answer.", examples=["20"]
    )
    notice_sender: str = Field(
        default="Sojourn <sojourn@localhost>",
        pattern=r"^[^\r\n]*[^@\s]+@[^@\s]+$",
        description="From whom notices come.",
        examples=["Sojourn <sojourn@example.org>"],
    )
    log_format: Literal["json", "console"] = Field(
        default="console", description="Logs for machines or for people.", examples=["json"]
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severity that is logged.", examples=["INFO"]
    )
    policy_files: PolicyFiles = Field(
        default=(),
        description=(
            "Policy sets of your own: YAML files, or folders of them, separated as in PATH; unset: none."
        ),
        examples=["/etc/sojourn/policies"],
    )
    retention_periods: RetentionPeriods = Field(
        default_factory=dict,
        description=(
            "How long words are kept after an agreement's close, by retention class: d, w, m or y; unset: as "
            "the class's own name says."
        ),
        examples=["placement-7y=6y,trial=90d"],
    )
    metrics_address: HostAndPort | None = Field(
        default=None,
        description="Where `up` and `worker` offer the record's figures to Prometheus; unset: nowhere.",
        examples=["127.0.0.1:9464"],
    )
    sdk_metrics_address: HostAndPort | None = Field(
        default=None,
        description="Where they offer what the Temporal SDK measures of its worker; unset: nowhere.",
        examples=["127.0.0.1:9465"],
    )

    gateway_address: HostAndPort = Field(
        default="127.0.0.1:8234",
        description="Where `gateway` answers the Temporal UI.",
        examples=["0.0.0.0:8234"],
    )
    ui_origin: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+$",
        description="Where the Temporal UI is served from, exactly: the only pages that `gateway` answers.",
        examples=["https://temporal.example.org"],
    )
    token_secret: SecretStr | None = Field(
        default=None,
        description=(
            "Secret that tokens are signed with (HS256): of whoever asks `gateway`, or is named with `--as`."
        ),
        examples=["<openssl rand -base64 48>"],
    )
    token_key_file: Path | None = Field(
        default=None,
        description="Instead: file of the public keys for them, a JSON Web Key Set or an RSA key as PEM.",
        examples=["/etc/sojourn/jwks.json"],
    )
    token_audience: str = Field(
        default="sojourn", min_length=1, description="What `aud` of a token has to be.", examples=["sojourn"]
    )
    token_issuer: str | None = Field(
        default=None,
        description="What `iss` of a token has to be; unset: anything.",
        examples=["https://login.example.org"],
    )

    token: SecretStr | None = Field(
        default=None,
        description="Token of whoever `--as` names on the command line; needed where tokens are checked.",
        examples=["<sojourn token --for P-1042>"],
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.max_concurrent_activities > self.database_pool_size:
            raise ValueError(
                f"{PREFIX}MAX_CONCURRENT_ACTIVITIES ({self.max_concurrent_activities}) is more than "
                f"{PREFIX}DATABASE_POOL_SIZE ({self.database_pool_size}): activities would wait for a "
                "connection until they time out. Raise the second or lower the first"
            )
        if self.key_file is not None and self.keys is not None:
            raise ValueError(f"Set {PREFIX}KEY_FILE or {PREFIX}KEYS, not both: there is one key ring")
        if self.without_keys and (self.key_file is not None or self.keys is not None):
            raise ValueError(f"{PREFIX}WITHOUT_KEYS is set beside keys: take one of them away")
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError(f"Set {PREFIX}SMTP_USERNAME and {PREFIX}SMTP_PASSWORD both, or neither")
        if self.token_secret is not None and self.token_key_file is not None:
            raise ValueError(f"Set {PREFIX}TOKEN_SECRET or {PREFIX}TOKEN_KEY_FILE, not both")
        if self.metrics_address is not None and self.metrics_address == self.sdk_metrics_address:
            raise ValueError(
                f"{PREFIX}METRICS_ADDRESS and {PREFIX}SDK_METRICS_ADDRESS are the same: give each a port "
                "of its own"
            )
        return self

    def database_dsn(self) -> str:
        """Return the address of the record's database: as set, else that of the running embedded stack.

        The stack on this process's own data folder is preferred to the one started last.

        Raises:
            SettingsError: Neither is there.
        """
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        stack = find_running_stack(self.data) or find_running_stack()
        if stack is None:
            raise SettingsError(
                "No database: start the embedded stack with `sojourn up`, or set "
                f"{_assignment('database_url')}"
            )
        return stack.dsn

    def owner_dsn(self) -> str:
        """Return the address of the record's database for the role that owns its schema.

        Raises:
            SettingsError: As `database_dsn`.
        """
        if self.owner_database_url is not None:
            return self.owner_database_url.get_secret_value()
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        stack = find_running_stack(self.data) or find_running_stack()
        return self.database_dsn() if stack is None else stack.owner_dsn


def load_settings(**given: Any) -> Settings:  # noqa: ANN401 - as various as the fields
    """Read the settings from the environment.

    Args:
        given: Fields that a command line option or a test sets; they win over the environment.

    Raises:
        SettingsError: A value is wrong, or a variable with our prefix is not one of ours.
    """
    problems = [_unknown(name) for name in sorted(os.environ) if _is_unknown(name)]
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [_explain(detail) for detail in error.errors(include_url=False)]
    else:
        if not problems:
            return settings
    raise SettingsError("Settings are wrong:\n" + "\n".join(f"- {problem}" for problem in problems))


def describe_settings(settings: Settings) -> list[SettingRow]:
    """Describe every setting with its default and present value, Temporal's included; secrets are masked."""
    rows = [
        SettingRow(
            variable=_variable(name),
            meaning=field.description or "",
            default=_shown(field.get_default(call_default_factory=True)),
            current=_shown(getattr(settings, name)),
        )
        for name, field in Settings.model_fields.items()
    ]
    for variable, meaning in _TEMPORAL_VARIABLES.items():
        value: object = os.environ.get(variable)
        if value is not None and variable.endswith("KEY"):
            value = SecretStr(str(value))
        rows.append(SettingRow(variable=variable, meaning=meaning, default=_UNSET, current=_shown(value)))
    return rows


def _variable(field: str) -> str:
    return _SHARED_WITH_TEMPORAL.get(field, PREFIX + field.upper())


def _assignment(field: str) -> str:
    examples = Settings.model_fields[field].examples or [""]
    return f"{_variable(field)}={examples[0]}"


def _is_unknown(variable: str) -> bool:
    name = variable.upper()
    return name.startswith(PREFIX) and name not in {_variable(field) for field in Settings.model_fields}


def _unknown(variable: str) -> str:
    known = [_variable(field) for field in Settings.model_fields]
    close = difflib.get_close_matches(variable.upper(), known, n=1)
    hint = f"did you mean {close[0]}?" if close else "`sojourn settings` lists those there are"
    return f"{variable} is not a setting: {hint}"


def _explain(detail: ErrorDetails) -> str:
    text = detail["msg"].removeprefix("Value error, ")
    where = str(detail["loc"][0]) if detail["loc"] else ""
    field = next((name for name, shared in _SHARED_WITH_TEMPORAL.items() if shared == where), where)
    if field not in Settings.model_fields:
        return f"{text}: {field}" if field else text
    meaning = Settings.model_fields[field].description
    return f"{_variable(field)}: {text}. {meaning} For example: {_assignment(field)}"


def _shown(value: object) -> str:
    if value is None or value in ((), {}):
        return _UNSET
    if isinstance(value, dict):
        return ",".join(f"{name}={text}" for name, text in cast("dict[str, str]", value).items())
    if isinstance(value, tuple):
        return os.pathsep.join(map(str, cast("tuple[object, ...]", value)))
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return _without_password(secret) if "://" in secret else _MASK
    return str(value)


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    account, at, host = parts.netloc.rpartition("@")
    user, colon, _ = account.partition(":")
    masked = f"{user}{colon}{_MASK if colon else ''}{at}{host}"
    query = urlencode(
        [(name, _MASK if "pass" in name else value) for name, value in parse_qsl(parts.query)], safe="*/"
    )
    return urlunsplit(parts._replace(netloc=masked, query=query))
