"""Which IP addresses may be connected to: T-SSRF, addresses."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from answerable.adapters.sources.addresses import carried, refusal

CLOSED = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0",  # noqa: S104
    "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.254", "192.168.1.1", "100.64.0.1", "100.127.255.255", "169.254.169.254",
    "169.254.1.1", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:0:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254", "64:ff9b:1::1", "2002:7f00:1::", "2002:0a00:0001::1",
    "2002:0808:0808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1",
    "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1",
    "100::1", "5f00::1", "2600::5efe:10.0.0.1", "2600::200:5efe:127.0.0.1",
]  # fmt: skip
OPEN = [
    "1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1",
    "192.167.1.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_closed_by_default(address: str) -> None:
    """Nothing that is private, this machine's, reserved or a cloud's secret is connected to."""
    assert refusal(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_public_is_open(address: str) -> None:
    """Public addresses are connected to, their neighbours and disguises included."""
    assert refusal(ip_address(address)) == ""


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("127.0.0.1", True),
        ("10.0.0.1", True),
        ("100.64.0.1", True),
        ("::1", True),
        ("fd12::1", True),
        ("::ffff:10.0.0.1", True),
        ("169.254.1.1", False),
        ("169.254.169.254", False),
        ("100.100.100.200", False),
        ("fd00:ec2::254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
    ],
)
def test_host_allowed_by_name(address: str, *, is_open: bool) -> None:
    """A host the operator names may be private, and still gives out no secrets of a cloud."""
    assert (refusal(ip_address(address), is_named=True) == "") is is_open


@pytest.mark.parametrize(
    ("address", "network", "is_open"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("169.254.1.1", "169.254.0.0/16", True),
        ("169.254.169.254", "169.254.0.0/16", False),
        ("169.254.169.254", "169.254.169.254/32", True),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("64:ff9b::10.1.2.3", "10.1.0.0/16", True),
        ("fd00:ec2::254", "fd00::/8", False),
        ("fd12::1", "fd00::/8", True),
        ("::1", "127.0.0.0/8", False),
        ("224.0.0.1", "0.0.0.0/0", False),
        ("255.255.255.255", "0.0.0.0/0", False),
    ],
)
def test_networks(address: str, network: str, *, is_open: bool) -> None:
    """A network the operator allows is open; a wide one does not open what gives out secrets."""
    assert (refusal(ip_address(address), networks=[ip_network(network)]) == "") is is_open


def test_carried() -> None:
    """An IPv4 address is found in whatever it hides in, and nowhere else."""
    for text in ("::ffff:1.2.3.4", "64:ff9b::1.2.3.4", "2002:0102:0304::9", "::1.2.3.4"):
        address = ip_address(text)
        assert address.version == 6
        assert str(carried(address)) == "1.2.3.4"
    for text in ("::", "::1", "2606:4700::1"):
        address = ip_address(text)
        assert address.version == 6
        assert carried(address) is None
