"""UDP sockets of the Sequans modem's own IP stack, by AT commands: IPv4, IPv6, no data state.

    import microATsocket as socket
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setModemInstance(lte)                       # network.LTE, attached, not connected
    sock.sendto(b"hello", ("2001:db8::1", 5683))     # 5, or -1 if the modem refused it
    data, address = sock.recvfrom(512)               # (None, None) when nothing came in time
    sock.close()

The interface is that of the module of the same name which the nbiot documentation uses. Code
written for that one works with this one:

AF_INET, AF_INET6, SOCK_DGRAM
socket(family, type)            six at a time, OSError for a seventh
.setModemInstance(lte)          the network.LTE object to talk through
.setMessageFormat(format)       socket.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_BYTE (default): payload
                                is sent as hex and can fill half of the AT line (62 bytes on stock
                                firmware); .SOCKET_MESSAGE_ASCII: as it is, it can fill all of it
.bind((host, port))             choose the local port; then datagrams from any sender are received
.sendto(data, (ip, port))       bytes accepted by the modem, -1 if it refused, for 4 s, or did not
                                answer
.open(ip, port)                 as sendto does it, without a datagram: then recvfrom hears it
.recvfrom(bufsize)              (data, (ip, port)): bytes, or in ASCII format str if it is text
.settimeout(seconds)            for recvfrom; 9.5 by default and for None
.setblocking(flag)              False: recvfrom returns at once
.getaddrinfo(host, port)        [(family, SOCK_DGRAM, 0, '', (ip, port)), ...], from the modem, or
                                by dns_query.py from the server that dnsserver() has set
.dnsserver(0, ip)               ask this server for names
.dnsserver()                    it, and "0.0.0.0"; ("0.0.0.0", "0.0.0.0"): the network's servers
.close()                        the modem's socket is closed and its number is free again
.cid                            (here only) the PDP context to send through, 1 unless set
.release                        (here only) what follows the datagrams sent from now on: 1 nothing,
                                2 one answer; then the network can release the radio at once. 0,
                                unless set: unknown. For modems with such a field
.idle_s                         (here only) the modem closes its socket after so long a silence,
                                90 s unless set; 0: never
.number                         (here only) of the modem's socket, 1 to 6
.drop()                         (here only) the number is freed without an AT command: for use
                                before the radio is switched off, which closes every socket

recvfrom and getaddrinfo are in microATreceive.py, which a node that only sends can leave out.

accepted                        (here only) list of instants on utils.timing.now_ms() at which the
                                modem took datagrams, without those before the last one received:
                                whoever switches the radio off waits until they have left

Payload may be any bytes (NUL, CR, "OK", UTF-8); str is sent as UTF-8. This modem cannot send an
empty datagram. Written against the AT+SQNS* commands of the Sequans Monarch (LR6.x) behind
Pycom firmware 1.20.2.r4 and r7.
"""

from utils import at, timing
from utils.arguments import is_integer, is_plain, refuse

AF_INET = 2
AF_INET6 = 10
SOCK_STREAM = 1  # not supported
SOCK_DGRAM = 2

_DIALS = 5  # tries, a second apart
_MOST_ACCEPTED = 24  # a wait before the radio goes off covers no more

accepted = []
_ids = set()  # connection ids in use, of 1 to 6


class _Format:
    SOCKET_MESSAGE_ASCII = 0
    SOCKET_MESSAGE_BYTE = 1


