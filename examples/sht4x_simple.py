"""Print temperature and humidity every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import sht4x
from utils import timing

while True:
    temperature, humidity = sht4x.get_reading("P9", "P10")
    if temperature is None or humidity is None:
        print("no reading:", sht4x.last_cause)
    else:
        print("{:.2f} Cel, {:.1f} %RH".format(temperature, humidity))
    timing.sleep_ms(10000)
