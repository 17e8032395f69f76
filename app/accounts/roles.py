"""The roles of the centre, what each may do, and the posts a fresh centre starts with: plain data."""

from __future__ import annotations

from dataclasses import dataclass

# Every permission there is; a role may name no other.
PERMISSIONS = frozenset(
    {
        *("case.view_all", "case.view_own", "case.create", "case.edit", "case.comment", "case.withdraw"),
        *("case.reopen", "case.import", "work.claim", "work.assign", "work.view_all"),
        *(
            "customer.view",
            "customer.reveal",
            "callback.view",
            "callback.manage",
            "procedure.view",
            "procedure.deploy",
        ),
        *("calendar.edit", "escalation.edit"),
        *("user.admin", "incident.manage", "instance.manage", "audit.view", "report.view"),
        *("api.token", "demo.control"),
    }
)

# Whoever has a step in a case: sees the cases that reach them, works and comments on them.
_STEP = "case.view_own case.comment work.claim procedure.view"
# The service desk: every case and every customer is theirs to look after.
_DESK = (
    "case.view_all case.create case.edit case.comment case.withdraw case.reopen work.claim "
    "customer.view customer.reveal callback.view procedure.view"
)
_LEAD = f"{_DESK} calendar.edit callback.manage case.import work.assign work.view_all report.view"


@dataclass(frozen=True)
class RoleSpec:
    """One role. `key` is what the database and the API say, `name` is what the lanes of the diagrams say."""

    key: str
    name: str
    name_en: str
    permissions: str

    def label(self, locale: str) -> str:
        """Return the name in "zh" or "en"."""
        return self.name_en if locale == "en" else self.name


ROLES = (
    RoleSpec("manager", "售后经理", "After-sales manager", f"{_LEAD} escalation.edit api.token"),
    RoleSpec("supervisor", "客户主管", "Customer supervisor", _LEAD),
    RoleSpec("agent", "客服助理", "Service agent", _DESK),
    RoleSpec("callback", "客服回访", "Callback agent", _DESK),
    # They call the owner or the dealer about the case in hand, so they may reveal a number, not browse.
    RoleSpec("technician", "三包技术员", "Warranty technician", f"{_STEP} customer.reveal"),
    RoleSpec("oldparts", "旧件仓管员", "Old-parts storekeeper", _STEP),
    RoleSpec("newparts", "新件仓管员", "New-parts storekeeper", _STEP),
    RoleSpec("dispatcher", "配件发货员", "Parts dispatcher", _STEP),
    RoleSpec("orderclerk", "统计打单员", "Order clerk", _STEP),
    RoleSpec("finance", "财务统计员", "Finance statistician", f"{_STEP} report.view"),
    RoleSpec(
        "office",
        "售后内勤",
        "Office clerk",
        f"{_STEP} case.create case.import customer.view callback.view report.view",
    ),
    RoleSpec("platform", "平台技术部", "Platform engineering", _STEP),
    RoleSpec("engineering", "技术部", "Engineering", _STEP),
    RoleSpec("quality", "品质部", "Quality", f"{_STEP} report.view"),
    RoleSpec("marketing", "营销部", "Marketing", _STEP),
    RoleSpec("production", "生产部", "Production", _STEP),
    RoleSpec("purchasing", "采购部", "Purchasing", _STEP),
    RoleSpec(
        "repairpoint", "维修网点", "Repair point", "case.view_own case.comment work.claim customer.reveal"
    ),
    # The lane above all departments; its work items name one of them.
    RoleSpec("department", "相关部门", "Other departments", _STEP),
    RoleSpec("designer", "流程设计员", "Process designer", "procedure.view procedure.deploy api.token"),
    RoleSpec(
        "operator",
        "系统运维员",
        "System operator",
        "case.view_all work.view_all procedure.view incident.manage instance.manage report.view api.token",
    ),
    # Reads everything, changes nothing.
    RoleSpec(
        "auditor",
        "审计员",
        "Auditor",
        "case.view_all work.view_all customer.view callback.view procedure.view report.view audit.view",
    ),
    RoleSpec("admin", "系统管理员", "Administrator", "user.admin procedure.view incident.manage api.token"),
)
BY_KEY = {role.key: role for role in ROLES}
DEPARTMENTS = ("platform", "engineering", "quality", "marketing", "production", "purchasing")


@dataclass(frozen=True)
class UnitSpec:
    """A group or department a fresh centre starts with; `parent` is a unit's key."""

    key: str
    name: str
    name_en: str
    kind: str = "group"
    parent: str | None = None


UNITS = (
    UnitSpec("aftersales", "售后服务部", "After-sales service"),
    UnitSpec("service", "客服组", "Service group", parent="aftersales"),
    UnitSpec("warranty", "三包组", "Three-guarantees group", parent="aftersales"),
    UnitSpec("parts", "配件组", "Parts group", parent="aftersales"),
    UnitSpec("finance", "财务组", "Finance group", parent="aftersales"),
    UnitSpec("office", "售后内勤", "After-sales office", parent="aftersales"),
    UnitSpec("callcentre", "呼叫中心", "Call centre"),
    UnitSpec("departments", "相关部门", "Other departments"),
    UnitSpec("platform", "平台技术部", "Platform engineering", "department", "departments"),
    UnitSpec("engineering", "技术部", "Engineering", "department", "departments"),
    UnitSpec("quality", "品质部", "Quality", "department", "departments"),
    UnitSpec("marketing", "营销部", "Marketing", "department", "departments"),
    UnitSpec("production", "生产部", "Production", "department", "departments"),
    UnitSpec("purchasing", "采购部", "Purchasing", "department", "departments"),
    UnitSpec("outside", "维修网点", "Repair network"),
    UnitSpec("systems", "系统管理", "Systems"),
)


@dataclass(frozen=True)
class PostSpec:
    """A post a fresh centre starts with; `above` is the (role, unit) that does its work while vacant."""

    role: str
    unit: str
    above: tuple[str, str] | None = None


_MANAGER, _SUPERVISOR = ("manager", "aftersales"), ("supervisor", "service")
POSTS = (
    PostSpec("manager", "aftersales"),
    PostSpec("supervisor", "service", _MANAGER),
    PostSpec("agent", "service", _SUPERVISOR),
    PostSpec("callback", "service", _SUPERVISOR),
    PostSpec("agent", "callcentre", _SUPERVISOR),
    PostSpec("technician", "warranty", _MANAGER),
    PostSpec("oldparts", "warranty", _MANAGER),
    PostSpec("newparts", "parts", _MANAGER),
    PostSpec("dispatcher", "parts", _MANAGER),
    PostSpec("orderclerk", "finance", _MANAGER),
    PostSpec("finance", "finance", _MANAGER),
    PostSpec("office", "office", _MANAGER),
    *(PostSpec(key, key, _SUPERVISOR) for key in DEPARTMENTS),
    # Work for "some department" or "some repair point" that names none: never shown to outsiders.
    PostSpec("department", "departments", _MANAGER),
    PostSpec("repairpoint", "outside", _SUPERVISOR),
    # Nobody inherits these: being a manager does not make one an auditor.
    PostSpec("designer", "systems"),
    PostSpec("operator", "systems"),
    PostSpec("auditor", "systems"),
    PostSpec("admin", "systems"),
)
REPAIR_POINT_ABOVE = _SUPERVISOR

_LANES = {word.casefold(): role.key for role in ROLES for word in (role.key, role.name, role.name_en)}


def lane_to_role(name: str) -> str | None:
    """Return the role key that a lane names by key, Chinese or English name; None when it is no role."""
    return _LANES.get(" ".join(name.split()).casefold())
