"""What scikit-learn makes of forty small traces: tf-idf weights, and the planes of linear classifiers.

    python linear.py > linear.json

The version of scikit-learn is written into the file. The traces come from a fixed generator, so that the file
can be made anew; the test reads them from the file.
"""
import json

import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

rng = np.random.default_rng(7)
LABELS = [0] * 20 + [1] * 12 + [2] * 8
LIKELY = {0: [2, 3, 4, 5], 1: [4, 5, 6, 7], 2: [7, 8, 2, 9]}
traces = []
for label in LABELS:
    calls = rng.choice(LIKELY[label], size=int(rng.integers(6, 30)), p=[0.4, 0.3, 0.2, 0.1])
    noise = rng.integers(2, 10, size=len(calls))
    traces.append(np.where(rng.random(len(calls)) < 0.3, noise, calls).tolist())


def grams(trace):
    return [" ".join(f"{call:02d}" for call in trace[i : i + n]) for n in (1, 2) for i in range(len(trace) - n + 1)]


counter = CountVectorizer(analyzer=grams, min_df=2)
# n-grams in the order in which a dictionary has them: shorter first, then by their calls.
counter.fit(traces)
vocabulary = sorted(counter.vocabulary_, key=lambda gram: (len(gram), gram))
counts = CountVectorizer(analyzer=grams, vocabulary=vocabulary).fit_transform(traces)
weights = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
svm = LinearSVC(C=1, class_weight="balanced", tol=1e-10, max_iter=1_000_000).fit(weights, LABELS)
logistic = LogisticRegression(C=10, class_weight="balanced", tol=1e-10, max_iter=10_000).fit(weights, LABELS)
numbers = lambda values: np.round(values, 6).tolist()
print(
    json.dumps(
        {
            "scikit_learn": sklearn.__version__,
            "traces": traces,
            "labels": LABELS,
            "grams": [list(map(int, gram.split())) for gram in vocabulary],
            "tf_idf": numbers(weights[:3].toarray()),
            "svm": numbers(svm.decision_function(weights)),
            "logistic": numbers(logistic.predict_proba(weights)),
        }
    )
)
