"""nbiot.connect and deactivate in each scenario, in some on both firmware releases.

What the result claims is compared with what the emulated modem went through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from emulator import scenario as scenarios
from emulator.device_files import ROOT
from tests.device import Device

pytestmark = pytest.mark.both_links(every=2)

MakeDevice = Callable[..., Device]
RELEASES = ("1.20.2.r4", "1.20.2.r7")
ATTACH_S, CONNECT_S = 60, 30


class Case(NamedTuple):
    scenario: str
    status: int
    cause: str
    data_state: bool = False
    kind: str = "IPV4V6"
    most_ms: int = 0  # connect() takes no longer; 0: the configured times
    registration: int | None = 1
    reject_cause: int | None = None
    radio_on_ms: int | None = None  # at most, deactivate() included
    rests: bool = True  # the modem is at its lowest current after deactivate()
    confirmed: bool | None = None  # deactivate() says so; None: it says what is true


EARLY_MS = 10_000
CASES = [
    Case("good", 1, "attached", most_ms=12_000),
    Case("good", 2, "connected", True, most_ms=20_000),
    Case("good", 2, "connected", True, "IP"),
    Case("good", 1, "attached", False, "IPV6"),
    Case("good", 1, "data_state_needs_ipv4", True, "IPV6", most_ms=12_000),
    Case("reference", 1, "attached"),
    Case("kind", 1, "attached"),
    Case("hard", 1, "attached"),
    Case("hard_psm", 1, "attached"),
    Case("fair", 1, "attached"),
    Case("fair", 2, "connected", True),
    Case("edge", 1, "attached"),
    Case("edge", 2, "connected", True),
    Case("bad_operator", 1, "attached"),
    Case("long_tail", 2, "connected", True),
    Case("lost_datagrams", 1, "attached"),
    Case("slow_attach", 1, "attached"),
    Case("slow_attach", 2, "connected", True),
    Case("power_on", 1, "attached"),
    Case("flapping", 1, "attached"),
    Case("flapping", 2, "connected", True),
    Case("urc_storm", 1, "attached", most_ms=12_000),
    Case("urc_storm", 2, "connected", True),
    Case("cereg_verbose", 1, "attached", most_ms=12_000),
    Case("cereg_verbose", 2, "connected", True),
    Case("cme_errors", 1, "attached"),
    Case("cme_errors", 2, "connected", True),
    Case("ipv4_only", 2, "connected", True),
    Case("ipv4_only", 1, "attached", False, "IP"),
    Case("ipv6_only", 1, "attached", False, "IPV6"),
    Case("ipv6_only", 1, "address_family", True, "IPV4V6", most_ms=20_000),
    Case("denied_once", 1, "attached", registration=5, reject_cause=11),
    Case("denied_once", 2, "connected", True, registration=5, reject_cause=11),
    Case("denied", 0, "registration_denied", most_ms=EARLY_MS, registration=3, reject_cause=8,
         radio_on_ms=5000),
    Case("denied", 0, "registration_denied", True, most_ms=EARLY_MS, registration=3,
         reject_cause=8, radio_on_ms=5000),
    Case("no_sim", -1, "sim_missing", most_ms=EARLY_MS, registration=None, radio_on_ms=5000),
    Case("no_sim", -1, "sim_missing", True, most_ms=EARLY_MS, registration=None,
         radio_on_ms=5000),
    Case("sim_pin", -1, "sim_locked", most_ms=EARLY_MS, registration=None, radio_on_ms=0),
    Case("sim_puk", -1, "sim_locked", most_ms=EARLY_MS, registration=None, radio_on_ms=0),
    Case("no_cell", 0, "attach_timeout", registration=2),
    Case("modem_mute", -1, "modem_mute", most_ms=12_000, registration=None, radio_on_ms=0,
         confirmed=False),
    Case("modem_mute_in_attach", 0, "modem_mute", most_ms=30_000, registration=None, rests=False),
    Case("modem_crash", 0, "modem_rebooted", most_ms=15_000, registration=None),
]  # fmt: skip
PROGRAM = """
import utime
from networking import nbiot

kind, data_state, attach_s, connect_s = given()
settings = configured(_IP_VERSION=kind, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=attach_s,
                      _MAX_CONNECTION_ATTEMPT_TIME_SEC=connect_s)
