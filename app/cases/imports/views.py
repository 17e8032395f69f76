"""Pages of an import: send a file, look it over, watch it go in, fetch what was refused."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.cases.imports import job, mapping, service
from app.cases.imports.mapping import Plan
from app.cases.labels import choices
from app.cases.tables import ImportRun
from app.clock import now
from app.db import transaction
from app.errors import Invalid

bp = Blueprint("imports", __name__)

SHOWN_ROWS = 5
SHOWN_REFUSALS = 50
DEFAULTS = ("class", "kind", "severity", "channel")


@dataclass(frozen=True)
class Column:
    """A column of the preview: what it was taken for and what stands in it."""

    index: int
    header: str
    target: str
    sample: list[str]


@bp.get("/cases/import")
@requires("case.import")
def index() -> str:
    """Offer to send a spreadsheet; show the latest imports."""
    return render_template("cases/import_index.html", runs=service.recent(current_actor()), error="")


@bp.post("/cases/import")
@requires("case.import")
def upload() -> Any:
    """Read a spreadsheet; the preview follows. A file that cannot be read is refused with its reason."""
    sent = request.files.get("file")
    try:
        content = sent.stream.read(service.LARGEST + 1) if sent is not None else b""
        with transaction():
            run = service.upload(
                sent.filename or "" if sent else "", content, actor=current_actor(), now=now()
            )
    except Invalid as error:
        return render_template(
            "cases/import_index.html", runs=service.recent(current_actor()), error=str(error)
        ), 422
    return redirect(url_for(".show", run_id=run.id), 303)


@bp.get("/cases/import/<int:run_id>")
@requires("case.import")
def show(run_id: int) -> str:
    """Show the preview, or how far the import is."""
    run = service.get_open_to(run_id, current_actor())
    if run.status == "preview":
        return _preview(run)
    return render_template("cases/import_run.html", run=run, shown=SHOWN_REFUSALS)


@bp.post("/cases/import/<int:run_id>/plan")
@requires("case.import")
def replan(run_id: int) -> Any:
    """Take the columns as chosen; look everything over again, or begin."""
    run = service.get_open_to(run_id, current_actor())
    plan = _posted_plan(Plan.from_json(run.mapping))
    try:
        with transaction():
            service.replan(run_id, plan)
            if "start" in request.form:
                service.start(run_id)
    except Invalid as error:
        return _preview(service.get_open_to(run_id, current_actor()), plan, str(error)), 422
    return redirect(url_for(".show", run_id=run_id), 303)


@bp.post("/cases/import/<int:run_id>/step")
@requires("case.import")
def step(run_id: int) -> Any:
    """Import the next rows and show how far it is; the page asks again until all are in."""
    run = job.run_batch(service.get_open_to(run_id, current_actor()).id, now())
    if request.headers.get("HX-Request"):
        return render_template("cases/_import_progress.html", run=run, shown=SHOWN_REFUSALS)
    return redirect(url_for(".show", run_id=run_id), 303)


@bp.get("/cases/import/<int:run_id>/refused.csv")
@requires("case.import")
def refused(run_id: int) -> Response:
    """Give the refused rows with their reasons, to be mended and sent again."""
    run = service.get_open_to(run_id, current_actor())
    response = make_response(_refused_csv(run).encode("utf-8-sig"))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="refused-{run.id}.csv"'
    return response


def _preview(run: ImportRun, plan: Plan | None = None, error: str = "") -> str:
    sheet = service.sheet_of(run)
    plan = plan or Plan.from_json(run.mapping)
    columns = [
        Column(
            index,
            header,
            target,
            list(dict.fromkeys(row[index] for _number, row in sheet.rows if row[index]))[:3],
        )
        for index, (header, target) in enumerate(zip(sheet.headers, plan.columns, strict=True))
    ]
    return render_template(
        "cases/import_preview.html",
        run=run,
        plan=plan,
        columns=columns,
        rows=sheet.rows[:SHOWN_ROWS],
        targets=mapping.TARGETS,
        problem=error or mapping.check_plan(plan) or "",
        review=service.review(run, now()),
        shown=SHOWN_REFUSALS,
        defaults={name: choices(name) for name in DEFAULTS},
    )


def _posted_plan(plan: Plan) -> Plan:
    chosen = {
        index: request.form[f"column-{index}"]
        for index in range(len(plan.columns))
        if f"column-{index}" in request.form
    }
    return mapping.with_choices(
        plan,
        chosen,
        source=request.form.get("source", plan.source).strip(),
        defaults={
            name: request.form[f"default-{name}"] for name in DEFAULTS if request.form.get(f"default-{name}")
        },
    )


def _refused_csv(run: ImportRun) -> str:
    sheet = service.sheet_of(run)
    cells = dict(sheet.rows)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_("Row"), _("Column"), _("Reason"), *(_harmless(header) for header in sheet.headers)])
    for line in run.refused:
        row = cells.get(line["row"], [])
        writer.writerow([line["row"], *(_harmless(cell) for cell in (line["column"], line["reason"], *row))])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from running a customer's words as a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠") else cell
