"""Does the battery fall faster than what the node does explains?

    state, suspect = ledger.note(state, now_s, supply_mv, phases, awake_ms)

Nothing tells whether a modem that was left registered comes to rest: on a GPy its RTS line floats
in deep sleep, and if the modem takes that for asserted it draws 8 mA (docs/nbiot.md). That is a
fifth of a cell of 12.8 kJ in a day; the node's own work is some hundredths. So rough figures do:
150 mW awake, 350 mW more with the radio, and 900 mV between a full cell and an empty one. The
battery counts as suspect when it has fallen by four times as much as they explain, and 100 mV,
which is what a cold night does. A larger battery shows it after some days, for up to a week.
"""

from micropython import const

_DAY_S = const(86400)
_AWAKE_MW = const(150)
_RADIO_MW = const(350)
_CELL_J = const(12800)
_CELL_MV = const(900)
_TIMES = const(4)
_NOISE_MV = const(100)
_RISE_MV = const(50)  # it is charged, or was replaced
_DAYS = const(7)
_QUIET = ("measure",)


def note(state, now_s, supply_mv, phases, awake_ms):
    """Return ([since_s, mV then, J spent since, mJ, suspect], whether it is suspect now).

    state: of the cycle before, or anything else: then it begins anew. supply_mv: None if unknown.
    phases: [(name, start, ms), ...] of this cycle.
    """
    if not _is_state(state) or now_s < state[0]:
        state = None
    if supply_mv is None or state and supply_mv > state[1] + _RISE_MV:
        state = None
        if supply_mv is None:
            return None, False
    since_s, first_mv, spent_j, spent_mj, suspect = state or (now_s, supply_mv, 0, 0, 0)
    radio_ms = sum([ms for name, _, ms in phases if name not in _QUIET])
    spent_mj += (awake_ms * _AWAKE_MW + radio_ms * _RADIO_MW) // 1000
    spent_j, spent_mj = spent_j + spent_mj // 1000, spent_mj % 1000
    if now_s - since_s >= _DAY_S:
        explained_mv = spent_j * _CELL_MV // _CELL_J
        suspect = int(first_mv - supply_mv > _TIMES * explained_mv + _NOISE_MV)
        if suspect or now_s - since_s >= _DAYS * _DAY_S:
            since_s, first_mv, spent_j, spent_mj = now_s, supply_mv, 0, 0
    return [since_s, first_mv, spent_j, spent_mj, suspect], bool(suspect)


def _is_state(state):
    return (
        isinstance(state, list)
        and len(state) == 5
        and all(isinstance(value, int) and value >= 0 for value in state)
    )
