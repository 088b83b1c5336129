//! What is read of scripts, in the many ways they are written.

use std::path::Path;

use traceward_doctor::facts::{Argument, Framework, Validation};
use traceward_doctor::{Level, Place, read};

use super::{diagnoses, line_of, only};

fn given(text: &str) -> Argument<String> {
    Argument::Given(text.into())
}

fn classes(text: &str) -> Vec<String> {
    only(text).network.unwrap().layers.iter().map(|layer| layer.class_name.clone()).collect()
}

#[test]
fn one_network_in_six_styles() {
    let styles = [
        "from keras.models import Sequential\nfrom keras.layers import Dense, Dropout\n\
         model = Sequential()\nmodel.add(Dense(32, activation='relu', input_dim=8))\nmodel.add(Dropout(0.2))\n\
         model.add(Dense(3, activation='softmax'))\nmodel.compile('adam', 'categorical_crossentropy')\n",
        "import tensorflow as tf\nmodel = tf.keras.models.Sequential([\n  tf.keras.layers.Dense(32, 'relu', input_shape=(8,)),\n\
         tf.keras.layers.Dropout(rate=.2),\n  tf.keras.layers.Dense(units=3, activation=tf.nn.softmax),\n])\n\
         model.compile(optimizer=tf.keras.optimizers.Adam(), loss=tf.keras.losses.CategoricalCrossentropy())\n",
        "from tensorflow import keras\nfrom tensorflow.keras import layers as L\ninputs = keras.Input(shape=(8,))\n\
         x = L.Dense(32, activation=keras.activations.relu)(inputs)\nx = L.Dropout(0.2)(x)\n\
         outputs = L.Dense(3, activation='softmax')(x)\nmodel = keras.Model(inputs=inputs, outputs=outputs)\n\
         model.compile(optimizer='adam', loss='categorical_crossentropy')\n",
        "import keras\nfrom keras.layers import *\ndef build(hidden=32, classes=3):\n    m = keras.Sequential()\n\
         \x20   m.add(Input((8,)))\n    for size in [hidden]:\n        m.add(Dense(size, activation='relu'))\n        m.add(Dropout(0.2))\n\
         \x20   m.add(Dense(classes, activation='softmax'))\n    m.compile(loss='categorical_crossentropy', optimizer='adam')\n    return m\n\
         model = build()\n",
        "import tensorflow as tf\nclass Net(tf.keras.Model):\n  def __init__(self):\n    super().__init__()\n\
         \x20   self.hidden = tf.keras.layers.Dense(32, activation='relu')\n    self.drop = tf.keras.layers.Dropout(0.2)\n\
         \x20   self.out = tf.keras.layers.Dense(3, activation='softmax')\n  def call(self, x):\n\
         \x20   return self.out(self.drop(self.hidden(x)))\nmodel = Net()\n\
         model.compile(optimizer=tf.keras.optimizers.Adam(), loss='categorical_crossentropy')\n",
        "model = Sequential()\nmodel.add(Dense(16 * 2, input_dim=8, activation='relu'))\nmodel.add(Dropout(p=0.2))\n\
         model.add(Dense(output_dim=3, activation='softmax'))\nmodel.compile(loss='categorical_crossentropy', optimizer='Adam')\n",
    ];
    for style in styles {
        let evidence = only(style);
        assert_eq!(evidence.reading, [], "{style}");
        let network = evidence.network.unwrap();
        let classes: Vec<_> = network.layers.iter().map(|layer| layer.class_name.as_str()).collect();
        assert_eq!(classes, ["Dense", "Dropout", "Dense"], "{style}");
        assert_eq!(network.framework, Framework::Keras);
        assert!(!network.branched, "{style}");
        assert_eq!(network.layers[0].units, Argument::Given(32), "{style}");
        assert_eq!(network.layers[0].activation.value, given("relu"), "{style}");
        assert_eq!(network.layers[1].number("rate"), Some(0.2), "{style}");
        assert_eq!(network.output_units(), Some(3), "{style}");
        assert_eq!(network.output_activation().value, given("softmax"), "{style}");
        let compile = network.compile.unwrap();
        assert_eq!(compile.loss.value, given("categorical_crossentropy"), "{style}");
        assert_eq!(compile.optimizer.value, given("adam"), "{style}");
        assert_eq!(compile.learning_rate.value, Argument::Absent, "{style}");
    }
}

