"""How the demo's staff fill in each form: from the case's story and its temper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app import calendar
from app.demo import stories
from app.demo.people import REPAIR_POINTS


@dataclass
class Temper:
    """How one case goes: what staff and customer will decide; the dissatisfied calls come first."""

    story: stories.Story
    title: str
    words: str
    solution: str
    severity: str
    can_solve: bool
    in_warranty: bool
    man_made: bool
    consents: bool
    dissatisfied: int
    unreachable: bool
    no_answer: int
    another_time: bool
    repair_point: str
    quote: int

    @classmethod
    def draw(cls, random: Random) -> Temper:
        """Draw a case as a real centre sees them: most are solved and content, some are not."""
        story = stories.pick(random)
        title, words, solution = stories.tell(story, random)
        # One or two rounds of dissatisfaction are life; three end with the manager.
        dissatisfied = random.choices((0, 1, 2, 4), (80, 12, 5, 3))[0]
        unreachable = random.random() < 0.04
        return cls(
            story,
            title,
            words,
            solution,
            random.choice(story.severities.split()),
            can_solve=random.random() < (0.72 if story.klass == "device" else 0.45),
            in_warranty=random.random() < 0.68,
            man_made=story.cause == "碰撞、进水或私自改装",
            consents=random.random() < 0.8,
            dissatisfied=dissatisfied,
            unreachable=unreachable,
            no_answer=9 if unreachable else random.choices((0, 1, 2), (70, 22, 8))[0],
            another_time=random.random() < 0.1,
            repair_point=random.choice(REPAIR_POINTS).key,
            quote=random.randrange(12, 98) * 1000,
        )


def answer(
    element: str, temper: Temper, schema: Mapping[str, Any], random: Random, now: datetime
) -> dict[str, Any]:
    """Return the values for the form of `element`; checklists are ticked as the form offers them."""
    make = ANSWERS.get(element)
    values = make(temper, random, now) if make else {}
    for name, part in schema["properties"].items():
        if part.get("x-widget") == "checklist" and name not in values:
            items = part["items"]
            offered = items.get("enum") or [option["const"] for option in items.get("oneOf", ())]
            values[name] = offered if name in schema.get("required", ()) else offered[:2]
    # One answer serves several forms of a kind; what a form does not ask, it refuses.
    return {name: value for name, value in values.items() if name in schema["properties"]}


def _register(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {"severity": temper.severity}


def _analyse(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {
        "class": temper.story.klass,
        "other_type": temper.story.other_type,
        "severity": temper.severity,
        "repeated": random.random() < 0.15,
        "analysis": f"{temper.title}。客户要求：{temper.words}"[:400],
    }


def _judge(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    if temper.can_solve:
        return {"can_solve": True, "plan": temper.solution}
    return {"can_solve": False, "reason": random.choice(("permission", "defect", "unknown"))}


def _resolve(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {"solution": temper.solution, "confirmed": True}


def _refer(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {"department": temper.story.department, "request": random.choice(stories.REQUESTS)}


def _solve(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {
        "solve_result": "solved",
        "cause": temper.story.cause,
        "solution": temper.solution,
        "explanation": random.choice(stories.EXPLANATIONS),
    }


def _analyse_cause(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {
        "in_warranty": temper.in_warranty,
        "man_made": temper.man_made,
        "cause": temper.story.cause,
        "method": random.choice(("replace_unit", "replace_part", "rewire", "firmware", "adjust")),
        "quote": temper.quote,
        "return_old_part": True,
        "detail": temper.story.finding,
    }


def _inform(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {
        "quote": temper.quote,
        "consent": temper.consents,
        "refusal": "price",
        "preferred_time": random.choice(stories.TIMES),
    }


def _contact(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    day = random.choice((1, 2))
    return {
        "repair_point": temper.repair_point,
        "visit": random.choice(("shop", "shop", "onsite")),
        "appointment_at": calendar.working_day(now, day).isoformat(),
        "confirmed": True,
        "instructions": temper.story.finding,
    }


def _repair(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {
        "repair_result": random.choices(("fixed", "monitor"), (85, 15))[0],
        "work": temper.solution,
        "parts_used": random.choice(("", "馈线 ×1", "保险座 ×1", "T-Box 主板 ×1", "卡座 ×1")),
        "firmware": "2.4.1" if temper.story.firmware else "",
        "repair_hours": random.choice((0.5, 1, 1.5, 2, 3)),
        "cost": 0 if temper.in_warranty and not temper.man_made else temper.quote,
        "old_part": True,
    }


def _guide_renew(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    paid = random.random() < 0.8
    return {"months": random.choice((12, 24, 36)), "paid": paid, "amount": 36000, "invoice": "normal"}


def _guide_add(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {"item": "vehicle", "quantity": random.choice((2, 5, 12))}


def _guide_deregister(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {"reason": "transferred", "settled": True, "exported": True}


def _call(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    if temper.no_answer > 0:
        temper.no_answer -= 1
        return {"outcome": "no_answer", "no_answer": random.choice(("ringing", "off"))}
    if temper.another_time:
        temper.another_time = False
        later = calendar.working_day(now, 1) + timedelta(hours=6)
        return {"outcome": "another_time", "callback_at": later.isoformat()}
    if temper.dissatisfied > 0:
        temper.dissatisfied -= 1
        words = random.choice(stories.DISSATISFIED)
        return {"outcome": "dissatisfied", "score": random.choice((1, 2, 2)), "words": words}
    words = random.choice(stories.SATISFIED)
    return {"outcome": "satisfied", "score": random.choice((4, 5, 5)), "words": words}


def _manager_handles(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    return {
        "measure": random.choice(("visit", "replace", "explain")),
        "agreement": "经理上门道歉并更换设备，客户同意结案。",
        "agreed": True,
    }


def _general(title: str) -> str:
    """Return a story's title as a solution's: without the numbers of one case."""
    title = re.sub(r"约? ?\{n\}%", "", title.split("，")[0])
    return re.sub(r"约? ?\{n\} ", "若干", title)


def _archive(temper: Temper, random: Random, now: datetime) -> dict[str, Any]:
    free = temper.story.klass != "device" or (temper.in_warranty and not temper.man_made)
    return {
        "class": temper.story.klass,
        "cause": temper.story.cause,
        "solution_kind": "new",
        "new_title": _general(temper.story.title),
        "new_solution": temper.solution,
        "cost": 0 if free or not temper.consents else temper.quote,
        "satisfaction": random.choice((4, 5)),
        "repaired": temper.can_solve and temper.consents,
        "parts_source": "repair_point",
        "parts_used": "馈线 ×1",
        "parts_quantity": 1,
        "repair_hours": 1.5,
        "old_part_returned": True,
    }


ANSWERS = {
    "register": _register,
    "analyse": _analyse,
    "judge": _judge,
    "resolve": _resolve,
    "refer": _refer,
    "solve": _solve,
    "analyse_cause": _analyse_cause,
    "inform": _inform,
    "contact": _contact,
    "repair": _repair,
    "guide_renew": _guide_renew,
    "guide_add": _guide_add,
    "guide_deregister": _guide_deregister,
    "call": _call,
    "manager_handles": _manager_handles,
    "archive": _archive,
}
