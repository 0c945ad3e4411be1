"""Ways out of a container: tried inside runs, where each must fail, and inside an open container, where each works.

Carried out with a dictionary `PLAN` of addresses and paths; leaves in `result` what each attempt came to.
"""

import ctypes
import json
import os
import socket
import stat

PLAN: dict = {}
libc = ctypes.CDLL(None, use_errno=True)
FAILED = "failed"
SEIZE = 0x4206
"""Attaches without stopping the process."""


def attempt(work, *arguments):
    try:
        return "worked" if work(*arguments) else FAILED
    except (OSError, ValueError):
        return FAILED


def call(name, *arguments):
    ctypes.set_errno(0)
    return getattr(libc, name)(*arguments) >= 0


def tcp(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.settimeout(0.4)
        try:
            trial.connect(socket.getaddrinfo(address, port, family)[0][4])
        except ConnectionRefusedError:  # by somebody, who has been reached
            return True
    return True


def answered(kind, protocol, address, message):
    with socket.socket(socket.AF_INET, kind, protocol) as trial:
        trial.settimeout(0.4)
        trial.sendto(message, address)
        return bool(trial.recv(100))


def ping(address):
    # An echo request with its checksum; kernels that allow it at all fill in the identifier.
    return answered(socket.SOCK_DGRAM, socket.IPPROTO_ICMP, (address, 0), b"\x08\x00\xf7\xff\x00\x00\x00\x00")


def opened(family, kind, protocol):
    socket.socket(family, kind, protocol).close()
    return True


def asks_engine(path):
    with socket.socket(socket.AF_UNIX) as trial:
        trial.connect(path)
        trial.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b"200" in trial.recv(100)


def reads(path):
    with open(path, "rb") as file:
        return bool(file.read(1))


def writes(path):
    with open(path, "r+b") as file:
        return bool(file.write(b"x"))


def may_write(path):
    os.close(os.open(path, os.O_WRONLY))
    return True


def makes_device(path):
    os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(8, 0))
    os.remove(path)
    return True


def attaches_to_others():
    mine = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    others = [pid for pid in range(1, 2000) if pid not in mine]
    return any(call("ptrace", SEIZE, pid, 0, 0) for pid in others)


def sees_others():
    names = [name for name in os.listdir("/proc") if name.isdigit()]
    return any(int(name) not in (os.getpid(), os.getppid()) for name in names)


def removes(path):
    os.rename(path, path + ".moved")
    os.rename(path + ".moved", path)
    return True


result = {f"tcp to {address} {port}": attempt(tcp, address, port) for address, port in PLAN["tcp"]}
for address in PLAN["here"]:
    result[f"udp to {address}"] = attempt(answered, socket.SOCK_DGRAM, 0, (address, PLAN["udp"]), b"hello")
    result[f"ping of {address}"] = attempt(ping, address)
result |= {
    "raw ICMP": attempt(opened, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw TCP": attempt(opened, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
    "packets": attempt(opened, socket.AF_PACKET, socket.SOCK_RAW, 0),
    "mount": attempt(call, "mount", b"none", b"/root", b"tmpfs", 0, b""),
    "mount anew": attempt(call, "mount", b"none", PLAN["mounted"].encode(), None, 0x20 | 0x1000, None),
    "chroot": attempt(call, "chroot", b"/"),
    "processes of others": attempt(sees_others),
    "ptrace of others": attempt(attaches_to_others),
    "a device": attempt(makes_device, PLAN["folder"] + "/device"),
    "the kernel's settings": attempt(may_write, "/proc/sys/kernel/core_pattern"),
    "the Docker socket": attempt(asks_engine, "/var/run/docker.sock"),
    "changing data": attempt(writes, PLAN["database"]),
    "removing data": attempt(removes, PLAN["database"]),
    **{f"the name {name}": attempt(socket.gethostbyname, name) for name in PLAN["names"]},
    **{f"reading {what}": attempt(reads, path) for what, path in PLAN["files"].items()},
}
if PLAN.get("prints"):
    print(json.dumps(result))
