"""What every peer of a benchmark does: says that it is ready, then runs named work when told to on standard input, and times it."""

import json
import resource
import sys
import time

import torch


def serve(model, kinds):
    """Answers lines `kind count` with seconds, value and peak memory, until `quit`; `kinds` are functions by name."""

    def answer(document):
        print(json.dumps(document), flush=True)

    parameters = sum(p.numel() for p in model.parameters())
    answer({"ready": True, "torch": torch.__version__, "parameters": parameters})
    for line in sys.stdin:
        kind, *count = line.split()
        if kind == "quit":
            break
        seconds = []
        for _ in range(int(count[0])):
            start = time.perf_counter()
            value = kinds[kind]()
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answer({"seconds": seconds, "value": value, "peakRss": peak})
