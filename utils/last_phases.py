"""Durations of the previous cycle, as records of a report (docs/report.md).

records = measured + last_phases.records(last_account, due)
"""


def records(account, due):
    """Return the durations of the previous cycle as records, in ms.

    account: of that cycle. The last phase of connecting, usually the longest, is always among
    them; the others are where they are due (_PHASES_EVERY). A name is the first two letters of the
    phase.
    """
    found = []
    for name, _, duration_ms in account.get("phases", ()):
        if name == account.get("link"):
            found.insert(0, (name[:2], duration_ms, 0, None))
        elif due and name != "measure":
            found.append((name[:2], duration_ms, 0, None))
    if due and "awake_ms" in account:
        found.append(("aw", account["awake_ms"], 0, None))
    return found
