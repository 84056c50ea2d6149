"""What a sweep writes: lines of JSON, rows of a table, and a summary of both."""
