"""Writes cases.json: predictions drawn at random, and what scikit-learn makes of them.

    python make.py        (scikit-learn 1.9.1, NumPy 2.4.6)

The ROC curve keeps collinear points (drop_intermediate=False): each is a threshold one can choose, and leaving
them out can only lower the detection rate at a given false-alarm rate.
"""

import json
import pathlib

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(7)


def case(name, traces, classes, skew, decimals=None, absent=None, sure=1.0):
    share = np.r_[skew, np.full(classes - 1, (1 - skew) / (classes - 1))]
    labels = rng.choice(classes, traces, p=share)
    if absent is not None:
        labels[labels == absent] = 0
    logits = rng.normal(size=(traces, classes)) + sure * np.eye(classes)[labels]
    outputs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if decimals is None:
        outputs = np.round(outputs, 6)
    else:
        # Many equal scores, and rows that do not sum to 1, as sigmoids do not.
        outputs = np.round(outputs, decimals) + 10.0**-decimals
    outputs = outputs.astype(np.float32)
    shares = outputs.astype(np.float64)
    sums = shares.sum(1, keepdims=True)
    shares = np.where(np.abs(sums - 1) > 1e-3, shares / sums, shares)
    predicted = outputs.argmax(1)
    every = np.arange(classes)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=every, zero_division=0
    )
    attack, score = labels != 0, 1.0 - shares[:, 0]
    fpr, tpr, _ = metrics.roc_curve(attack, score, drop_intermediate=False)
    chosen = np.clip(shares[np.arange(traces), labels], np.finfo(float).eps, 1 - np.finfo(float).eps)
    return {
        "name": name,
        "classes": classes,
        "labels": labels.tolist(),
        "outputs": [float(str(x)) for x in outputs.ravel()],
        "accuracy": metrics.accuracy_score(labels, predicted),
        "macro_f1": metrics.f1_score(labels, predicted, average="macro", labels=every, zero_division=0),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=every).tolist(),
        "auc": metrics.roc_auc_score(attack, score),
        "dr_at_far": {str(far): float(tpr[fpr <= far].max()) for far in (0.01, 0.001)},
        # scikit-learn divides rows by their sum again, which softmax in f32 misses by 1e-6.
        "log_loss": float(-np.log(chosen).mean()),
        "log_loss_of_sklearn": metrics.log_loss(labels, shares / shares.sum(1, keepdims=True), labels=every),
    }


cases = [
    case("ordinary", 400, 4, 0.5, sure=2.0),
    case("mostly normal", 1200, 3, 0.9, sure=3.0),
    case("many ties", 300, 3, 0.6, decimals=1, sure=1.5),
    case("a class never seen", 200, 5, 0.4, absent=3),
]
for one in cases:
    assert abs(one["log_loss"] - one["log_loss_of_sklearn"]) < 1e-5, one["name"]
path = pathlib.Path(__file__).parent / "cases.json"
path.write_text("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")
