"""Protocols: what travels over a bearer. This file is their contract; `utils.plugins` finds one.

A protocol takes a payload to a server over an open transport, and knows how it ended:

    protocol = plugins.find("protocols", "udp", ("deliver",))       # the module protocols.udp
    outcome = protocol.deliver(transport, payload, host, port)

What a protocol module has:

deliver(transport, payload, host, port)   one of the words below; never raises in the field. Blocks
                                          for as long as the protocol waits for an answer.
OVERHEAD                                  bytes it adds to a payload within one datagram

DELIVERED  the server has it: it said so
REFUSED    it certainly has it not: the transport did not take it, or the server rejected it
UNKNOWN    it left; whether it arrived nobody can say. To repeat it may deliver it twice, so that
           reports carry a sequence number

The transport is a socket (`sendto(payload, (host, port))`, as of an AT socket or a network socket)
or a bearer (`send(payload, host, port)`); both return the count of bytes they accepted.

The formats of payloads stand in this folder too: senml.
A new protocol is a new file with `deliver`; nothing here needs to be edited.
"""

DELIVERED = "delivered"
REFUSED = "refused"
UNKNOWN = "unknown"
