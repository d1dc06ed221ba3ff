"""Protocols: ways to deliver payloads over a bearer. This file is their contract.

A protocol delivers payloads to a server over a transport and returns the outcome of each.
`utils.plugins` finds a protocol by its name:

    protocol = plugins.find("protocols", "coap", ("open", "NEEDS"))    # the module protocols.coap
    problems = protocol.problems(config)
    session = protocol.open(bearer.transport(protocol.NEEDS), config)
    outcome = session.deliver(payload)
    session.close()

NEEDS                  the kind of transport: "message", "datagram" or "stream", as described in
                       networking/__init__.py
problems(cfg)          list of str: one text per problem of the configuration
overhead(cfg)          int: bytes it adds to a payload within one datagram
open(transport, cfg)   a session with the server at cfg._HOST, cfg._PORT; never raises in the field
session.deliver(payload)
                       one of the words below; never raises in the field. Blocks while the protocol
                       waits for an answer, which has a time limit
session.confirms       True if the server confirms each payload. One that is not DELIVERED should
                       then be sent again in a later cycle
session.close()        frees the transport; never raises in the field

DELIVERED  the server has confirmed the payload
REFUSED    the server has certainly not got it: the transport or the server rejected it
UNKNOWN    it was sent, and its arrival is not known. A repetition may deliver it twice: therefore
           reports carry a sequence number

Optional, where the answers of several payloads may be waited for together:

session.begin(payload) sends it, and returns None
session.outcome()      one of the words below, of the earliest payload begun and not told yet
session.at_once        int: so many may be begun before the outcome of the first is asked for
session.is_known       bool, set by the application: the server answered the last time

Optional, for a bearer that can release its radio early:

session.is_last        bool, set by the application: nothing is known to be sent behind the next
                       payload. The session passes that on: transport.follows()

Optional, for the node's clock (utils/clock.py), if the server can tell the time:

session.ask_time       bool, set by the application: the next payload asks the server for the time
TELLS_TIME             True if the server can
session.server_time    int or None: seconds since 1970 that came with the answer, as of now
session.server_time_error_s
                       int: by how much that may be wrong

Optional, for updates over the air (ota/), behind the payloads of the cycle:

session.offer          None, or (seq, digest) that came with an answer: number of the release that
                       the server offers, and the first 8 bytes of the SHA-256 of its envelope
session.ask(path, payload)
                       bytes: the server's answer to a question; None if there was none or it
                       refused. Never raises in the field
session.block(path, number, size)
                       (data, is_last, etag): block `number`, from 0, of `size` bytes of what the
                       server has under a path "u/ADDRESS", and the first 8 bytes of the SHA-256 of
                       all of it; None if it did not come or does not fit. Never raises in the
                       field; ValueError for a size that is no power of two from 16 to 1024
session.ask_ms         int: the longest time that either of these takes

Optional, for reports:

longest(cfg)           int: the longest payload in bytes that it sends in one message
session.final          True if the last REFUSED is the server's last word about this content:
                       it would refuse it again. False, or absent, for any other reason

Optional, for the check of the whole configuration:

OVERHEAD_BY            names of the fields that decide overhead()
LONGEST_BY             names of the fields that decide longest()
UNFED                  names of fields in s: waits of that length that do not feed the watchdog
UPDATES_BY             names of fields; if all are true its sessions have the members for updates

This folder also contains a format of payloads: senml.
A new protocol is a new file with these members; nothing here has to be edited.

named() chooses for a configuration with `_PROTOCOL = "auto"`:

    protocols.named("auto", bearer, config)    # "coap"
"""

# What "auto" means: the first whose kind of transport the bearer carries. Confirming ones lead
AUTO = (("datagram", "coap"), ("message", "udp"))

DELIVERED = "delivered"
REFUSED = "refused"
UNKNOWN = "unknown"


def named(value, bearer, config):
    """Return the name of the protocol for a value of `_PROTOCOL`; "auto": one for this bearer.

    bearer: its module. One that cannot say what it carries, since its fields are wrong or there is
    none, counts as one for datagrams.
    """
    if value != "auto":
        return value
    try:
        kinds = bearer.carries(config)
    except Exception:  # noqa: BLE001 - the check of the bearer says why
        kinds = ("datagram",)
    found = [name for kind, name in AUTO if kind in kinds]
    return found[0] if found else AUTO[-1][1]
