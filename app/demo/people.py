"""The demo's people and repair points: invented, one account for every role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.accounts import organisation, service
from app.accounts.actor import SYSTEM
from app.accounts.tables import Person, Post, Unit
from app.db import session

PASSWORD = "demo"  # noqa: S105  the contract's, for demo mode alone


@dataclass(frozen=True)
class DemoPerson:
    """One account; `posts` are (role, unit) pairs, several of them for 兼任."""

    username: str
    name: str
    name_en: str
    posts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RepairPoint:
    """One repair point of the demo's network."""

    key: str
    name: str
    name_en: str
    region: str


REPAIR_POINTS = (
    RepairPoint("WP001", "西安北郊维修网点", "Xi'an North repair point", "陕西 西安"),
    RepairPoint("WP002", "渭南临渭维修网点", "Weinan Linwei repair point", "陕西 渭南"),
    RepairPoint("WP003", "咸阳秦都维修网点", "Xianyang Qindu repair point", "陕西 咸阳"),
    RepairPoint("WP004", "宝鸡金台维修网点", "Baoji Jintai repair point", "陕西 宝鸡"),
)
PEOPLE = (
    DemoPerson("manager", "周敏", "Zhou Min", (("manager", "aftersales"),)),
    DemoPerson("supervisor", "何建国", "He Jianguo", (("supervisor", "service"),)),
    # 兼任: this agent also calls back, but never about what she resolved herself.
    DemoPerson("agent", "林晓雯", "Lin Xiaowen", (("agent", "service"), ("callback", "service"))),
    DemoPerson("agent2", "何雨桐", "He Yutong", (("agent", "service"), ("agent", "callcentre"))),
    DemoPerson("callback", "苏婷", "Su Ting", (("callback", "service"),)),
    DemoPerson("technician", "马志远", "Ma Zhiyuan", (("technician", "warranty"),)),
    DemoPerson("oldparts", "孙桂兰", "Sun Guilan", (("oldparts", "warranty"),)),
    DemoPerson("newparts", "赵立新", "Zhao Lixin", (("newparts", "parts"),)),
    DemoPerson("dispatcher", "高伟", "Gao Wei", (("dispatcher", "parts"),)),
    DemoPerson("orderclerk", "白洁", "Bai Jie", (("orderclerk", "finance"),)),
    DemoPerson("finance", "郑秀英", "Zheng Xiuying", (("finance", "finance"),)),
    DemoPerson("office", "吴倩", "Wu Qian", (("office", "office"),)),
    DemoPerson("platform", "陈立", "Chen Li", (("platform", "platform"),)),
    DemoPerson("engineering", "刘思远", "Liu Siyuan", (("engineering", "engineering"),)),
    DemoPerson("quality", "曹芳", "Cao Fang", (("quality", "quality"),)),
    DemoPerson("repairpoint", "王强", "Wang Qiang", (("repairpoint", "WP003"),)),
    DemoPerson("designer", "冯佳", "Feng Jia", (("designer", "systems"),)),
    DemoPerson("operator", "罗毅", "Luo Yi", (("operator", "systems"),)),
    DemoPerson("auditor", "邓丽", "Deng Li", (("auditor", "systems"),)),
    DemoPerson("admin", "钱程", "Qian Cheng", (("admin", "systems"),)),
    # The other repair points work too, or their cases would all be late.
    DemoPerson("wp001", "张海涛", "Zhang Haitao", (("repairpoint", "WP001"),)),
    DemoPerson("wp002", "李桂英", "Li Guiying", (("repairpoint", "WP002"),)),
    DemoPerson("wp004", "魏东", "Wei Dong", (("repairpoint", "WP004"),)),
)


def load(now: datetime, password: str = PASSWORD) -> None:
    """Make the organisation, the repair points and the accounts that are missing, all with one password."""
    organisation.seed_organisation(now, SYSTEM)
    for point in REPAIR_POINTS:
        organisation.ensure_repair_point(
            point.key, point.name, point.name_en, region=point.region, now=now, actor=SYSTEM
        )
    posts = {
        (role, unit): post_id
        for post_id, role, unit in session().execute(
            sa.select(Post.id, Post.role_key, Unit.key).join(Unit, Unit.id == Post.unit_id)
        )
    }
    known = set(session().scalars(sa.select(Person.username)))
    for person in PEOPLE:
        if person.username not in known:
            service.create_person(
                person.username,
                person.name,
                name_en=person.name_en,
                email=f"{person.username}@example.com",
                password=password,
                posts=[posts[post] for post in person.posts],
                must_change=False,
                actor=SYSTEM,
                now=now,
            )
