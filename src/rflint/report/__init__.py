"""What is told of a model: its report, and what suppressions, limits and baselines make of it."""
