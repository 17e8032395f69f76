"""What the application raises to tell a person something; mapped to HTTP once, in `web/errors.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class AppError(Exception):
    """Something worth telling the person; the message is for them, already in their language or lazy."""

    def __init__(self, message: object = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class NotFound(AppError):
    """Absent, or not theirs to see."""


class Forbidden(AppError):
    """Seen, but this action is not theirs."""


class Refused(AppError):
    """Understood, but a rule forbids it now."""


class Conflict(Refused):
    """Somebody else was first, or the page is stale.

    by: display name of the person who was first, if known.
    at: aware UTC instant when they did it, if known.
    """

    def __init__(self, message: object = "", *, by: str | None = None, at: datetime | None = None) -> None:
        super().__init__(message)
        self.by = by
        self.at = at


@dataclass(frozen=True)
class FieldError:
    """One field that does not fit; `field` is "" when the whole form is meant."""

    field: str
    message: str


class Invalid(AppError):
    """The values do not fit the form."""

    def __init__(self, message: object = "", errors: list[FieldError] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class TooMany(AppError):
    """Too many attempts in a short time; come back later."""


class StepFailed(AppError):
    """The engine could not finish a step; nothing was changed.

    instance_id: the instance that stands still.
    element:     the BPMN element id where it failed, if known.
    detail:      what the engine said, for the operator; never shown to others.
    """

    def __init__(
        self,
        message: object = "",
        *,
        instance_id: int | None = None,
        element: str | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.instance_id = instance_id
        self.element = element
        self.detail = detail
