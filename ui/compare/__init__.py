"""Parts of the page that compares models."""
