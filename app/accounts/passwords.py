"""Hashing and checking passwords with argon2id."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

# No letters or digits that look alike: one-time passwords are read out over the phone.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


@lru_cache(maxsize=2)
def _hasher(cheap: bool) -> PasswordHasher:
    # Tests make hundreds of people; what they check does not depend on the cost.
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1) if cheap else PasswordHasher()


@lru_cache(maxsize=2)
def _nobody(cheap: bool) -> str:
    return _hasher(cheap).hash("nobody has this password")


def _cheap() -> bool:
    return bool(current_app.config["SETTINGS"].testing)


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    return _hasher(_cheap()).hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether the password fits; without a hash the same work is done, so that time tells nothing."""
    try:
        _hasher(_cheap()).verify(password_hash or _nobody(_cheap()), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def outdated(password_hash: str) -> bool:
    """Tell whether the hash was made with weaker parameters than today's."""
    return _hasher(_cheap()).check_needs_rehash(password_hash)


def one_time_password() -> str:
    """Return a password to be shown once: four groups of four, about 79 bits."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(4))
