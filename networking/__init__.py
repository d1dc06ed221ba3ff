"""Bearers: ways to carry data. This file is their contract; `utils.plugins` finds one by its name.

Each module in this folder has its own documented functions (`networking.nbiot.connect`, ...) and
with them, or beside them, these, by which an application uses any bearer without knowing which:

    bearer = plugins.find("networking", "nbiot")     # the module
    problems = bearer.problems(config)
    if bearer.up(config):
        accepted = bearer.send(payload, host, port)
    bearer.down()

problems(cfg)             list of str: what is wrong with the configuration; touches no hardware
up(cfg)                   bool: brings the link up, blocking up to the configured times; True when
                          payload can be sent. ValueError for configuration, nothing in the field
send(payload, host, port) int: bytes of the datagram that the modem or stack accepted, 0 if none
datagram_limit()          int: the most bytes that one datagram can have on this board
metrics()                 list of (name, mantissa, exponent, unit): mantissa * 10 ** exponent,
                          units of RFC 8428 and 8798; only what was measured, nothing unknown
last_outcome()            object with
                            status  int: what up() reached, with the numbers of the documentation
                            cause   str: one short stable word saying why up() ended as it did
                            phases  [(name, duration in ms), ...] of the last up(), in order
down()                    bool: takes the link down and the hardware to its lowest current; to be
                          called on every path, also when up() failed or was never called
stop()                    bool: as down(), also for hardware that an earlier program left running

A new bearer is a new file with these; nothing here needs to be edited. Modules whose names begin
with an underscore are parts of bearers.
"""
