"""What goes in and out of the API for drafts of procedures."""

from __future__ import annotations

from marshmallow import fields

from app.api.fields import Flag, Number, Schema, Text
from app.api.schemas import ProcedureRef


class DraftIn(Schema):
    """A procedure to open; or, where `procedure` is empty, what a new one is called and who works in it."""

    procedure = Text(120, load_default="")
    key = Text(60, load_default="")
    name = Text(120, load_default="")
    area = Text(60, load_default="complaints")
    lanes = fields.List(Text(40), load_default=list)


class DraftFileOut(Schema):
    """One file of a draft; `changed`: it differs from what it was made from."""

    path = fields.String()
    kind = fields.String()
    revision = fields.Integer()
    changed = fields.Boolean()


class DraftOut(Schema):
    """A draft: open, published or discarded; `base` is the version it was made from, null for a new one."""

    id = fields.Integer()
    procedure = fields.String()
    name = fields.String()
    base = fields.Integer(allow_none=True)
    status = fields.String()
    revision = fields.Integer()
    updated_at = fields.AwareDateTime()
    files = fields.List(fields.Nested(DraftFileOut))


class FindingOut(Schema):
    """One finding of the check; errors block publishing, warnings do not."""

    file = fields.String()
    element = fields.String()
    name = fields.String()
    line = fields.Integer()
    rule = fields.String()
    level = fields.String()
    message = fields.String()
    why = fields.String()
    remedy = fields.String()


class SaveQuery(Schema):
    """The revision of the file that was seen."""

    revision = Number(0, 10**9, required=True)


class SavedOut(Schema):
    """One file after a save; `written`: false where it was the same content already."""

    path = fields.String()
    revision = fields.Integer()
    written = fields.Boolean()
    changed = fields.Boolean()


class PublishIn(Schema):
    """What has changed; `overwrite`: also files that somebody else has published since."""

    comment = Text(500, 1, required=True)
    overwrite = Flag(load_default=False)


class PublishedOut(Schema):
    """The versions that publishing made."""

    procedures = fields.List(fields.Nested(ProcedureRef))
