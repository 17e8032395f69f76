"""Posted text to values. Plain Python: what people type, full-width digits and all, and what JSON brings.

Every reader takes text or an already typed value and gives back plain JSON, raising `Unreadable` when text
cannot be meant that way. A value of another JSON type passes untouched: the JSON Schema check refuses it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

# Past this a number is a slip of the finger, and no database column holds it.
LARGEST = 10**15
LONGEST = 20_000
MOST = 200

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[+-]?\.\d+")
_DATE = re.compile(
    r"(\d{4})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?|(\d{4})(\d{2})(\d{2})"
)
_TIME = re.compile(r"(\d{1,2})\s*[:时点]\s*(\d{1,2})?\s*分?(?::(\d{2})(?:\.\d+)?)?")
_YES = frozenset(["yes", "y", "true", "1", "on", "是", "有", "对", "能", "可以", "同意"])
_NO = frozenset(
    ["no", "n", "false", "0", "off", "否", "无", "不", "没有", "不是", "不能", "不可以", "不同意"]
)
# What XML, PostgreSQL and a log line cannot carry; tab and newline stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Unreadable(ValueError):
    """The text cannot be meant as this kind of value; `why` tells more where that has its own sentence."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


def clean(text: str) -> str:
    """Return text as it is kept: newlines as \\n, no control characters, no blanks around."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def plain(text: str) -> str:
    """Return text on one line in half-width characters, for numbers, dates and phone numbers."""
    # `。` is where the decimal point lies on a Chinese keyboard; NFKC leaves it alone.
    text = unicodedata.normalize("NFKC", clean(text)).replace("。", ".").replace("、", ",")
    return re.sub(r"\s+", " ", text.replace("−", "-").replace("–", "-")).strip()


def _decimal(text: str) -> Decimal:
    """Read "1,234.5", "１２３", "1.5万"; thousands must be grouped by threes, so "1,5" is not guessed at."""
    text = plain(text).replace(" ", "")
    scale = Decimal(10_000) if text.endswith("万") else Decimal(1)
    text = text.removesuffix("万")
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise Unreadable
    try:
        number = Decimal(text.replace(",", "")) * scale
    except InvalidOperation as error:
        raise Unreadable from error
    return _bounded(number)


def _bounded(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number) > LARGEST:
        raise Unreadable("large")
    return number


def _typed_number(value: Any) -> bool:
    """Tell whether a value came as a JSON number; refuse the ones that JSON itself has no word for."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, float) and not math.isfinite(value) or abs(value) > LARGEST:
        raise Unreadable("large")
    return True


def to_number(value: Any, *, whole: bool) -> Any:
    """Read a number; whole: 3.0 becomes 3, and 3.5 is left for the schema to refuse."""
    if _typed_number(value):
        return int(value) if float(value).is_integer() and (whole or isinstance(value, int)) else value
    if not isinstance(value, str):
        return value
    number = _decimal(value)
    return int(number) if number == number.to_integral_value() else float(number)


def to_money(value: Any) -> Any:
    """Read an amount: text is yuan ("¥1,234.50", "380元"), a JSON number is fen already. Returns fen."""
    if _typed_number(value):
        return int(value) if float(value).is_integer() else value
    if not isinstance(value, str):
        return value
    text = plain(value)
    text = re.sub(r"^(?:¥|CNY|RMB|人民币)\s*|\s*(?:元|块|圆|CNY|RMB|yuan)整?$", "", text, flags=re.IGNORECASE)
    # A minus before the sign: -¥20.
    text = re.sub(r"^-\s*¥", "-", text)
    fen = _decimal(text) * 100
    if fen != fen.to_integral_value():
        raise Unreadable("fen")
    return int(_bounded(fen))


def to_yesno(value: Any) -> Any:
    """Read yes or no, 是 or 否."""
    if not isinstance(value, str):
        return value
    word = plain(value).lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise Unreadable


def _day(match: re.Match[str]) -> date:
    year, month, day = (int(part) for part in match.groups()[:6] if part is not None)
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Unreadable("no_such_day") from error


def to_date(value: Any) -> Any:
    """Read a day: 2026-10-08, 2026/10/8, 2026年10月8日, 20261008. Returns ISO text."""
    if not isinstance(value, str):
        return value
    match = _DATE.fullmatch(plain(value))
    if match is None:
        raise Unreadable
    return _day(match).isoformat()


def to_datetime(value: Any, zone: tzinfo) -> Any:
    """Read an instant: local to `zone`, or with its own offset. Returns aware ISO text in UTC.

    An hour that a clock change skips is moved past it; one that comes twice means the first.
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = _spoken(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone)
    try:
        return instant.astimezone(UTC).replace(microsecond=0).isoformat()
    except (OverflowError, ValueError) as error:
        raise Unreadable("no_such_day") from error


def _spoken(text: str) -> datetime:
    """Read 2026/10/8 15:05 and 2026年10月8日15时05分."""
    day = _DATE.match(text)
    time = _TIME.fullmatch(text[day.end() :].lstrip(" T,")) if day else None
    if day is None or time is None:
        raise Unreadable("day_and_time" if day is not None and day.end() == len(text) else "")
    hour, minute, second = (int(part or 0) for part in time.groups())
    try:
        # The zone is attached by the caller, who knows it.
        return datetime(*_day(day).timetuple()[:3], hour, minute, second)  # noqa: DTZ001
    except ValueError as error:
        raise Unreadable("no_such_day") from error


def to_phone(value: Any, *, region: str = "CN") -> Any:
    """Read a phone number; without a country code it is one of `region`. Returns E.164."""
    if not isinstance(value, str):
        return value
    import phonenumbers  # its tables take a tenth of a second to load

    try:
        number = phonenumbers.parse(plain(value), region)
    except phonenumbers.NumberParseException as error:
        raise Unreadable from error
    if number.extension:
        raise Unreadable("extension")
    if not phonenumbers.is_valid_number(number):
        raise Unreadable
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def to_id(value: Any) -> Any:
    """Read a record's number."""
    if _typed_number(value) or not isinstance(value, str):
        return value
    text = plain(value)
    if not re.fullmatch(r"\d{1,15}", text):
        raise Unreadable
    return int(text)


def to_text(value: Any, *, lines: bool) -> Any:
    """Read text; without `lines` a line break becomes a space."""
    if not isinstance(value, str):
        return value
    text = clean(value)
    if len(text) > LONGEST:
        raise Unreadable("long")
    return text if lines else " ".join(text.split("\n"))


def to_list(value: Any, read: Callable[[Any], Any]) -> Any:
    """Read each part of a list; blank parts are nothing, repeated ones count once."""
    parts = [value] if isinstance(value, str | int) and not isinstance(value, bool) else value
    if not isinstance(parts, list | tuple):
        return value
    if len(parts) > MOST:
        raise Unreadable("many")
    found: list[Any] = []
    for part in parts:
        if part is None or isinstance(part, str) and not clean(part):
            continue
        item = read(part)
        if item not in found:
            found.append(item)
    return found
