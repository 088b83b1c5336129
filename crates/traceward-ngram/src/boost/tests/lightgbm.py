"""Writes lightgbm.json: what LightGBM makes of small sparse rows of three classes.

Twenty columns of counts, mostly zero, and one real number; the classes differ in three of them and
overlap. Run with lightgbm and numpy: python lightgbm.py > lightgbm.json
"""
import json
import sys

import numpy as np

sys.path.pop(0)  # this file has the module's name
import lightgbm

rng = np.random.default_rng(7)
rows, columns, learnt = 360, 21, 240
labels = rng.choice(3, rows, p=[0.6, 0.25, 0.15])
matrix = rng.poisson(0.4, (rows, columns)).astype(np.float32)
for column, label in ((2, 1), (5, 2), (7, 1)):
    matrix[:, column] += rng.poisson(1.5, rows) * (labels == label)
matrix[:, 20] = np.round(rng.normal(0, 1, rows) + 1.2 * (labels == 2), 3)
# LightGBM rounds its estimate of the rows of each bin, which on so few rows decides cuts: hence no such limit.
limits = dict(min_child_samples=0, min_child_weight=2.0)
model = lightgbm.LGBMClassifier(**limits, n_estimators=20, n_jobs=1, verbose=-1, deterministic=True, force_col_wise=True)
model.fit(matrix[:learnt], labels[:learnt])
probabilities = model.predict_proba(matrix)
sparse = [[(int(c), round(float(row[c]), 3)) for c in np.flatnonzero(row)] for row in matrix]
json.dump(
    dict(
        lightgbm=lightgbm.__version__,
        columns=columns,
        learnt=learnt,
        rows=sparse,
        labels=labels.tolist(),
        probabilities=[round(float(p), 6) for p in probabilities.ravel()],
    ),
    sys.stdout,
)