#[test]
fn one_network_of_pytorch_in_four_styles() {
    let end = "criterion = nn.CrossEntropyLoss()\noptimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)\n\
        for epoch in range(30):\n    for xb, yb in loader:\n        optimizer.zero_grad()\n        loss = criterion(model(xb), yb)\n\
        \x20       loss.backward()\n        optimizer.step()\n";
    let start = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom torch.utils.data import DataLoader\n\
        loader = DataLoader(data, batch_size=64, shuffle=True)\n";
    let styles = [
        "model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))\n",
        "class Net(nn.Module):\n    def __init__(self):\n        super(Net, self).__init__()\n        self.out = nn.Linear(32, 3)\n\
         \x20       self.fc = nn.Linear(8, 32)\n        self.drop = nn.Dropout(p=0.2)\n    def forward(self, x):\n\
         \x20       x = F.relu(self.fc(x.view(-1, 8)))\n        x = self.drop(x)\n        return self.out(x)\nmodel = Net().to('cpu')\n",
        "class Net(nn.Module):\n    def __init__(self, sizes):\n        super().__init__()\n        layers = []\n\
         \x20       for i in range(len(sizes) - 1):\n            layers.append(nn.Linear(sizes[i], sizes[i + 1]))\n\
         \x20           layers += [nn.ReLU(), nn.Dropout(0.2)]\n        self.body = nn.Sequential(*layers)\n\
         \x20       self.head = nn.Linear(sizes[-1], 3)\n    def forward(self, x):\n        return self.head(self.body(x))\n\
         model = Net([8, 32])\n",
        "from collections import OrderedDict\nmodel = nn.Sequential(OrderedDict([('fc', nn.Linear(in_features=8, out_features=32)), \
         ('act', nn.ReLU()), ('drop', nn.Dropout(0.2)), ('out', nn.Linear(32, 3))]))\n",
    ];
    for style in styles {
        let text = format!("{start}{style}{end}");
        let evidence = only(&text);
        let network = evidence.network.unwrap();
        let classes: Vec<_> = network.layers.iter().map(|layer| layer.class_name.as_str()).collect();
        assert_eq!(classes, ["Dense", "Activation", "Dropout", "Dense"], "{style}");
        assert_eq!(network.framework, Framework::PyTorch);
        assert_eq!(network.output_units(), Some(3));
        let compile = network.compile.unwrap();
        assert_eq!(compile.loss.value, given("sparse_categorical_crossentropy"));
        assert_eq!(compile.from_logits, Argument::Given(true));
        assert_eq!(compile.learning_rate.value, Argument::Given(0.05));
        assert_eq!(compile.momentum, Argument::Given(0.9));
        let fit = evidence.fit.unwrap();
        assert_eq!(fit.epochs.value, Argument::Given(30));
        assert_eq!(fit.batch_size.value, Argument::Given(64));
        assert_eq!(fit.shuffle.value, Argument::Given(true));
        let each = fit.training_loop.unwrap();
        assert!(each.backward && each.step && each.zero_grad);
    }
}

#[test]
fn numbers_are_followed_and_what_cannot_be_is_said_to_be_unknown() {
    let text = "import sys\nfrom keras.models import Sequential\nfrom keras.layers import Dense\nfrom keras.optimizers import SGD\n\
        a, b = 2, 3\nhidden = a ** b * 4\nepochs = 10 if b > 2 else 5\nlr = 1e-1 / 10\nn = len(sys.argv)\n\
        config = {'units': 7, 'loss': 'mse'}\nmodel = Sequential()\nmodel.add(Dense(hidden, activation='tanh'))\n\
        model.add(Dense(n))\nmodel.add(Dense(config['units']))\nmodel.compile(loss=config['loss'], optimizer=SGD(lr=lr, clipnorm=1.))\n\
        model.fit(x, y, epochs=epochs, batch_size=sys.argv[1], validation_split=0.25, shuffle=False)\n";
    let evidence = only(text);
    let network = evidence.network.unwrap();
    assert_eq!(network.layers[0].units, Argument::Given(32));
    assert!(matches!(&network.layers[1].units, Argument::Unknown(text) if text == "n"));
    assert_eq!(network.layers[2].units, Argument::Given(7));
    let compile = network.compile.unwrap();
    assert_eq!(compile.loss.value, given("mean_squared_error"));
    assert_eq!(compile.learning_rate.value, Argument::Given(0.01));
    assert_eq!(compile.clip, Argument::Given(1.0));
    let fit = evidence.fit.unwrap();
    assert_eq!(fit.epochs.value, Argument::Given(10));
    assert!(matches!(&fit.batch_size.value, Argument::Unknown(text) if text == "sys.argv[1]"));
    assert_eq!(fit.validation.value, Validation::Tail(0.25));
    assert_eq!(fit.shuffle.value, Argument::Given(false));
}

