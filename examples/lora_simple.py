"""Join a LoRaWAN network, send one uplink, put the radio to sleep; for a FiPy.

./dev run examples/lora_simple.py --board FiPy
"""

from networking import lora


class Config:
    _APP_EUI = "70B3D57ED0000001"  # these two are for documentation: put your own here
    _APP_KEY = "2B7E151628AED2A6ABF7158809CF4F3C"
    _LORA_REGION = "EU868"
    _LORA_CONFIRMED = True
    _MAX_CONNECTION_ATTEMPT_TIME_SEC = 60


status, duration_ms = lora.join(Config, lora.set_keys(Config))
print("status", status, "cause", lora.last_outcome().cause)
for name, duration_ms in lora.last_outcome().phases:
    print("  {:<12}{:>6} ms".format(name, duration_ms))
if status == lora.LORA_JOINED:
    result = lora.send(Config, b"hello")
    print(result.cause, "after", result.trials, "trial, on air", result.airtime_ms, "ms")
    print("downlink", result.downlink)
print("off:", lora.down())
