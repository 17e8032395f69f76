"""English names that a diagram brings with it: the property `nameEn` beside a Chinese name."""

from __future__ import annotations

from app.engine.xml import BPMN, NS, SPIFF, Node, local, named

ENGLISH = "nameEn"
# As wide as the columns that keep names.
MAX_NAME = 200


def english_names(root: Node) -> dict[str, str]:
    """Return name → English name, of steps, flows, lanes, pools, processes and notes alike.

    root: any node of the file. The English name of a process is that of its pool too.
    Names too long to be kept are left out.
    """
    found: dict[str, str] = {}
    top = root.getroottree().getroot()
    pools = {pool.get("processRef"): pool.get("name") for pool in named(top, "participant")}
    for part in top.iter(f"{{{SPIFF}}}property"):
        english = (part.get("value") or "").strip()
        holder = next(part.iterancestors(f"{{{BPMN}}}extensionElements"), None)
        owner = holder.getparent() if holder is not None else None
        if part.get("name") != ENGLISH or not english or owner is None:
            continue
        names = [owner.get("name"), pools.get(owner.get("id")) if local(owner) == "process" else None]
        if local(owner) == "textAnnotation":
            names.append((owner.findtext("bpmn:text", "", NS) or "").strip())
        found |= {name: english for name in names if name and len(name) <= MAX_NAME}
    return found
