"""The six sockets of the modem: what AT+SQNS* commands set up, dial, send and receive."""
