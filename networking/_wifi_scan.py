"""The scan of networking/wifi.py: which known networks are there, hidden ones too.

candidates = _wifi_scan.candidates(wlan, nets, deadline, forged, False)
# [(ssid, entry, bssid, channel), ...], strongest first
"""

from networking import _wifi_nets
from utils import logging, timing

_log = logging.Logger("wifi")


def candidates(wlan, nets, deadline, forged, look_for_hidden):
    """Return candidates, strongest first, then hidden ones; None if the radio could not scan.

    [] after two scans, () if the time was over before, or before all hidden ones were asked.
    forged: a set, to which the names of networks without the configured protection are added.
    look_for_hidden: also if others were heard.
    """
    found = None
    asked = set()  # (name, channel) of hidden networks: each once
    for last in (False, True):  # a scan can miss a beacon
        heard = _heard(wlan, show_hidden=True)
        if heard is not None:
            found = _suitable(nets, heard, forged)
            if look_for_hidden or not found:
                names = {each[0] for each in found}
                missing = [(ssid, entry) for ssid, entry in nets if ssid not in names]
                found += _hidden(wlan, missing, deadline, heard, forged, asked)
        if found or last or deadline.expired():
            break
    in_time = last and None not in asked
    return found if found != [] or in_time else ()


def _heard(wlan, **wanted):
    """Return the access points that a scan finds, strongest first; None if it failed."""
    timing.feed()
    try:
        heard = wlan.scan(**wanted)
    except OSError as error:
        _log.warning("%s", error)
        return None
    heard.sort(key=lambda ap: -ap.rssi)
    return heard


def _suitable(nets, heard, forged):
    known = dict(nets)
    found = []
    for ap in heard:
        entry = known.get(ap.ssid)
        if entry is not None and _wifi_nets.suits(entry, ap.sec):
            found.append((ap.ssid, entry, ap.bssid, ap.channel))
        elif entry is not None:
            forged.add(ap.ssid)
    return found


def _hidden(wlan, nets, deadline, heard, forged, asked):
    """Ask for the networks in turn where access points without a name were heard."""
    found = []
    for ssid, entry in nets:
        unnamed = [ap for ap in heard if not ap.ssid and _wifi_nets.suits(entry, ap.sec)]
        for channel in sorted({ap.channel for ap in unnamed}):
            if deadline.expired():
                asked.add(None)
                return found
            if (ssid, channel) in asked:
                continue
            asked.add((ssid, channel))
            answers = _heard(wlan, ssid=ssid, channel=channel) or ()
            found += _suitable(((ssid, entry),), answers, forged)
    return found
