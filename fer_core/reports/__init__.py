"""Reports and the words in them."""
