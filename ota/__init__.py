"""Updates over the air: a node fetches a signed release, tries it, and keeps or rejects it.

    from ota import _client, _trial
    _client.work(session, node_id, ...)     # behind a delivered report, if there is an offer
    _client.confirm(session, node_id)       # on trial, behind a delivered report
    _trial.begin()                          # on trial, at the start of each cycle

/flash/a and /flash/b each have room for one complete set of modules. The one that runs is never
written. What the server offers is fetched to /flash/new over as many cycles as it takes, checked
and copied into the other slot with all that did not change. One write to NVS lets it run on trial
(boot.py, boot_trial.py). It stays if the server confirms it behind a report of its own; else the
node returns to the old set. node_update.py calls this in a cycle: docs/updates.md.

Nothing here raises for trouble in the field. `ota` imports utils, lib and its own parts only.
"""
