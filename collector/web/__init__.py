"""The page, its API, metrics and exports."""
