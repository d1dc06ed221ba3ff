"""Building: what can be taken by itself, compiled for a firmware, with a manifest of all of it."""
