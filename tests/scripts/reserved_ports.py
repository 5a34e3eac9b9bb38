# SPDX-License-Identifier: Apache-2.0
"""Ports of loopback for programs that a test starts later."""
import socket


def reserve_ports(count):
    """Bound sockets that never listen, each with a port of its own. While they are open, what sets SO_REUSEADDR may
    listen at the ports, and neither bind() to port 0 nor connect() takes them."""
    made = [socket.socket() for _ in range(count)]
    for each in made:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    return made


def numbers_of(reserved):
    return [each.getsockname()[1] for each in reserved]
