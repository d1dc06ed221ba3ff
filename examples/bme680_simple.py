"""Print air values and the gas resistance every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import bme680
from utils import timing

while True:
    pressure, temperature, humidity, gas = bme680.get_reading("P9", "P10")
    if pressure is None or temperature is None or humidity is None:
        print("no reading:", bme680.last_cause)
    else:
        print("{:.1f} hPa, {:.2f} Cel, {:.1f} %RH".format(pressure, temperature, humidity))
        print("gas:", bme680.last_cause if gas is None else "{} Ohm".format(gas))
    timing.sleep_ms(10000)
