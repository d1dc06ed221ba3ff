"""Print what a load cell says every ten seconds. Wiring: DOUT to P9, PD_SCK to P10."""

from sensors import hx711
from utils import timing

while True:
    counts = hx711.get_reading("P9", "P10")
    if counts is None:
        print("no reading:", hx711.last_cause)
    else:
        print(counts, "counts")
    timing.sleep_ms(10000)
