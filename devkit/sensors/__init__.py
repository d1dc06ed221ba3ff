"""The sensors as seen from the computer: a list of them with their figures, and new ones."""