class socket:
    """One UDP socket; see the top of this module."""

    SOCKET_MESSAGE_FORMAT = _Format
    accepted = accepted  # the same list
    dns_server = "0.0.0.0"

    def __init__(self, family=AF_INET, type=SOCK_DGRAM):
        if family not in (AF_INET, AF_INET6):
            refuse("family", family, "AF_INET, AF_INET6")
        if type != SOCK_DGRAM:
            refuse("type", type, "SOCK_DGRAM")
        self.family = family
        self.modem = None
        self.hex = 1  # the value of SOCKET_MESSAGE_BYTE, and of <sendDataMode>
        self.wait_ms = 9500
        self.cid = 1  # the PDP context that carries the datagrams; (here only)
        self.release = 0  # of the radio behind what is sent next
        self.idle_s = 90  # then the modem closes its socket; 0: never
        self._port = 0  # local, 0: the modem chooses
        self.peer = None  # the address dialled, while the modem has the socket open
        self.rung = 0  # datagrams that were announced and not read
        self.sent = self.heard = 0  # datagrams
        self.number = None
        self._take_id()

    def _take_id(self):
        if not self.number:
            for number in range(1, 7):
                if number not in _ids:
                    _ids.add(number)
                    self.number = number
                    return
            raise OSError("six sockets are in use")

    def setModemInstance(self, modem):
        self.modem = modem

    def setMessageFormat(self, format):
        if format not in (0, 1):
            refuse("format", format, "0, 1")
        if format != self.hex:
            self.hex = format
            self._end()  # the modem takes it only for a closed socket

    def bind(self, address):
        """Use this local port, and take datagrams from any sender. Closes the modem's socket."""
        self._port = _port(address, 0)
        self._end()

    def settimeout(self, seconds):
        """Set the time that recvfrom waits; None for the default of 9.5 s."""
        self.wait_ms = 9500 if seconds is None else int(seconds * 1000)

    def setblocking(self, flag):
        self.settimeout(None if flag else 0)

    def dnsserver(self, dnsIndex=None, ip_addr=None):
        """Set the server that getaddrinfo asks; return it, and a placeholder for a second one."""
        if ip_addr:
            self.dns_server = ip_addr
        return (self.dns_server, "0.0.0.0")

    def sendto(self, data, address):
        """Hand one datagram to the modem. Return the count of bytes that it accepted, or -1.

        Accepted is not delivered. Raises ValueError for a datagram that can never be sent: with an
        empty payload, one too long for the firmware's AT line, or a wrong port.
        """
        text = checked(data, address, at.line_limit(self.modem), self.hex)
        length = len(text) // (1 + self.hex)
        reused = self.peer
        early = self._may_be_early(text)
        while self.open(*address[:2]):
            taken = self._hand_over(length, text, early)
            if taken:
                accepted.append(timing.now_ms())
                self.sent += 1
                del accepted[:-_MOST_ACCEPTED]
                return length
            if taken is None or not (early or reused or self.release):
                break
            if self.release:  # the build of the modem has no such field
                self.release = 0
                continue
            if reused:  # the modem had closed it after a time-out or a restart
                self._end()
            early = reused = None
        return -1

    def _may_be_early(self, text):
        """True if the payload can go out without a look at its prompt, for which the firmware
        waits a second: a modem that refuses must take no part of it for a command."""
        if getattr(self.modem, "knows_prompts", False):
            return False
        import microATearly  # a link that sees prompts does not need it

        return self.hex or not microATearly.has_command(text)

    def _hand_over(self, length, text, early):
        """True if the modem took the payload, False if not, None if it did not say."""
        command = "AT+SQNSSENDEXT=%d,%d" % (self.number, length)
        if self.release:
            command += ",%d" % self.release
        if early:
            reply = at.hand_over(self.modem, command, text)
            self.note(reply)
        else:
            reply = self.ask(command)
        if reply.prompt:
            reply = self.ask(text)
        elif not early:
            return False
        return reply.ok if reply.final or reply.busy or reply.rebooted else None

    def recvfrom(self, bufsize=1024):
        """Return (data, (ip, port)) of the next datagram, (None, None) if none came in time."""
        import microATreceive  # on demand: a socket that only sends does not need it

        return microATreceive.recvfrom(self, bufsize)

    def getaddrinfo(self, host, port):
        """Return the addresses of a name in this socket's family; [] if it cannot be resolved."""
        import microATreceive  # on demand

        return microATreceive.getaddrinfo(self, host, port)

    def close(self, do_release_socket=True):
        """Close the modem's socket and free its number. Closing twice does no harm."""
        try:
            self._end()
        except OSError:  # data state, or the modem is gone: then the socket is gone as well
            pass
        self.drop()

    def drop(self):
        """Free the number without telling the modem."""
        _ids.discard(self.number)
        self.number = self.peer = None

    def ask(self, command, timeout_ms=10000):
        reply = at.exchange(self.modem, command, timeout_ms)
        self.note(reply)
        return reply

    def say(self, form, *values):
        """Send a command that begins with this socket's id."""
        return self.ask(form % ((self.number,) + values))

    def note(self, reply):
        """Note the URCs about this socket: a ring, or that it was closed."""
        for line in reply.urcs:
            if at.fields(line)[0] == str(self.number):
                if line[:9] == "+SQNSRING":
                    self.rung += 1
                elif line[:6] == "+SQNSH":
                    self.peer = None

    def open(self, ip, port):
        """Open the modem's socket towards an address, unless it is open. Falsy if refused."""
        address = ip, port
        if self.peer == address:
            return True
        checked(b"-", address, at.line_limit(self.modem), 0)
        self._take_id()
        self._end()
        return self.configure(600) and self._dial(address)

    def configure(self, handshake_ds):
        """Set up the modem's socket; False if it refuses. handshake_ds: in 0.1 s, of TCP."""
        # rings with the length; data received as hex, since the firmware cannot pass a NUL on
        # the modem keeps the context of a number until it restarts
        settings = "AT+SQNSCFG=%d,%d,300,%d,%d,50;+SQNSCFGEXT=%d,1,1,0,0,%d,0,0"
        values = self.cid, self.idle_s, handshake_ds, self.number, self.hex
        if self.say(settings, *values).ok:
            return True
        # left open by an earlier program: a reset of the board does not reset the modem
        self.say("AT+SQNSH=%d")
        return self.say(settings, *values).ok

    def _dial(self, address):
        """Tell the modem the peer; directly after an attach it may refuse for some seconds."""
        dial = address[1], address[0], self._port, 1 if self._port else 0
        for left in range(_DIALS - 1, -1, -1):
            reply = self.say('AT+SQNSD=%d,1,%d,"%s",0,%d,1,%d', *dial)
            if reply.ok:
                self.peer = address
                break
            if not left or not reply.final:  # a modem that says nothing is not asked again
                break
            timing.sleep_ms(1000)
        return self.peer

    def _end(self):
        if self.peer:
            self.say("AT+SQNSH=%d")
        self.peer = None
        self.rung = 0


def checked(data, address, line_limit, hex):
    """Return the text that hands `data` to the modem; ValueError for what can never be sent."""
    if isinstance(data, str):
        data = data.encode()
    # the firmware takes any line with this word for its own command
    if not isinstance(data, (bytes, bytearray)) or (b"Pycom_Dummy" in data and not hex):
        refuse("data", data, "str or bytes, no Pycom_Dummy")
    limit = min(1500, line_limit // (1 + hex))
    if not 0 < len(data) <= limit:
        refuse("length of data", len(data), "1 to %d bytes" % limit)
    _port(address, 1)
    if not is_plain(address[0]):
        refuse("host", address[0], "a name without quotes")
    at.check_length("length of host", address[0], at.longest_host(line_limit))
    if not hex:
        return bytes(data)
    import ubinascii

    return ubinascii.hexlify(data)


def _port(address, least):
    port = address[1]
    if not is_integer(port, least, 65535):
        refuse("port", port, "%d to 65535" % least)
    return port
