"""Languages: chosen by account, then cookie, then browser; content of files translated at run time."""

from __future__ import annotations

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale, gettext

from app import english_names

LOCALES = ("zh", "en")
DEFAULT = "zh"
COOKIE = "lang"
# What goes into <html lang>: the fonts are chosen by it.
HTML_LANG = {"zh": "zh-CN", "en": "en"}


def init(app: Flask) -> None:
    """Install Babel with our choice of locale, and `c()` for the templates."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", DEFAULT)
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", app.config["SETTINGS"].centre_timezone)
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "translations")
    Babel(app, locale_selector=choose)
    app.jinja_env.globals.update(c=content, locale=choose, html_lang=html_lang)


def choose() -> str:
    """Return "zh" or "en": the account's, else the cookie's, else the browser's."""
    if not has_request_context():
        return DEFAULT
    kept: str | None = g.get("locale_choice")
    if kept is None:
        kept = _account() or _cookie() or _browser()
        g.locale_choice = kept
    return kept


def html_lang() -> str:
    """Return the value of <html lang>."""
    return HTML_LANG[choose()]


def in_english() -> bool:
    """Tell whether what is written now is in English, forced or chosen."""
    return str(get_locale()) == "en"


def content(text: str | None) -> str:
    """Translate a name that comes from a diagram, form or table; unknown text stays as it is.

    What a designer has written in a diagram goes before the catalogue.
    """
    if not text:
        return ""
    own = english_names.all_names().get(text) if in_english() else None
    return own or gettext(text)


def _account() -> str | None:
    from app.web.shell import actor  # the shell itself is translated

    person = actor()
    return person.locale if person is not None and person.locale in LOCALES else None


def _cookie() -> str | None:
    value = request.cookies.get(COOKIE)
    return value if value in LOCALES else None


def _browser() -> str:
    return request.accept_languages.best_match(LOCALES, DEFAULT) or DEFAULT
