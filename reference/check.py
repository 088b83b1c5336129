"""Recomputes keras/*.json in plain numpy, float64: the files agree with the formulas, not only with Keras.

Covers every case made of Embedding, LSTM, Bidirectional, Dense, Activation and Dropout: outputs, losses, gradients by
finite differences along random directions, and every optimizer's steps where the gradients are known (the first one).
Needs numpy alone.

    python check.py
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-4
UPPER = 1.0 - 2.0**-23  # what 1 - 1e-7 is in float32


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "softplus": lambda x: np.logaddexp(0, x),
}
LAYERS = {"Embedding", "LSTM", "Bidirectional", "Dense", "Activation", "Dropout", "GlobalMaxPooling1D", "GlobalAveragePooling1D"}


def lstm(x, w, prefix, config, masks, trace):
    """(time, in) -> (time, units), gates i, f, c, o; a mask a gate, constant over the steps."""
    units = config["units"]
    kernel, recurrent, bias = (w[f"{prefix}.{part}"] for part in ("kernel", "recurrent_kernel", "bias"))

    def rows(key, width):
        mask = masks.get(f"{prefix}.{key}")
        return np.ones((4, width)) if mask is None else np.broadcast_to(mask[trace], (4, width))

    on_input, on_state = rows("input", x.shape[1]), rows("recurrent", units)
    h, c, out = np.zeros(units), np.zeros(units), []
    for step in x[::-1] if config.get("go_backwards") else x:
        i, f, g, o = (
            (step * on_input[gate]) @ kernel[:, gate * units : (gate + 1) * units]
            + (h * on_state[gate]) @ recurrent[:, gate * units : (gate + 1) * units]
            + bias[gate * units : (gate + 1) * units]
            for gate in range(4)
        )
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.array(out)


def joined(forward, backward, mode):
    if mode == "concat":
        return np.concatenate([forward, backward], -1)
    return {"sum": forward + backward, "ave": (forward + backward) / 2, "mul": forward * backward}[mode]


def outputs(case, w, masks):
    """Rows of outputs and, where the last activation is softmax or sigmoid, the logits under it."""
    rows, logits = [], []
    for trace, tokens in enumerate(case["batch"]["tokens"]):
        x, under = np.array(tokens), None
        for i, layer in enumerate(case["model"]["layers"]):
            config, kind, name = layer.get("config", {}), layer["class_name"], str(i)
            activation = config.get("activation", "linear")
            if kind == "Embedding":
                x = w[f"{name}.embeddings"][x]
            elif kind == "LSTM":
                x = lstm(x, w, name, config, masks, trace)
                x = x if config.get("return_sequences") else x[-1]
            elif kind == "Bidirectional":
                inner, mode = config["layer"]["config"], config["merge_mode"]
                forward = lstm(x, w, f"{name}.forward", inner, masks, trace)
                backward = lstm(x[::-1], w, f"{name}.backward", inner, masks, trace)
                x = joined(forward, backward[::-1], mode) if inner.get("return_sequences") else joined(forward[-1], backward[-1], mode)
            elif kind == "GlobalMaxPooling1D":
                x = x.max(0)
            elif kind == "GlobalAveragePooling1D":
                x = x.mean(0)
            elif kind == "Dropout":
                x = x * masks[name][trace][0] if name in masks else x
            else:
                if kind == "Dense":
                    x = x @ w[f"{name}.kernel"] + w.get(f"{name}.bias", 0.0)
                under = x if activation != "linear" else under
                x = ACTIVATIONS[activation](x)
        rows.append(x)
        logits.append(under)
    last = case["model"]["layers"][-1]["config"].get("activation", "linear")
    return np.array(rows), (np.array(logits) if last == "softmax" else None)


def loss(case, rows, logits):
    batch, kind = case["batch"], case["compile"]["loss"]
    labels = np.array(batch["labels"])
    onehot = np.eye(batch["classes"])[labels]
    pick = np.arange(len(labels)), labels
    if kind == "mean_squared_error":
        each = ((rows - onehot) ** 2).mean(-1)
    elif kind == "binary_crossentropy":
        p = np.clip(rows, 1e-7, UPPER)
        each = -(onehot * np.log(p) + (1 - onehot) * np.log(1 - p)).mean(-1)
    elif logits is not None:
        top = logits.max(-1, keepdims=True)
        each = -(logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True)))[pick]
    else:
        each = -np.log(np.clip(rows / rows.sum(-1, keepdims=True), 1e-7, UPPER))[pick]
    return float((each * np.array(batch.get("sample_weight", np.ones(len(labels))))).sum() / len(labels))


def lcg(seed, count):
    out, x = np.empty(count), seed
    for k in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out[k] = x / 2**31 - 1.0
    return out


def array_of(entry):
    if "lcg" in entry:
        shape = entry["shape"]
        values = (lcg(entry["lcg"]["seed"], math.prod(shape)) * entry["lcg"]["scale"]).astype("float32")
        return values.astype("float64").reshape(shape)
    return np.array(entry["data"], "float64").reshape(entry["shape"])


def arrays(entries):
    return {name: array_of(entry) for name, entry in entries.items()}


def distance(a, b):
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-6)) if b.size else 0.0


def first_step(compile_, weights, gradients):
    """Every optimizer's first step, from states of zero."""
    o = {"momentum": 0.0, "nesterov": False, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "rho": 0.9, "weight_decay": 0.004} | compile_[
        "optimizer"
    ]
    if "clip_norm" in compile_:
        norm = math.sqrt(sum((g**2).sum() for g in gradients.values()))
        gradients = {name: g * min(1.0, compile_["clip_norm"] / norm) for name, g in gradients.items()}
    after = {}
    for name, w in weights.items():
        g, rate = gradients[name], o["learning_rate"]
        if o["name"] == "SGD":
            after[name] = w - rate * g * (1 + o["momentum"] if o["nesterov"] else 1)
        elif o["name"] == "RMSprop":
            after[name] = w - rate * g / np.sqrt((1 - o["rho"]) * g**2 + o["epsilon"])
        else:
            decayed = w * (1 - rate * o["weight_decay"]) if o["name"] == "AdamW" else w
            m, v = (1 - o["beta_1"]) * g, (1 - o["beta_2"]) * g**2
            step = rate * math.sqrt(1 - o["beta_2"]) / (1 - o["beta_1"])
            after[name] = decayed - step * m / (np.sqrt(v) + o["epsilon"])
    return after


