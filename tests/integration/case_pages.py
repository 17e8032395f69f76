"""What the tests of the case pages share: a desk, signed-in clients, cases made through the services."""

from __future__ import annotations

import sqlalchemy as sa

from app.accounts.tables import Person
from app.db import close_read_session, session, transaction


def signed_in(app, username, language=None):
    """Return a client whose session is this person's, in a language; forms need no CSRF token."""
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    with app.app_context():
        if language is not None:
            with transaction() as write:
                write.execute(sa.update(Person).where(Person.username == username).values(locale=language))
        query = sa.select(Person.id, Person.session_version).where(Person.username == username)
        person_id, version = session().execute(query).one()
        close_read_session()
    with client.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = f"{person_id}.{version}", True
    return client
