"""Model bundles, and whatever runs, makes, or imports them."""
