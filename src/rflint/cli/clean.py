"""`rflint clean`: remove the cache."""

from __future__ import annotations

from pathlib import Path

import click

from rflint.cli.messages import errors_reported, note
from rflint.cli.parameters import with_configuration_options


@click.command("clean")
@with_configuration_options
def clean(config: Path | None, isolated: bool) -> None:
    """Remove the cache: the folder .rflint_cache."""
    with errors_reported(debug=False):
        from rflint.cache.store import FOLDER, remove_cache
        from rflint.configuration.read import load_configuration
        from rflint.usercode.paths import short_path

        folder = load_configuration(config, isolated=isolated).root
        where = short_path(folder / FOLDER)
        note(f"removed {where}" if remove_cache(folder) else f"there is no {where}")
