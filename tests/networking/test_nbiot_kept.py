"""_PSM: the registration that the modem keeps over deep sleep, and how it may be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.receiver import Receiver
from emulator.board.board import DEEPSLEEP_RESET
from emulator.cycle import Cycle
from tests.device import Device

MakeDevice = Callable[..., Device]
LOSSLESS = {"loss": 0.0, "outliers": False, "no_service": 0.0, "downlink_loss": 0.0}
SERVER = ("192.0.2.1", 5683)
APPLICATION = ["boot.py", "main.py"]


class Node:
    """The template with a CoAP server, and `_PSM` set."""

    def __init__(
        self, make_device: MakeDevice, receiver: Receiver, scenario: dict[str, Any], **more: Any
    ) -> None:
        fields = more.pop("fields", {})
        route = receiver.route(*SERVER)
        self.device = make_device(scenario, routes=[route], modem_on_boot=False, **more)
        receiver.attend(self.device.emulator)
        self.configure({"_MODEM_LINK": "uart", "_PSM": "auto", **fields})

    def configure(self, fields: dict[str, Any]) -> None:
        with (self.device.flash / "config.py").open("a", encoding="utf-8") as config:
            config.writelines(f"{name} = {value!r}\n" for name, value in fields.items())

    def run(self, cycles: int) -> list[Cycle]:
        return self.device.start(APPLICATION, cycles)


def ways(cycles: list[Cycle]) -> list[str]:
    """How each cycle came to its link: "resumed", "attached", or both, one after the other."""
    shown = []
    for cycle in cycles:
        names = [phase.name for phase in cycle.phases]
        words = [word for word in ("resume", "attachment") if word in names]
        shown.append(" ".join(words))
    return shown


@pytest.fixture
def make_node(make_device: MakeDevice) -> Iterator[Callable[..., Node]]:
    with Receiver("coap") as receiver:
        yield lambda scenario, **more: Node(make_device, receiver, scenario, **more)


MakeNode = Callable[..., Node]
KEPT, LOST, COLD = "resume", "resume attachment", "attachment"


def modem(**options: Any) -> dict[str, Any]:
    return {"radio": LOSSLESS, "modem": options}


def network(psm: str, edrx: bool = False) -> dict[str, Any]:
    return {"radio": LOSSLESS, "network": {"psm": psm, "edrx": edrx}}


@pytest.mark.both_runtimes(every=5)
@pytest.mark.parametrize(
    ("scenario", "second"),
    [
        ({"radio": LOSSLESS}, KEPT),
        (network("tau_missing"), KEPT),
        (network("tau_24h"), KEPT),
        (network("active_16s"), KEPT),
        (network("cause_filled"), KEPT),
        (network("denied_absent"), COLD),
        (network("denied_111"), COLD),
        (modem(psm_sockets="closed"), KEPT),
        (modem(psm_sockets="half"), KEPT),
        (modem(psm_new_ip=True), KEPT),
        (modem(psm_echo="E1"), KEPT),
        (modem(psm_registration="2"), KEPT),
        (modem(psm_registration="4"), LOST),
        (modem(psm_registration="0"), LOST),
        (modem(psm_sysstart=True), LOST),
        (modem(psm_wake_ms=2500), KEPT),
        (modem(psm_wake_ms=9000), KEPT),
        (modem(psm_entry_ms=100_000), KEPT),
        (modem(wake_loses_first=-1), KEPT),
        (modem(wake_garbage="00"), KEPT),
        (modem(wake_garbage="ff"), KEPT),
        (modem(cts_asleep="asserted", wake_loses_first=3), KEPT),
        (modem(urc_on_wake=3400, urc_blocks_sleep=True), KEPT),
        (modem(cpsms_same_tau=True), KEPT),
        (modem(rai="accepted"), KEPT),
        (modem(rai="without_effect"), KEPT),
    ],
    ids=str,
)
def test_each_cycle_delivers_and_attaches_only_if_the_registration_is_gone(
    make_node: MakeNode, scenario: dict[str, Any], second: str
) -> None:
    node = make_node(scenario)
    cycles = node.run(3)
    assert ways(cycles) == [COLD, second, second]
    assert [cycle.confirmed for cycle in cycles] == [1, 1, 1]
    emm, meter = node.device.modem.emm, node.device.board.meter
    assert emm.registered == (second != COLD)
    assert meter.state("modem") == ("off" if second == COLD else "psm")


@pytest.mark.both_runtimes
def test_a_resumed_report_is_four_exchanges_and_no_attach(make_node: MakeNode) -> None:
    node = make_node({"radio": LOSSLESS})
    node.run(2)
    start = max(place for place, line in enumerate(node.device.commands) if line == "ATE0")
    said = [line for line in node.device.commands[start:] if line.startswith("AT")]
    assert said[:2] == ["ATE0", "AT+CEREG=4;+CFUN?;+CEREG?;+CSQ;+CESQ;+CEREG=0"]
    assert said[2].startswith("AT+SQNSSENDEXT=1,")
    assert len([line for line in said if not line.startswith("AT+SQNSI=")]) == 4


def test_between_batches_the_modem_is_left_alone(make_node: MakeNode) -> None:
    node = make_node({"radio": LOSSLESS}, fields={"_SEND_EVERY": 3})
    cycles = node.run(4)
    assert ways(cycles) == [COLD, "", "", KEPT]
    assert [cycle.at_exchanges for cycle in cycles[1:3]] == [0, 0]
    assert cycles[-1].waiting == 0


def test_a_network_that_grants_extended_drx_alone_keeps_the_registration_by_it(
    make_node: MakeNode,
) -> None:
    node = make_node(network("denied_absent", edrx=True))
    cycles = node.run(4)
    assert ways(cycles) == [COLD, COLD, KEPT, KEPT]
    assert [cycle.confirmed for cycle in cycles] == [1, 1, 1, 1]
    assert node.device.modem.emm.registered
    assert node.device.board.meter.state("modem") == "idle"


def test_a_network_that_has_denied_is_asked_again_after_a_day(make_node: MakeNode) -> None:
    node = make_node(network("denied_absent"), fields={"_PERIOD_S": 21600})
    node.run(6)
    asked = [line for line in node.device.commands if "+CPSMS=" in line]
    assert [line[:10] for line in asked[:3]] == ["AT+CPSMS=1", "AT+CPSMS=0", "AT+CPSMS=1"]


def test_another_network_is_asked_again_also_if_it_denies_both(make_node: MakeNode) -> None:
    node = make_node(network("denied_absent"))
    node.run(1)
    emulator = node.device.emulator
    emulator.cell.network.plmn = "00102"
    cycles = emulator.run(APPLICATION, 2, cause=DEEPSLEEP_RESET)
    assert [cycle.cause for cycle in cycles] == ["attached", "attached"]
    assert [cycle.confirmed for cycle in cycles] == [1, 1]
    asked = [line[:10] for line in node.device.commands if "+CPSMS=" in line]
    assert asked == ["AT+CPSMS=1", "AT+CPSMS=0", "AT+CPSMS=1"]


def test_a_grant_that_was_withdrawn_ends_in_a_detach(make_node: MakeNode) -> None:
    scenario = {"radio": LOSSLESS, "network": {"psm_denied_later": 1}}
    node = make_node(scenario, fields={"_PSM": (600, 2)})  # an update in each sleep
    cycles = node.run(3)
    assert ways(cycles) == [COLD, KEPT, COLD]
    assert [cycle.confirmed for cycle in cycles] == [1, 1, 1]
    assert not node.device.modem.emm.registered


@pytest.mark.parametrize("cause", ["attach_timeout", "sim_missing"])
def test_what_is_lost_meanwhile_is_told_and_the_radio_goes_off(
    make_node: MakeNode, cause: str
) -> None:
    node = make_node({"radio": LOSSLESS})
    node.run(2)
    modem = node.device.modem
    if cause == "attach_timeout":
        modem.emm.lose_coverage()
    else:
        modem.sim.options.state = "absent"
        modem.emm.come_back_as(0)
    [cycle] = node.device.emulator.run(APPLICATION, 1, cause=DEEPSLEEP_RESET)
    assert (cycle.cause, cycle.confirmed, cycle.waiting) == (cause, 0, 1)
    assert node.device.modem_rests()


def test_a_registration_that_carries_nothing_is_replaced_once_and_not_kept(
    make_node: MakeNode,
) -> None:
    node = make_node({"radio": LOSSLESS}, fields={"_COAP_MAX_RETRANSMIT": 1})
    emulator = node.device.emulator
    node.run(1)
    emulator.cell._radio.loss = 1.0
    [silent] = emulator.run(APPLICATION, 1, cause=DEEPSLEEP_RESET)
    assert ways([silent]) == [LOST] and silent.waiting == 1
    assert not node.device.modem.emm.registered
    [silent] = emulator.run(APPLICATION, 1, cause=DEEPSLEEP_RESET)
    assert ways([silent]) == [COLD] and silent.waiting == 2
    emulator.cell._radio.loss = 0.0
    answered = emulator.run(APPLICATION, 4, cause=DEEPSLEEP_RESET)
    assert ways(answered)[-1] == KEPT and answered[-1].waiting == 0


def test_a_low_battery_ends_a_registration(make_node: MakeNode) -> None:
    node = make_node({"radio": LOSSLESS})
    node.run(1)
    assert node.device.modem.emm.registered
    node.device.service("adc").sources["P16"] = lambda: 1600
    [cycle] = node.device.emulator.run(APPLICATION, 1, cause=DEEPSLEEP_RESET)
    assert cycle.sent == [] and node.device.modem_rests()


def test_the_late_answer_to_a_repetition_does_not_keep_the_modem_awake(
    make_node: MakeNode,
) -> None:
    """It would ring in the sleep. A modem may stay awake for what nobody reads."""
    slow = {**LOSSLESS, "uplink_ms": 7000}  # CoAP repeats after 5 s
    node = make_node({"radio": slow, "modem": {"urc_blocks_sleep": True}})
    cycles = node.run(2)
    assert ways(cycles) == [COLD, KEPT]
    assert [(cycle.confirmed, len(cycle.sent)) for cycle in cycles] == [(1, 2), (1, 2)]
    assert node.device.board.meter.state("modem") == "psm"


@pytest.mark.parametrize("settings", [{}, {"_APN": "other.example"}])
def test_a_program_resumes_with_the_same_configuration_only(
    make_device: MakeDevice, settings: dict[str, Any]
) -> None:
    device = make_device({"radio": LOSSLESS}, modem_on_boot=False)
    program = """
    from networking import nbiot
    fields = {"_MODEM_LINK": "auto", "_PSM": (3600, 0), "_IP_VERSION": "IP"}
    first = nbiot.connect(configured(**fields), False)
    off = nbiot.deactivate(keep=True)
    fields.update(given())
    second = nbiot.connect(configured(**fields), False)
    show([first.status, off.deactivation_status, second.status, nbiot.resumed()])
    show(second[1:4])
    show([name for name, _ in outcome()["phases"]])
    nbiot.deactivate()
    """
    states, durations, phases = device.run(program, settings)
    assert states == [1, True, 1, not settings]
    if settings:
        assert min(durations[:2]) > 0 and "attachment" in phases
    else:
        assert durations == [0, 0, -1] and phases == ["init", "resume"]
    assert device.modem_rests()


@pytest.mark.both_runtimes
def test_work_is_done_while_the_modem_wakes_up_and_answers(make_device: MakeDevice) -> None:
    device = make_device({"radio": LOSSLESS, "modem": {"psm_wake_ms": 300}}, modem_on_boot=False)
    program = """
    import utime
    from networking import nbiot
    fields = configured(_MODEM_LINK="uart", _PSM=(3600, 0), _IP_VERSION="IP")
    done = []

    def work(steps, fails):
        for number in range(steps):
            utime.sleep_ms(20)
            done.append(number)
            yield
        if fails:
            raise RuntimeError("the work has failed")

    nbiot.connect(fields, False)
    for steps, fails in (0, False), (15, False), (1, True):
        nbiot.deactivate(keep=True)
        utime.sleep(60)
        del done[:]
        nbiot.meanwhile(work(steps, fails))
        start_ms = utime.ticks_ms()
        up = nbiot.up(fields, "datagram")
        show([up and nbiot.resumed(), len(done), utime.ticks_ms() - start_ms])
    nbiot.deactivate()
    """
    (alone, none, alone_ms), (beside, all_, beside_ms), failed = device.run(program)
    assert (alone, none, beside, all_) == (True, 0, True, 15)
    assert beside_ms < alone_ms + 60  # of the 300 ms that the work takes
    assert failed[:2] == [True, 1] and "the work has failed" in device.output


def test_a_link_that_fails_asks_for_nothing_that_the_other_cannot_keep(
    make_device: MakeDevice,
) -> None:
    device = make_device({"modem": {"uart1": False}}, modem_on_boot=False)
    shown = device.run(
        "from networking import nbiot\n"
        "show(nbiot.connect(configured(_MODEM_LINK='auto', _PSM=(3600, 0)), False).status)\n"
        "show(nbiot._the_link().name)\n"
        "nbiot.deactivate(keep=True)\n"
    )
    assert shown == [1, "lte"]
    assert not any("+CPSMS=1" in line for line in device.commands)
    assert device.modem_rests()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"_PSM": "on"}, "_PSM = 'on'; allowed: None, "),
        ({"_PSM": (59, 2)}, "_PSM = (59, 2); allowed: None, "),
        ({"_PSM": (3600, 11161)}, "60 to 35712000 s, 0 to 11160 s"),
        ({"_PSM": (3600,)}, "_PSM = (3600,); allowed: None, "),
        ({"_PSM": True}, "_PSM = True; allowed: None, "),
        ({"_PSM": "auto"}, "_PERIOD_S = None, _PSM = \"auto\"; allowed: an int in s"),
        ({"_PSM": "auto", "_PERIOD_S": 900, "_MODEM_LINK": "lte"},
         "_PSM = 'auto', _MODEM_LINK = \"lte\"; allowed: \"uart\" or \"auto\""),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_before_the_modem_is_touched(
    make_device: MakeDevice, fields: dict[str, Any], told: str
) -> None:
    device = make_device(modem_on_boot=False)
    [[kind, text]] = device.run(
        "from networking import nbiot\nshow(raised(nbiot.connect, configured(**given()), False))",
        {"_MODEM_LINK": "uart", **fields},
    )
    assert kind == "ValueError" and told in text
    assert device.commands == []


@pytest.mark.parametrize(
    ("wanted", "period_s", "bits"),
    [
        ("auto", 900, ("00000110", "00000001")),  # an hour, 2 s
        ("auto", 7200, ("00010010", "00000001")),  # 3 h
        ("auto", 604_800, ("01011010", "00000001")),  # 260 h for 252
        ((60, 0), 900, ("01111110", "00000000")),
        ((62, 62), 900, ("01111111", "00011111")),
        ((63, 63), 900, ("10000011", "00100010")),  # 90 s, 2 min
        ((35_712_000, 11_160), 900, ("11011111", "01011111")),
    ],
)
def test_timers_are_the_next_longer_ones_that_can_be_told(
    make_device: MakeDevice, wanted: Any, period_s: int, bits: tuple[str, str]
) -> None:
    shown = make_device().run(
        "from networking import _nbiot_uart_psm as psm\nshow(psm.timers(*given()))",
        [wanted if wanted == "auto" else list(wanted), period_s],
    )
    assert shown == [list(bits)]
