"""How this installation sends mail: for workers, and for the command line where no workflow runs any more."""

from __future__ import annotations

from activities.delivery.mail import MailSettings
from application.settings import Settings


def mail_settings(settings: Settings) -> MailSettings:
    """Return the mail server and the sender, as the settings name them."""
    return MailSettings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.notice_sender,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=None if settings.smtp_password is None else settings.smtp_password.get_secret_value(),
        timeout_seconds=settings.smtp_timeout_seconds,
        greets_as="localhost" if settings.smtp_security == "none" else None,
    )
