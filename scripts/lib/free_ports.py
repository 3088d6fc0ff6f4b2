#!/usr/bin/env python3
"""free_ports.py COUNT: prints the first of COUNT consecutive TCP ports that nobody uses on 127.0.0.1.

Below 32768, where Linux begins to give ports to outgoing connections, so that none of those takes it before the server does.
"""
import random
import socket
import sys


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for _ in range(1000):
        first = random.randrange(20000, 32000)
        if all(is_free(first + i) for i in range(count)):
            print(first)
            return 0
    print("free_ports.py: no free port found", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
