"""What a report is at a prompt and in a notebook: HTML with the figure, a table, a page."""
