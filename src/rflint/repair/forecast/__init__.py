"""What an architecture permits, and what it would be with a change, found without a model."""
