"""The OpenAPI document: what the views do not say themselves, the same for every operation."""

from __future__ import annotations

from typing import Any

PROBLEM = "application/problem+json"
METHODS = ("get", "post", "put", "patch", "delete")

SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457 problem details.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    },
    "ConflictProblem": {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "type": "object",
        "properties": {
            "by": {"type": "string", "description": "Who was first, where known."},
            "at": {"type": "string", "format": "date-time"},
        },
    },
    "InvalidProblem": {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "type": "object",
        "properties": {
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
            "problems": {
                "type": "array",
                "description": "Of procedures that cannot be deployed.",
                "items": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string"},
                        "element": {"type": ["string", "null"]},
                        "name": {"type": ["string", "null"]},
                        "line": {"type": ["integer", "null"]},
                        "rule": {"type": "string"},
                        "level": {"type": "string"},
                        "message": {"type": "string"},
                        "why": {"type": "string"},
                        "remedy": {"type": "string"},
                    },
                },
            },
        },
    },
}
# status -> (name, description, schema)
PROBLEMS = {
    "400": ("Unreadable", "The body is no JSON.", "Problem"),
    "401": ("Unauthorized", "No token that works.", "Problem"),
    "403": ("Forbidden", "The token's owner may not do this.", "Problem"),
    "404": ("NotFound", "Absent, or not theirs to see.", "Problem"),
    "409": ("Conflict", "Somebody was first, it has changed, or a rule forbids it now.", "ConflictProblem"),
    "415": ("NotJson", "Another content type than JSON.", "Problem"),
    "422": ("Invalid", "Values that do not fit, one error a field.", "InvalidProblem"),
    "500": ("Failed", "The step could not be finished; nothing was changed.", "Problem"),
    "503": ("Away", "The database does not answer; try again shortly.", "Problem"),
}
_TEXT = {"schema": {"type": "string"}}
_ALIVE = {"application/json": {"schema": {"type": "object", "properties": {"status": {"type": "string"}}}}}
MONITORING: dict[str, Any] = {
    "/healthz": ("Answer as long as the process lives.", {"200": ("Alive", _ALIVE)}),
    "/readyz": (
        "Answer 200 when the database does.",
        {"200": ("Ready", _ALIVE), "503": ("The database is away", _ALIVE)},
    ),
    "/metrics": ("Gauges as Prometheus reads them.", {"200": ("Metrics", {"text/plain": _TEXT})}),
}


def finish(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the problems that each operation may answer, and what monitoring asks."""
    parts = document["components"]
    parts["schemas"] = {
        name: one
        for name, one in parts.get("schemas", {}).items()
        if name not in ("Error", "PaginationMetadata")
    } | SCHEMAS
    parts["responses"] = {
        name: {
            "description": text,
            "content": {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        }
        for name, text, schema in PROBLEMS.values()
    }
    parts.pop("headers", None)
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                _finish_operation(path, method, operations[method])
    document["paths"] |= {path: _monitoring(*said) for path, said in MONITORING.items()}
    return document


def _finish_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("default", None)
    wanted = ["401", "403", "503"]
    if "{" in path:
        wanted.append("404")
    if method != "get":
        wanted += ["400", "409", "415", "422", "500"]
    elif operation.get("parameters"):
        wanted.append("422")
    for status in wanted:
        responses[status] = {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"}
    operation["responses"] = dict(sorted(responses.items()))


def _monitoring(summary: str, answers: dict[str, Any]) -> dict[str, Any]:
    responses = {
        status: {"description": text, "content": content} for status, (text, content) in answers.items()
    }
    return {"get": {"summary": summary, "security": [], "tags": ["monitoring"], "responses": responses}}
