"""What the modem keeps without power: survives resets of the ESP32 and reboots of the modem.

The defaults are the factory's; a factory reset (AT&F, +SQNSFACTORYRESET) brings them back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.modem.options import ModemOptions


@dataclass
class Context:
    """+CGDCONT"""

    type: str = "IP"
    apn: str = ""


@dataclass
class Psm:
    """+CPSMS; T3412 of 3 minutes and T3324 of 1 minute: what units were found with."""

    mode: int = 0
    tau: str = "10100011"
    active: str = "00100001"


@dataclass
class Edrx:
    """+CEDRXS, +SQNEDRX"""

    mode: int = 0
    act: int = 5  # NB-S1
    value: str = "1111"
    ptw: str = "0000"


@dataclass
class Profile:
    """AT&W"""

    echo: bool = True
    quiet: bool = False
    verbose: bool = True


@dataclass
class Nv:
    cereg: int = 0
    creg: int = 0
    cgreg: int = 0
    cmee: int = 0
    ctzu: int = 0
    ctzr: int = 0
    contexts: dict[int, Context] = field(default_factory=lambda: {1: Context()})
    auth: dict[int, tuple[int, str, str]] = field(default_factory=dict)  # kind, user, password
    psm: Psm = field(default_factory=Psm)
    edrx: Edrx = field(default_factory=Edrx)
    operator: str = ""  # +COPS=1 in numbers; empty: automatic
    carrier: str = "standard"
    bands: list[int] = field(default_factory=lambda: [3, 8, 20])
    autostart: bool = False
    profile: Profile = field(default_factory=Profile)
    ibr: list[int] = field(default_factory=lambda: [0, 100])
    ips: list[int] = field(default_factory=lambda: [1, 5000])
    sqnpscfg: int = 5000
    ri: list[int] = field(default_factory=lambda: [0, 0, 1000])
    known_cell: bool = False
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def delivered(cls, options: ModemOptions, known_cell: bool) -> Nv:
        """As the unit is found: factory values and what was stored since."""
        return cls(
            cereg=options.cereg,
            creg=options.creg,
            cmee=options.cmee,
            ctzu=options.ctzu,
            contexts={1: Context(options.pdp_type, options.apn)},
            operator=options.operator,
            carrier=options.carrier,
            bands=list(options.bands),
            autostart=options.autostart,
            known_cell=known_cell,
            ips=[1, options.lpm_delay_ms],
        )

    def reset(self) -> None:
        """Back to what the factory gave; effective with the next restart."""
        vars(self).update(vars(Nv()))
