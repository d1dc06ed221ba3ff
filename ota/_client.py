"""One cycle's work for a release that the server offers, behind the report of the cycle.

    from ota import _client
    outcome, detail = _client.work(session, "kCsQxGOU", 8192, timing.Deadline(60000))
    if outcome == _client.READY:
        _client.fill(detail, deadline)                 # the radio is off
    _client.confirm(session, "kCsQxGOU")               # on trial: True if the set stays

The order of the checks is that of ota/_envelope.py: the tag of the device key before anything is
fetched, then the digest, the signature, the manifest, each file of the set that runs, and then the
content of each new component with its size, SHA-256 and header.
"""

from micropython import const

from ota import _envelope, _keys, _manifest, _slots, _staging, _word
from utils import logging

READY = "ready"
CHANGED = "changed"  # by hand: nothing of it gets into another set, or is lost with it
NONE = "none"

_AUTHORIZE = const(1)  # kinds of questions
_CONFIRM = const(2)
_MOST_MISMATCHES = const(3)
_ROOT = "/flash/keys/root"
_KEYS = "/flash/keys/release"

_log = logging.Logger("ota")


def work(session, node_id, most_bytes, deadline, block=1024):
    """Go on with what session.offer says, as far as this cycle may. Returns (outcome, detail).

    most_bytes, deadline, block: of ota/_staging.py.

    READY        the other slot can be filled; the Set of ota/_manifest.py that comes into it
    CHANGED      names of what somebody changed by hand: nothing of it gets into another set
    "later"      percent of the release that are here, None while that is not known
    others       no more in this cycle; the log has the cause of a rejection
    """
    import pycom

    seq, digest = session.offer
    slot, _, mine = _word.running()
    if not _keys.device_key() or slot is None or seq <= _word.failed():
        return NONE, None
    if seq in (mine, _word.rejected()[0]):
        return NONE, None
    download = _staging.Download(session, most_bytes, deadline, block)
    if "LittleFS" not in pycom.bootmgr():  # a power cut may cost any file
        outcome, detail = "fat", None
    else:
        offer = _staging.read()
        if not offer or offer[0] != seq or offer[2][:16] != _slots.hexed(digest):
            offer = _authorized(session, node_id, mine, download)
            if not offer:
                return NONE, None
        outcome, detail = _go_on(offer, slot, download)
    if outcome == _staging.MISMATCH and offer[4] + 1 < _MOST_MISMATCHES:
        offer[4] += 1
        _staging.write(offer)
    elif outcome not in (READY, CHANGED, _staging.LATER):
        _log.error("release %d refused: %s", seq, outcome)
        _word.reject(seq, outcome)
    return outcome, detail


def _authorized(session, node_id, mine, download):
    """Ask whether the server means this node. Return a new offer, None if it does not."""
    seq, digest = session.offer
    answer = _ask(session, node_id, _AUTHORIZE, mine, seq)
    if answer and answer.kind == _envelope.KEYS and _has_new_keys(answer, download):
        answer = _ask(session, node_id, _AUTHORIZE, mine, seq)
    if not answer or answer.kind != _envelope.RELEASE or answer.seq != seq:
        return None
    if answer.digest[:8] != digest:
        return None
    _slots.empty(_slots.STAGING)
    offer = [seq, answer.length, _slots.hexed(answer.digest), 0, 0]
    _staging.write(offer)
    return offer


def _has_new_keys(answer, download):
    """Replace the key file by a newer one that the root key has signed."""
    import uos

    sha256 = _slots.hexed(answer.digest)
    if _slots.size_of(_slots.STAGING) is None:
        uos.mkdir(_slots.STAGING)
    if download.whole(sha256, answer.length) != _staging.WHOLE:
        return False
    path = _staging.place(sha256)
    root = _slots.content(_ROOT)
    now = _keys.key_file(_slots.content(_KEYS), root)
    above = -1 if isinstance(now, str) else now.version
    new = _keys.key_file(_slots.content(path), root, above)
    if isinstance(new, str):
        _log.error("refused: %s", new)
        _slots.remove(path)
        return False
    uos.rename(path, _KEYS)
    _slots.remove(_staging.OFFER)  # it was verified with keys that may count no more
    return True


