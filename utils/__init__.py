"""What all device code shares. Each module stands alone; importing this package loads none.

timing         durations, deadlines, waits that feed the watchdog
logging        levels, component names, nothing formatted unless shown
at             what a modem printed, turned into lines, URCs and a final result code
address        IP literals, told apart
configuration  declared fields checked, all problems in one message
plugins        modules found by the name in the configuration
store          what outlives deep sleep: sequence number, last cycle, unsent reports
cbor           items of CBOR, encoded
"""
