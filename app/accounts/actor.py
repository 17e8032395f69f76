"""Who acts: a plain value that every service takes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """A person (or the system) at work.

    roles:       role keys of the posts held, and of vacant posts below them.
    groups:      work-item candidate keys: the role keys, and "role:unit" for posts within a unit.
    permissions: what the roles allow, e.g. "case.view_all".
    """

    id: int | None
    username: str
    display_name: str
    roles: frozenset[str] = field(default_factory=frozenset)
    groups: frozenset[str] = field(default_factory=frozenset)
    permissions: frozenset[str] = field(default_factory=frozenset)
    locale: str = "zh"
    theme: str = ""
    density: str = ""
    name_en: str = ""

    def may(self, permission: str) -> bool:
        """Tell whether the roles held allow this."""
        return permission in self.permissions

    @property
    def initial(self) -> str:
        """One or two letters for the avatar."""
        name = self.display_name.strip()
        if name and "\u4e00" <= name[0] <= "\u9fff":
            return name[0]
        return "".join(part[0] for part in name.split()[:2]).upper() or "?"


# Timers, the scheduler and messages act in nobody's name; everything is allowed to them.
SYSTEM = Actor(id=None, username="system", display_name="系统")
