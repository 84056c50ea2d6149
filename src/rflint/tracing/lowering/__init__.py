"""A recorded pass, lowered to an architecture."""
