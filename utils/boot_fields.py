"""Fields of config.py that node_start.py reads for boot.py.

    from utils import boot_fields, configuration
    values, problems = configuration.usable(config, boot_fields.FIELDS)

It runs before the check of the whole configuration (node_check.py) and must not fail: a wrong
field has its default. node_check.py names it, and the radio stays off.
"""

from utils import pins

FIELDS = (
    ("_WATCHDOG_S", "integer", (20, 600), 90),
    ("_BATTERY_PIN", "choice", pins.ADC, None),
    ("_BATTERY_DIVIDER", "number", (1, 1000), 2),
    ("_BATTERY_MIN_MV", "integer", (500, 60000), 3300),
    ("_BATTERY_SLEEP_S", "integer", (10, 604800), 21600),
)
