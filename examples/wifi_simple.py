"""Connect to a known Wi-Fi network, show what came of it, switch the radio off.

./dev run examples/wifi_simple.py
"""

from networking import wifi

KNOWN = {
    "field-ap": {"pwd": "for-documentation"},
    "another-site": {"pwd": "for-documentation", "channel": 3},
}

result = wifi.connect(KNOWN, 30)
outcome = wifi.last_outcome()
print("connected", result.connection_status, "cause", outcome.cause, "ssid", outcome.ssid)
for name, duration_ms in outcome.phases:
    print("  {:<12}{:>6} ms".format(name, duration_ms))
print("channel", result.channel, "RSSI", result.rssi, "dBm")
status, duration_ms = wifi.deactivate()
print("off:", status, "after", duration_ms, "ms")
