"""The configuration in pyproject.toml or rflint.toml, and what it makes of targets."""
