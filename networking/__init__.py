"""Bearers: ways to carry data. This file is their contract; `utils.plugins` finds one by its name.

Each module in this folder has its documented functions (`networking.nbiot.connect`, ...) and those
below. With these an application can use any bearer:

    bearer = plugins.find("networking", "nbiot", ("up", "down"))     # the module
    problems = bearer.problems(config)
    if bearer.up(config, "datagram"):
        transport = bearer.transport("datagram")
        transport.sendto(payload, (host, port))
    bearer.down()

problems(cfg)       list of str: one text per problem of the configuration; touches no hardware
boot_options(cfg)   dict {name of a function of module pycom: value}: the firmware's start options
                    that start the hardware before Python; all others are switched off
carries(cfg)        tuple: the kinds of transport (below) that this configuration allows
up(cfg, kind)       bool: brings the link up for transports of this kind; blocks for the configured
                    times at most. True when payload can be sent. Raises ValueError for the
                    configuration, and nothing for trouble in the field
transport(kind)     a new transport, which the caller closes; OSError if there is none
datagram_limit()    int: maximum length in bytes that a message or datagram can have now
metrics()           list of (name, mantissa, exponent, unit): mantissa * 10 ** exponent. Names have
                    two letters and the unit is None, to keep reports short: docs/report.md lists
                    the units. Unknown figures are left out
last_outcome()      a named tuple that begins with
                      status  int: the state that up() reached, as documented for the bearer
                      cause   str: one short, stable word for the reason why up() ended
                      phases  ((name, duration in ms), ...) of the last up(), in order
down(settled=False)
                    bool: takes the link down and brings the hardware to its lowest current. Call
                    it on every path, also if up() failed or was never called. First it waits, for
                    a bound that the bearer states, until what the transports accepted has left the
                    radio. settled: True if the server has answered everything: no wait
left()              True, False or None: whether everything that the transports accepted since up()
                    has left the radio, None if nothing told. Known after down()
stop(woken=False)   bool: as down(), also for hardware that the firmware or an earlier program
                    started. woken: True after a deep sleep that followed down(); then only
                    hardware that the firmware has started is switched off

Optional, for the check of the whole configuration:

room(cfg)           int: the least datagram_limit() with this configuration, if it depends on it
ROOM_BY, CARRIES_BY  tuples: names of the fields that decide room() and carries()
time_fields(kind)   tuple: names of the fields in s whose sum bounds up() for this kind
UNFED_S             int: the longest wait in s that does not feed the watchdog
back_off()          str: the class of utils/backoff.py that the cause of last_outcome() belongs to;
                    without it each cause is a temporary one
node_time(now_s)    called before up(): the seconds for which the node has had power, as far as
                    noted; a power cut does not set them back
wake(cfg)           called after a deep sleep, in a cycle that will call up() once it has measured:
                    lets hardware that sleeps wake up meanwhile. Returns at once, raises nothing,
                    and sends nothing by radio. down() follows on every path
meanwhile(work)     called before up(): an iterator, whose steps up() may run while it waits
wait_s()            int: seconds for which another up() would be in vain, whatever the class says
ATTACHES            True if each up() is an attach that the operator of the network counts: then
                    _MAX_ATTACHES_PER_HOUR and _MAX_ATTACHES_PER_DAY hold
PINS                tuple: names of the pins that it uses, which no sensor may use

Optional, for a link that outlives deep sleep:

RESUMES             True. down() has a second argument, True: the link may be left, as nothing
                    went wrong
may_resume(cfg)     bool: whether up() is to find one. Then expect_time() costs a new one
resumed()           bool: whether the last up() has found one

Optional, for what has waited:

MUCH                int: number of datagrams. If more are to be sent, up() is called with a third
                    argument, True. It may choose a way that takes longer to begin

Optional, for the node's clock (utils/clock.py asks, once in some hours):

expect_time()       called before up(): network_time() will be asked
network_time()      int or None: seconds since 1970 in UTC that the network or its time server
                    tells. None if it does not. Says how long it blocks
network_zone()      int: the zone that came with it, in quarter hours; if the modem shows UTC in
                    place of local time, network_time() is wrong by so much

Kinds of transport. A "datagram" transport also offers everything that "message" does:

"message"   a payload is sent whole; the bearer may decide where to. An answer need not come
    sendto(payload, (host, port))   count of bytes accepted; a smaller count or OSError if they
                                    were not. Accepted is not delivered
    confirms                        attribute, False if absent. True: sendto waits for the bearer's
                                    confirmation and sets
    confirmed                       True if the last payload was confirmed
    close()
"datagram"  IP datagrams in both directions: a socket of usocket (SOCK_DGRAM) or of microATsocket
    settimeout(seconds)             for recvfrom; fractions count
    follows(answers)                optional: how many answers are expected to the next payload,
                                    0 or 1, and nothing else follows; None: not known
    recvfrom(size)                  (data, (host, port)); (None, None) or OSError if none came
"stream"    a TCP socket of usocket, not yet connected, or an object with its settimeout(),
            connect(), send(), recv() and close(); separate from the two above

A new bearer is a new file with these functions; nothing here has to be edited. Modules whose names
begin with an underscore are parts of bearers.
"""
