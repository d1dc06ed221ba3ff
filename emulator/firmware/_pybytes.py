"""_pybytes of the firmware with Pybytes, on a board that nobody has provisioned: there is no
connection, and all that needs one says so.

Not here: smart_config(), activate(), dump_ca(), and a board whose flash has pybytes_config.json.
Source: Pycom firmware 1.20.2.r4, esp32/frozen/Pybytes/_main_pybytes.py, _pybytes.py,
_pybytes_config.py.
"""

_FILE = "/flash/pybytes_config.json"
_NOT_INITIALIZED = "Pybytes has not been initialized!"


def _refused(self, *args, **keywords):
    raise OSError(_NOT_INITIALIZED)


class Pybytes:
    WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = range(2)

    def __init__(self, config, activation=False, autoconnect=False):
        self._config = {} if activation else config

    def isconnected(self):
        return False

    is_connected = isconnected
    connect_wifi = connect_lte = connect_lora_abp = connect_lora_otaa = connect_sigfox = _refused
    disconnect = reconnect = send_signal = send_node_signal = send_custom_message = _refused
    send_digital_pin_value = send_analog_pin_value = send_battery_level = _refused
    send_ping_message = send_info_message = send_scan_info_message = _refused
    send_custom_location = set_custom_message_callback = add_custom_method = _refused
    register_periodical_digital_pin_publish = register_periodical_analog_pin_publish = _refused
    enable_terminal = enable_ssl = enable_lte = export_config = deepsleep = _refused

    def connect(self):
        print("Unable to connect to Pybytes: " + _NOT_INITIALIZED)  # noqa: T201

    def start(self, autoconnect=True):
        import machine
        import ubinascii
        import uos

        print("WMAC: " + ubinascii.hexlify(machine.unique_id()).decode().upper())  # noqa: T201
        about = uos.uname()
        print("Firmware: {}\nPybytes: {}".format(about.release, about.pybytes))  # noqa: T201
        if autoconnect:
            self.connect()

    def get_config(self, key=None):
        return self._config if key is None else self._config.get(key)

    def set_config(self, key=None, value=None, permanent=True, silent=False, reconnect=False):
        if key is not None:
            self._config[key] = value
        elif value is not None:
            self._config = value
        else:
            raise ValueError("You need to either specify a key or a value!")
        if permanent:
            self.write_config(silent=silent)
        if reconnect:
            self.reconnect()

    def write_config(self, file=_FILE, silent=False):
        import ujson

        with open(file, "w") as out:
            out.write(ujson.dumps(self._config))
        if not silent:
            print("Pybytes configuration written to " + file)  # noqa: T201


# What the start makes of a config block that was never written
pybytes_config = {
    "username": "", "device_id": "", "server": "", "network_preferences": [],
    "wifi": {"ssid": None, "password": None},
    "ota_server": {"domain": "software.pycom.io", "port": 443}, "pybytes_autostart": False,
    "wlan_antenna": 0, "ssl": False, "dump_ca": False, "cfg_msg": None,
    "lte": {"carrier": None, "cid": 1, "band": None, "apn": None, "reset": False, "type": None},
}  # fmt: skip
pybytes = Pybytes(pybytes_config, True)
