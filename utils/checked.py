"""The note that a configuration was checked and found good, kept over deep sleep.

    digest = checked.digest(config)
    if not checked.recall(digest):        # True at most once for each remember()
        check_everything()
    ...
    checked.remember(digest)              # at the end of the cycle

The check of a whole configuration loads every module that it names, 0.4 s of a cycle. It can only
have another result if a field or one of these modules has changed. The digest is over the names
and values of all fields, those of credentials.py included. Modules change by a reset, which clears
the RTC memory, or by somebody at the console, whose Ctrl-C ends a cycle: recall() takes the note
away, so that only a cycle that reached its sleep has it put back.
"""

from utils import store

_PART = "checked"
_BYTES = 16

_known = (None, b"")  # a module and its digest: fields do not change in a cycle


def digest(config):
    """Return the digest of all fields of the module `config`.

    b"" if a value is of a kind whose equality cannot be told: nothing is remembered then.
    """
    global _known
    if _known[0] is not config:
        _known = config, _digest(config)
    return _known[1]


def _digest(config):
    import uhashlib

    whole = uhashlib.sha256()
    try:
        for name in sorted(dir(config)):
            if name[:1] == "_" and "A" <= name[1:2] <= "Z":
                _add(whole, name)
                _add(whole, getattr(config, name))
    except (ValueError, RuntimeError):  # the latter: a list that contains itself
        return b""
    return whole.digest()[:_BYTES]


def recall(digest):
    """Return whether the configuration of this digest was found good, and forget it."""
    kept = store.part(_PART)
    if kept:
        store.keep_part(_PART, bytes(_BYTES))  # its place in the memory stays
    return len(digest) == _BYTES and kept == digest


def values(config, fields):
    """Return {field: value} of a configuration found good. fields: rows as for configuration."""
    return {row[0]: getattr(config, row[0], row[-1]) for row in fields}


def remember(digest):
    """Keep the digest of a configuration that was found good."""
    if digest:
        store.keep_part(_PART, digest)


def _add(whole, value):
    """Add a value with its type and length; repr() of a float is not exact."""
    kind = type(value)
    text = None
    if kind in (tuple, list, dict):
        length = len(value)
    else:
        text = _text(kind, value)
        length = len(text)
    whole.update(("%s %d:" % (kind.__name__, length)).encode())
    if text is not None:
        whole.update(text)
        return
    # a dict has no order of its own on this VM
    for item in sorted(value, key=repr) if kind is dict else value:
        _add(whole, item)
        if kind is dict:
            _add(whole, value[item])


def _text(kind, value):
    if kind is str:
        return value.encode()
    if kind is bytes:
        return value
    if kind is float:
        import ustruct

        return ustruct.pack("d", value)
    if value is None or kind in (bool, int):
        return repr(value).encode()
    raise ValueError(kind)
