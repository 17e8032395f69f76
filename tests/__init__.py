"""The tests: unit (no app, no database), integration (SQLite and PostgreSQL), browser (Chromium)."""
