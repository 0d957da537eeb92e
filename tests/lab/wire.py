#!/usr/bin/env python3
"""A long line: joins two new tun devices, with a rate, a queue before it, a delay, and packets lost by lot.

usage: wire.py IF1 IF2 DELAY_MS MBIT QUEUE_MS LOSS_PERCENT

Makes both devices in the namespace it runs in, prints `ready`, and carries IP packets both ways until its standard
input closes. A device can be moved to another namespace after that. Packets keep their order, as on a real line, and
each way is a line of its own. Every line read from standard input is answered by what was carried since the last one:
a JSON object with packets carried, lost by lot, dropped because the queue was full, and carried LATE or later.
"""
import collections
import fcntl
import gc
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
TICK = 0.0005  # seconds between two looks while packets are under way; waking for each packet would cost a core
LATE = 0.005  # seconds behind its time, because this program did not run
BATCH = 4096  # packets read from one device in a row


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Way:
    """One direction: what comes out of one device goes into the other, later."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.free = 0.0  # when the line has sent all that is queued
        self.under_way = collections.deque()

    def take(self, line, count):
        for _ in range(BATCH):
            try:
                packet = os.read(self.source, 65536)
            except OSError:
                return  # nothing more, or the device is not up yet
            now = time.monotonic()
            if random.random() < line.loss:
                count["lost"] += 1
                continue
            begin = max(self.free, now)
            if begin - now > line.queue:
                count["full"] += 1
                continue
            self.free = begin + len(packet) / line.rate
            self.under_way.append((self.free + line.delay, packet))

    def give(self, count):
        now = time.monotonic()
        while self.under_way and self.under_way[0][0] <= now:
            due, packet = self.under_way.popleft()
            try:
                os.write(self.sink, packet)
                count["carried"] += 1
                count["late"] += now - due > LATE
            except OSError:
                count["full"] += 1  # the device is down


class Line:
    def __init__(self, delay_ms, mbit, queue_ms, loss_percent):
        self.delay, self.queue, self.loss = delay_ms / 1000, queue_ms / 1000, loss_percent / 100
        self.rate = mbit * 1e6 / 8  # bytes a second


def zero():
    return {"carried": 0, "lost": 0, "full": 0, "late": 0}


def main():
    one, other = tun(sys.argv[1]), tun(sys.argv[2])
    line = Line(*map(float, sys.argv[3:7]))
    gc.disable()  # there is no garbage, and a look for it is a delay
    try:
        os.nice(-10)  # on a busy machine a late line would be measured, not the path
    except OSError:
        pass
    ways, count = (Way(one, other), Way(other, one)), zero()
    print("ready", flush=True)
    while True:
        if any(way.under_way for way in ways):
            time.sleep(TICK)
            ready = select.select([0], [], [], 0)[0]
        else:
            ready = select.select([0, one, other], [], [], 0.5)[0]
        if 0 in ready:
            if not os.read(0, 4096):
                return
            print(json.dumps(count), flush=True)
            count = zero()
        for way in ways:
            way.take(line, count)
            way.give(count)


if __name__ == "__main__":
    main()
