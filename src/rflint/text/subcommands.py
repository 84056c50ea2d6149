"""The words of the command line that are no targets."""

SUBCOMMANDS = ("rule", "fix", "measure", "plot", "diff", "init", "schema", "clean")
