"""LoRaWAN: a radio that only the FiPy has, and a network that knows no address of the server."""

BOARD = "FiPy"
ENDPOINT = ("lorawan.example", 5683)  # to which the network server was told to hand payloads on
