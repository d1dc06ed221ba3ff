# drop-in: only programs that were written for the original need it
"""CoAP client and server with the interface of microCoAPy: programs written for that run with it.

    import microcoapy
    client = microcoapy.Coap()
    client.responseCallback = lambda packet, sender: print(packet.toString(), sender)
    client.start()                                          # or setCustomSocket(sock)
    client.post("192.0.2.1", 5683, "to/a/path", "text", None,
                microcoapy.COAP_CONTENT_FORMAT.COAP_TEXT_PLAIN)
    client.poll(2000)                                       # True: something came
    client.stop()

Of the names of that package the writer, the reader and their helpers are not here: a CoapPacket
encodes itself, and `coap_packet.decode` is the other way. For new programs protocols.coap has
repetitions, blocks and outcomes.
"""

from .coap_macros import COAP_CONTENT_FORMAT, COAP_METHOD, COAP_RESPONSE_CODE, COAP_TYPE
from .microcoapy import Coap
