"""Errors become payloads as everything else, and what is no error leaves little."""

from __future__ import annotations

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import PayloadConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.encryption.payload_converter import FailureConverter


@pytest.mark.parametrize(
    ("category", "traced"),
    [(ApplicationErrorCategory.UNSPECIFIED, True), (ApplicationErrorCategory.BENIGN, False)],
)
def test_only_an_error_leaves_its_trace(category: ApplicationErrorCategory, traced: bool) -> None:
    """Where an activity waits until a morning, its history keeps until when and not where it said so."""
    with pytest.raises(ApplicationError) as raised:
        raise ApplicationError("1 deferred", category=category)
    failure = Failure()
    FailureConverter().to_failure(raised.value, PayloadConverter.default, failure)
    attributes = PayloadConverter.default.from_payload(failure.encoded_attributes)
    assert attributes["message"] == "1 deferred"
    assert bool(attributes["stack_trace"]) is traced
    assert failure.message == "Encoded failure"
