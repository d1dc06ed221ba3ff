"""Print CO2, temperature and humidity every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import scd30
from utils import timing

while True:
    co2, temperature, humidity = scd30.get_reading("P9", "P10")
    if co2 is None or temperature is None or humidity is None:
        print("no reading:", scd30.last_cause)
    else:
        print("{:.0f} ppm, {:.1f} Cel, {:.0f} %RH".format(co2, temperature, humidity))
    timing.sleep_ms(10000)
