"""networking.nbiot as documented: names, arguments, defaults, results, and what is refused.

Expected values are those of the documentation of the nbiot module.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from devkit.servers.udp import UdpServer
from tests.device import Device

pytestmark = [pytest.mark.both_runtimes, pytest.mark.both_links(every=3)]

MakeDevice = Callable[..., Device]
FIELDS = (
    "status", "activation_duration", "attachment_duration", "connection_duration", "rssi", "rsrp",
    "rsrq",
)  # fmt: skip


def test_macros(make_device: MakeDevice) -> None:
    [macros] = make_device().run(
        """
        from networking import nbiot
        show([nbiot.NBIOT_DETTACHED, nbiot.NBIOT_MODEM_ACTIVATED, nbiot.NBIOT_ATTACHED,
              nbiot.NBIOT_CONNECTED])
        """
    )
    assert macros == [-1, 0, 1, 2]


@pytest.mark.lte_link("data state")
def test_connect_brings_up_data_state_unless_told_otherwise(make_device: MakeDevice) -> None:
    for call, status in (
        ("nbiot.connect(configured())", 2),
        ("nbiot.connect(cfg=configured(), dataStateOn=True)", 2),
        ("nbiot.connect(cfg=configured(), dataStateOn=False)", 1),
        ("nbiot.connect(configured(), False)", 1),
    ):
        [result] = make_device().run(f"from networking import nbiot\nshow({call})")
        assert result[0] == status, call


@pytest.mark.lte_link("data state")
def test_connect_returns_a_named_tuple_in_the_documented_order(make_device: MakeDevice) -> None:
    as_tuple, by_name, unpacked = make_device().run(
        """
        from networking import nbiot
        result = nbiot.connect(configured())
        assert isinstance(result, tuple)
        show(result)
        show([getattr(result, name) for name in given()])
        status, *rest = result
        show(rest)
        """,
        FIELDS,
    )
    assert as_tuple == by_name == [2, *unpacked]
    assert len(as_tuple) == len(FIELDS)
    status, activation, attachment, connection, rssi, rsrp, rsrq = as_tuple
    # ms, dBm and dB of the good cell: none of them could be taken for another
    assert 50 < activation < 1000 < attachment < 60_000
    assert 500 < connection < 30_000
    assert -85 <= rssi <= -60 and rsrp < rssi and -20 <= rsrq <= -5


def test_deactivate_returns_status_and_duration(make_device: MakeDevice) -> None:
    device = make_device()
    as_tuple, by_name, took_ms = device.run(
        """
        import utime
        from networking import nbiot
        nbiot.connect(configured(), False)
        start_us = utime.ticks_cpu()
        result = nbiot.deactivate()
        show(result)
        show([result.deactivation_status, result.deactivation_duration])
        show((utime.ticks_cpu() - start_us) // 1000)
        """
    )
    assert as_tuple == by_name
    assert as_tuple[0] is True
    assert abs(as_tuple[1] - took_ms) <= 2


def test_send_at_command_takes_max_tries_by_name_and_defaults_to_one(
    make_device: MakeDevice,
) -> None:
    device = make_device()
    shown = device.run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(nbiot.sendAtCommand("AT+BAD"))
        show(nbiot.sendAtCommand(command="AT+BAD", max_tries=3))
        """
    )
    assert shown == [["ERROR", False]] * 2
    assert device.commands.count("AT+BAD") == 1 + 3


