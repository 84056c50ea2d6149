"""What an architecture can do at its input size: receptive fields, verdicts, proofs."""