def check(case):
    weights, masks = arrays(case["weights"]), arrays(case.get("masks", {}))
    far = {}
    rows, logits = outputs(case, weights, {})
    far["outputs"] = distance(rows, case["outputs"])
    rows, logits = outputs(case, weights, masks)
    if masks:
        far["training_outputs"] = distance(rows, case["training_outputs"])
    far["loss"] = distance(loss(case, rows, logits), case["losses"][0])
    if "norm" in next(iter(case["gradients"].values())):
        return far
    gradients = arrays(case["gradients"])
    assert set(gradients) == set(weights)

    def loss_at(w):
        return loss(case, *outputs(case, w, masks))

    saturated = case["name"].startswith("saturated")
    if not saturated:  # a clip has no derivative
        rng = np.random.default_rng(0)
        for name, w in weights.items():
            direction = rng.normal(size=w.shape)
            size = 1e-5
            up, down = (loss_at(weights | {name: w + sign * size * direction}) for sign in (1, -1))
            slope, expected = (up - down) / (2 * size), float((gradients[name] * direction).sum())
            scale = float(np.abs(gradients[name]).max() * np.abs(direction).max()) or 1.0
            far["gradients"] = max(far.get("gradients", 0.0), abs(slope - expected) / scale)
        far["second_loss"] = distance(loss_at(first_step(case["compile"], weights, gradients)), case["losses"][1])
    final = arrays(case["final_weights"])
    far["final_outputs"] = distance(outputs(case, final, {})[0], case["final_outputs"])
    far["last_loss"] = distance(loss_at(final), case["losses"][-1])
    return far


def main():
    bad, checked, left = [], 0, []
    for path in sorted((HERE / "keras").glob("*.json")):
        case = json.loads(path.read_text())
        assert case["name"] == path.stem and case["format"] == 1
        assert len(case["batch"]["tokens"]) == len(case["batch"]["labels"]) == len(case["outputs"]) == len(case["final_outputs"])
        assert min(map(min, case["batch"]["tokens"])) >= 1, "token 0 is padding"
        for entry in [*case["weights"].values(), *case["final_weights"].values()]:
            assert "data" not in entry or len(entry["data"]) == math.prod(entry["shape"])
        if not {layer["class_name"] for layer in case["model"]["layers"]} <= LAYERS or "GRU" in path.read_text():
            left.append(case["name"])
            continue
        far = check(case)
        checked += 1
        worst = max(far.values())
        print(f"{case['name']:30} {worst:.0e}  " + "  ".join(f"{key} {value:.0e}" for key, value in far.items()))
        if worst > TOLERANCE:
            bad.append(case["name"])
    print(f"{checked} cases recomputed, {len(left)} well formed but not recomputed here: {' '.join(left)}")
    if bad:
        sys.exit(f"differ by more than {TOLERANCE}: {' '.join(bad)}")


if __name__ == "__main__":
    main()
