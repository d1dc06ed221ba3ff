"""Names of all fields of config.py, to recognise a misspelt one.

    from utils import fields
    fields.unknown(config, fields.NAMES.split())
    # ["_PERIODS is no field; the nearest one: _PERIOD_S"]

`python -m devkit.docs` writes NAMES from the declarations of all components. It is a list of its
own because a node loads only the components that it uses.
"""

# fields
NAMES = (
    "_APN _APN_AUTH _APN_PASSWORD _APN_USER _APP_EUI _APP_EUIs _APP_KEY _APP_KEYs _BAND "
    "_BATTERY_DIVIDER _BATTERY_MIN_MV _BATTERY_PIN _BATTERY_SLEEP_S _BEARER _CID "
    "_COAP_ACK_TIMEOUT_SEC _COAP_BLOCK_SIZE _COAP_CONFIRMABLE _COAP_CONTENT_FORMAT "
    "_COAP_MAX_RETRANSMIT _COAP_RESPONSE_TIMEOUT_SEC _DEVICE_NAME _DEV_EUI _DEV_EUIs _DRAIN_S "
    "_HOST _IP_VERSION _JOURNAL_BYTES _KEEP _LOG_LEVEL _LORA_ADR _LORA_CONFIRMED _LORA_DR "
    "_LORA_DUTY_WAIT_SEC _LORA_PORT _LORA_REGION _LORA_SOCKET_TIMEOUT _LORA_SUB_BAND "
    "_LORA_TX_RETRIES _MAX_ATTACHES_PER_DAY _MAX_ATTACHES_PER_HOUR "
    "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC _MAX_CONNECTION_ATTEMPT_TIME_SEC _MODEM_LINK "
    "_MQTT_CLIENT_ID _MQTT_TIMEOUT_SEC _NTP_HOST _ORDER _PERIOD_S _PHASES_EVERY _PLMN _PORT "
    "_PROTOCOL _PSM _SEND_EVERY _SENSORS _TOKEN _TOPIC _UPDATE_BYTES_PER_CYCLE _UPDATE_MIN_MV "
    "_USER _WATCHDOG_S _WHEN_FULL _WIFI_ANTENNA _WIFI_COUNTRY _WIFI_FORCE_NO_SCAN _WIFI_HOSTNAME "
    "_WIFI_NETS "
)
# end


def unknown(config, known):
    """Return one text per name of the module `config` that looks like a field and is none.

    known: the names of all fields: NAMES, and those of components that are not in NAMES.
    """
    return [
        "%s is no field; the nearest one: %s" % (name, nearest(name, known))
        for name in sorted(dir(config))
        if name[:1] == "_" and "A" <= name[1:2] <= "Z" and name not in known
    ]


def nearest(name, known):
    """Return the known name with the most characters in common at both ends."""
    best = most = None
    for other in known:
        room = min(len(name), len(other))
        start = end = 0
        while start < room and name[start] == other[start]:
            start += 1
        while end < room - start and name[-1 - end] == other[-1 - end]:
            end += 1
        alike = 2 * (start + end) - abs(len(name) - len(other))
        if most is None or alike > most:
            best, most = other, alike
    return best
