"""Parts of the about page."""
