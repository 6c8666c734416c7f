"""People and a mail server's address, as several tests of activities need them."""

from __future__ import annotations

from typing import Any

from activities.delivery.mail import MailSettings
from domain.kernel.person import Person


def person(person_id: str, **fields: Any) -> Person:  # noqa: ANN401 - any field
    """Somebody of the directory who works in Berlin."""
    known: dict[str, Any] = {
        "person_id": person_id,
        "name": person_id.removeprefix("p-").capitalize(),
        "email": f"{person_id.removeprefix('p-')}@example.org",
        "time_zone": "Europe/Berlin",
        "holiday_calendar": "DE-BE",
    }
    return Person.model_validate(known | fields)


def mail_settings(port: int) -> MailSettings:
    """How to reach a mail server there, in clear."""
    sender = "Sojourn <sojourn@example.org>"
    return MailSettings("127.0.0.1", port, sender, security="none", timeout_seconds=5, greets_as="localhost")
