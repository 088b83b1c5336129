//! Scripts with one fault each: it is found, and is the first cause named.

use traceward_doctor::CauseKind;

use super::{listed, serious};

const KERAS: &str = "from keras.models import Sequential\nfrom keras.layers import Dense, Dropout, LSTM, Embedding, Conv2D, Flatten, Activation\n\
    from keras.optimizers import SGD, Adam\nfrom keras.utils import to_categorical\n";
const TORCH: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\
    loader = torch.utils.data.DataLoader(ds, batch_size=32, shuffle=True)\n";
const LOOP: &str = "for epoch in range(20):\n    for x, y in loader:\n        opt.zero_grad()\n        loss = loss_fn(model(x), y)\n\
    \x20       loss.backward()\n        opt.step()\n";

/// Name, what stands before, the script, and the kinds of cause of which one must come first.
fn cases() -> Vec<(&'static str, String, &'static [CauseKind])> {
    use CauseKind::*;
    let keras = |body: &str| format!("{KERAS}{body}");
    let torch = |body: &str| format!("{TORCH}{body}");
    let fit = "model.fit(X, y, epochs=50, validation_split=0.2)\n";
    vec![
        (
            "softmax over one unit",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(1, activation='softmax')])\nmodel.compile('adam', 'binary_crossentropy')\n{fit}"
            )),
            &[OutputActivation, OutputUnits],
        ),
        (
            "relu at the end of a classifier",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(5, activation='relu')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[OutputActivation],
        ),
        (
            "no activation at the end",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(5)])\nmodel.compile('adam', 'sparse_categorical_crossentropy')\n{fit}"
            )),
            &[OutputActivation],
        ),
        (
            "sigmoid over classes",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(5, activation='sigmoid')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[OutputActivation],
        ),
        (
            "tanh for a yes or no",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(1, activation='tanh')])\nmodel.compile('adam', 'binary_crossentropy')\n{fit}"
            )),
            &[OutputActivation],
        ),
        (
            "squared error on a softmax",
            keras(&format!(
                "y = to_categorical(labels, 5)\nmodel = Sequential([Dense(8, activation='relu'), Dense(5, activation='softmax')])\nmodel.compile('adam', 'mse')\n{fit}"
            )),
            &[Loss],
        ),
        (
            "binary loss on one-hot rows",
            keras(&format!(
                "y = to_categorical(labels, 5)\nmodel = Sequential([Dense(8, activation='relu'), Dense(5, activation='softmax')])\nmodel.compile('adam', 'binary_crossentropy')\n{fit}"
            )),
            &[Loss],
        ),
        (
            "one unit for many classes",
            keras(&format!(
                "y = to_categorical(labels, 5)\nmodel = Sequential([Dense(8, activation='relu'), Dense(1, activation='sigmoid')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[OutputUnits, Loss, OutputActivation],
        ),
        (
            "units do not match the classes",
            keras(
                "from keras.datasets import mnist\n(X, y), _ = mnist.load_data()\nX = X.reshape(-1, 784) / 255\nmodel = Sequential([Dense(64, activation='relu'), Dense(9, activation='softmax')])\nmodel.compile('adam', 'sparse_categorical_crossentropy')\nmodel.fit(X, y, epochs=20, validation_split=0.1)\n",
            ),
            &[OutputUnits],
        ),
        (
            "hidden layers without activation",
            keras(&format!(
                "model = Sequential()\nmodel.add(Dense(64, input_dim=8))\nmodel.add(Dense(64))\nmodel.add(Dense(1, activation='sigmoid'))\nmodel.compile('adam', 'binary_crossentropy')\n{fit}"
            )),
            &[HiddenLinear],
        ),
        (
            "convolutions without activation",
            keras(
                "model = Sequential()\nmodel.add(Conv2D(32, 3, input_shape=(28, 28, 1)))\nmodel.add(Conv2D(32, 3))\nmodel.add(Flatten())\nmodel.add(Dense(10, activation='softmax'))\nmodel.compile('adam', 'sparse_categorical_crossentropy')\nmodel.fit(X / 255, y, epochs=20, validation_split=0.2)\n",
            ),
            &[HiddenLinear],
        ),
        (
            "a step far too large",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(3, activation='softmax')])\nmodel.compile(Adam(lr=0.5), 'categorical_crossentropy')\n{fit}"
            )),
            &[LearningRateHigh],
        ),
        (
            "plain descent with a large step",
            keras(&format!(
                "model = Sequential([Dense(50, activation='relu', input_dim=1), Dense(1)])\nmodel.compile(loss='mse', optimizer=SGD(learning_rate=1.0))\n{fit}"
            )),
            &[LearningRateHigh],
        ),
        (
            "a step far too small",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(3, activation='softmax')])\nmodel.compile(Adam(learning_rate=1e-8), 'categorical_crossentropy')\n{fit}"
            )),
            &[LearningRateLow],
        ),
        (
            "a large step under an LSTM",
            keras(&format!(
                "model = Sequential([Embedding(500, 32), LSTM(32), Dense(3, activation='softmax')])\nmodel.compile(Adam(0.01), 'categorical_crossentropy')\n{fit}"
            )),
            &[LearningRateHigh],
        ),
        (
            "a misspelt loss",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(3, activation='softmax')])\nmodel.compile('adam', 'catagorical_crossentropy')\n{fit}"
            )),
            &[UnknownName],
        ),
        (
            "a misspelt optimizer",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu'), Dense(3, activation='softmax')])\nmodel.compile('adma', 'categorical_crossentropy')\n{fit}"
            )),
            &[UnknownName],
        ),
        (
            "a misspelt activation",
            keras(&format!(
                "model = Sequential([Dense(8, activation='rellu'), Dense(3, activation='softmax')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[UnknownName],
        ),
        (
            "a misspelt layer",
            keras(&format!(
                "model = Sequential([Dence(8, activation='relu'), Dense(3, activation='softmax')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[UnknownName],
        ),
        (
            "a bracket is missing",
            keras(&format!(
                "model = Sequential()\nmodel.add(Dense(8, activation='relu')\nmodel.add(Dense(3, activation='softmax'))\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[Syntax],
        ),
        (
            "all weights zero",
            keras(&format!(
                "model = Sequential([Dense(8, activation='relu', kernel_initializer='zeros'), Dense(3, activation='softmax', kernel_initializer='zeros')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[Initialization],
        ),
        (
            "too much dropout",
            keras(&format!(
                "model = Sequential([Dense(64, activation='relu'), Dropout(0.9), Dense(3, activation='softmax')])\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[TooMuchRegularization],
        ),
        (
            "a deep stack of sigmoids",
            keras(&format!(
                "model = Sequential()\nfor i in range(6):\n    model.add(Dense(32, activation='sigmoid'))\nmodel.add(Dense(3, activation='softmax'))\nmodel.compile('adam', 'categorical_crossentropy')\n{fit}"
            )),
            &[HiddenActivation, VanishingGradient],
        ),
        (
            "targets out of reach",
            keras(
                "import numpy as np\nX = np.linspace(-10, 10, 500)\ny = X ** 2 + 3\nmodel = Sequential([Dense(32, activation='relu', input_dim=1), Dense(1, activation='sigmoid')])\nmodel.compile('adam', 'mse')\nmodel.fit(X, y, epochs=100)\n",
            ),
            &[OutputActivation],
        ),
        (
            "a vocabulary that is too small",
            keras(
                "from keras.datasets import imdb\n(X, y), _ = imdb.load_data(num_words=10000)\nX = pad_sequences(X, maxlen=100)\nmodel = Sequential([Embedding(5000, 32), LSTM(32), Dense(1, activation='sigmoid')])\nmodel.compile('adam', 'binary_crossentropy')\nmodel.fit(X, y, epochs=5, validation_split=0.2)\n",
            ),
            &[Vocabulary],
        ),
        (
            "raw pixels",
            keras(
                "from keras.datasets import cifar10\n(X, y), (Xt, yt) = cifar10.load_data()\nmodel = Sequential([Conv2D(32, 3, activation='relu', input_shape=(32, 32, 3)), Flatten(), Dense(10, activation='softmax')])\nmodel.compile('sgd', 'sparse_categorical_crossentropy')\nmodel.fit(X, y, epochs=20, validation_data=(Xt, yt))\n",
            ),
            &[Scaling],
        ),
        (
            "labels scaled like pixels",
            keras(
                "from keras.datasets import mnist\n(X, y), _ = mnist.load_data()\nX = X.reshape(-1, 784) / 255.0\ny = y / 255.0\nmodel = Sequential([Dense(32, activation='relu'), Dense(10, activation='softmax')])\nmodel.compile('adam', 'sparse_categorical_crossentropy')\nmodel.fit(X, y, epochs=20, validation_split=0.1)\n",
            ),
            &[BadLabels],
        ),
        (
            "sorted rows and a split from the tail",
            keras(
                "import numpy as np\nX = np.concatenate((a, b))\ny = np.concatenate((np.zeros(500), np.ones(500)))\nmodel = Sequential([Dense(32, activation='relu'), Dense(1, activation='sigmoid')])\nmodel.compile('adam', 'binary_crossentropy')\nmodel.fit(X, y, epochs=20, validation_split=0.2)\n",
            ),
            &[TailSplit, SortedData],
        ),
        (
            "PyTorch: softmax before CrossEntropyLoss",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5), nn.Softmax(dim=1))\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{LOOP}"
            )),
            &[DoubledActivation, OutputActivation],
        ),
        (
            "PyTorch: sigmoid before BCEWithLogitsLoss",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())\nloss_fn = nn.BCEWithLogitsLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{LOOP}"
            )),
            &[DoubledActivation, OutputActivation],
        ),
        (
            "PyTorch: no sigmoid before BCELoss",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))\nloss_fn = nn.BCELoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{LOOP}"
            )),
            &[OutputActivation],
        ),
        (
            "PyTorch: softmax before NLLLoss",
            torch(&format!(
                "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(8, 32)\n        self.b = nn.Linear(32, 5)\n    def forward(self, x):\n        return F.softmax(self.b(F.relu(self.a(x))), dim=1)\nmodel = Net()\nloss_fn = nn.NLLLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{LOOP}"
            )),
            &[OutputActivation],
        ),
        (
            "PyTorch: no activation between",
            torch(&format!(
                "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(8, 32)\n        self.b = nn.Linear(32, 32)\n        self.c = nn.Linear(32, 5)\n    def forward(self, x):\n        return self.c(self.b(self.a(x)))\nmodel = Net()\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{LOOP}"
            )),
            &[HiddenLinear],
        ),
        (
            "PyTorch: no zero_grad",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{}",
                LOOP.replace("        opt.zero_grad()\n", "")
            )),
            &[Optimizer],
        ),
        (
            "PyTorch: no backward",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{}",
                LOOP.replace("        loss.backward()\n", "")
            )),
            &[FrozenLayer],
        ),
        (
            "PyTorch: no step",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{}",
                LOOP.replace("        opt.step()\n", "")
            )),
            &[FrozenLayer],
        ),
        (
            "PyTorch: a step far too large",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=0.3)\n{LOOP}"
            )),
            &[LearningRateHigh],
        ),
        (
            "PyTorch: dropout while evaluating",
            torch(&format!(
                "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 5))\nloss_fn = nn.CrossEntropyLoss()\nopt = torch.optim.Adam(model.parameters(), lr=1e-3)\n{LOOP}    with torch.no_grad():\n        accuracy = score(model(xv), yv)\n"
            )),
            &[Metric],
        ),
    ]
}

#[test]
fn the_fault_comes_first() {
    let mut missed = String::new();
    let cases = cases();
    for (name, text, kinds) in &cases {
        let found = serious(text);
        let first = found.first().and_then(|finding| finding.causes.first()).map(|cause| cause.kind);
        if !first.is_some_and(|first| kinds.contains(&first)) {
            missed += &format!("{name}: {first:?}, not {kinds:?}\n{}", listed(&found));
        }
    }
    assert!(missed.is_empty(), "of {}:\n{missed}", cases.len());
}
