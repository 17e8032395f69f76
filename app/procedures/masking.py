"""Process data as operators may see it: what identifies a person is hidden, whatever form it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.engine.discretion import personal

HIDDEN = "***"
_MAIL = re.compile(r"([\w.+-])[\w.+-]*@")
# Telephone and identity numbers, written in groups or not.
_NUMBER = re.compile(r"(?<![\w-])\+?\d(?:[ -]?\d){6,20}[Xx]?(?![\w-])")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.+Z-]*)?")


def masked(name: str, value: Any) -> Any:
    """Return a value of process data, under its name, with what identifies a person hidden.

    Structures keep their shape; truth values and short numbers stay as they are.
    """
    if isinstance(value, Mapping):
        # What a personal name holds is personal whatever its parts are called.
        return {
            key: masked(f"{name}_{key}" if personal(name) else str(key), one) for key, one in value.items()
        }
    if isinstance(value, list):
        return [masked(name, one) for one in value]
    if value is None or isinstance(value, bool):
        return value
    if personal(name):
        return f"{str(value)[:1]}{HIDDEN}" if value != "" else ""
    if isinstance(value, str):
        return value if _INSTANT.fullmatch(value) else _NUMBER.sub(_middle, _MAIL.sub(rf"\1{HIDDEN}@", value))
    return _NUMBER.sub(_middle, str(value)) if len(str(value)) > 10 else value


def _middle(found: re.Match[str]) -> str:
    text = found.group()
    return f"{text[:3]}****{text[-2:]}"
