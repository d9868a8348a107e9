"""A clip in, a table out."""
