"""`rflint schema`: print the schema of JSON reports."""

from __future__ import annotations

import json

import click

from rflint.cli.messages import to_stdout
from rflint.cli.parameters import OneOf


@click.command("schema")
@click.argument("document", type=OneOf(("report", "diff", "sizes", "sweep")), default="report")
@click.option("--strict", is_flag=True, help="Allow nothing that this version does not write.")
def schema(document: str, strict: bool) -> None:
    """Print the JSON Schema of what --format json writes: of a report, of diff or sizes, or of
    a line of a sweep.

    It allows fields that later versions add; with --strict it does not.
    """
    from rflint.report import json_schema as of_reports
    from rflint.report.difference import json_schema as of_differences
    from rflint.report.sizes import json_schema as of_sizes
    from rflint.report.sweep import json_schema as of_lines

    modules = {
        "report": of_reports,
        "diff": of_differences,
        "sizes": of_sizes,
        "sweep": of_lines,
    }
    module = modules[document]
    found = module.strict() if strict else module.published()
    to_stdout(json.dumps(found, indent=2))
