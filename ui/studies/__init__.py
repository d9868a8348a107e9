"""Parts of the page of studies."""
