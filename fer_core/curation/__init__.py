"""Contents of a dataset, and what is wrong with it."""
