#!/usr/bin/env python3
"""Times what prefix caching does in the host of vLLM's V1 engine, block by block of 16 tokens: the hash
of a block that has filled (Python's own, the default of 0.8; SHA-256 of its pickle, that of later
versions), entering it into the table of cached blocks, and looking one up. Prints microseconds, the
least of several rounds. plots/study/caching_experiment.c has what it printed on an AMD EPYC."""
import collections
import gc
import hashlib
import pickle
import platform
import random
import time

BLOCK_TOKENS, BLOCKS, ROUNDS = 16, 1000, 300
Key = collections.namedtuple("Key", "hash_value tokens extra")
randomness = random.Random(1)
tokens = [randomness.randrange(151643) for _ in range(BLOCK_TOKENS * BLOCKS)]


def hash_blocks(function):
    keys, parent = [], None
    for start in range(0, len(tokens), BLOCK_TOKENS):
        block = tuple(tokens[start:start + BLOCK_TOKENS])
        parent = function((parent, block, None))
        keys.append(Key(parent, block, None))
    return keys


def sha256(value):
    return int.from_bytes(hashlib.sha256(pickle.dumps(value, protocol=5)).digest(), "big")


def enter(keys):
    table = {}
    for number, key in enumerate(keys):
        table.setdefault(key, {})[number] = key
    return table


def look_up(table, keys):
    for key in keys:
        table.get(key)


def microseconds(work):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / BLOCKS


gc.disable()
known = hash_blocks(hash)
cached = enter(known)
print(f"Python {platform.python_version()}, microseconds a block")
print(f"hash            {microseconds(lambda: hash_blocks(hash)):.2f}")
print(f"hash (SHA-256)  {microseconds(lambda: hash_blocks(sha256)):.2f}")
print(f"enter           {microseconds(lambda: enter(known)):.2f}")
print(f"look up         {microseconds(lambda: look_up(cached, known)):.2f}")
