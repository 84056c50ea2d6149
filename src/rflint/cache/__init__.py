"""Reports of earlier runs, kept for as long as everything that they depend on stays as it was."""
