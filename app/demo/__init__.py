"""An invented centre to look at: its people and cases, another role and a later hour with one click."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the command; the bar and its clock only in demo mode."""
    from app.demo.cli import demo
    from app.demo.views import bar, bp
    from app.timers import virtual

    app.cli.add_command(demo)
    app.register_blueprint(bp)
    app.jinja_env.globals["demo_bar"] = bar
    if app.config["SETTINGS"].demo:
        app.before_request(virtual.follow)
