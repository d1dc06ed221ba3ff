"""The LTE driver of the Pycom firmware: C code on the ESP32, in front of the modem's UART."""
