"""What rflint does for its callers, one use case a module."""
