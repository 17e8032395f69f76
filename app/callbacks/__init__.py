"""Promises to call a customer, what came of them, what is asked; `app.agenda` has the pages."""
