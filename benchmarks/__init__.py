"""What rflint costs, measured."""
