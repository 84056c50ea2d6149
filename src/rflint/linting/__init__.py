"""Rules: found, selected, configured, run, and explained."""
