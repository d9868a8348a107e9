"""Parts of the page that analyses a clip."""
