"""Attach to the NB-IoT network, show what came of it, switch the modem off.

./dev run examples/nbiot_simple.py
"""

from networking import nbiot


class Config:
    _APN = "iot.example"
    _IP_VERSION = "IPV6"
    _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90


result = nbiot.connect(Config, dataStateOn=False)
outcome = nbiot.last_outcome()
print("status", result.status, "cause", outcome.cause)
for name, duration_ms in outcome.phases:
    print("  {:<12}{:>6} ms".format(name, duration_ms))
print("RSSI", result.rssi, "dBm, RSRP", result.rsrp, "dBm, RSRQ", result.rsrq, "dB")
text, ok = nbiot.sendAtCommand("AT+CGPADDR=1")
print("address", text.split("\r\n")[0] if ok else "unknown")
status, duration_ms = nbiot.deactivate()
print("off:", status, "after", duration_ms, "ms")
