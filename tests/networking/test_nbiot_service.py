"""Attached means able to send: packet service, address, context, operator, access point's user.

The emulated modem refuses sockets and data state until its PDN connection is up; what it had on
air, and from which context, decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.udp import UdpServer
from tests.device import Device

pytestmark = pytest.mark.both_links(every=2)

MakeDevice = Callable[..., Device]
HOST, HOST6 = "192.0.2.1", "2001:db8::1"
RADIO = {"attach_ms": 3000, "loss": 0.0, "outliers": False}
PROGRAM = """
import usocket
from networking import nbiot

fields, data_state, host = given()
show(nbiot.connect(configured(**fields), data_state))
show(outcome())
if data_state:
    try:
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        show(sock.sendto(b"hello", (host, 5683)))
        sock.close()
    except OSError:
        show(0)
else:
    show(nbiot.sendATsocket(b"hello", host, 5683))
import utime
utime.sleep(4)
show(nbiot.deactivate())
"""


@pytest.fixture
def server() -> Iterator[UdpServer]:
    with UdpServer() as server:
        yield server


class Report:
    """One attach, one datagram, on a board of its own."""

    def __init__(self, device: Device, server: UdpServer, data_state: bool, host: str,
                 fields: dict[str, Any]) -> None:  # fmt: skip
        for name in (HOST, HOST6):
            device.emulator.routes.add(name, 5683, server.host, server.port)
        self.device = device
        self.contexts: list[int] = []  # in the order in which they came up
        activate = device.modem.pdn.activate

        def activated(cid: int) -> None:
            if cid not in device.modem.pdn.active:
                activate(cid)
                self.contexts.append(cid)

        device.modem.pdn.activate = activated  # type: ignore[method-assign]
        fields = {"_IP_VERSION": "IP", **fields}
        result, self.last, self.accepted, deactivated = device.run(
            PROGRAM, [fields, data_state, host]
        )
        self.status, self.cause = result[0], self.last["cause"]
        self.attachment_ms = result[2]
        left = self.accepted and server.wait_for(1)
        self.arrived = [each.data for each in server.received] if left else []
        assert deactivated[0] is True and device.modem_rests()


@pytest.fixture
def report(make_device: MakeDevice, server: UdpServer) -> Callable[..., Report]:
    def make(
        scenario: dict[str, Any], data_state: bool = False, host: str = HOST, **rest: Any
    ) -> Report:
        options = {key: rest.pop(key) for key in ("firmware", "seed") if key in rest}
        table = {"radio": RADIO, **scenario}
        return Report(make_device(table, **options), server, data_state, host, rest)

    return make


def lag(ms: int, **more: Any) -> dict[str, Any]:
    return {"network": {"cgatt_lag_ms": ms, **more}}


# The packet service follows the registration


@pytest.mark.parametrize("data_state", (False, True))
@pytest.mark.parametrize("lag_s", (1, 3, 10, 20))
def test_a_lag_of_the_packet_service_is_waited_for(
    report: Callable[..., Report], lag_s: int, data_state: bool
) -> None:
    done = report(lag(1000 * lag_s), data_state)
    assert done.cause == ("connected" if data_state else "attached")
    assert done.accepted == 5 and done.arrived == [b"hello"]
    assert done.attachment_ms >= 2900 + 1000 * lag_s  # its end is not before data can be sent
    assert done.attachment_ms <= 3200 + 1250 * lag_s + 700


def test_without_packet_service_the_attempt_ends_in_time(report: Callable[..., Report]) -> None:
    done = report(lag(60_000), _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=15)
    assert (done.status, done.cause) == (0, "no_packet_service")
    assert done.last["registration"] == 1
    assert 14_000 <= sum(ms for name, ms in done.last["phases"] if name == "attachment") <= 15_500


@pytest.mark.parametrize("firmware", ("1.20.2.r4", "1.20.2.r7"))
def test_a_cgatt_that_stays_0_is_recognised_by_a_socket(
    report: Callable[..., Report], firmware: str
) -> None:
    stuck = {**lag(0), "modem": {"cgatt_stays_0": True}}
    done = report(stuck, firmware=firmware)
    assert (done.status, done.cause, done.arrived) == (1, "attached", [b"hello"])
    assert done.attachment_ms < 11_000


@pytest.mark.parametrize("firmware, cause", (("1.20.2.r4", "data_state_refused"),
                                             ("1.20.2.r7", "connected")))  # fmt: skip
@pytest.mark.lte_link("data state")
def test_data_state_with_a_cgatt_that_stays_0_is_tried(
    report: Callable[..., Report], link: str, firmware: str, cause: str
) -> None:
    """Until r4 LTE.connect() needs +CGATT: 1; a modem on a UART does not ask the firmware."""
    stuck = {**lag(0), "modem": {"cgatt_stays_0": True}}
    done = report(stuck, True, firmware=firmware, _MAX_CONNECTION_ATTEMPT_TIME_SEC=8)
    assert done.cause == ("connected" if link == "uart" else cause)


@pytest.mark.lte_link("data state")
def test_a_dial_that_is_refused_at_first_is_repeated(report: Callable[..., Report]) -> None:
    for match, data_state in (("AT+SQNSD", False), ('AT+CGDATA="PPP"', True)):
        fault = [{"point": "command", "match": match, "nth": nth, "do": "error"} for nth in (1, 2)]
        done = report({**lag(0), "fault": fault}, data_state)
        assert done.accepted == 5, match


# The context that carries the data


OTHER = {"apn": "other.example", "pdp_type": "IP"}  # stored for context 1


def context_of(device: Device) -> list[int]:
    """Contexts on which sockets were opened, or PPP, in the order of the commands."""
    found = []
    for line in device.commands:
        if line.startswith("AT+SQNSCFG="):
            found.append(int(line.split(",")[1]))
        elif line.startswith("AT+CGDATA"):
            found.append(int(line.split(",")[1]))
    return found


@pytest.mark.parametrize("data_state", (False, True))
def test_data_take_the_context_of_cid(report: Callable[..., Report], data_state: bool) -> None:
    offer = {"apns": ["other.example", "iot.example"], "cgatt_lag_ms": 1000}
    done = report({"modem": OTHER, "network": offer}, data_state, _CID=3, _APN="iot.example")
    assert done.cause == ("connected" if data_state else "attached")
    assert done.contexts == [1, 3]
    assert done.arrived == [b"hello"]
    assert set(context_of(done.device)) == {3}


REFUSED = {
    "by the network": ({"apns": ["other.example"]}, 3),
    "by the modem's sockets": ({}, 7),  # they know contexts 1 to 5
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_context_that_carries_no_data_is_a_cause(
    report: Callable[..., Report], name: str
) -> None:
    network, cid = REFUSED[name]
    done = report({"modem": OTHER, "network": network}, _CID=cid, _APN="iot.example")
    assert (done.status, done.cause) == (0, "context_unavailable")
    assert done.arrived == []
    assert sum(ms for _, ms in done.last["phases"]) < 30_000


def test_a_socket_goes_back_to_context_1(make_device: MakeDevice) -> None:
    """The modem keeps the context of a socket's number until it restarts."""
    device = make_device({"radio": RADIO, "modem": OTHER})
    for cid in (3, 1):
        _, last, accepted, _ = device.run(
            PROGRAM, [{"_CID": cid, "_IP_VERSION": "IP"}, False, HOST]
        )
        assert (last["cause"], accepted) == ("attached", 5)
        assert device.modem.sockets.slots[0].basic.cid == cid


