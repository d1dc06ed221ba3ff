"""Performance in virtual time: our cycle against what modem, network and firmware need."""
