"""Asks whether the corpus can be learnt, and is not trivial: simple baselines, grouped folds.

`check_learnable.py build/corpus.jsonl`, with scikit-learn. Calls are read as words: 1- to 3-grams with
logistic regression, on whole traces and on their last 300 calls; single calls with naive Bayes; and
trace length alone, to see what is there without looking at any call.
"""

import json
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, confusion_matrix, f1_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from assemble import CLASSES


def words(ngrams):
    return TfidfVectorizer(token_pattern=r"\S+", lowercase=False, ngram_range=ngrams, sublinear_tf=True, min_df=2, use_idf=True)


def main() -> None:
    rows = [json.loads(line) for line in open(sys.argv[1])]
    labels = np.array([row["class"] for row in rows])
    groups = np.array([row["group"] for row in rows])
    whole = np.array([" ".join(row["calls"]) for row in rows], dtype=object)
    last = np.array([" ".join(row["calls"][-300:]) for row in rows], dtype=object)
    length = FunctionTransformer(lambda texts: np.log([[t.count(" ") + 1] for t in texts]))

    def regression():
        return LogisticRegression(C=300, max_iter=2000, class_weight="balanced")

    for name, texts, model in [
        ("length alone, 15 neighbours", whole, make_pipeline(length, KNeighborsClassifier(15))),
        ("single calls, naive Bayes", whole, make_pipeline(words((1, 1)), MultinomialNB())),
        ("single calls, logistic regression", whole, make_pipeline(words((1, 1)), regression())),
        ("1-3-grams, logistic regression, last 300 calls", last, make_pipeline(words((1, 3)), regression())),
        ("1-3-grams, logistic regression", whole, make_pipeline(words((1, 3)), regression())),
    ]:
        found = np.empty_like(labels)
        scores = []
        for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=1).split(texts, labels, groups):
            model.fit(texts[train], labels[train])
            found[test] = model.predict(texts[test])
            scores.append(f1_score(labels[test], found[test], average="macro"))
        print(f"{name}: macro-F1 {f1_score(labels, found, average='macro'):.3f} over all folds, {np.mean(scores):.3f} +- {np.std(scores):.3f} a fold")
    print(classification_report(labels, found, labels=CLASSES, digits=3))
    print(confusion_matrix(labels, found, labels=CLASSES))
    if "-v" in sys.argv:
        for row, guess in zip(rows, found):
            if row["class"] != guess:
                print(row["source"], "taken for", guess, len(row["calls"]))


if __name__ == "__main__":
    main()
