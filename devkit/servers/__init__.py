"""Real servers on this computer, for tests and demonstrations: on loopback, on a free port.

The file with the name of a protocol is its server (receiver.py finds it); a protocol without such
a file is given a plain server of its transport. In the file:

start(parts)  enter the server into this ExitStack; return (server, what people call it)
ANSWERS       optional, True: it confirms each payload
PORT          optional: the usual port of the protocol, if it is not that of config.py
"""
