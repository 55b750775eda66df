"""The one network interface of a sandbox."""

import fcntl
import socket
import struct

# <linux/sockios.h>, <linux/if.h>
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def bring_up() -> None:
    """Bring `lo` up in the network namespace of the caller, which needs CAP_NET_ADMIN over it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
