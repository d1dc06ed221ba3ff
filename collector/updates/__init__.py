"""Updates over the air, as the server sees them."""
