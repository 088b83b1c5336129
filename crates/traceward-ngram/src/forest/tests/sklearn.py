"""Writes sklearn.json: what scikit-learn's extremely randomised trees make of the rows of lightgbm.json.

So many trees that what is drawn hardly matters. Run with scikit-learn and numpy, in this directory:
python sklearn.py > sklearn.json
"""
import json
import sys

sys.path.pop(0)  # this file has the module's name
import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier

known = json.load(open("../../boost/tests/lightgbm.json"))
matrix = np.zeros((len(known["rows"]), known["columns"]), np.float32)
for row, cells in enumerate(known["rows"]):
    for column, value in cells:
        matrix[row, column] = value
learnt, labels = known["learnt"], np.array(known["labels"])
found = {}
for name, settings in dict(plain={}, balanced=dict(class_weight="balanced", min_samples_leaf=3)).items():
    model = ExtraTreesClassifier(4000, random_state=0, **settings).fit(matrix[:learnt], labels[:learnt])
    found[name] = [round(float(p), 5) for p in model.predict_proba(matrix[learnt:]).ravel()]
json.dump(dict(sklearn=sklearn.__version__, **found), sys.stdout)
