"""Log lines with level and component, on the console.

    from utils import logging
    log = logging.Logger("nbiot")
    log.info("attached after %d ms", took_ms)
    logging.setLevel(logging.WARNING)

prints `    12.345 INFO nbiot: attached after 6120 ms`; it begins with the seconds since boot.
Arguments are only put into the text when the line is shown. `debug`, `info`, `warning`, `error`,
`critical` and `exception(e, msg)` also exist as functions of the module, for code without a
component name. Never log a key, a PIN or a password.
"""

CRITICAL = 50
ERROR = 40
WARNING = 30
INFO = 20
DEBUG = 10

_NAMES = {CRITICAL: "CRITICAL", ERROR: "ERROR", WARNING: "WARNING", INFO: "INFO", DEBUG: "DEBUG"}

_level = INFO


def setLevel(level):
    """Show lines of this level and above: one of DEBUG, INFO, WARNING, ERROR, CRITICAL."""
    global _level
    _level = level


class Logger:
    """Writes with the name of one component."""

    def __init__(self, name):
        self.name = name

    def log(self, level, message, *args):
        """Write a line if `level` is shown; `message % args` is only computed then."""
        if level < _level:
            return
        from utils import timing

        if args:
            try:
                message = message % args
            except TypeError:  # a wrong format must not cost the report
                message = "%s %s" % (message, args)
        now_ms = timing.now_ms()
        seconds = now_ms // 1000
        print("%6d.%03d %s %s: %s" % (seconds, now_ms % 1000, _NAMES[level], self.name, message))

    def debug(self, message, *args):
        self.log(DEBUG, message, *args)

    def info(self, message, *args):
        self.log(INFO, message, *args)

    def warning(self, message, *args):
        self.log(WARNING, message, *args)

    def error(self, message, *args):
        self.log(ERROR, message, *args)

    def critical(self, message, *args):
        self.log(CRITICAL, message, *args)

    def exception(self, e, msg, *args):
        """Write an error line and, under it, the exception `e` with its traceback."""
        self.log(ERROR, msg, *args)
        if _level <= ERROR:
            import sys

            sys.print_exception(e)


_app = Logger("app")
debug = _app.debug
info = _app.info
warning = _app.warning
error = _app.error
critical = _app.critical
exception = _app.exception