start_us = utime.ticks_cpu()
show(nbiot.connect(settings, data_state))
show((utime.ticks_cpu() - start_us) // 1000)
show(outcome())
show(nbiot.deactivate())
"""


class Truth:
    """What the modem itself went through."""

    def __init__(self, device: Device) -> None:
        self.served_us: int | None = None  # registered, packet service, an address
        self.signals: list[Any] = []  # as measured, each second anew: +CSQ and +CESQ may differ
        self._device = device
        activate = device.modem.pdn.activate

        def activated(cid: int) -> None:
            activate(cid)
            self.served_us = self.served_us or device.board.clock.now_us

        device.modem.pdn.activate = activated  # type: ignore[method-assign]
        measured = device.emulator.cell.signal

        def signal() -> Any:
            self.signals.append(measured())
            return self.signals[-1]

        device.emulator.cell.signal = signal  # type: ignore[method-assign]

    @property
    def radio_on_us(self) -> int | None:
        timeline = self._device.board.meter.timeline
        return next((c.at_us for c in timeline if (c.domain, c.state) == ("radio", "on")), None)


def attach_is_told_in_time(told_ms: int, true_ms: float) -> bool:
    """To the poll interval, which grows with the time already spent; a first look at 2 s."""
    return true_ms - 50 <= told_ms <= max(2700, 1.2 * true_ms + 800)


# On the later release each case gives the same results by the same commands
ON = [(case, RELEASES[0]) for case in CASES] + [(case, RELEASES[1]) for case in CASES[::6]]


def _id(value: Case | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value.scenario}-{value.kind}-{'data' if value.data_state else 'attach'}"


@pytest.mark.parametrize("case, firmware", ON, ids=_id)
def test_scenario(make_device: MakeDevice, link: str, case: Case, firmware: str) -> None:
    device = make_device(case.scenario, firmware=firmware)
    truth = Truth(device)
    result, took_ms, last, deactivated = device.run(
        PROGRAM, [case.kind, case.data_state, ATTACH_S, CONNECT_S]
    )
    status, activation, attachment, connection, rssi, rsrp, rsrq = result
    assert (status, last["cause"], last["status"]) == (case.status, case.cause, case.status)
    assert last["reject_cause"] == case.reject_cause
    if link == "uart" and status == 0 and case.registration is None:
        assert last["registration"] in (None, 2)  # it hears "searching" as a URC before any answer
    else:
        assert last["registration"] == case.registration
    most_ms = case.most_ms or 1000 * (ATTACH_S + CONNECT_S * case.data_state) + 12_000
    if link == "uart" and case.cause == "modem_mute":
        most_ms = max(most_ms, 26_000)  # two rounds, and a look for the loader
    assert took_ms <= most_ms
    # a duration stands for its confirmation
    assert (activation >= 0, attachment >= 0, connection >= 0) == (
        status >= 0, status >= 1, status == 2,
    )  # fmt: skip
    if link == "lte":
        assert device.cycle is not None and device.cycle.status == status  # what the driver saw
    if status >= 0:
        assert 50 <= activation <= 1000
    if status >= 1:
        assert truth.served_us is not None and truth.radio_on_us is not None
        true_ms = (truth.served_us - truth.radio_on_us) / 1000
        if truth.radio_on_us:  # else it was on before
            assert attach_is_told_in_time(attachment, true_ms), true_ms
        # low edges of the steps of 2 dBm, 1 dBm and 0.5 dB (3GPP TS 27.007 8.5, 8.69)
        last_two = [signal for signal in truth.signals if signal][-2:]
        assert any(rssi <= signal.rssi_dbm < rssi + 2 for signal in last_two)
        assert any(rsrp <= signal.rsrp_dbm < rsrp + 1 for signal in last_two)
        assert any(rsrq <= signal.rsrq_db < rsrq + 0.5 for signal in last_two)
    else:
        assert (rssi, rsrp, rsrq) == (-1, -1, -1)
    if status == 2:
        assert 500 <= connection <= 1000 * CONNECT_S
    names = [name for name, _ in last["phases"]]
    assert names[: len(names)] == [
        name
        for name in ("init", "prepare", "activation", "attachment", "signal", "connection")
        if name in names
    ]
    assert abs(sum(ms for _, ms in last["phases"]) - took_ms) < 100
    assert deactivated[0] is (case.rests if case.confirmed is None else case.confirmed)
    assert device.modem_rests() is case.rests
    if case.radio_on_ms is not None:
        assert device.radio_on_ms <= case.radio_on_ms


def test_every_scenario_file_is_covered() -> None:
    # first_attach takes up to minutes: tested below with the time it needs
    theirs = {name for name in scenarios.names() if not name.startswith(("wifi", "lora"))}
    assert theirs - {"first_attach"} == {case.scenario for case in CASES}


@pytest.mark.parametrize("seed", range(1, 6))
def test_first_attach_within_the_time_it_is_given(make_device: MakeDevice, seed: int) -> None:
    device = make_device("first_attach", seed=seed)
    truth = Truth(device)
    result, _, last, _ = device.run(PROGRAM, ["IPV4V6", False, 900, 30])
    assert last["cause"] == "attached"
    assert truth.served_us is not None and truth.radio_on_us is not None
    true_ms = (truth.served_us - truth.radio_on_us) / 1000
    assert result[2] <= max(1.2 * true_ms, true_ms + 10_800)


@pytest.mark.parametrize("limit_s", (1, 5, 20, 45))
@pytest.mark.parametrize("scenario", ("no_cell", "slow_attach"))
def test_attachment_gives_up_at_its_limit(
    make_device: MakeDevice, scenario: str, limit_s: int
) -> None:
    """The limit counts activation and attachment together."""
    device = make_device(scenario)
    result, _, last, _ = device.run(PROGRAM, ["IPV4V6", False, limit_s, 30])
    assert (result[0], last["cause"]) == (0, "attach_timeout")
    phases = dict(map(tuple, last["phases"]))
    spent_ms = phases["activation"] + phases["attachment"]
    assert 1000 * limit_s <= spent_ms <= 1000 * limit_s + 200


@pytest.mark.parametrize("limit_s", (2, 7, 30))
@pytest.mark.lte_link("data state")
def test_data_state_gives_up_at_its_limit(make_device: MakeDevice, limit_s: int) -> None:
    """An IPv4 address that PPP does not get: this firmware's isconnected() stays False."""
    claim = {"do": "garbage", "text": '\r\n+CGPADDR: 1,"10.64.3.9"\r\n'}
    fault = {"point": "command", "match": "AT+CEREG?", **claim}
    device = make_device({"like": "ipv6_only", "fault": [fault]})
    result, _, last, _ = device.run(PROGRAM, ["IPV4V6", True, 60, limit_s])
    assert (result[0], last["cause"]) == (1, "data_state_timeout")
    phases = dict(map(tuple, last["phases"]))
    assert 1000 * limit_s <= phases["connection"] <= 1000 * limit_s + 2500


@pytest.mark.parametrize("kind, scenario", (("IPV6", "ipv4_only"), ("IP", "ipv6_only")))
def test_a_context_that_the_network_refuses_is_no_service(
    make_device: MakeDevice, kind: str, scenario: str
) -> None:
    device = make_device(scenario)
    result, took_ms, last, deactivated = device.run(PROGRAM, [kind, False, 30, 30])
    assert result[0] == 0
    assert last["cause"] in ("attach_timeout", "registration_denied")
    assert took_ms < 40_000
    assert deactivated[0] is True and device.modem_rests()


SIGNALS = {  # dBm, dBm, dB -> low edges; the ends of the scales included
    "middle": ((-73.4, -92.7, -9.6), (-75, -93, -10.0)),
    "edges of steps": ((-75.0, -93.0, -10.0), (-75, -93, -10.0)),
    "just below": ((-75.01, -93.01, -10.01), (-77, -94, -10.5)),
    "strongest": ((-40.0, -40.0, -1.0), (-51, -44, -3.0)),
    "weakest": ((-120.0, -150.0, -25.0), (-113, -141, -20.0)),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_signal_is_the_low_edge_of_the_step(make_device: MakeDevice, name: str) -> None:
    (rssi, rsrp, rsrq), expected = SIGNALS[name]
    device = make_device(
        {"radio": {"rssi_dbm": rssi, "rsrp_dbm": rsrp, "rsrq_db": rsrq, "attach_ms": 3000}}
    )
    result, *_ = device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    assert tuple(result[4:]) == expected


def test_signal_not_known_is_minus_one(make_device: MakeDevice) -> None:
    device = make_device({"radio": {"unknown_signal": True}})
    result, _, last, _ = device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    assert (result[0], result[4:], last["cause"]) == (1, [-1, -1, -1], "attached")


# Denials. EMM causes of 3GPP TS 24.301 Annex A
FOR_GOOD = {3: "illegal UE", 6: "illegal ME", 7: "EPS services not allowed",
            8: "EPS and non-EPS services not allowed"}  # fmt: skip


@pytest.mark.parametrize("firmware", RELEASES)
@pytest.mark.parametrize("cause", FOR_GOOD, ids=FOR_GOOD.get)
def test_a_denial_for_good_ends_at_once(
    make_device: MakeDevice, cause: int, firmware: str
) -> None:
    steps = [{"stat": 2, "after_ms": 30}, {"stat": 3, "after_ms": 1500, "cause": cause}]
    device = make_device({"network": {"steps": steps}}, firmware=firmware)
    result, took_ms, last, _ = device.run(PROGRAM, ["IPV4V6", False, 300, 30])
    assert (result[0], last["cause"], last["reject_cause"]) == (0, "registration_denied", cause)
    assert took_ms < EARLY_MS
    assert device.modem_rests() and device.radio_on_ms <= 5000


@pytest.mark.parametrize("cause", (11, 13, 15, 22))
def test_a_denial_by_one_network_is_not_the_end(make_device: MakeDevice, cause: int) -> None:
    steps = [
        {"stat": 2, "after_ms": 30},
        {"stat": 3, "after_ms": 2000, "cause": cause},
        {"stat": 2, "after_ms": 5000},
        {"stat": 5, "after_ms": 6000},
    ]
    device = make_device({"network": {"steps": steps, "roaming": True}})
    result, _, last, _ = device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    assert (result[0], last["registration"]) == (1, 5)
    assert device.modem.nv.cereg == 1  # as the firmware's isattached() needs it


def test_denials_with_searching_in_between_do_not_add_up(make_device: MakeDevice) -> None:
    steps = [
        {"stat": 3, "after_ms": 1000, "cause": 11},
        {"stat": 2, "after_ms": 15_000},
        {"stat": 3, "after_ms": 6000, "cause": 13},
        {"stat": 2, "after_ms": 9000},
        {"stat": 5, "after_ms": 5000},
    ]
    device = make_device({"network": {"steps": steps, "roaming": True}})
    result, _, last, _ = device.run(PROGRAM, ["IPV4V6", False, 120, 30])
    assert (result[0], last["cause"], last["registration"]) == (1, "attached", 5)


def test_a_denial_without_a_cause_is_believed_when_it_lasts(make_device: MakeDevice) -> None:
    steps = [{"stat": 2, "after_ms": 30}, {"stat": 3, "after_ms": 1000}]
    device = make_device({"network": {"steps": steps}})
    result, took_ms, last, _ = device.run(PROGRAM, ["IPV4V6", False, 300, 30])
    assert (result[0], last["cause"], last["reject_cause"]) == (0, "registration_denied", None)
    assert 15_000 < took_ms < 40_000


@pytest.mark.parametrize("roaming, stat", ((False, 1), (True, 5)))
@pytest.mark.parametrize("firmware, cereg", [(RELEASES[0], level) for level in range(6)]
                         + [(RELEASES[1], 2)])  # fmt: skip
def test_attachment_is_recognised_with_any_verbosity(
    make_device: MakeDevice, link: str, firmware: str, cereg: int, roaming: bool, stat: int
) -> None:
    device = make_device(
        {"modem": {"cereg": cereg}, "network": {"roaming": roaming}}, firmware=firmware
    )
    result, _, last, _ = device.run(
        PROGRAM.replace(
            "start_us =",
            f"nbiot._the_link().open()\nnbiot.sendAtCommand('AT+CEREG={cereg}')\nstart_us =",
        ),
        ["IPV4V6", link == "lte", 60, 30],
    )
    assert (result[0], last["registration"]) == (1 + (link == "lte"), stat)


@pytest.mark.parametrize("state", ({"cfun": 0}, {"cfun": 1}, {"autostart": True}), ids=str)
@pytest.mark.parametrize("data_state", (False, True))
def test_the_modem_may_have_been_left_in_any_state(
    make_device: MakeDevice, state: dict[str, Any], data_state: bool
) -> None:
    device = make_device({"modem": state})
    result, _, _, deactivated = device.run(PROGRAM, ["IPV4V6", data_state, 60, 30])
    assert result[0] == 1 + data_state and result[1] >= 0 and result[2] >= 0
    assert deactivated[0] is True and device.modem_rests()


def test_a_slow_sim_is_waited_for(make_device: MakeDevice) -> None:
    device = make_device({"modem": {"cfun": 0}, "sim": {"ready_ms": 4000}})
    result, *_ = device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    assert result[0] == 1


@pytest.mark.lte_link("data state")
def test_connecting_twice_starts_over(make_device: MakeDevice) -> None:
    device = make_device()
    results = device.run(
        """
        from networking import nbiot
        for data_state in (True, True, False, False):
            show(nbiot.connect(configured(), data_state))
        show(nbiot.deactivate())
        show(nbiot.connect(configured(), False))
        show(nbiot.deactivate())
        """
    )
    assert [result[0] for result in results] == [2, 2, 1, 1, True, 1, True]
    for result in results[:4]:
        assert result[1] > 50 and result[2] > 1000  # it really attached anew
    assert device.modem_rests()


@pytest.mark.lte_link("data state")
def test_connecting_again_after_the_board_was_reset_in_data_state(
    make_device: MakeDevice,
) -> None:
    """The modem is not told of a reset of the ESP32: it still carries data."""
    device = make_device()
    device.run("from networking import nbiot\nnbiot.connect(configured(), True)")
    assert device.modem.in_data_mode
    result, _, _, deactivated = device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    assert result[0] == 1 and deactivated[0] is True
    assert device.modem_rests()


@pytest.mark.lte_link("the program uses LTE itself")
def test_a_data_connection_that_the_program_made_itself_is_ended_first(
    make_device: MakeDevice,
) -> None:
    device = make_device()
    connected, result, deactivated = device.run(
        """
        from network import LTE
        from networking import nbiot
        from utils import timing
        lte = LTE()
        lte.attach(apn="iot.example")
        timing.wait_for(lte.isattached, 30000)
        lte.connect()
        show(timing.wait_for(lte.isconnected, 30000))
        show(nbiot.connect(configured(), False))
        show(nbiot.deactivate())
        """
    )
    assert connected is True
    assert result[0] == 1 and deactivated[0] is True
    assert device.modem_rests()


def test_waiting_costs_few_exchanges(make_device: MakeDevice) -> None:
    """Each exchange flushes the modem's receive buffer on real firmware."""
    device = make_device("slow_attach")
    device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    polls = [line for line in device.commands if "CEREG?" in line]
    assert 2 <= len(polls) <= 36
    device = make_device("no_cell")
    device.run(PROGRAM, ["IPV4V6", False, 600, 30])
    assert len([line for line in device.commands if "CEREG?" in line]) <= 100


def test_a_good_cycle_needs_few_exchanges(make_device: MakeDevice) -> None:
    device = make_device("kind")
    device.run(PROGRAM, ["IPV4V6", False, 60, 30])
    assert len(device.commands) <= 28  # a datagram needs 4 more


def test_no_reset_command_is_ever_sent(make_device: MakeDevice) -> None:
    for scenario in ("good", "no_sim", "denied", "modem_crash"):
        device = make_device(scenario)
        device.run(PROGRAM, ["IPV4V6", True, 60, 30])
        forbidden = [
            line
            for line in device.commands
            if "RESET" in line or ",1" in line and "CFUN=" in line or "SHDN" in line
        ]
        assert not forbidden


CALLS = """
import utime
from networking import nbiot

fields, tries = given()
settings = configured(**fields)

def timed(name, call, *args):
    start_us = utime.ticks_cpu()
    call(*args)
    show([name, (utime.ticks_cpu() - start_us) // 1000])

for data_state in (False, True):
    timed("connect", nbiot.connect, settings, data_state)
    timed("sendATsocket", nbiot.sendATsocket, bytes(100), "192.0.2.1", 5683)
    timed("sendAtCommand", nbiot.sendAtCommand, "AT+CSQ", tries)
    timed("deactivate", nbiot.deactivate)
"""
STATED = {
    row[0]: tuple(int(seconds) for seconds in row[1:])
    for row in re.findall(
        r"^\| `(\w+)` \| (\d+)[^|]* \| (\d+)[^|]* \|$",
        (ROOT / "docs" / "nbiot.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
TRIES = 2


@pytest.mark.lte_link("its limits are those of the firmware")
@pytest.mark.parametrize("name", sorted({case.scenario for case in CASES}))
def test_each_call_ends_within_its_stated_time(make_device: MakeDevice, name: str) -> None:
    assert set(STATED) == {"connect", "sendATsocket", "sendAtCommand", "deactivate"}
    times = {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": 40, "_MAX_CONNECTION_ATTEMPT_TIME_SEC": 20}
    mute = "modem_mute" in name
    for call, took_ms in make_device(name).run(CALLS, [times, TRIES]):
        most_s = STATED[call][mute] * (TRIES if call == "sendAtCommand" and not mute else 1)
        if call == "connect" and not mute:
            most_s += sum(times.values())
        assert took_ms <= 1000 * most_s, call
