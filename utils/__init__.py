"""Modules that all device code shares. Each stands alone; importing this package loads none.

timing         durations, deadlines, waits that feed the watchdog
logging        levels, component names, nothing formatted unless shown
at             AT replies of a modem, parsed into lines, URCs and a final result code
address        recognition of IPv4 and IPv6 literals
configuration  declared fields checked, all problems in one message
plugins        modules found by the name in the configuration
store          data that outlives deep sleep: sequence number, last cycle, unsent reports
cbor           encoding of CBOR items
"""
