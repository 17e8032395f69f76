"""Cases: a customer's problem from the call to the archive."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Listen to the engine, offer connectors, register the pages."""
    from flask_babel import lazy_gettext as _l

    from app import exports
    from app.cases import (
        export,
        hooks,
        imports,
        labels,
        service,
        views,
        views_deadline,  # noqa: F401  adds the pages of deadlines
        views_file,
        views_intake,
        views_public,
    )
    from app.customers import archive
    from app.customers import service as customers

    hooks.register()
    customers.on_change(service.customer_changed)
    archive.add_section(views_file.cases_of_customer)
    archive.add_section(views_file.callbacks_of_customer)
    labels.init(app)
    for bp in (views.bp, views_intake.bp, views_public.bp):
        app.register_blueprint(bp)
    imports.init_app(app)
    exports.register(
        "cases.csv", _l("Cases (CSV)"), "csv", ("case.view_all", "case.view_own"), export.in_background
    )
