"""Compare two models, or one at two revisions, or reports that were saved."""
