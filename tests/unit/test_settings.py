"""What is read from the environment."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.settings import Settings


def test_those_who_start_first_agree_on_one_secret_key_that_is_nobody_elses_to_read(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starters:
        made = list(starters.map(lambda _n: Settings.from_env({"VAR_DIR": str(tmp_path)}), range(40)))
    (key,) = {one.secret_key for one in made}
    assert len(key) == 64
    (kept,) = tmp_path.iterdir()
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (key, 0o600)


def test_a_starter_that_comes_in_between_reads_no_half_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    opened = os.fdopen

    def open_and_let_another_start(*arguments: object) -> object:
        monkeypatch.setattr(os, "fdopen", opened)
        seen.append(Settings.from_env({"VAR_DIR": str(tmp_path)}).secret_key)
        return opened(*arguments)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "fdopen", open_and_let_another_start)
    key = Settings.from_env({"VAR_DIR": str(tmp_path)}).secret_key
    assert seen == [key] and len(key) == 64
