"""The demo's customers with their vehicles and devices: invented names, plates and numbers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from app.accounts.actor import SYSTEM
from app.customers import service
from app.demo import stories


def load(count: int, random: Random, now: datetime) -> list[tuple[int, list[int]]]:
    """File `count` customers; returns each one's id with the ids of what they own."""
    made = []
    for number in range(count):
        region = random.choice(stories.REGIONS)
        values: dict[str, Any] = {
            "name": random.choice(stories.SURNAMES) + random.choice(stories.GIVEN),
            "phone": f"1{random.choice((38, 39, 37, 36, 59, 77))}{number:04d}{random.randrange(10000):04d}",
            "region": region,
        }
        if random.random() < 0.6:
            values["company"] = random.choice(stories.COMPANIES)
        if wanted := random.choice(stories.TIMES):
            values["preferred_time"] = wanted
        customer = service.create(values, actor=SYSTEM, now=now)
        assets = [_asset(customer.id, region, random, now) for _ in range(random.choice((1, 1, 2, 3)))]
        made.append((customer.id, assets))
    return made


def _asset(customer_id: int, region: str, random: Random, now: datetime) -> int:
    kind, model, prefix = random.choice(stories.MODELS)
    fitted: date = (now - timedelta(days=random.randrange(60, 1100))).date()
    plate = f"{stories.PLATE_HEADS[region]}{random.choice('DGKQ')}{random.randrange(1000, 9999)}"
    asset = service.find_or_create_asset(
        customer_id,
        {
            "kind": kind,
            "plate": plate,
            "serial": f"{prefix}{random.randrange(10**7, 10**8)}",
            "model": model,
            "firmware": random.choice(("2.3.8", "2.3.9", "2.4.0")),
            "fitted_on": fitted,
            "warranty_until": fitted + timedelta(days=730),
        },
        actor=SYSTEM,
        now=now,
    )
    if asset is None:
        raise RuntimeError("an asset with a plate was not filed")
    return asset.id
