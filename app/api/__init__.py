"""The REST face of the services, under /api/v1; OpenAPI 3.1 at /api/openapi.json."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the API, its document and what monitoring asks."""
    from app.api import desk, drafts, health, processes, timers
    from app.api.problems import ProblemApi

    app.config.update(
        API_TITLE="Service desk",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        API_SPEC_OPTIONS={
            "info": {"description": "What the pages of the service desk do, for scripts."},
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
        },
    )
    # The order of a form's fields is the order in which they are asked.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    # Chinese stays readable to who looks at an answer.
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    api = ProblemApi(app)
    for blueprint in (desk.bp, processes.bp, timers.bp, drafts.bp):
        api.register_blueprint(blueprint)
    app.register_blueprint(health.bp)
    app.register_blueprint(health.bp, name="api_health", url_prefix="/api/v1")
