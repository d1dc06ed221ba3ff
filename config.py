# The settings of this node. No secret stands here: passwords and keys come from credentials.py.
#
# The node checks the fields before it uses them; the console names a wrong one with the allowed
# values. The address below is for documentation (RFC 5737): replace it by your server's.

# Identity ---------------------------------------------------------------------------------------
# Name of this node in its reports, at most 20 letters and digits. None: 8 letters and digits made
# from the board's id, which is unique worldwide. Short names save energy.
_DEVICE_NAME = None

# When -------------------------------------------------------------------------------------------
_PERIOD_S = 900  # from one measurement to the next, seconds, 10 to 604800; time awake counts
_SEND_EVERY = 1  # measurements that are sent together, 1 to 1000; an alarm is sent at once

# Sensors ----------------------------------------------------------------------------------------
# One line per sensor: its module in sensors/ and the arguments of its get_reading(), which
# ./dev sensors lists. A "name" may be added to each; it is the name in the report.
_SENSORS = (
    # temperature and humidity, I2C; P11 switches the supply of the sensor
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    # battery voltage through a divider of two equal resistors (expansion board 3)
    ("analog_generic", {"data_pin": "P16", "divider": 2}),
    # ("sht4x", {"sda_pin": "P9", "scl_pin": "P10", "name": "roof"}),
    # ("ds18x20", {"data_pin": "P3", "name": "soil"}),
    # ("scd4x", {"sda_pin": "P9", "scl_pin": "P10"}),
)

# Bearer -----------------------------------------------------------------------------------------
_BEARER = "nbiot"  # module in networking/: "nbiot", "wifi" or "lora"
_MAX_CONNECTION_ATTEMPT_TIME_SEC = 60  # seconds, 1 to 3600: nbiot data state, wifi, lora

# nbiot
_APN = "iot.example"  # access point name, "" for the network's default
_IP_VERSION = "IP"  # "IP", "IPV6" or "IPV4V6"; MQTT needs IPv4
# seconds, 1 to 3600; the first attach in a new place takes longest
_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90
# _BAND = 20  # an int or a list: search these bands only, which shortens the first attach
_MODEM_LINK = "auto"  # "uart": the modem's; "lte": the firmware's; "auto": lte where uart fails
# "auto": the modem stays registered in deep sleep, if the network grants it. Measure the current
# of the sleeping board then: microampere, or 8 mA if RTS floats low on a GPy (docs/nbiot.md)
_PSM = None

# wifi: the known networks, _WIFI_NETS, stand in credentials.py
_WIFI_FORCE_NO_SCAN = False  # True: no scan, which takes 2 s; the networks in their order

# lora: a FiPy; its key, _APP_KEY, stands in credentials.py
_DEV_EUI = None  # 16 hex digits; None: the board's own
_APP_EUI = "70B3D57ED0000001"  # 16 hex digits
_LORA_REGION = "EU868"  # "EU868", "US915", "AU915", "AS923" or "IN865"
_LORA_DR = 5  # data rate; a lower one reaches farther and is longer on air
# _LORA_SUB_BAND = 2  # US915, AU915: the eight channels of the gateway, 1 to 8
_LORA_ADR = False  # True: the network chooses the data rate
_LORA_CONFIRMED = False  # True: ask the network to confirm each report
_LORA_TX_RETRIES = 2  # repetitions of a report that is not confirmed

# Server -----------------------------------------------------------------------------------------
# "udp", "coap" or "mqtt": a module in protocols/. "auto": "coap", whose server confirms each
# report, where the bearer carries datagrams; else, as over LoRaWAN, "udp"
_PROTOCOL = "auto"
_HOST = "192.0.2.1"  # IP literal of the server; a name costs a look-up each time
_PORT = 5683  # 1 to 65535; 1883 is the usual one for MQTT
_TOPIC = "r"  # path of CoAP, topic of MQTT; short ones save energy
# _USER and _TOKEN, for MQTT and CoAP, stand in credentials.py
_COAP_ACK_TIMEOUT_SEC = 5  # until the first repetition; the 2 of RFC 7252 are short for NB-IoT
_COAP_MAX_RETRANSMIT = 3  # repetitions; the wait after each is twice the one before

# Reports ----------------------------------------------------------------------------------------
# Every n-th report has the durations of the previous cycle's phases (one more datagram); 0: none
_PHASES_EVERY = 4
# Measurements wait in RTC memory, "rtc", or on flash, "flash": docs/reliability.md
_KEEP = "rtc"

# Supply -----------------------------------------------------------------------------------------
_BATTERY_PIN = "P16"  # measured by boot.py; None if there is no battery to protect
_BATTERY_DIVIDER = 2  # battery voltage / voltage at the pin
_BATTERY_MIN_MV = 3300  # millivolt; below it the radio stays off, until 100 mV above it
_BATTERY_SLEEP_S = 21600  # duration of this sleep, seconds

# Safety -----------------------------------------------------------------------------------------
_WATCHDOG_S = 90  # the board is reset if the program hangs for this time, seconds, 20 to 600
_LOG_LEVEL = "INFO"  # "DEBUG", "INFO", "WARNING", "ERROR" or "CRITICAL"

# Secrets ----------------------------------------------------------------------------------------
# Each field of credentials.py counts as if it stood here. Git ignores that file: copy
# credentials_example.py to it. (`from credentials import *` would leave out what begins with "_".)
try:
    import credentials
except ImportError as _error:
    if "credentials" not in str(_error):  # the file imports another that is missing
        raise
else:
    for _name in dir(credentials):
        if not _name.startswith("__"):
            globals()[_name] = getattr(credentials, _name)