def _go_on(offer, slot, download):
    """Fetch and check what is missing. Return (outcome, detail)."""
    import uos

    outcome = download.whole(offer[2], offer[1])
    if outcome != _staging.WHOLE:
        return outcome, None
    running = _slots.read(slot)
    if isinstance(running, str):
        return CHANGED, ["set"]
    manifest = _opened(offer, running)
    if isinstance(manifest, str):
        return manifest, None
    board = uos.uname()
    machine = board.sysname, board.release
    floor, sec = _word.get("ota_floor"), _word.get("ota_sec")
    result = "manifest"
    if manifest.seq == offer[0]:  # work() has looked at those that were rejected
        result = _manifest.check(manifest, running, machine, floor, 0, sec)
    if isinstance(result, str):
        return result, None
    if not offer[3]:
        names = _slots.changed(slot, running.components)
        if names:
            return CHANGED, names
        if not _has_room(manifest, result, _slots.folder(slot ^ 1)):
            return "space", None
        offer[3] = 1
        _staging.write(offer)
    outcome, percent = _fetched(manifest.added, download)
    return outcome, result if outcome == READY else percent


def _opened(offer, running):
    """Return the Manifest of a whole envelope, or a cause."""
    data = _slots.content(_staging.place(offer[2]))
    if _slots.hexed(_keys.sha256(data)) != offer[2]:
        _slots.remove(_staging.OFFER)  # damaged since it came: begin anew
        return _staging.LATER
    body = data[7:-384]
    if not offer[3]:  # else the signature of the same bytes was right
        keys = _keys.key_file(_slots.content(_KEYS), _slots.content(_ROOT))
        if isinstance(keys, str):
            return keys
        body = _envelope.opened(data, keys.moduli)
        if isinstance(body, str):
            return body
    return _manifest.parse(body, running.components)


def _has_room(manifest, result, folder):
    """Empty the other slot, and return whether it and the staging fit, with a fourth to spare."""
    import uos

    _slots.empty(folder)
    space = uos.statvfs("/flash")
    blocks = 0
    for components in (manifest.added, result.components):
        for name in components:
            blocks += components[name].size // space[0] + 2
    return space[3] * 4 >= blocks * 5


def _fetched(added, download):
    """Fetch the content of the new components. Return (outcome, percent that are here)."""
    total = sum([each.size for each in added.values()])
    here = 0
    for name in sorted(added):
        kind, _, size, sha256, _ = added[name]
        path = _staging.place(sha256)
        outcome = download.whole(sha256, size)
        if outcome != _staging.WHOLE:
            here += _slots.size_of(path + ".p") or 0
            return outcome, here * 100 // total
        if not _manifest.is_loadable(kind, _slots.content(path)[:4]):
            return "mpy", None
        here += size
    return READY, None


def fill(result, deadline):
    """Fill the other slot and let it run on trial from the next start on. False if that takes
    another cycle."""
    slot = _word.running()[0]
    outcome = _slots.fill(slot ^ 1, result, deadline)
    if outcome is True:
        _word.begin_trial(slot, result.seq, *result.trial)
        return True
    if outcome:  # a component that has changed since it was checked: begin anew
        _log.error("changed: %s", outcome)
        _slots.empty(_slots.STAGING)
    return False


def _ask(session, node_id, kind, mine, wanted):
    """Ask the server. Return the Answer of ota/_envelope.py, None if it has not the right tag."""
    import ucrypto

    count = _word.get("ota_nonce") + 1 & 0x7FFFFFFF
    _word.put("ota_nonce", count)  # before its use: never the same one again
    nonce = count.to_bytes(4, "big") + ucrypto.getrandbits(64)[:8]
    question = bytes((1, kind)) + mine.to_bytes(3, "big") + wanted.to_bytes(3, "big")
    question += (_slots.content(_KEYS) + bytes(6))[4:6] + nonce + node_id.encode()
    told = session.ask("u", question) or b""
    answer = _envelope.answer(told, _keys.device_key(), node_id, nonce)
    if isinstance(answer, str):
        _log.warning("no answer: %s", answer)
        return None
    return answer


def confirm(session, node_id):
    """Let the set on trial stay if the server has a report of it. Return whether it has."""
    slot, on_trial, seq = _word.running()
    answer = on_trial and _ask(session, node_id, _CONFIRM, seq, seq)
    if not answer or answer.kind != _envelope.CONFIRMED or answer.seq != seq:
        return False
    _word.confirm(slot, seq, _slots.read(slot).sec)
    _log.info("release %d confirmed", seq)
    _slots.empty(_slots.STAGING)
    return True
