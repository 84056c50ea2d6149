"""What every operator reads of its inputs: one table, a row a family, and what users teach."""
