"""Print pressure, temperature and humidity every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import bme280
from utils import timing

while True:
    pressure, temperature, humidity = bme280.get_reading("P9", "P10")
    if temperature is None or pressure is None:
        print("no reading:", bme280.last_cause)
    elif humidity is None:  # it is a BMP280
        print("{:.1f} hPa, {:.2f} Cel".format(pressure, temperature))
    else:
        print("{:.1f} hPa, {:.2f} Cel, {:.1f} %RH".format(pressure, temperature, humidity))
    timing.sleep_ms(10000)
