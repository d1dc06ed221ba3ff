"""Print the voltage at input 0 every ten seconds. Wiring: SDA to P9, SCL to P10."""

from sensors import ads1115
from utils import timing

while True:
    voltage = ads1115.get_reading("P9", "P10", channel=0)
    if voltage is None:
        print("no reading:", ads1115.last_cause)
    else:
        print("{:.2f} mV".format(voltage))
    timing.sleep_ms(10000)
