"""Which IP addresses may be connected to. Pure: nothing is resolved and nothing is opened here.

The tables are written out, not taken from `ipaddress`, whose own idea of "private" and "global"
differs between patch releases of Python.

Source: IANA IPv4 and IPv6 special-purpose address registries; RFC 6052 (NAT64), RFC 3056 (6to4),
RFC 4380 (Teredo), RFC 5214 (ISATAP); the addresses clouds give secrets out at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Needs(Enum):
    """What it takes to be allowed to connect to an address that is not public."""

    NAME = 1
    """The operator allows the host by its name, or the network."""
    NETWORK = 2
    """The operator allows the network."""
    NEVER = 3
    """Nothing does."""


_SPECIAL: tuple[tuple[Network, str, Needs], ...] = tuple(
    (ip_network(network), what, needs)
    for network, what, needs in (
        ("0.0.0.0/8", "unspecified", Needs.NEVER),
        ("10.0.0.0/8", "private", Needs.NAME),
        ("100.64.0.0/10", "private to a carrier", Needs.NAME),
        ("127.0.0.0/8", "loopback", Needs.NAME),
        ("169.254.0.0/16", "link-local", Needs.NETWORK),
        ("172.16.0.0/12", "private", Needs.NAME),
        ("192.0.0.0/24", "reserved", Needs.NETWORK),
        ("192.0.2.0/24", "for documentation", Needs.NETWORK),
        ("192.88.99.0/24", "a tunnel", Needs.NETWORK),
        ("192.168.0.0/16", "private", Needs.NAME),
        ("198.18.0.0/15", "for benchmarks", Needs.NETWORK),
        ("198.51.100.0/24", "for documentation", Needs.NETWORK),
        ("203.0.113.0/24", "for documentation", Needs.NETWORK),
        ("224.0.0.0/4", "multicast", Needs.NEVER),
        ("240.0.0.0/4", "reserved", Needs.NEVER),
        ("::/128", "unspecified", Needs.NEVER),
        ("::1/128", "loopback", Needs.NAME),
        ("ff00::/8", "multicast", Needs.NEVER),
        ("fe80::/10", "link-local", Needs.NETWORK),
        ("fc00::/7", "private", Needs.NAME),
        ("2001:db8::/32", "for documentation", Needs.NETWORK),
        ("2001::/23", "reserved or a tunnel", Needs.NETWORK),
        ("2002::/16", "a tunnel", Needs.NETWORK),
        ("3fff::/20", "for documentation", Needs.NETWORK),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")

_METADATA = frozenset(
    ip_address(address)
    for address in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # tasks of Amazon ECS
        "169.254.170.23",  # pods of Amazon EKS
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure, a public address
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google Cloud
    )
)

# Where an IPv4 address stands inside an IPv6 one: the network, and how far it is from the end.
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_CARRIERS: tuple[tuple[IPv6Network, int], ...] = (
    (_MAPPED, 0),
    (_NAT64, 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
_TEREDO = IPv6Network("2001::/32")
_BITS_32 = 0xFFFF_FFFF


def refusal(address: Address, *, networks: Sequence[Network] = (), is_named: bool = False) -> str:
    """Return what an address is that may not be connected to, such as ``private``; else nothing.

    An IPv4 address inside an IPv6 one is judged as well, whichever way it is put there.

    Args:
        address: Where the connection would go.
        networks: What the operator allows. An address that gives out secrets is allowed only by
            a network that holds nothing else.
        is_named: Whether the operator allows the host by its name.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return "bound to an interface"
        inner = carried(address)
        if inner is not None:
            return _of_carrier(address, inner, networks=networks, is_named=is_named)
    return _refusal(address, networks, is_named=is_named)


def carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for or leads to."""
    number = int(address)
    if number in {0, 1}:
        return None
    for network, shift in _CARRIERS:
        if address in network:
            return IPv4Address(number >> shift & _BITS_32)
    if address in _TEREDO:
        return IPv4Address(number & _BITS_32 ^ _BITS_32)
    if number >> 32 & _BITS_32 in _ISATAP:
        return IPv4Address(number & _BITS_32)
    return None


def _of_carrier(
    outer: IPv6Address, inner: IPv4Address, *, networks: Sequence[Network], is_named: bool
) -> str:
    what = _refusal(inner, networks, is_named=is_named)
    if what or outer in _MAPPED or outer in _NAT64:
        return what
    return _refusal(outer, networks, is_named=is_named)


def _refusal(address: Address, networks: Sequence[Network], *, is_named: bool) -> str:
    what, needs = _kind(address)
    if not what or (is_named and needs is Needs.NAME):
        return ""
    if needs is not Needs.NEVER and _is_within(address, networks):
        return ""
    return what


def _kind(address: Address) -> tuple[str, Needs]:
    if address in _METADATA:
        return "one that gives out secrets of a cloud", Needs.NETWORK
    for network, what, needs in _SPECIAL:
        if address.version == network.version and address in network:
            return what, needs
    if isinstance(address, IPv6Address) and address not in _PUBLIC_6:
        return "not public", Needs.NETWORK
    return "", Needs.NAME


def _is_within(address: Address, networks: Iterable[Network]) -> bool:
    is_secret = address in _METADATA
    return any(
        address.version == network.version
        and address in network
        and (network.num_addresses == 1 or not is_secret)
        for network in networks
    )
