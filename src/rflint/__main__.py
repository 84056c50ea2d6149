"""`python -m rflint`."""

from rflint.cli import main

main()
