"""Canonical JSON and its SHA-256: how the same content is recognised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import BaseModel, JsonValue


def digest_of(value: JsonValue) -> str:
    """Return the SHA-256, in hexadecimal, of a JSON value with sorted keys and no insignificant space."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def digest_of_model(model: BaseModel) -> str:
    """Return the SHA-256 of a model as JSON."""
    return digest_of(model.model_dump(mode="json"))


def digest_by_field(model: BaseModel) -> Mapping[str, str]:
    """Return the SHA-256 of every top-level field."""
    return {field: digest_of(value) for field, value in model.model_dump(mode="json").items()}
