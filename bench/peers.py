"""Times one training epoch of the article's network: traceward beside Keras and PyTorch, on ADFA-LD, on this machine.

Embedding(400, 64), BiLSTM(32), Dropout 0.25, Dense 64 relu, Dense 7 softmax, Adam 1e-4, batches of 32, every trace cut
to its last L calls; the peers' rows are padded in front to L, as the article does it. Each measurement is a process of
its own. A peer's measurement is followed at once by one of traceward, and the ratio is taken within that pair, so that a
machine whose speed drifts does not favour either. The peers' first steps, which trace and compile, are not counted.

Prints a Markdown table. Progress goes to stderr.

    python bench/peers.py --data ADFA-LD.zip --binary target/release/traceward
    python bench/peers.py --data ADFA-LD.zip --lengths 100 --rounds 1          the peers alone
"""

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import zipfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

CLASSES = ["Normal", "Adduser", "Hydra_FTP", "Hydra_SSH", "Java_Meterpreter", "Meterpreter", "Web_Shell"]
VOCABULARY, EMBED, UNITS, HIDDEN, RATE = 400, 64, 32, 64, 1e-4
CORES = len(os.sched_getaffinity(0))

# name -> (in the table, recurrent dropout, threads, what it runs on)
PEERS = {
    "keras-tensorflow": ("Keras on TensorFlow, default: the article's", "0.1", CORES, ("keras", "tensorflow-cpu")),
    "keras-jax": ("Keras on JAX (XLA)", "0.1", CORES, ("keras", "jax")),
    "torch-1": ("PyTorch nn.LSTM (oneDNN)", "cannot", 1, ("torch",)),
    "torch-n": ("PyTorch nn.LSTM (oneDNN)", "cannot", CORES, ("torch",)),
    "torch-buckets": ("PyTorch nn.LSTM, batches of like length (what an expert would write)", "cannot", 1, ("torch",)),
}


# ---------------------------------------------------------------------------------------------- data


PLACES = re.compile(r"(?:^|/)(?:(?:Training|Validation)_Data_Master/[^/]+|Attack_Data_Master/(\w+?)_\d+/[^/]+)\.txt$")


def places_of(archive, path):
    """(name in the zip, family or None) of each of ADFA-LD's traces."""
    found = [(name, place[1]) for name in sorted(archive.namelist()) if (place := PLACES.search(name))]
    if not found:
        sys.exit(f"{path}: no ADFA-LD traces in it")
    return found


def traces_of(path):
    """ADFA-LD's traces and labels, from the zip itself."""
    with zipfile.ZipFile(path) as archive:
        places = places_of(archive, path)
        traces = [[int(word) for word in archive.read(name).split()] for name, _ in places]
    return traces, [CLASSES.index(family) if family else 0 for _, family in places]


def count_of(path):
    """How many there are, without reading them: a child's peak memory starts from this process's own."""
    with zipfile.ZipFile(path) as archive:
        return len(places_of(archive, path))


def padded(traces, length):
    """Keras' pad_sequences with its defaults: zeros in front, the last calls stay."""
    import numpy as np

    rows = np.zeros((len(traces), length), np.int32)
    for row, trace in zip(rows, traces):
        last = trace[-length:]
        row[length - len(last) :] = last
    return rows


# ---------------------------------------------------------------------------------------------- one measurement of a peer


def keras_epoch(x, y, batch):
    import keras
    import numpy as np

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],), dtype="int32"),
            layers.Embedding(VOCABULARY, EMBED),
            layers.Bidirectional(layers.LSTM(UNITS, recurrent_dropout=0.1)),
            layers.Dropout(0.25),
            layers.Dense(HIDDEN, activation="relu"),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="categorical_crossentropy", metrics=["accuracy"])
    onehot = np.eye(len(CLASSES), dtype="float32")[y]
    # The shapes that the epoch will meet: full batches and the rest. XLA compiles for each.
    first = 2 * batch + len(x) % batch
    model.fit(x[:first], onehot[:first], batch_size=batch, epochs=1, verbose=0)
    start = time.perf_counter()
    history = model.fit(x, onehot, batch_size=batch, epochs=1, verbose=0)
    return time.perf_counter() - start, history.history["loss"][0]


