"""What differs between two reports: found in the JSON reports alone, and written in formats."""
