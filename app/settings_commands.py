"""`flask settings list|set`: the numbers and choices that the centre decides."""

from __future__ import annotations

import json
import re
from typing import Any

import click
from flask.cli import AppGroup

from app import clock, settings_store
from app.db import transaction

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

settings = AppGroup("settings", help="Numbers and choices that the centre decides.")


@settings.command("list")
def list_settings() -> None:
    """Print every setting with its value as JSON."""
    for key in settings_store.DEFAULTS:
        click.echo(f"{key} {_text(settings_store.get(key))}")


@settings.command("set")
@click.argument("key", type=click.Choice(list(settings_store.DEFAULTS)))
@click.argument("value", metavar="JSON")
def set_setting(key: str, value: str) -> None:
    """Give a setting a value of the same kind as the one it has: a number, a text, a list."""
    default = settings_store.DEFAULTS[key]
    try:
        read = json.loads(value)
    except ValueError:
        # A text may come without its quotes.
        read = value
    if not _alike(read, default):
        raise click.BadParameter(f"a value like {_text(default)} is expected", param_hint="JSON")
    with transaction():
        settings_store.put(key, read, actor_id=None, now=clock.now())
    click.echo(f"{key} {_text(read)}")


def _alike(value: Any, default: Any) -> bool:
    """Tell whether a value is of the default's kind.

    Numbers are at least 0, a list stays as long, a time of day stays one.
    """
    if isinstance(default, list):
        alike = isinstance(value, list) and len(value) == len(default)
        return alike and all(map(_alike, value, default))
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if isinstance(default, str) and _TIME.fullmatch(default):
        return isinstance(value, str) and _TIME.fullmatch(value) is not None
    return type(value) is type(default)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
