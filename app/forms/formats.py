"""The `format` words that a form may use, checked without further libraries."""

from __future__ import annotations

import re
from datetime import datetime, time
from urllib.parse import urlsplit

from jsonschema import FormatChecker

FORMATS = FormatChecker(formats=("date", "ipv4", "ipv6", "uuid"))

_EMAIL = re.compile(r"[^@\s<>\"(),;:\\\[\]]+@[^@\s.]+(\.[^@\s.]+)+")


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(value: object) -> bool:
    """Tell whether text is an instant with its offset."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("time", raises=ValueError)
def is_time(value: object) -> bool:
    """Tell whether text is a time of day; the offset that RFC 3339 asks for is left to the centre's zone."""
    return not isinstance(value, str) or time.fromisoformat(value) is not None


@FORMATS.checks("email")
@FORMATS.checks("idn-email")
def is_email(value: object) -> bool:
    """Tell whether text looks like one e-mail address."""
    return not isinstance(value, str) or bool(_EMAIL.fullmatch(value))


@FORMATS.checks("uri", raises=ValueError)
def is_web_address(value: object) -> bool:
    """Tell whether text is an address that a link may lead to."""
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not re.search(r"\s", value)