#[test]
fn data_say_what_they_are() {
    let known = only(
        "from keras.datasets import mnist\nfrom keras.utils import to_categorical\n(x, y), (xt, yt) = mnist.load_data()\n\
         x = x.reshape(60000, 784).astype('float32') / 255\ny = to_categorical(y)\nmodel = Sequential()\n\
         model.add(Dense(10, activation='softmax'))\nmodel.compile('sgd', 'categorical_crossentropy')\nmodel.fit(x, y)\n",
    );
    assert_eq!(known.stated.set.as_deref(), Some("mnist"));
    assert_eq!(known.stated.classes.value, Some(10));
    assert_eq!(known.stated.one_hot, Some(true));
    let inputs = known.stated.inputs.value.unwrap();
    assert_eq!((inputs.min, inputs.max), (0.0, 1.0));
    assert_eq!(known.fit.unwrap().scaling.len(), 1);

    let xor = only(
        "import numpy as np\nX = np.array([[0,0],[0,1],[1,0],[1,1]])\ny = np.array([[0],[1],[1],[0]])\nmodel = Sequential()\n\
         model.add(Dense(1, activation='sigmoid'))\nmodel.compile('sgd', 'binary_crossentropy')\nmodel.fit(X, y)\n",
    );
    assert_eq!(xor.stated.regression, Some(false));
    assert_eq!(xor.stated.classes.value, Some(2));

    let curve = only(
        "import numpy as np\nx = np.linspace(-3, 3, 200)\ny = x ** 2 - 4\nmodel = Sequential()\nmodel.add(Dense(1))\n\
         model.compile('sgd', 'mse')\nmodel.fit(x, y)\n",
    );
    assert_eq!(curve.stated.regression, Some(true));
    let targets = curve.stated.targets.value.unwrap();
    assert_eq!((targets.min, targets.max), (-4.0, 5.0));

    let sorted = only(
        "import numpy as np\nx = np.concatenate((cats, dogs))\ny = np.concatenate((np.zeros(500), np.ones(500)))\nmodel = Sequential()\n\
         model.add(Dense(1, activation='sigmoid'))\nmodel.compile('sgd', 'binary_crossentropy')\n\
         model.fit(x, y, validation_split=0.2)\n",
    );
    assert!(sorted.stated.sorted.is_some());
    assert_eq!(sorted.fit.unwrap().shuffled_before_split, Some(false));
}

#[test]
fn several_trainings_in_one_script() {
    let text = "for rate in [0.1, 0.01]:\n    model = Sequential()\n    model.add(Dense(1))\n\
        \x20   model.compile(loss='mse', optimizer=SGD(rate))\n    model.fit(x, y, epochs=3)\n";
    let all = read::script(Path::new("train.py"), text);
    let rates: Vec<_> = all
        .iter()
        .map(|evidence| {
            evidence.network.as_ref().unwrap().compile.as_ref().unwrap().learning_rate.value.clone()
        })
        .collect();
    assert_eq!(rates, [Argument::Given(0.1), Argument::Given(0.01)]);

    let text = "base = Sequential([Dense(4)])\nmodel = Sequential([base, Dense(2)])\nmodel.compile(loss='mse', optimizer='sgd')\n";
    assert_eq!(classes(text), ["Dense", "Dense"], "a part of another model is no training");
}

#[test]
fn branches_of_a_network_and_of_a_script() {
    let text = "i = Input((4,))\na = Dense(8, activation='relu')(i)\nb = Dense(8)(a)\nc = add([a, b])\nm = Model(i, Dense(1)(c))\n\
        m.compile('adam', 'mse')\n";
    assert!(only(text).network.unwrap().branched);
    let text = "import sys\nif sys.argv[1] == 'big':\n    layers = [64, 64]\nelse:\n    layers = [8]\nmodel = Sequential()\n\
        for n in layers:\n    model.add(Dense(n, activation='relu'))\nmodel.add(Dense(1))\nmodel.compile('adam', 'mse')\n";
    let network = only(text).network.unwrap();
    assert_eq!(network.layers.len(), 3, "one way is taken, not both");
}