def torch_epoch(x, y, batch, threads, buckets):
    import numpy as np
    import torch
    from torch import nn

    torch.set_num_threads(threads)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, EMBED)
            self.lstm = nn.LSTM(EMBED, UNITS, batch_first=True, bidirectional=True)
            self.head = nn.Sequential(nn.Dropout(0.25), nn.Linear(2 * UNITS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(CLASSES)))

        def forward(self, tokens):
            _, (last, _) = self.lstm(self.embedding(tokens))
            return self.head(torch.cat([last[0], last[1]], 1))

    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), RATE, eps=1e-7)
    criterion = nn.CrossEntropyLoss()
    tokens, labels = torch.from_numpy(x).long(), torch.tensor(y)

    lengths = torch.from_numpy(np.count_nonzero(x, axis=1))

    def batches(count):
        if not buckets:
            return torch.randperm(count).split(batch)
        alike = torch.argsort(lengths[:count]).split(batch)
        return [alike[i] for i in torch.randperm(len(alike))]

    def fit(count):
        network.train()
        total = 0.0
        for rows in batches(count):
            longest = int(lengths[rows].max()) if buckets else x.shape[1]
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(network(tokens[rows, -longest:]), labels[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        return total / count

    fit(2 * batch)
    start = time.perf_counter()
    loss = fit(len(x))
    return time.perf_counter() - start, loss


def child(name, data, length, batch, limit):
    traces, labels = traces_of(data)
    if limit:
        step = max(1, len(traces) // limit)
        traces, labels = traces[::step][:limit], labels[::step][:limit]
    x = padded(traces, length)
    if name.startswith("keras"):
        seconds, loss = keras_epoch(x, labels, batch)
    else:
        seconds, loss = torch_epoch(x, labels, batch, PEERS[name][2], buckets=name == "torch-buckets")
    print(json.dumps({"seconds": seconds, "traces": len(x), "loss": loss}))


# ---------------------------------------------------------------------------------------------- measuring


def measured(command, environment):
    """Runs a command alone: (the last line of its stdout, peak memory in MB)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.posix_spawnp(
            command[0], command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, err.fileno(), 2)]
        )
        _, status, usage = os.wait4(pid, 0)
        out.seek(0)
        err.seek(0)
        if status:
            sys.exit(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}\n{err.read().decode(errors='replace')[-3000:]}")
        return out.read().decode(), usage.ru_maxrss / 1024


def environment_of(name):
    # Some machines set these to make one BLAS pretend another core; they would slow the peers.
    kept = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    kept |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    if name.startswith("keras"):
        kept["KERAS_BACKEND"] = name.removeprefix("keras-")
    return kept


def measure_peer(name, options, length):
    command = [
        sys.executable,
        __file__,
        "--child",
        name,
        "--data",
        str(options.data),
        "--lengths",
        str(length),
        "--batch-size",
        str(options.batch_size),
        "--limit",
        str(options.limit),
    ]
    out, memory = measured(command, environment_of(name))
    said = json.loads(out.splitlines()[-1])
    return {"seconds": said["seconds"], "traces": said["traces"], "memory": memory, "loss": said["loss"]}


def measure_ours(options, length, total):
    """Seconds for `total` traces. None is held back for validation; should a run train on another number, it is scaled."""
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        command = [
            str(options.binary),
            "train",
            str(options.data),
            "--preset",
            "article-5",
            "--validation-share",
            "0",
            "--max-len",
            str(length),
            "--batch-size",
            str(options.batch_size),
            "--epochs",
            str(options.epochs),
            "--out",
            run,
            "--format",
            "json",
            "--quiet",
        ]
        out, memory = measured(command, environment_of("traceward"))
        said = json.loads(out)
        with open(os.path.join(run, "steps.csv")) as steps:
            trained = (sum(1 for _ in steps) - 1) / said["epochs"] * options.batch_size
        if abs(trained - total) < options.batch_size:  # the last batch is a smaller one
            trained = total
    return {"seconds": said["seconds_per_epoch"] * total / trained, "traces": trained, "memory": memory}


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def simd():
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "Features"))), "")
    return next(
        (label for flag, label in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")) if f" {flag} " in f"{flags} "),
        "no SIMD that we know",
    )


def say(text):
    print(text, file=sys.stderr, flush=True)


def table(options, length, total):
    peers = {name: [] for name in options.peers}
    ours = {name: [] for name in options.peers}
    for turn in range(options.rounds):
        for name in options.peers:
            peers[name].append(measure_peer(name, options, length))
            line = f"L{length} round {turn + 1}: {name} {peers[name][-1]['seconds']:.2f} s"
            if options.binary:
                ours[name].append(measure_ours(options, length, peers[name][-1]["traces"]))
                line += f", traceward {ours[name][-1]['seconds']:.2f} s"
            say(line)

    def spread(runs):
        seconds = [run["seconds"] for run in runs]
        return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"

    lines = [
        f"\n### Last {length} calls of each trace\n",
        "| program | recurrent dropout | threads | s/epoch: median (range) | of traceward's in the same pairs | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    ratios = {}
    for name in options.peers:
        label, dropout, threads, _ = PEERS[name]
        if ours[name]:
            ratios[name] = statistics.median(p["seconds"] / o["seconds"] for p, o in zip(peers[name], ours[name]))
        ratio = f"{ratios[name]:.1f} times" if name in ratios else "-"
        lines.append(f"| {label} | {dropout} | {threads} | {spread(peers[name])} | {ratio} | {max(p['memory'] for p in peers[name]):.0f} |")
    if options.binary:
        everything = [run for runs in ours.values() for run in runs]
        lines.append(f"| **traceward** | 0.1 | {CORES} | {spread(everything)} | 1 | {max(run['memory'] for run in everything):.0f} |")
        plain = [name for name in ratios if name != "torch-buckets"]
        for kind, names in (("Fastest peer", plain), ("With batches of like length", ratios.keys() - plain)):
            if names:
                name = min(names, key=ratios.get)
                lines.append(f"\n{kind}: {PEERS[name][0]}, {PEERS[name][2]} thread(s): {ratios[name]:.1f} times traceward's time.")
    return "\n".join(lines)


def main(options):
    if options.child:
        return child(options.child, options.data, options.lengths[0], options.batch_size, options.limit)
    total = count_of(options.data)
    packages = sorted({package for name in options.peers for package in PEERS[name][3]})
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"{date.today()}, {processor()}, {CORES} cores, {simd()}; Python {platform.python_version()}, {versions}.")
    counted = min(total, options.limit or total)
    print(f"ADFA-LD, {counted} traces an epoch, batches of {options.batch_size}, float32; {options.rounds} pairs each.")
    for length in options.lengths:
        print(table(options, length, total), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="ADFA-LD.zip")
    parser.add_argument("--binary", type=Path, help="traceward, built with --release; without it the peers run alone")
    parser.add_argument("--lengths", type=int, nargs="+", default=[500, 100])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="pairs for each peer; the table has medians")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of each traceward run, averaged; peers run one")
    parser.add_argument("--limit", type=int, default=0, help="use only so many traces in the peers, for a quick look")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--child", choices=PEERS, help=argparse.SUPPRESS)
    main(parser.parse_args())
