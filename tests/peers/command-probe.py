#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the kind `command` that tries to get through its walls. Prints one line for each attempt to stderr: ATTEMPT: "ok" or the
errno's name.

    command-probe.py ATTEMPT...

    read:PATH        reads from a file, or lists a folder      open:PATH     opens a device for reading and writing
    create:PATH      makes a file                              exec:PATH     executes a program
    tcp:PORT         connects to a port of this host           bind:PORT     binds one
    udp              makes a UDP socket                        unix:PATH     connects to a Unix socket
    abstract         makes an abstract Unix socket             signal:PID    sends signal 0
    ptrace:PID       attaches to a process                     limit:PID     reads its limits by prlimit()
    nice:PID         changes its priority                      memory:PID    reads from its memory
    code             maps memory to write to and to execute    protect       makes written memory executable
    nameless         makes a file without a name (memfd)       namespace     enters a new namespace
    keyring          adds a key                                mount         mounts a file system
"""
import ctypes
import errno
import mmap
import os
import socket
import sys

LIBC = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "")
    return result


def execute(path):
    report, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            null = os.open("/dev/null", os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            os.execv(path, [path])
        except OSError as error:
            os.write(into, bytes([error.errno]))
        os._exit(1)
    os.close(into)
    failed = os.read(report, 1)
    os.waitpid(child, 0)
    if failed:
        raise OSError(failed[0], "")


def connected(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(2)
        one.connect(address)


def attempt(what, where):
    pid = int(where) if where.isdigit() else 0
    if what == "read" and os.path.isdir(where):
        os.listdir(where)
    elif what == "read":
        os.read(os.open(where, os.O_RDONLY), 1)
    elif what == "open":
        os.open(where, os.O_RDWR | os.O_NOCTTY)
    elif what == "create":
        os.unlink(where) if os.close(os.open(where, os.O_WRONLY | os.O_CREAT, 0o600)) is None else None
    elif what == "exec":
        execute(where)
    elif what == "tcp":
        connected(socket.AF_INET, ("127.0.0.1", pid))
    elif what == "bind":
        with socket.socket() as one:
            one.bind(("127.0.0.1", pid))
    elif what == "udp":
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    elif what == "unix":
        connected(socket.AF_UNIX, where)
    elif what == "abstract":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.bind(f"\0command-probe-{os.getpid()}")
    elif what == "signal":
        os.kill(pid, 0)
    elif what == "ptrace":
        called(LIBC.ptrace(0x4206, pid, 0, 0))  # PTRACE_SEIZE, which does not stop it
    elif what == "limit":
        called(LIBC.prlimit(pid, 7, None, ctypes.create_string_buffer(16)))
    elif what == "nice":
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid))
    elif what == "memory":
        os.read(os.open(f"/proc/{pid}/environ", os.O_RDONLY), 1)
    elif what == "code":
        mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    elif what == "protect":
        LIBC.mmap.restype = ctypes.c_void_p
        memory = called(LIBC.mmap(None, ctypes.c_size_t(4096), 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, ctypes.c_long(0)))
        called(LIBC.mprotect(ctypes.c_void_p(memory), ctypes.c_size_t(4096), 5))
    elif what == "nameless":
        os.close(os.memfd_create("probe"))
    elif what == "namespace":
        called(LIBC.unshare(0x04000000))  # CLONE_NEWUTS
    elif what == "keyring":
        called(LIBC.syscall({"aarch64": 217}.get(os.uname().machine, 248), b"user", b"probe", b"x", ctypes.c_size_t(1), -1))  # add_key, to the thread's own
    elif what == "mount":
        called(LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None))
        LIBC.umount(b"/mnt")
    else:
        raise SystemExit(f"no such attempt: {what}")


def result(word):
    try:
        attempt(*(word.split(":", 1) + [""])[:2])
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


for word in sys.argv[1:]:
    print(f"{word}: {result(word)}", file=sys.stderr, flush=True)
