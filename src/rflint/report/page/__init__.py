"""What the page of `--format html` shows beyond the JSON report, as one object for its script."""
