"""The rules of rflint, one file each; see rflint.rule for what such a file holds."""
