"""`rflint schema`: print the schema of JSON reports."""

from __future__ import annotations

import json

import click

from rflint.cli.messages import to_stdout


@click.command("schema")
@click.option("--strict", is_flag=True, help="Allow nothing that this version does not write.")
def schema(strict: bool) -> None:
    """Print the JSON Schema of what --format json writes.

    It allows fields that later versions add; with --strict it does not.
    """
    from rflint.report import json_schema

    found = json_schema.strict() if strict else json_schema.published()
    to_stdout(json.dumps(found, indent=2))
