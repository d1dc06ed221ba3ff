"""One attempt of networking/wifi.py: scan, join a known network, wait for its address.

    attempt = _wifi_join.Attempt(30000)
    attempt.start(stored)
    attempt.run(nets, force_no_scan)
    attempt.cause                          # "connected", ...

Whatever the firmware raises goes through, but for what a scan raises.

Written against Pycom firmware 1.20.2.r4 (esp32/mods/modwlan.c) on ESP-IDF 3.3. Its search for an
access point begins on the channel that connect() is given, goes on with all others, and ends with
the first one of the name.
"""

from micropython import const

from networking import _wifi_nets
from utils import timing

# Limits for an association and for an address; after them the next access point is tried, or the
# same one again, whose address then gets twice the time.
_ASSOCIATE_MS = const(6000)
_ADDRESS_MS = const(9000)
_OVER_MS = const(2000)  # then, and each time again, the radio is asked whether it still tries
_POLL_MS = const(25)
_MOST_POINTS = const(5)  # access points tried after a scan


class Attempt:
    def __init__(self, limit_ms, antenna=None, hostname=None, country=None):
        self.deadline = timing.Deadline(limit_ms)
        self.cause = "out_of_time"
        self.phases = []
        self.ssid = None
        self.channel = -1
        self.rssi = -1
        self.wlan = None
        self._hostname = hostname
        self._of_radio = (antenna, country)
        self._begun = False  # the firmware began to associate before boot.py
        self._failed = {}  # {ssid: number of failures}: others first, the same with more time
        self._forged = set()  # names that were heard without the configured protection

    def took(self, name):
        """Return the duration of a phase over all rounds, in ms; -1 if it was not begun."""
        return dict(self.phases).get(name, -1)

    def start(self, stored):
        """Start the radio as a station, in place of any other mode.

        stored: the result of wifi.on_boot(). A station that is already joining that network goes
        on.
        """
        watch = timing.Stopwatch()
        try:
            try:
                from network import WLAN
            except ImportError:
                self.cause = "no_wifi"
                raise
            timing.feed()
            if stored:
                self.wlan = WLAN()  # without arguments it leaves a started radio as it is
                self._begun = self._is_begun(stored[0])
            if not self._begun:
                options = {}
                if any(self._of_radio):
                    from networking import _wifi_options

                    options = _wifi_options.of_radio(*self._of_radio)
                self.wlan = WLAN(mode=WLAN.STA, **options)
                self.wlan.disconnect()  # from what the firmware began, which would forbid a scan
        finally:
            self._note("init", watch)

    def run(self, nets, force_no_scan):
        """Scan and try the known networks heard; repeat until connected or out of time."""
        while self.cause != "connected" and not self.deadline.expired():
            candidates = None if force_no_scan else self._scan(nets)
            if candidates is None:  # not scanned, or the radio could not
                candidates = [(ssid, entry, None, entry.get("channel", 0)) for ssid, entry in nets]
            if candidates == []:
                self.cause = "no_known_network"
            if not candidates or self.deadline.expired():
                return
            watch = timing.Stopwatch()
            try:
                self._associate(candidates)
            finally:
                self._note("association", watch)

    def _note(self, name, watch):
        """Add to the duration of a phase. A phase has one entry for all its rounds."""
        for index, (phase, duration_ms) in enumerate(self.phases):
            if phase == name:
                self.phases[index] = (name, duration_ms + watch.elapsed_ms())
                return
        self.phases.append((name, watch.elapsed_ms()))

    def _is_begun(self, ssid):
        """Return whether the firmware is joining this network, or has joined it.

        A station has no name before it is associated; that it tries shows in scans that fail.
        """
        if self.wlan.mode() != self.wlan.STA:
            return False
        joined = self.wlan.ssid()
        if joined is None:
            return bool(self.wlan.auth()) and self._tries()
        return joined == ssid

    def _tries(self, channel=1):
        """Return whether the radio is still associating: then it refuses a scan.

        The firmware says so in no other way, and does not repeat an attempt that has ended.
        """
        timing.feed()
        try:
            self.wlan.scan(channel=channel)
        except OSError:
            return True
        return False

    def _scan(self, nets):
        from networking import _wifi_scan  # the way without a scan is to be the short one

        watch = timing.Stopwatch()
        seen = (self._forged, bool(self._failed))
        candidates = _wifi_scan.candidates(self.wlan, nets, self.deadline, *seen)
        self._note("scan", watch)
        return candidates

    def _associate(self, candidates):
        """Try the candidates until one gives an address or the time is over.

        First those whose network failed least, of these the strongest. The networks heard share
        the time, however many access points one has.
        """
        alone = len({each[0] for each in candidates}) == 1
        for _ in range(min(len(candidates), _MOST_POINTS)):
            if self.deadline.expired():
                return
            ssids = {each[0] for each in candidates}
            failures = [self._failed.get(each[0], 0) for each in candidates]
            failed = min(failures)
            candidate = candidates.pop(failures.index(failed))
            # nobody knows which of those not heard are there: the first one may take all the time
            limit_ms = self.deadline.left_ms() // (len(ssids) if candidate[2] else 1)
            # the only hope may take all the time: a restart would begin with DHCP anew
            address_ms = limit_ms if alone and not candidates else _ADDRESS_MS << min(failed, 8)
            if self._join(limit_ms, address_ms, *candidate):
                self.cause = "connected"
                return
            self._failed[candidate[0]] = failed + 1

    def _join(self, limit_ms, address_ms, ssid, entry, bssid, channel):
        """Try one access point; return True if it gave an address."""
        self.ssid = ssid
        limit = timing.Deadline(limit_ms)
        info = self._associated(limit_ms, entry, bssid, channel)
        joined = False
        if not info:  # out of reach, or the wrong password
            if self.cause == "out_of_time":  # the cause of another attempt says more
                self.cause = "not_joined"
        elif not _wifi_nets.suits(entry, info.auth):  # somebody else's network of the same name
            self.cause = "other_security"
        else:
            if self.cause != "other_security":
                self.cause = "no_address"
            timing.wait_for(self._addressed_or_lost, min(limit.left_ms(), address_ms), _POLL_MS)
            info = access_point(self.wlan)
            if info and not _wifi_nets.suits(entry, info.auth):  # the driver has changed over
                self.cause = "other_security"
            else:
                joined = bool(info) and is_connected(self.wlan)
        if joined:
            _stop_servers()
            self.channel = info.primary_chn
            self.rssi = info.rssi
        else:
            self.wlan.disconnect()
        return joined

    def _addressed_or_lost(self):
        return is_connected(self.wlan) or not access_point(self.wlan)

    def _associated(self, limit_ms, entry, bssid, channel):
        """Associate, and ask again whenever the radio has given up.

        A first attempt after a reset can fail at once (pycom-micropython-sigfox, issue 351).
        Return what the firmware knows of the access point, None if there is no association.
        """
        deadline = timing.Deadline(min(limit_ms, _ASSOCIATE_MS))
        info = None
        tries, self._begun = self._begun, False
        while not info and not deadline.expired():
            if not tries:
                self._ask_for(entry, bssid, channel)
            wait_ms = min(deadline.left_ms(), _OVER_MS)
            info = timing.wait_for(self._of_name, wait_ms, _POLL_MS)
            tries = info or deadline.expired() or self._tries(channel or 1)
        return info

    def _of_name(self):
        info = access_point(self.wlan)
        return info if info and info.ssid == self.ssid else None

    def _ask_for(self, entry, bssid, channel):
        """Begin to associate.

        The first time any access point of the name will do, as long as none was heard that may be
        forged: then the driver finds another by itself when it loses this one. With a BSSID it
        would search that one alone for ever.
        """
        config = entry.get("wlan_config")
        try:
            self.wlan.ifconfig(config=tuple(config) if config else "dhcp")
        except OSError:  # DHCP is on already
            pass
        keywords = {}
        if bssid and (self.ssid in self._forged or self._failed.get(self.ssid)):
            keywords["bssid"] = bssid
        if channel:
            keywords["channel"] = channel  # searched first
        if self._hostname:
            keywords["hostname"] = self._hostname
        pwd = entry.get("pwd")
        user = entry.get("user")
        if user:
            keywords["auth"] = (self.wlan.WPA2_ENT, user, pwd)
            keywords["identity"] = entry.get("identity", user)
            if "ca_certs" in entry:
                keywords["ca_certs"] = entry["ca_certs"]
        elif pwd:
            keywords["auth"] = (self.wlan.WPA2, pwd)  # WPA too: the driver looks at the beacon
        self.wlan.connect(self.ssid, **keywords)


def is_connected(wlan):
    """Return whether the station has an address."""
    try:
        return wlan.isconnected()
    except OSError:  # a TimeoutError, if an earlier program called connect() with a timeout
        return False


def access_point(wlan):
    """Return the firmware's data on the associated access point, None without an association."""
    try:
        return wlan.joined_ap_info()
    except OSError:
        return None


def _stop_servers():
    """Stop FTP and telnet. The firmware starts them with the address; their password is public."""
    import network

    network.Server().deinit()
