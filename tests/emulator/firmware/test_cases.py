"""Small scripts with the output that a board gives, read in the source of Pycom firmware
1.20.2.r4 (the file and what it shows stand at the top of each; no board was used).

A difference that remains is in DIFFERS, with its reason; one that is gone fails there.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator
from emulator.scenario import from_table

CASES = Path(__file__).with_name("cases")
NAMES = sorted(path.stem for path in CASES.glob("*.py"))
FIELD = {"ssid": "field-ap", "password": "field-password"}
SERVER = ("192.0.2.20", 8883)

# What a board is like on which the script has this output
BOARDS: dict[str, dict[str, Any]] = {
    "bootmgr_values": {"board": {"filesystem": "fat"}},
    "pybytes_names": {"board": {"build": "base"}},
    "tls_connect_then_wrap": {"wifi": {"access_points": [FIELD]}},
    "tls_wrap_then_connect": {"wifi": {"access_points": [FIELD]}},
}
NOT_EMULATED = "Bluetooth is there by name only"
DIFFERS = {
    "bluetooth_scan": NOT_EMULATED,
    "bluetooth_server": NOT_EMULATED,
    "sd_card": "no card yet",
    "tls_arguments": "no TLS yet",
    "tls_connect_then_wrap": "no TLS yet",
    "tls_wrap_then_connect": "no TLS yet",
    "lora_region_stored": "the region of the board's config block is not emulated",
}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cert.pem and key.pem of localhost, and other_ca.pem that did not sign it."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, key in (("cert.pem", "key.pem"), ("other_ca.pem", "other_key.pem")):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
        command += ["-subj", "/CN=localhost", "-keyout", str(folder / key)]
        subprocess.run([*command, "-out", str(folder / name)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def tls_echo(certificates: Path) -> Iterator[int]:
    """Port of a TLS server on this computer that sends back what it gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # what mbedTLS 2.16 speaks
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")

    def serve(peer: socket.socket) -> None:
        try:
            with context.wrap_socket(peer, server_side=True) as secured:
                while data := secured.recv(1024):
                    secured.sendall(data)
        except OSError:
            peer.close()

    def accept(server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _case(name: str) -> Any:
    reason = DIFFERS.get(name)
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(name, marks=marks, id=name)


@pytest.mark.both_runtimes
@pytest.mark.parametrize("name", map(_case, NAMES))
def test_a_script_prints_what_it_prints_on_a_board(
    name: str, runtime: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    script = CASES / f"{name}.py"
    table = {section: dict(keys) for section, keys in BOARDS.get(name, {}).items()}
    routes = []
    if "connect" in name:
        port = request.getfixturevalue("tls_echo")
        for file in request.getfixturevalue("certificates").iterdir():
            shutil.copy(file, tmp_path)
        routes = [f"{SERVER[0]}:{SERVER[1]}=127.0.0.1:{port}"]
    if name == "sd_card":
        (tmp_path / "card").mkdir()
        table["board"] = {"sd": str(tmp_path / "card")}
    flash = tmp_path / "flash"
    flash.mkdir()
    for file in tmp_path.glob("*.pem"):
        file.rename(flash / file.name)
    printed: list[str] = []
    with Emulator(
        scenario=from_table(table),
        name="FiPy" if "--board FiPy" in script.read_text("utf-8") else "GPy",
        flash=flash,
        routes=routes,
        console=printed.append,
        max_hours=1,
        vm=runtime,
    ) as emulator:
        emulator.run([str(script)])
    assert "".join(printed) == script.with_suffix(".out").read_text("utf-8")
