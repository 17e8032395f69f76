"""One mail: made from its outbox row in the reader's language, sent by SMTP or laid into a folder."""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app
from flask_babel import force_locale, gettext

from app.notifications.kinds import words

SMTP_SECONDS = 20
# As people read it: UTF-8 in headers and body, not base64.
READABLE = policy.SMTP.clone(cte_type="8bit", utf8=True)


@dataclass(frozen=True)
class Mail:
    """What a sender needs of an outbox row; `key` makes the Message-ID, so a second copy is known as one."""

    id: int
    key: str
    recipient: str
    payload: dict[str, Any]
    created_at: datetime


def send(mail: Mail, committed: Callable[[], None]) -> None:
    """Send by SMTP where it is set, else write a file. Raises OSError or SMTPException when it did not go.

    committed: called when the server has taken sender and recipient, just before the message itself is handed
               over: from then on nobody can tell whether it went, unless the server's answer is heard.
    """
    settings = current_app.config["SETTINGS"]
    if settings.smtp_url:
        _by_smtp(settings.smtp_url, compose(mail, policy.SMTP), committed)
    else:
        _to_folder(settings.var_dir / "mail", mail)


def compose(mail: Mail, how: policy.Policy) -> EmailMessage:
    """Make the message: plain text and simple HTML."""
    settings = current_app.config["SETTINGS"]
    locale = "en" if mail.payload.get("locale") == "en" else "zh"
    with force_locale(locale):
        text = words(mail.payload["kind"], mail.payload["params"])
        url = mail.payload.get("url") or ""
        values = {
            "text": text,
            "link": f"{settings.public_url.rstrip('/')}{url}" if url.startswith("/") else "",
            "lang": "en" if locale == "en" else "zh-CN",
            "lines": [
                (words(one["kind"], one["params"]), f"{settings.public_url.rstrip('/')}{one['url']}")
                for one in mail.payload["params"].get("lines", [])
            ],
        }
        templates = current_app.jinja_env
        plain = templates.get_template("notifications/mail.txt").render(values)
        rich = templates.get_template("notifications/mail.html").render(values)
        sender = gettext("Service Desk")
    message = EmailMessage(policy=how)
    name, address = parseaddr(settings.mail_from)
    message["From"] = f'"{name or sender}" <{address}>'
    message["To"] = mail.recipient
    message["Subject"] = text.title
    message["Date"] = format_datetime(mail.created_at)
    digest = hashlib.sha256(mail.key.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{address.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    cte = "8bit" if how is READABLE else None
    message.set_content(plain, cte=cte)
    message.add_alternative(rich, subtype="html", cte=cte)
    message["Content-Language"] = values["lang"]  # before, it would become the first part's
    return message


def _by_smtp(url: str, message: EmailMessage, committed: Callable[[], None]) -> None:
    parts = urlsplit(url)
    host, secure = parts.hostname or "localhost", parts.scheme == "smtps"
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if secure:
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SMTP_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=SMTP_SECONDS)
    with server:
        if not secure and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.ehlo_or_helo_if_needed()
        sender, recipient = parseaddr(message["From"])[1], str(message["To"])
        _accepted(server.mail(sender), server)
        _accepted(server.rcpt(recipient), server)
        committed()
        _accepted(server.data(message.as_bytes()), server)


def _accepted(answer: tuple[int, bytes], server: smtplib.SMTP) -> None:
    code, words = answer
    if not 200 <= code < 300:
        server.rset()
        raise smtplib.SMTPResponseException(code, words)


def _to_folder(folder: Path, mail: Mail) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    readable = re.sub(r"[^A-Za-z0-9.@_-]", "_", mail.recipient)
    target = folder / f"{mail.created_at:%Y%m%d-%H%M%S}-{mail.id:06d}-{readable}.eml"
    part = target.with_name(f".{target.name}.{os.getpid()}")
    # Whole or not at all; a second copy of the same mail takes the same name.
    part.write_bytes(compose(mail, READABLE).as_bytes())
    part.replace(target)