# The family of the addresses

NODE = """
from networking import nbiot
fields, kind = given()
cfg = configured(**fields)
show(nbiot.problems(cfg))
show(nbiot.up(cfg, kind))
show(outcome())
show(nbiot.down())
"""


@pytest.mark.parametrize("offer, host", (("IP", HOST6), ("IPV6", HOST)))
def test_an_address_of_the_other_family_ends_the_attempt(
    make_device: MakeDevice, offer: str, host: str
) -> None:
    device = make_device({"radio": RADIO, "network": {"pdn_types": [offer]}})
    fields = {"_IP_VERSION": "IPV4V6", "_HOST": host}
    problems, up, last, down = device.run(NODE, [fields, "datagram"])
    assert problems == []
    assert (up, last["status"], last["cause"], down) == (False, 0, "address_family", True)
    assert dict(map(tuple, last["phases"]))["attachment"] < 12_000
    assert device.modem_rests()


@pytest.mark.parametrize("host", (HOST, HOST6, "server.example"))
def test_an_address_of_the_right_family_is_one_of_those_given(
    make_device: MakeDevice, host: str
) -> None:
    fields = {"_IP_VERSION": "IPV4V6", "_HOST": host}
    _, up, last, _ = make_device({"radio": RADIO}).run(NODE, [fields, "datagram"])
    assert (up, last["cause"]) == (True, "attached")


@pytest.mark.parametrize(
    "version, host, wrong",
    [("IP", HOST6, True), ("IPV6", HOST, True), ("IP", HOST, False), ("IPV6", HOST6, False),
     ("IPV4V6", HOST, False), ("IPV4V6", HOST6, False), ("IP", "server.example", False)],
)  # fmt: skip
def test_the_configuration_alone_tells_some_of_it(
    make_device: MakeDevice, version: str, host: str, wrong: bool
) -> None:
    [problems] = make_device().run(
        """
        from networking import nbiot
        version, host = given()
        show(nbiot.problems(configured(_IP_VERSION=version, _HOST=host)))
        """,
        [version, host],
    )
    assert bool(problems) is wrong
    for text in problems:
        assert "_HOST" in text and "_IP_VERSION" in text


# The access point's user


