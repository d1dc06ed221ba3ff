"""PDP contexts and their PDN connections: definitions in NV, addresses while they are active.

The network offers some PDN types and, if the scenario says so, some access points only. What it
refuses for the first context it refuses together with the attach (3GPP TS 24.301 5.5.1.2).
Addresses come from documentation and private ranges and change with every activation.
"""

from __future__ import annotations

import ipaddress

from emulator.modem.engine import CmeError
from emulator.modem.nv import Context, Nv
from emulator.network.options import NetworkOptions

CIDS = range(1, 9)
TYPES = ("IP", "IPV6", "IPV4V6")
FAMILIES = {"IP": ("IP",), "IPV6": ("IPV6",), "IPV4V6": ("IP", "IPV6")}
FIRST_BEARER = 5

ESM_TYPE_CME = 134  # the network does not offer this PDN type, 24.301 9.9.4.4 causes 50 and 51
ESM_APN_CME = 133  # missing or unknown APN, cause 27
ESM_USER_CME = 149  # user authentication failed, cause 29


class Pdn:
    def __init__(self, nv: Nv, network: NetworkOptions) -> None:
        self._nv = nv
        self._network = network
        self._count = 0
        self.active: dict[int, dict[str, str]] = {}

    @property
    def contexts(self) -> dict[int, Context]:
        return self._nv.contexts

    @property
    def attach_cid(self) -> int:
        """The context that comes up with the attach: the first one defined, 1 without any."""
        return min(self.contexts, default=1)

    def refusal(self, cid: int) -> int | None:
        """The CME code with which this context cannot come up here, or None."""
        apn = self.short_apn(cid)
        if self._network.apns and apn not in self._network.apns:
            return ESM_APN_CME
        wanted = (self._network.apn_user, self._network.apn_password)
        if wanted[0] and self._nv.auth.get(cid, (0, "", ""))[1:] != wanted:
            return ESM_USER_CME
        return None if self._families(cid) else ESM_TYPE_CME

    def activate(self, cid: int) -> None:
        code = self.refusal(cid)
        if code is not None:
            raise CmeError(code)
        if cid in self.active:
            return
        self._count += 1
        number = 16 + self._count % 200
        addresses = {}
        for family in self._families(cid):
            if family == "IP":
                addresses[family] = f"{self._network.ipv4_prefix}{number}"
            else:
                text = f"{self._network.ipv6_prefix}{number:x}::1"
                addresses[family] = str(ipaddress.IPv6Address(text))
        self.active[cid] = addresses

    def renew(self) -> None:
        """The network has given other addresses meanwhile."""
        for cid in list(self.active):
            self.deactivate(cid)
            self.activate(cid)

    def deactivate(self, cid: int) -> None:
        self.active.pop(cid, None)

    def addresses(self, cid: int) -> dict[str, str]:
        return dict(self.active.get(cid, {}))

    def bearer(self, cid: int) -> int:
        return FIRST_BEARER + sorted(self.active).index(cid)

    def short_apn(self, cid: int) -> str:
        return self.contexts.get(cid, Context()).apn or self._network.default_apn

    def full_apn(self, cid: int) -> str:
        """The name with the operator identifier (3GPP TS 23.003 9.1.2)."""
        plmn = self._network.plmn
        return f"{self.short_apn(cid)}.mnc{plmn[3:]:0>3}.mcc{plmn[:3]}.gprs"

    def _families(self, cid: int) -> list[str]:
        wanted = FAMILIES[self.contexts.get(cid, Context()).type]
        offered = {family for pdp_type in self._network.pdn_types for family in FAMILIES[pdp_type]}
        if "IPV4V6" not in self._network.pdn_types and len(wanted) == 2 and len(offered) == 2:
            wanted = ("IP",)  # single-address operators give one of the two, cause 52
        return [family for family in wanted if family in offered]


def dotted(address: str, mask_bits: int | None = None) -> str:
    """An address as decimal numbers with dots, the mask behind it if asked (27.007 10.1.23)."""
    parsed = ipaddress.ip_address(address)
    numbers = list(parsed.packed)
    if mask_bits is not None:
        bits = 8 * len(numbers)
        mask = ((1 << mask_bits) - 1) << (bits - mask_bits)
        numbers += list(mask.to_bytes(len(numbers), "big"))
    return ".".join(str(number) for number in numbers)


def colons(address: str, mask_bits: int | None, zeros: bool, compress: bool, slash: bool) -> str:
    """An IPv6 address as +CGPIAF wants it: colons, leading zeros, "::", mask as /n."""
    parsed = ipaddress.IPv6Address(address)
    shown = _groups(parsed, zeros, compress)
    if mask_bits is None:
        return shown
    if slash:
        return f"{shown}/{mask_bits}"
    mask = ipaddress.IPv6Address(((1 << mask_bits) - 1) << (128 - mask_bits))
    return shown + " " + _groups(mask, zeros, compress)


def _groups(address: ipaddress.IPv6Address, zeros: bool, compress: bool) -> str:
    if compress and not zeros:
        return address.compressed.upper()
    full = address.exploded.upper().split(":")
    return ":".join(full if zeros else [group.lstrip("0") or "0" for group in full])
