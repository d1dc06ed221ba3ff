"""Print the illuminance every ten seconds. Wiring: photoresistor from the supply to P15, 10 kOhm
from P15 to ground."""

from sensors import gl55
from utils import timing

while True:
    lux = gl55.get_reading("P15")
    if lux is None:
        print("no reading:", gl55.last_cause)
    else:
        low, high = gl55.spread(lux)
        print("{:.1f} lx ({:.1f} to {:.1f})".format(lux, low, high))
    timing.sleep_ms(10000)
