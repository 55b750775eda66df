"""Drives kerneld's Journal at random and compares what readers get with a list of all records.

Prints, as JSON, what was wrong and what has been tried. Expects a small tmpfs at /run/kerneld.
"""

import asyncio
import json
import os
import random
import shutil
import struct
from contextlib import suppress

from kerneld import journal as module
from kerneld import segment
from kerneld.frame import members
from kerneld.journal import Journal
from kerneld.reader import Filter, Reader

DIRECTORY = "/run/kerneld"
MEMORY_BYTES = 64 * 1024

module.MEMORY_BYTES = MEMORY_BYTES
module._SPILL_BYTES = 16 * 1024
segment._BLOCK_BYTES = 4 * 1024

problems = []
tried = {"records": 0, "readers": 0, "read": 0, "gaps": 0, "spills": 0, "lost_spills": 0}


class Client:
    """A reader whose connection takes what is written at once or when it feels like it."""

    def __init__(self, journal, model, chance):
        self.journal, self.model, self.chance = journal, model, chance
        self.slow = chance.random() < 0.6
        self.pending, self.buffer = None, b""
        self.after = chance.randint(0, journal.last_n + 3)
        run, kernel = chance.choice([(0, 0), (0, 0), (chance.randint(1, 5), 0), (0, chance.randint(1, 3))])
        first = next((n for n, record in model.items() if record[0] == run), journal.last_n + 1)
        self.wanted = Filter(run, kernel, first if run else 1)
        self.follow = chance.random() < 0.7
        self.until = journal.last_n
        self.next = self.after + 1
        self.over = False
        self.reader = Reader(journal, self.after, self.wanted, self.follow, self.write, self.finish)
        if self.follow:
            journal.follow(self.reader)
        self.reader.pump()
        tried["readers"] += 1

    def write(self, data):
        taken = asyncio.get_running_loop().create_future()
        self.take(data)
        if self.slow:
            self.pending = taken
        else:
            taken.set_result(None)
        return taken

    def resume(self):
        if self.pending is not None and not self.pending.done():
            self.pending.set_result(None)

    def finish(self):
        self.over = True

    def take(self, data):
        while data:
            length, head_length = struct.unpack_from(">II", data)
            frame, data = data[: 4 + length], data[4 + length :]
            head = json.loads(frame[8 : 8 + head_length])
            if head["kind"] == "gap":
                tried["gaps"] += 1
                self.skip(head["from"])
                if head["to"] >= self.journal.first_n:
                    self.wrong(f"a gap to {head['to']}, but {self.journal.first_n} is kept")
                self.next = head["to"] + 1
            else:
                tried["read"] += 1
                n = head["n"]
                self.skip(n)
                run, kernel, expected = self.model.get(n, (0, 0, b""))
                if frame != expected or not self.wants(run, kernel):
                    self.wrong(f"{n} is not what was written, or was not wanted")
                self.next = n + 1

    def skip(self, n):
        """Everything before `n` that was not read must be none of this reader's."""
        if n < self.next:
            self.wrong(f"{n} after {self.next - 1}")
        for skipped in range(self.next, n):
            if skipped >= self.wanted.first_n and self.wants(*self.model[skipped][:2]):
                self.wrong(f"{skipped} is missing before {n}")

    def wants(self, run, kernel):
        return self.wanted.run in (0, run) and self.wanted.kernel in (0, kernel)

    def check_end(self):
        last = self.journal.last_n if self.follow else self.until
        if self.next <= last:
            self.skip(last + 1)
        if not self.follow and not self.over:
            self.wrong("a reader that does not follow was not finished")

    def wrong(self, what):
        problems.append(f"{what}; after={self.after} {self.wanted} follow={self.follow}")


async def history(seed):
    chance = random.Random(seed)
    shutil.rmtree(f"{DIRECTORY}/journal", ignore_errors=True)
    with suppress(OSError):
        os.unlink(f"{DIRECTORY}/ballast")
    journal = Journal(f"{DIRECTORY}/journal", asyncio.get_running_loop())
    model, clients = {}, []
    append = journal._segments.append

    def counting(records):
        append(records)
        first = journal._segments.first_n
        tried["spills"] += 1
        tried["lost_spills"] += first is None or first > records[0].n

    journal._segments.append = counting
    for _ in range(chance.randint(200, 800)):
        action = chance.random()
        if action < 0.6:
            for _ in range(chance.choice([1, 1, 3, 30])):
                size = chance.choice([10, 300, 5000, 5000, chance.choice([200, 1_100_000])])
                run, kernel = chance.randint(0, 5), chance.randint(0, 3)
                n = journal.append((members(kind="x", text="y" * size),), (), run, kernel)
                model[n] = (run, kernel, journal._memory[n].frame)
        elif action < 0.68:
            clients.append(Client(journal, model, chance))
        elif action < 0.7 and clients:
            client = clients.pop(chance.randrange(len(clients)))
            client.reader.close()
            journal.leave(client.reader)
        elif action < 0.72:
            with suppress(OSError):
                size = chance.choice([0, 0, 1_000_000, 1_900_000, 2_097_152])
                fill(size)
        elif action < 0.9:
            await asyncio.sleep(0)
        for client in chance.sample(clients, min(len(clients), 2)):
            client.resume()
        if journal._memory_bytes > MEMORY_BYTES + 60_000_000:
            problems.append("memory")
    while any(client.pending is not None and not client.pending.done() for client in clients):
        for client in clients:
            client.resume()
        await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
        for client in clients:
            client.resume()
    for client in clients:
        client.check_end()
    used = sum(entry.stat().st_size for entry in os.scandir(f"{DIRECTORY}/journal"))
    if used > journal._segments._limit:
        problems.append(f"the files have {used} bytes, of {journal._segments._limit}")
    if journal._memory_bytes > MEMORY_BYTES and len(journal._memory) > 1:
        problems.append(f"memory has {journal._memory_bytes} bytes")
    tried["records"] += journal.last_n


def fill(size):
    with open(f"{DIRECTORY}/ballast", "wb") as file:
        file.write(b"b" * size)


for seed in range(4):
    asyncio.run(history(seed))
    if problems:
        problems.insert(0, f"seed {seed}")
        break
print(json.dumps({"problems": problems[:10], "tried": tried}))
