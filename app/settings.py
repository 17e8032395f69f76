"""One frozen dataclass, read from the environment once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What an operator may set from outside; numbers that staff edit live in `settings_store`.

    database_url:    SQLAlchemy URL; SQLite under `var_dir` unless set.
    centre_timezone: IANA name; all instants are shown in it.
    smtp_url:        smtp://user:password@host:port or smtps://…; without it mails are files in var_dir/mail.
    public_url:      how customers and mails reach this server.
    trusted_proxies: how many proxies stand before us; that many entries of X-Forwarded-… are believed.
    queue:           "" (jobs run in the scheduler process) or "procrastinate" (jobs run in workers).
    """

    database_url: str
    secret_key: str
    demo: bool = False
    centre_timezone: str = "Asia/Shanghai"
    var_dir: Path = ROOT / "var"
    smtp_url: str = ""
    mail_from: str = "service@localhost"
    public_url: str = "http://127.0.0.1:8000"
    secure_cookies: bool = False
    trusted_proxies: int = 0
    queue: str = ""
    testing: bool = False
    max_upload_bytes: int = 20 * 1024 * 1024

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment; a secret key is made once and kept under var/ when none is set."""
        env = os.environ if env is None else env
        var_dir = Path(env.get("VAR_DIR", ROOT / "var"))
        host, port = env.get("HOST", "127.0.0.1"), env.get("PORT", "8000")
        return cls(
            database_url=env.get("DATABASE_URL") or f"sqlite:///{var_dir / 'desk.db'}",
            secret_key=env.get("SECRET_KEY") or _kept_secret(var_dir),
            demo=env.get("DEMO", "0") == "1",
            centre_timezone=env.get("CENTRE_TIMEZONE", "Asia/Shanghai"),
            var_dir=var_dir,
            smtp_url=env.get("SMTP_URL", ""),
            mail_from=env.get("MAIL_FROM", "service@localhost"),
            public_url=env.get("PUBLIC_URL", f"http://{host}:{port}"),
            secure_cookies=env.get("SECURE_COOKIES", "0") == "1",
            trusted_proxies=int(env.get("TRUSTED_PROXIES") or "0"),
            queue=_queue(env.get("QUEUE", "")),
        )


def _queue(name: str) -> str:
    if name not in ("", "embedded", "procrastinate"):
        raise ValueError(f"QUEUE is {name!r}; it can be empty, embedded or procrastinate")
    return "" if name == "embedded" else name


def _kept_secret(var_dir: Path) -> str:
    """Return the key kept in var/secret_key, making it at the first start; two starters agree on one key."""
    var_dir.mkdir(parents=True, exist_ok=True)
    path = var_dir / "secret_key"
    if not path.exists():
        made = var_dir / f".secret_key.{secrets.token_hex(8)}"
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        # Linked when it is whole: the other starter must never read an empty key.
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_text()
