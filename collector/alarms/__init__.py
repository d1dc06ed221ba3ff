"""The state of each node, and what its owner is told."""