# what is wrong, and words that must be in the message
GOOD: dict[str, object] = {}
WRONG_SETTINGS = {
    "APN missing": ({"_APN": None}, ["_APN", "missing", "99"]),
    "APN no text": ({"_APN": 5}, ["_APN", "5", "99"]),
    "APN bytes": ({"_APN": b"iot"}, ["_APN", "iot", "99"]),
    "APN too long": ({"_APN": "a" * 100}, ["_APN", "99"]),
    "APN with a quote": ({"_APN": 'iot","x'}, ["_APN", 'no "']),
    "APN with CR": ({"_APN": "iot\rAT+CFUN=0"}, ["_APN", "printable"]),
    "APN with LF": ({"_APN": "iot\n"}, ["_APN"]),
    "APN with NUL": ({"_APN": "iot\0"}, ["_APN"]),
    "APN with Ctrl-Z": ({"_APN": "iot\x1a"}, ["_APN"]),
    "APN beyond ASCII": ({"_APN": "iöt"}, ["_APN"]),
    "IP version missing": ({"_IP_VERSION": None}, ["_IP_VERSION", "missing", "IPV4V6"]),
    "IP version unknown": ({"_IP_VERSION": "IPV4"}, ["_IP_VERSION", "'IPV4'", "IPV4V6"]),
    "IP version in small letters": ({"_IP_VERSION": "ipv6"}, ["_IP_VERSION", "'ipv6'", "'IPV6'"]),
    "IP version no text": ({"_IP_VERSION": 6}, ["_IP_VERSION", "6"]),
    "attachment time missing": (
        {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": None},
        ["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC", "missing", "1 to"],
    ),
    "attachment time zero": (
        {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": 0},
        ["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 0", "1 to"],
    ),
    "attachment time negative": (
        {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": -5},
        ["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = -5"],
    ),
    "attachment time text": (
        {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": "60"},
        ["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = '60'"],
    ),
    "attachment time flag": (
        {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": True},
        ["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = True"],
    ),
    "attachment time float": (
        {"_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": 1.5},
        ["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 1.5"],
    ),
    "connection time missing": (
        {"_MAX_CONNECTION_ATTEMPT_TIME_SEC": None},
        ["_MAX_CONNECTION_ATTEMPT_TIME_SEC", "missing"],
    ),
    "connection time out of range": (
        {"_MAX_CONNECTION_ATTEMPT_TIME_SEC": 100000},
        ["_MAX_CONNECTION_ATTEMPT_TIME_SEC = 100000"],
    ),
    "band zero": ({"_BAND": 0}, ["_BAND = 0"]),
    "band text": ({"_BAND": "20"}, ["_BAND = '20'"]),
    "bands empty": ({"_BAND": []}, ["_BAND = []"]),
    "one of the bands": ({"_BAND": [20, "8"]}, ["_BAND = [20, '8']"]),
    "context zero": ({"_CID": 0}, ["_CID = 0", "1 to 8"]),
    "context flag": ({"_CID": True}, ["_CID = True"]),
    "everything": (
        {"_APN": 1, "_IP_VERSION": "X", "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": None,
         "_MAX_CONNECTION_ATTEMPT_TIME_SEC": 0, "_BAND": -1, "_CID": 9},
        ["_APN = 1", "_IP_VERSION = 'X'", "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC is missing",
         "_MAX_CONNECTION_ATTEMPT_TIME_SEC = 0", "_BAND = -1", "_CID = 9"],
    ),
}  # fmt: skip


@pytest.mark.cpython
@pytest.mark.lte_link("refused before there is a link")
@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_wrong_configuration_is_refused_before_the_modem_is_touched(
    make_device: MakeDevice, name: str
) -> None:
    settings, words = WRONG_SETTINGS[name]
    left_out = [key for key, value in settings.items() if value is None]
    device = make_device(modem_on_boot=False)
    raised, deactivated = device.run(
        """
        from networking import nbiot
        settings, left_out = given()
        for key in left_out:
            settings[key] = None
        show(raised(nbiot.connect, configured(**settings)))
        show(nbiot.deactivate())
        """,
        [settings, left_out],
    )
    assert raised[0] == "ValueError"
    missing = [word for word in words if word not in raised[1]]
    assert not missing, raised[1]
    # names of the fields that are right are not in the way
    for field in ("_APN", "_IP_VERSION", "_BAND", "_CID"):
        assert field in settings or field not in raised[1]
    assert device.commands == []
    assert deactivated[0] is True and deactivated[1] <= 1  # ms: nothing was on


def test_connection_time_is_needed_for_data_state_only(make_device: MakeDevice) -> None:
    [result] = make_device().run(
        """
        from networking import nbiot
        cfg = configured(_MAX_CONNECTION_ATTEMPT_TIME_SEC=None)
        show(nbiot.connect(cfg, dataStateOn=False))
        """
    )
    assert result[0] == 1


@pytest.mark.parametrize(
    "bands, expected",
    [(None, []), (20, [20]), ([8, 20], [8, 20]), ((3, 8, 20, 28), [3, 8, 20, 28])],
    ids=str,
)
def test_bands(make_device: MakeDevice, bands: object, expected: list[int]) -> None:
    device = make_device()
    before = list(device.modem.nv.bands)
    [status] = device.run(
        """
        from networking import nbiot
        show(nbiot.connect(configured(_BAND=given()), False).status)
        """,
        bands,
    )
    assert status == 1
    assert device.modem.nv.bands == (expected or before)
    added = [line for line in device.commands if "addScanBand" in line]
    assert added == [f'AT!="RRC::addScanBand band={band}"' for band in expected]


def test_the_modem_gets_a_second_to_clear_its_bands(make_device: MakeDevice) -> None:
    """As the firmware's own attach() gives it."""
    device = make_device()
    device.run("from networking import nbiot\nnbiot.connect(configured(_BAND=20), False)")
    at_us = {
        word: entry.at_us
        for entry in device.board.trace.of("at>")
        for word in ("clearscanconfig", "addScanBand")
        if word in entry.text
    }
    assert at_us["addScanBand"] - at_us["clearscanconfig"] >= 1_000_000


def test_a_band_without_the_cell_finds_nothing(make_device: MakeDevice) -> None:
    """It is really the modem's list that is set."""
    [result] = make_device().run(
        """
        from networking import nbiot
        settings = configured(_BAND=8, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=20)
        nbiot.connect(settings, False)
        show(outcome()["cause"])
        """
    )
    assert result == "attach_timeout"


@pytest.mark.parametrize("cid", (1, 3))
@pytest.mark.parametrize("kind", ("IP", "IPV6", "IPV4V6"))
def test_context_is_defined_as_configured(make_device: MakeDevice, kind: str, cid: int) -> None:
    device = make_device()
    device.run(
        """
        from networking import nbiot
        kind, cid = given()
        nbiot.connect(configured(_IP_VERSION=kind, _CID=cid, _APN="a.b-c"), False)
        """,
        [kind, cid],
    )
    assert f'AT+CGDCONT={cid},"{kind}","a.b-c"' in device.commands
    if cid == 1:
        families = {"IP": {"IP"}, "IPV6": {"IPV6"}, "IPV4V6": {"IP", "IPV6"}}[kind]
        assert set(device.modem.pdn_addresses(1)) == families


def test_an_empty_apn_leaves_the_choice_to_the_network(make_device: MakeDevice) -> None:
    [status] = make_device().run(
        "from networking import nbiot\nshow(nbiot.connect(configured(_APN=''), False).status)"
    )
    assert status == 1


def test_before_the_first_connect_nothing_is_claimed(make_device: MakeDevice) -> None:
    [last] = make_device().run("show(outcome())")
    assert (last["status"], last["cause"], list(last["phases"])) == (-1, "never_tried", [])


def test_outcome_costs_no_exchange(make_device: MakeDevice) -> None:
    device = make_device()
    [connected_us] = device.run(
        """
        import utime
        from networking import nbiot
        nbiot.connect(configured(), False)
        show(utime.ticks_cpu())
        outcome()
        """
    )
    assert [entry for entry in device.board.trace.of("at>") if entry.at_us > connected_us] == []


@pytest.mark.lte_link("the line limit of this firmware")
def test_a_host_has_the_room_of_a_line(make_device: MakeDevice) -> None:
    fits, refused = make_device(modem_on_boot=False).run(
        """
        from networking import nbiot
        for length in (91, 92):
            show(nbiot.problems(configured(_HOST="a" * length)))
        """
    )
    assert fits == []
    assert len(refused) == 1 and refused[0].startswith("_HOST = 'aaa") and "91" in refused[0]


# the uniform face of a bearer, networking/__init__.py


def test_bearer_face(make_device: MakeDevice, link: str) -> None:
    shown = make_device().run(
        """
        from networking import nbiot
        show(nbiot.problems(configured()))
        show(len(nbiot.problems(configured(_APN=1, _IP_VERSION=2))))
        show(nbiot.metrics())
        show(nbiot.carries(configured(_IP_VERSION="IPV6")))
        show(nbiot.carries(configured(_IP_VERSION="IP")))
        show(nbiot.up(configured(_MAX_CONNECTION_ATTEMPT_TIME_SEC=None), "datagram"))
        show(outcome()["cause"])
        show(nbiot.datagram_limit())
        show(sorted(nbiot.metrics()))
        show(nbiot.down())
        show(nbiot.down())
        """
    )
    streams = ["stream"] if link == "lte" else []
    assert shown[:5] == [[], 2, [], ["message", "datagram"], ["message", "datagram", *streams]]
    assert shown[5:8] == [True, "attached", {"lte": 124, "uart": 1500}[link]]
    for name, mantissa, exponent, unit in shown[8]:
        value = mantissa * 10**exponent
        low, high = {"rp": (-140, -44), "rq": (-20, -3)}[name]
        assert low <= value <= high and unit is None
    assert {record[0] for record in shown[8]} == {"rp", "rq"}
    assert shown[9:] == [True, True]


def test_bearer_up_fails_without_an_exception(make_device: MakeDevice) -> None:
    shown = make_device("no_sim").run(
        """
        from networking import nbiot
        show(nbiot.up(configured(), "message"))
        show(outcome()["cause"])
        show(nbiot.metrics())
        show(nbiot.down())
        """
    )
    assert shown == [False, "sim_missing", [], True]


KINDS = {  # kind of transport -> (configuration, cause of the bearer)
    "message": ({"_IP_VERSION": "IPV6"}, "attached"),
    "datagram": ({"_IP_VERSION": "IP"}, "attached"),
    "stream": ({"_IP_VERSION": "IP"}, "connected"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_transport_reaches_a_server(make_device: MakeDevice, kind: str) -> None:
    settings, cause = KINDS[kind]
    host = "2001:db8::1" if settings["_IP_VERSION"] == "IPV6" else "192.0.2.1"
    with UdpServer() as udp, socket.create_server(("127.0.0.1", 0)) as tcp:
        port = tcp.getsockname()[1] if kind == "stream" else udp.port
        end = f"[{host}]" if ":" in host else host
        device = make_device(routes=[f"{end}:5683=127.0.0.1:{port}"])
        shown = device.run(
            """
            from networking import nbiot
            settings, kind, address = given()
            show(nbiot.up(configured(**settings), kind))
            show(outcome()["cause"])
            transport = nbiot.transport(kind)
            if kind == "stream":
                transport.connect(tuple(address))
                show(transport.send(b"hello"))
            else:
                show(transport.sendto(b"hello", tuple(address)))
            transport.close()
            show(nbiot.down())
            """,
            [settings, kind, [host, 5683]],
        )
        assert shown == [True, cause, 5, True]
        if kind == "stream":
            connection, _ = tcp.accept()
            with connection:
                assert connection.recv(10) == b"hello"
        else:
            assert udp.wait_for(1) and udp.received[0].data == b"hello"


@pytest.mark.lte_link("data state")
def test_without_an_ipv4_address_there_is_no_stream(make_device: MakeDevice) -> None:
    shown = make_device("ipv6_only").run(
        """
        from networking import nbiot
        show(nbiot.up(configured(_IP_VERSION="IPV4V6"), "stream"))
        show(outcome()["cause"])
        show(nbiot.down())
        """
    )
    assert shown == [False, "address_family", True]


def test_stop_switches_off_what_an_earlier_program_left_running(make_device: MakeDevice) -> None:
    device = make_device()
    device.run("from networking import nbiot\nnbiot.connect(configured(), False)")
    assert device.modem.cfun == 1
    [stopped] = device.run("from networking import nbiot\nshow(nbiot.stop())")
    assert stopped is True
    assert device.modem_rests()


def test_a_link_without_data_state_attaches_and_says_so(make_device: MakeDevice) -> None:
    status, cause, kinds = make_device().run(
        """
        from networking import _nbiot_lte, nbiot
        _nbiot_lte.Link.has_data_state = False
        show(nbiot.connect(configured()).status)
        show(nbiot.last_outcome().cause)
        show(nbiot.carries(configured()))
        """
    )
    assert (status, cause, kinds) == (1, "no_data_state", ["message", "datagram"])


def test_an_outcome_cannot_be_changed_and_stays_as_it_was(make_device: MakeDevice) -> None:
    kinds, refused, before, after = make_device().run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        first = nbiot.last_outcome()
        show([isinstance(part, tuple) for part in
              (first, first.phases, first.phases[0], first.durations, first.levels)])
        try:
            first.cause = "other"
            show(False)
        except AttributeError:
            show(True)
        show(first.cause)
        nbiot.deactivate()
        show(nbiot.last_outcome() == first)
        """
    )
    assert kinds == [True] * 5
    assert (refused, before, after) == (True, "attached", True)


def test_a_missing_file_of_ours_is_no_board_without_a_modem(make_device: MakeDevice) -> None:
    device = make_device()
    (device.flash / "networking/_nbiot_clock.py").unlink()
    program = """
    from networking import nbiot
    nbiot.expect_time()
    nbiot.connect(configured(), False)
    show([outcome()["cause"], nbiot.back_off()])
    nbiot.deactivate()
    """
    assert device.run(program) == [["modem_error", "temporary"]]
    assert "_nbiot_clock" in device.output
    assert device.modem_rests()
