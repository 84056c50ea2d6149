"""`rflint schema`: print the schema of JSON reports."""

from __future__ import annotations

import json

import click

from rflint.cli.messages import to_stdout
from rflint.cli.parameters import OneOf


@click.command("schema")
@click.argument("document", type=OneOf(("report", "diff")), default="report")
@click.option("--strict", is_flag=True, help="Allow nothing that this version does not write.")
def schema(document: str, strict: bool) -> None:
    """Print the JSON Schema of what --format json writes: of a report, or of rflint diff.

    It allows fields that later versions add; with --strict it does not.
    """
    from rflint.report import json_schema as of_reports
    from rflint.report.difference import json_schema as of_differences

    module = of_differences if document == "diff" else of_reports
    found = module.strict() if strict else module.published()
    to_stdout(json.dumps(found, indent=2))
