"""LoRaWAN 1.0.x: the device's radio and MAC, and the gateway and network server that hear it."""
