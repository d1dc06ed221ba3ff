# Secrets of a node: copy this file to credentials.py, beside config.py, and put in your own.
#
# Git ignores credentials.py. The values here are for documentation: the emulated networks accept
# them, and a fresh clone runs with them on the computer. On a board only credentials.py counts.

# Known Wi-Fi networks; the strongest in range is tried first. "pwd" left out: an open network
_WIFI_NETS = {
    "field-ap": {"pwd": "for-documentation"},
}
_APP_KEY = "2B7E151628AED2A6ABF7158809CF4F3C"  # of LoRaWAN, 32 hex digits
_USER = None  # of MQTT; None: the broker asks for none
_TOKEN = None  # password of MQTT; for CoAP the query authorization=<token>
