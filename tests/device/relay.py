"""Joins what connects to a socket with a port of this process's network. A program of its own.

    python relay.py LISTENING_FD PORT

The socket may be of another network namespace: that of whoever made it.
"""

import contextlib
import socket
import sys
import threading

_CHUNK_BYTES = 1 << 18


def main() -> None:
    """Serve until killed."""
    listener, port = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            near.close()
            continue
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_pour, args=(source, sink), daemon=True).start()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    """Hand on all that comes; the end of one direction is the end of both."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main()
