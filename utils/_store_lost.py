"""What utils/store.py does where NVS has no sequence or boot number, or cannot be used."""

from utils import logging, store

_log = logging.Logger("store")


def boot_number():
    """Return the boot number without NVS."""
    return _kept_count()[0] or _random_boot()


def new_boot():
    """Return a new boot number and store it. Raises what the firmware raises."""
    boot = _random_boot()
    store.nvs_set(store.BOOT_KEY, boot)
    _log.info("boot number %d", boot)
    return boot


def _random_boot():
    import uos

    return 1 + int.from_bytes(uos.urandom(4), "big") % store.BOOT_LAST


def next_sequence():
    """Count in RTC memory, under a boot number that holds until the next reset."""
    boot, last = _kept_count()
    if not boot:
        boot, last = _random_boot(), -1
    store.Count.boot = boot
    store.keep_part("count", boot.to_bytes(2, "big") + (last + 1).to_bytes(4, "big"))
    return last + 1


def _kept_count():
    kept = store.part("count")
    if len(kept) != 6:
        return 0, -1
    return int.from_bytes(kept[:2], "big"), int.from_bytes(kept[2:], "big")