SECRET = "pass-for-documentation"
USER = {"_APN_USER": "someone", "_APN_PASSWORD": SECRET}
ASKS = {"network": {"apn_user": "someone", "apn_password": SECRET, "cgatt_lag_ms": 0}}


@pytest.mark.parametrize("kind", (None, "pap", "chap"))
def test_user_and_password_open_the_access_point(
    report: Callable[..., Report], kind: str | None
) -> None:
    fields = USER if kind is None else {**USER, "_APN_AUTH": kind}
    done = report(ASKS, **fields)
    assert (done.cause, done.arrived) == ("attached", [b"hello"])
    number = 2 if kind == "chap" else 1
    assert f'AT+CGAUTH=1,{number},"someone","***"' in done.device.commands
    assert not any(SECRET in line for line in done.device.log)
    assert not any(SECRET in entry.text for entry in done.device.board.trace.entries
                   if entry.kind != "file")  # fmt: skip


@pytest.mark.parametrize("fields", ({}, {"_APN_USER": "someone"}, {**USER, "_APN_USER": "other"}))
def test_a_wrong_user_is_denied(report: Callable[..., Report], fields: dict[str, Any]) -> None:
    done = report(ASKS, **fields)
    assert (done.status, done.arrived) == (0, [])
    # the modem tries again: a link that hears it search meanwhile waits for the whole time
    assert done.cause in ("registration_denied", "attach_timeout")
    assert not any(SECRET in line for line in done.device.log)


WRONG = {
    "_APN_PASSWORD": {"_APN_PASSWORD": SECRET},
    "_APN_USER and _APN_PASSWORD": {"_APN_USER": "u" * 60, "_APN_PASSWORD": "p" * 60},
    "_APN_AUTH": {**USER, "_APN_AUTH": "none"},
    "_PLMN": {"_PLMN": "0010x"},
    "_PLMN = '0010'": {"_PLMN": "0010"},
}


@pytest.mark.parametrize("names", WRONG)
@pytest.mark.lte_link("the other has longer lines")
def test_wrong_fields_are_named_without_their_secret(make_device: MakeDevice, names: str) -> None:
    [problems, raised] = make_device().run(
        """
        from networking import nbiot
        cfg = configured(**given())
        show(nbiot.problems(cfg))
        try:
            nbiot.connect(cfg)
            show("")
        except ValueError as error:
            show(str(error))
        """,
        WRONG[names],
    )
    [text] = problems
    assert names in text and "allowed" in text and text in raised
    assert SECRET not in text and "ppp" not in text


# The operator


def test_the_operator_of_plmn_is_the_one(report: Callable[..., Report]) -> None:
    done = report(lag(1000), _PLMN="00101")
    assert (done.cause, done.arrived) == ("attached", [b"hello"])
    assert 'AT+COPS=1,2,"00101"' in done.device.commands


def test_another_operator_than_that_of_plmn_is_not_used(report: Callable[..., Report]) -> None:
    done = report(lag(0), _PLMN="99999", _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=80)
    assert (done.status, done.cause, done.arrived) == (0, "attach_timeout", [])


def test_without_plmn_an_earlier_choice_is_undone(report: Callable[..., Report]) -> None:
    done = report({"modem": {"operator": "99999"}, **lag(0)})
    assert (done.cause, done.arrived) == ("attached", [b"hello"])
    assert done.attachment_ms < 30_000


# The card


def test_a_card_that_is_still_read_is_waited_for(report: Callable[..., Report]) -> None:
    done = report({"modem": {"start": "boot"}, "sim": {"ready_ms": 8000}, **lag(0)})
    assert (done.cause, done.arrived) == ("attached", [b"hello"])
    assert done.device.modem.nv.cmee == 0  # as it was found


def test_a_card_that_never_gets_ready_is_given_up(report: Callable[..., Report]) -> None:
    """20 s, stated as busy; with a bare ERROR 3.5 s."""
    slow = {"modem": {"start": "boot"}, "sim": {"ready_ms": 60_000}}
    unstated = [{"point": "command", "match": "AT+CMEE=1", "do": "error"}]
    for faults, most_ms in (([], 19_000), (unstated, 6000)):
        done = report({**slow, "fault": faults})
        assert (done.status, done.cause) == (-1, "sim_missing")
        assert dict(map(tuple, done.last["phases"]))["prepare"] < most_ms


# A modem that still detaches


def test_a_modem_that_still_detaches_is_no_mute_one(make_device: MakeDevice) -> None:
    device = make_device({"radio": {**RADIO, "detach_ms": 50_000}, **lag(0)})
    off, last = device.run(
        """
        from networking import nbiot
        cfg = configured(_IP_VERSION="IP")
        nbiot.connect(cfg, False)
        show(nbiot.deactivate()[0])
        nbiot.connect(cfg, False)
        show(outcome())
        nbiot.deactivate()
        """
    )
    assert off is False  # that is what was confirmed
    assert (last["status"], last["cause"]) == (1, "attached")
