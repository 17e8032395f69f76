"""The posts that a lane may name: by key, Chinese or English name."""

from __future__ import annotations

from collections.abc import Iterable

Role = tuple[str, str, str]

# (key, Chinese, English), the organisation of the service centre.
ROLES: tuple[Role, ...] = (
    ("manager", "售后经理", "After-sales manager"),
    ("supervisor", "客户主管", "Customer supervisor"),
    ("agent", "客服助理", "Service agent"),
    ("callback", "客服回访", "Callback agent"),
    ("technician", "三包技术员", "Warranty technician"),
    ("oldparts", "旧件仓管员", "Old-parts storekeeper"),
    ("newparts", "新件仓管员", "New-parts storekeeper"),
    ("dispatcher", "配件发货员", "Parts dispatcher"),
    ("orderclerk", "统计打单员", "Order clerk"),
    ("finance", "财务统计员", "Finance statistician"),
    ("office", "售后内勤", "Office clerk"),
    ("platform", "平台技术部", "Platform engineering"),
    ("engineering", "技术部", "Engineering"),
    ("quality", "品质部", "Quality"),
    ("marketing", "营销部", "Marketing"),
    ("production", "生产部", "Production"),
    ("purchasing", "采购部", "Purchasing"),
    ("repairpoint", "维修网点", "Repair point"),
    ("department", "相关部门", "Other departments"),
    ("designer", "流程设计员", "Process designer"),
    ("operator", "系统运维员", "System operator"),
    ("auditor", "审计员", "Auditor"),
    ("admin", "系统管理员", "Administrator"),
)


def find_key(lane: str | None, roles: Iterable[Role] = ROLES) -> str | None:
    """Return the role key that a lane's name means, or None."""
    wanted = (lane or "").strip().casefold()
    return next((role[0] for role in roles if wanted in {name.casefold() for name in role}), None)
