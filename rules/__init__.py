"""The rules of rflint, one file each; see rflint.linting.rule for what such a file holds."""
