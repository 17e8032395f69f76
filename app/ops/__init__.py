"""Set-up, start and checks of the whole product: what `make` calls."""
