"""The words of the command line that are no targets."""

SUBCOMMANDS = (
    *("rule", "fix", "sizes", "measure", "plot", "diff", "sweep", "merge"),
    *("init", "schema", "clean"),
)
