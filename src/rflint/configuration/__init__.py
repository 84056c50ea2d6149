"""[tool.rflint] of pyproject.toml, or rflint.toml: found, read, and laid under the command line."""
