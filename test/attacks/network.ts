import { expect } from "vitest";
import type { Theme } from "./attack.js";

const nowhere = expect.stringMatching(
  /^E(NETUNREACH|HOSTUNREACH|CONNREFUSED|PERM|ACCES|ADDRNOTAVAIL|AFNOSUPPORT|INVAL|NODEV)$/,
) as string;

/** The host, its neighbours and the world, which no sandbox has a way to. */
export const network: Theme = {
  title: "network",
  attacks: [
    {
      name: "list interfaces",
      code: `
import socket
report([name for _, name in socket.if_nameindex()])`,
      reports: ["lo"],
    },
    {
      name: "connect to the gateway, on the loopback and on every address of the host",
      code: `
import socket
answers = set()
for address in ["127.0.0.1", *scene["host_addresses"]]:
    with socket.socket() as attacker:
        attacker.settimeout(5)
        answers.add(attempt(attacker.connect, (address, scene["gateway_port"])))
report(sorted(answers & {"done", "timed out"}))`,
      reports: [],
    },
    {
      name: "connect to metadata services and the internet",
      code: `
import socket
def dial(address, port, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as attacker:
        attacker.settimeout(5)
        return attempt(attacker.connect, (address, port))
report([dial("169.254.169.254", 80), dial("192.0.2.1", 443), dial("8.8.8.8", 53, kind=socket.SOCK_DGRAM),
        dial("10.0.0.1", 80), dial("172.17.0.1", 2375), dial("fd00:ec2::254", 80, socket.AF_INET6),
        dial("2001:db8::1", 80, socket.AF_INET6)])`,
      reports: Array(7).fill(nowhere),
    },
    {
      name: "speak to all on the link, by broadcast, multicast and link-local addresses",
      code: `
import socket
def say(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as attacker:
        attacker.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return attempt(attacker.sendto, b"?", (address, 5353))
report([say("255.255.255.255"), say("224.0.0.251"), say("ff02::1", socket.AF_INET6), say("fe80::1", socket.AF_INET6)])`,
      reports: Array(4).fill(nowhere),
    },
    {
      name: "resolve names",
      code: `
import socket
socket.setdefaulttimeout(5)
answers = []
for name in ("example.com", "metadata.google.internal", "host.docker.internal"):
    try: answers.append(socket.gethostbyname(name))
    except OSError: answers.append(None)
report(answers)`,
      timeoutS: 60,
      reports: [null, null, null],
    },
    {
      name: "connect to abstract sockets and ports of the host and of a neighbour",
      code: `
import socket
def dial(name):
    with socket.socket(socket.AF_UNIX) as attacker: return attempt(attacker.connect, name)
def port(number):
    with socket.socket() as attacker: return attempt(attacker.connect, ("127.0.0.1", number))
report([dial("\\0" + scene["host_socket"]), dial("\\0" + scene["mark"]), port(scene["neighbour_port"])])`,
      reports: ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"],
    },
    {
      name: "raise an interface, add a route and an address",
      code: `
import fcntl, socket, struct
SIOCSIFFLAGS, SIOCADDRT, SIOCSIFADDR = 0x8914, 0x890B, 0x8916
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
    request = struct.pack("16sH14s", b"lo", 0, b"")
    address = struct.pack("16sHH4s8x", b"lo", 2, 0, bytes([10, 0, 0, 1]))
    report([attempt(fcntl.ioctl, attacker, SIOCSIFFLAGS, request), attempt(fcntl.ioctl, attacker, SIOCADDRT, bytes(120)),
            attempt(fcntl.ioctl, attacker, SIOCSIFADDR, address)])`,
      reports: Array(3).fill(expect.stringMatching(/^E(PERM|NOTTY|INVAL)$/)),
    },
  ],
};