#[test]
fn notebooks_and_old_scripts() {
    let notebook = serde_json::json!({"cells": [
        {"cell_type": "markdown", "source": ["# Training"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "from keras.models import Sequential\n", "model = Sequential()"]},
        {"cell_type": "code", "source": "!pip install keras\nmodel.add(Dense(1, activation='softmax'))\nmodel.compile(loss='mse', optimizer='sgd')"},
    ], "nbformat": 4});
    let text = notebook.to_string();
    assert!(read::is_script(&text));
    let evidence = only(&text);
    assert_eq!(evidence.reading, []);
    assert!(evidence.source.unwrap().text.contains("model.add"));

    let old = "print \"building\"\nmodel = Sequential()\nmodel.add(Dense(4, init='uniform', input_dim=2))\nmodel.add(Activation('tanh'))\n\
        print 'done', 3\nmodel.compile(loss='mse', optimizer='sgd')\nmodel.fit(X, y, nb_epoch=20)\n";
    let evidence = only(old);
    assert_eq!(evidence.reading.len(), 1);
    assert_eq!(evidence.reading[0].level, Level::Note);
    assert_eq!(evidence.network.unwrap().layers.len(), 2);
    assert_eq!(evidence.fit.unwrap().epochs.value, Argument::Given(20));
}

#[test]
fn text_that_is_not_utf_8_is_read() {
    let bytes = b"# gr\xfcn\nmodel = Sequential()\nmodel.add(Dense(1))\nmodel.compile('sgd', 'mse')\n";
    assert_eq!(classes(&read::script_text(bytes)), ["Dense"]);
}

#[test]
fn what_is_no_training_is_empty_and_not_an_error() {
    for text in [
        "",
        "x = 1\n",
        "import os\nprint(os.getcwd())\n",
        "\u{0}\u{1}",
        "((((((",
        "class A(A): pass\nA()()()",
    ] {
        let all = read::script(Path::new("a.py"), text);
        assert_eq!(all.len(), 1);
        assert!(all[0].network.is_none() && all[0].fit.is_none());
        diagnoses(text);
    }
}

#[test]
fn a_script_that_goes_in_circles_ends() {
    let text = "def f(n):\n    return g(n)\ndef g(n):\n    return f(n) + f(n)\nf(1)\n\
        for a in range(9):\n  for b in range(9):\n    for c in range(9):\n      for d in range(9):\n        for e in range(9):\n          x = a + b\n\
        while True:\n    x = x * x\nclass A:\n    def __init__(self):\n        self.a = A()\nA()\n";
    assert_eq!(read::script(Path::new("a.py"), text).len(), 1);
}

#[test]
fn findings_of_the_text_point_into_the_text() {
    let text = "# ünïcödé\nmodel = Sequential()\nmodel.add(Dense(64, activation='relu')\nmodel.add(Dense(1, activation='softmax'))\n\
        model.compile(loss='mse', optimizer='sgd')\n";
    let findings: Vec<_> = diagnoses(text).into_iter().flat_map(|diagnosis| diagnosis.findings).collect();
    let softmax = findings.iter().find(|finding| finding.rule == "S03").unwrap();
    let Some(Place::Span(span)) = &softmax.place else { panic!("{softmax:?}") };
    assert_eq!(&text[span.clone()], "'softmax'");
    assert_eq!(line_of(softmax, text), Some(4));
    let bracket = findings.iter().find(|finding| finding.rule == "S00").unwrap();
    assert_eq!(line_of(bracket, text), Some(3));
}

proptest::proptest! {
    #[test]
    fn any_text_gets_an_answer(text in "(model|=|Sequential|\\(|\\)|\\.add|Dense|\n| |    |for|in|:|x|\\[|\\]|,|1|'relu'|def|f|return|class){0,60}") {
        let all = read::script(Path::new("a.py"), &text);
        proptest::prop_assert!(!all.is_empty());
        for evidence in &all {
            for finding in traceward_doctor::diagnose(evidence).findings {
                if let Some(Place::Span(span)) = finding.place {
                    proptest::prop_assert!(text.get(span.clone()).is_some(), "{span:?}");
                }
            }
        }
    }
}
