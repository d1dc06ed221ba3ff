"""Bearers: ways to carry data. This file is their contract; `utils.plugins` finds one by its name.

Each module in this folder has its own documented functions (`networking.nbiot.connect`, ...) and
with them, or beside them, these, by which an application uses any bearer without knowing which:

    bearer = plugins.find("networking", "nbiot", ("up", "down"))     # the module
    problems = bearer.problems(config)
    if bearer.up(config, "datagram"):
        transport = bearer.transport("datagram")
        transport.sendto(payload, (host, port))
    bearer.down()

problems(cfg)       list of str: what is wrong with the configuration; touches no hardware
boot_options(cfg)   dict {name of a function of module pycom: value}: how the firmware is to start
                    the hardware before Python; every start option that is not in it goes off
carries(cfg)        tuple of the kinds of transport it has with this configuration, of those below
up(cfg, kind)       bool: brings the link up for transports of this kind, blocking up to the
                    configured times; True when payload can be sent. ValueError for configuration,
                    nothing in the field
transport(kind)     a new transport; OSError if there is none to be had. Whoever asked closes it
datagram_limit()    int: the most bytes that one message or datagram can have now
metrics()           list of (name, mantissa, exponent, unit): mantissa * 10 ** exponent; a name of
                    two letters, and for unit None: docs/report.md says which, as a report has
                    little room. Only what was measured, nothing unknown
last_outcome()      a named tuple that begins with
                      status  int: what up() reached, with the numbers of the documentation
                      cause   str: one short stable word saying why up() ended as it did
                      phases  ((name, duration in ms), ...) of the last up(), in order
down()              bool: takes the link down and the hardware to its lowest current; to be called
                    on every path, also when up() failed or was never called
stop(woken=False)   bool: as down(), also for hardware that the firmware or an earlier program
                    started. woken: the board woke from a deep sleep, before which down() was
                    called, so that only what the firmware has started needs an end

Kinds of transport, each of which offers all that is said of those above it:

"message"   a payload goes out whole, to where the bearer goes; nothing need come back
    sendto(payload, (host, port))   count of bytes accepted, less or OSError if they were not.
                                    Accepted is not delivered
    confirms                        attribute, absent is False: sendto waits for the bearer's own
                                    confirmation, and then
    confirmed                       whether the last one was confirmed
    close()
"datagram"  datagrams of IP, both ways: a socket of usocket (SOCK_DGRAM) or of microATsocket
    settimeout(seconds)             for recvfrom; fractions count
    recvfrom(size)                  (data, (host, port)); in vain it is (None, None), or an OSError
"stream"    a TCP socket of usocket, not yet connected; a kind by itself

A new bearer is a new file with these; nothing here needs to be edited. Modules whose names begin
with an underscore are parts of bearers.
"""
