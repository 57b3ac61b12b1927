"""How remoteio's server of today (2025) gets a command to its pin, without gpiozero: `python3 polling_server.py` prints its port and serves.

A process for each connection, and one for each device, which looks every 5 ms whether there is something in its queue; the connection's process looks
all the time whether there is an answer in the pipe, beside a timer. A request is a line `IDENT TYPE COMMAND `, and its answer `!C` or `!E`.
Instead of a device there is a variable, which is faster than any.
"""

import multiprocessing
import socket
import threading
import time

POLL_S = 0.005
PATIENCE_S = 2.0


def device(queue, ended, pipe):
    level = 0
    while True:
        while queue.empty():
            if ended.is_set():
                return
            time.sleep(POLL_S)
        level = 1 if queue.get() == "on" else 0
        pipe.send("!E" if level in (0, 1) else "?E")


def connection(peer):
    devices = {}
    text = ""
    while received := peer.recv(1024):
        text += received.decode()
        while "\n" in text:
            line, text = text.split("\n", 1)
            ident, _, command = line.split(" ")[:3]
            peer.sendall((create(devices, ident) if command == "_create" else perform(devices[ident], command)).encode())
    for _, ended, _ in devices.values():
        ended.set()


def create(devices, ident):
    queue, ended = multiprocessing.Queue(maxsize=1024), multiprocessing.Event()
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=device, args=(queue, ended, theirs)).start()
    devices[ident] = queue, ended, ours
    return "!C"


def perform(the_device, command):
    queue, _, pipe = the_device
    queue.put(command)
    timer = threading.Timer(PATIENCE_S, lambda: None)
    timer.start()
    while not pipe.poll():
        if not timer.is_alive():
            return "??"
    timer.cancel()
    return pipe.recv()


def main():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        while True:
            peer, _ = listening.accept()
            multiprocessing.Process(target=connection, args=(peer,)).start()
            peer.close()


if __name__ == "__main__":
    main()
