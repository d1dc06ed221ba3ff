"""The modem's own sockets, AT+SQNS*: six connection ids, UDP and TCP, client and server.

Families of commands by subject: config (settings), dial (open, close, state), send, receive and
serve. What they share is in table, open and online.
"""
