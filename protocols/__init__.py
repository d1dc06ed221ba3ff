"""Protocols: what travels over a bearer. This file is their contract; `utils.plugins` finds one.

A protocol takes payloads to a server over a transport, and knows how it ended for each:

    protocol = plugins.find("protocols", "coap", ("open", "NEEDS"))    # the module protocols.coap
    problems = protocol.problems(config)
    session = protocol.open(bearer.transport(protocol.NEEDS), config)
    outcome = session.deliver(payload)
    session.close()

NEEDS                  the kind of transport: "message", "datagram" or "stream", as described in
                       networking/__init__.py
problems(cfg)          list of str: what is wrong with the configuration
overhead(cfg)          int: bytes it adds to a payload within one datagram
open(transport, cfg)   a session with the server at cfg._HOST, cfg._PORT; never raises in the field
session.deliver(payload)
                       one of the words below; never raises in the field. Blocks for as long as the
                       protocol waits for an answer, which is bounded
session.confirms       True if a server that has a payload says so: what is not DELIVERED then is
                       worth another try in a later cycle
session.close()        frees the transport; never raises in the field

DELIVERED  the server has it: it said so
REFUSED    it certainly has it not: the transport did not take it, or the server rejected it
UNKNOWN    it left; whether it arrived nobody can say. To repeat it may deliver it twice, so that
           reports carry a sequence number

The formats of payloads stand in this folder too: senml.
A new protocol is a new file with these; nothing here needs to be edited.
"""

DELIVERED = "delivered"
REFUSED = "refused"
UNKNOWN = "unknown"
