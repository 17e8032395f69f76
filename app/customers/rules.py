"""Numbers and plates over plain values: how they are folded for search and masked for the screen."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

REGION = "CN"
# What separates the parts of a plate or a serial number when people write them.
SEPARATORS = re.compile(r"[\s·•・.\-_—–/]+")


class BadPhone(ValueError):
    """The text is no phone number."""


def normalise_phone(text: str) -> str:
    """Return E.164 for a number as people write it; without a country code it is Chinese.

    Raises BadPhone when no telephone could have this number.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        number = phonenumbers.parse(plain, REGION)
    except phonenumbers.NumberParseException as error:
        raise BadPhone(text) from error
    if not phonenumbers.is_possible_number(number):
        raise BadPhone(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_digits(e164: str) -> str:
    """Return what a search compares: 13812345678 for a Chinese number, all digits for a foreign one."""
    return e164[3:] if e164.startswith("+86") else e164.lstrip("+")


def show_phone(e164: str | None) -> str:
    """Write a number as people read it: 138 1234 5678, 029 8812 3456, +44 20 7946 0000."""
    if not e164:
        return ""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    home = number.country_code == 86
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def mask_phone(e164: str | None) -> str:
    """Hide the middle: 138****5678; foreign numbers keep their country code: +44****0000."""
    if not e164:
        return ""
    digits = phone_digits(e164)
    if len(digits) < 7:
        return "*" * len(digits)
    head = digits[:3] if e164.startswith("+86") else e164[:3]
    return f"{head}****{digits[-4:]}"


def fold(text: str | None) -> str:
    """Return what a plate or serial number is compared by: 陕a·d7182 and 陕AD 7182 are one."""
    return SEPARATORS.sub("", unicodedata.normalize("NFKC", text or "")).upper()


def mask_plate(plate: str | None) -> str:
    """Hide the middle of a plate: 陕AD7182 becomes 陕A·D7**2."""
    folded = fold(plate)
    if len(folded) < 5:
        return "*" * len(folded)
    head, tail = folded[:2], folded[2:]
    return f"{head}·{tail[:2]}{'*' * (len(tail) - 3)}{tail[-1]}"


def mask_serial(serial: str | None) -> str:
    """Hide the middle of a serial number: HX4-2210930917 becomes HX4-22****0917."""
    text = (serial or "").strip()
    if len(text) < 8:
        return text[:1] + "*" * (len(text) - 1)
    return f"{text[: len(text) // 2 - 1]}****{text[-4:]}" if len(text) > 9 else f"{text[:3]}****{text[-2:]}"


def mask_address(address: str | None) -> str:
    """Hide an address but for its first characters."""
    text = (address or "").strip()
    return f"{text[:6]}****" if len(text) > 6 else "*" * len(text)


def mask_email(email: str | None) -> str:
    """Hide the name of a mail address: w***@example.com."""
    name, at, host = (email or "").partition("@")
    return f"{name[:1]}***@{host}" if at else ""
