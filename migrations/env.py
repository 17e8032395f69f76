"""Alembic's environment: runs within the application, on its engine."""

from alembic import context
from alembic.autogenerate.api import AutogenContext

from app.db import JSONText, UTCDateTime, engine
from app.tables import Base


def plain_types(kind: str, item: object, autogen: AutogenContext) -> str | bool:
    """Write our column types as the plain ones they store: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, JSONText):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def ours(item: object, name: str | None, kind: str, reflected: bool, _compare_to: object) -> bool:
    """Leave the queue's tables alone: procrastinate makes and migrates them itself."""
    return not (kind == "table" and reflected and (name or "").startswith("procrastinate_"))


with engine().execution_options(write=True).connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=plain_types,
        include_object=ours,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
