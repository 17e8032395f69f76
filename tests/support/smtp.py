"""A real mail server on this machine that keeps what it takes; it can be told to refuse."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mailbox:
    """What the server has taken, in order. refused: recipients that it does not know."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.logins: list[tuple[str, str]] = []
        self.refused: set[str] = set()
        self.url = ""

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID came."""
        return Counter(str(one["Message-ID"]) for one in self.messages)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _o: Any) -> str:
        """Take a recipient, unless told otherwise."""
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep a message."""
        self.messages.append(message_from_bytes(envelope.content))
        return "250 OK"


@contextmanager
def mail_server(*, login: bool = False) -> Iterator[Mailbox]:
    """Run a mail server; `mailbox.url` is what SMTP_URL wants. login: it asks for a name and a password."""
    box = Mailbox()

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        box.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)

    options: dict[str, Any] = {"authenticator": authenticate, "auth_require_tls": False} if login else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    box.url = f"smtp://{'desk:p%40ss@' if login else ''}127.0.0.1:{port}"
    try:
        yield box
    finally:
        controller.stop()
