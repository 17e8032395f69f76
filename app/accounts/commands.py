"""flask accounts seed · flask users create|list|disable · flask tokens create."""

from __future__ import annotations

import json
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask
from flask.cli import AppGroup

from app import clock
from app.accounts import organisation, queries, service, tokens
from app.accounts.actor import SYSTEM
from app.accounts.roles import lane_to_role
from app.accounts.tables import Person, Post, Unit
from app.db import session, transaction
from app.errors import AppError, Invalid

accounts = AppGroup("accounts", help="The organisation: roles, units and posts.")
users = AppGroup("users", help="Accounts of the people who sign in.")
token_group = AppGroup("tokens", help="Bearer tokens for the REST API.")


def init(app: Flask) -> None:
    """Register the commands."""
    for group in (accounts, users, token_group):
        app.cli.add_command(group)


@accounts.command("seed")
def seed() -> None:
    """Make the roles, units and posts that are missing."""
    with transaction():
        made = organisation.seed_organisation(clock.now(), SYSTEM)
    click.echo(f"{made} posts made")


@users.command("create")
@click.argument("username")
@click.option("--name", default="", help="Name as shown in Chinese; the user name unless given.")
@click.option("--name-en", default="", help="Name as shown in English.")
@click.option("--email", default="", help="Where notifications are sent.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    help="A role by key or name, or ROLE:UNIT as in repairpoint:WP003; repeatable.",
)
@click.option(
    "--password", envvar="NEW_PASSWORD", help="Unless given, a one-time password is made and printed."
)
def create(
    username: str, name: str, name_en: str, email: str, roles: tuple[str, ...], password: str | None
) -> None:
    """Make an account. Without --password a one-time one is printed, to be changed at the first sign-in."""
    now = clock.now()
    try:
        with transaction():
            if organisation.is_empty():
                organisation.seed_organisation(now, SYSTEM)
            _made, given = service.create_person(
                username,
                name or username,
                name_en=name_en,
                email=email,
                password=password,
                posts=[_post(role) for role in roles],
                must_change=password is None,
                actor=SYSTEM,
                now=now,
            )
    except AppError as error:
        raise click.ClickException(_words(error)) from error
    click.echo(f"{username} created")
    if password is None:
        click.echo(f"one-time password: {given}")


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_users(as_json: bool) -> None:
    """List all accounts with their posts."""
    rows: list[dict[str, Any]] = [
        {
            "username": row.username,
            "name": row.name,
            "posts": [post.key for post in row.posts],
            "disabled": row.disabled,
            "locked": row.is_locked(clock.now()),
        }
        for row in queries.everybody()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        state = "disabled" if row["disabled"] else "locked" if row["locked"] else ""
        click.echo(f"{row['username']:<16} {row['name']} · {', '.join(row['posts'])} {state}".rstrip())


@users.command("disable")
@click.argument("username")
def disable(username: str) -> None:
    """Close an account; its sessions and tokens end at once."""
    try:
        with transaction():
            service.disable(_person(username), actor=SYSTEM, now=clock.now())
    except AppError as error:
        raise click.ClickException(_words(error)) from error
    click.echo(f"{username} disabled")


@token_group.command("create")
@click.argument("username")
@click.option("--label", default="", help="What it is for, shown in the list of tokens.")
def create_token(username: str, label: str) -> None:
    """Print a bearer token for USERNAME, and nothing else."""
    with transaction():
        token = tokens.create(_person(username), label, actor=SYSTEM, now=clock.now())
    click.echo(token)


def _person(username: str) -> int:
    found: int | None = session().scalar(sa.select(Person.id).where(Person.username == username.lower()))
    if found is None:
        raise click.ClickException(f"there is no account named {username}")
    return found


def _post(words: str) -> int:
    name, _colon, unit = words.partition(":")
    role = lane_to_role(name)
    query = (
        sa.select(Post.id).join(Unit, Unit.id == Post.unit_id).where(Post.role_key == role).order_by(Post.id)
    )
    found: int | None = session().scalar((query.where(Unit.key == unit) if unit else query).limit(1))
    if found is None:
        raise click.ClickException(f"there is no post {words}")
    return found


def _words(error: AppError) -> str:
    details = [f"{one.field}: {one.message}" for one in error.errors] if isinstance(error, Invalid) else []
    return "; ".join(details) or str(error)
