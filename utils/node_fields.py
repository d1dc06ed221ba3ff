"""Fields of config.py that node.py reads; node_check.py checks them.

from utils import checked, node_fields
settings = checked.values(config, node_fields.FIELDS)      # of a configuration found good before
"""

FIELDS = (
    ("_DEVICE_NAME", "name", (1, 20), None),
    ("_PERIOD_S", "integer", (10, 604800)),
    ("_SENSORS", "special", "a tuple of lines (sensor, {argument: value})", ()),
    ("_BEARER", "text", (1, 20)),
    ("_PROTOCOL", "text", (1, 20), "udp"),
    ("_HOST", "host", (1, 100)),
    ("_PORT", "integer", (1, 65535)),
    ("_PHASES_EVERY", "integer", (0, 65536), 0),
    ("_KEEP", "choice", ("rtc", "flash"), "rtc"),
    ("_JOURNAL_BYTES", "integer", (1024, 65536), 16384),
    ("_WHEN_FULL", "choice", ("oldest", "every_second"), "oldest"),
    ("_ORDER", "choice", ("oldest", "newest"), "oldest"),
    ("_DRAIN_S", "integer", (0, 600), 30),
    ("_SEND_EVERY", "integer", (1, 1000), 1),
    ("_MAX_ATTACHES_PER_HOUR", "integer", (1, 60), 10),
    ("_MAX_ATTACHES_PER_DAY", "integer", (1, 1440), 96),
    ("_UPDATE_BYTES_PER_CYCLE", "integer", (0, 65536), 8192),
    ("_UPDATE_MIN_MV", "integer", (500, 60000), 3500),
    ("_LOG_LEVEL", "choice", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO"),
)
