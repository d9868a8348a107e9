"""Frame of every page: settings, resources, visitors, browser tabs."""
