"""What trained networks say of rflint's predictions: docs/evidence.md is made from here."""
