//! Scripts with nothing wrong, in many styles: no finding above a note.

use super::{listed, serious};

const HEALTHY: &[(&str, &str)] = &[
    (
        "digits, dense",
        r#"
from keras.datasets import mnist
from keras.models import Sequential
from keras.layers import Dense, Dropout
from keras.utils import to_categorical
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(60000, 784).astype('float32') / 255
x_test = x_test.reshape(10000, 784).astype('float32') / 255
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)
model = Sequential()
model.add(Dense(512, activation='relu', input_shape=(784,)))
model.add(Dropout(0.2))
model.add(Dense(10, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=128, epochs=20, validation_data=(x_test, y_test))
"#,
    ),
    (
        "digits, convolutions, logits",
        r#"
import tensorflow as tf
from tensorflow.keras import layers, models
(x_train, y_train), (x_test, y_test) = tf.keras.datasets.cifar10.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
model = models.Sequential()
model.add(layers.Conv2D(32, (3, 3), activation='relu', input_shape=(32, 32, 3)))
model.add(layers.MaxPooling2D((2, 2)))
model.add(layers.Conv2D(64, (3, 3), activation='relu'))
model.add(layers.Flatten())
model.add(layers.Dense(64, activation='relu'))
model.add(layers.Dense(10))
model.compile(optimizer='adam', loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])
history = model.fit(x_train, y_train, epochs=10, validation_data=(x_test, y_test))
"#,
    ),
    (
        "reviews, LSTM",
        r#"
from keras.preprocessing import sequence
from keras.models import Sequential
from keras.layers import Dense, Embedding, LSTM
from keras.datasets import imdb
max_features = 20000
maxlen = 80
(x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=max_features)
x_train = sequence.pad_sequences(x_train, maxlen=maxlen)
x_test = sequence.pad_sequences(x_test, maxlen=maxlen)
model = Sequential()
model.add(Embedding(max_features, 128))
model.add(LSTM(128, dropout=0.2, recurrent_dropout=0.2))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=32, epochs=15, validation_data=(x_test, y_test))
"#,
    ),
    (
        "prices, regression",
        r#"
from tensorflow import keras
from tensorflow.keras import layers
from sklearn.preprocessing import StandardScaler
(x, y), (xt, yt) = keras.datasets.boston_housing.load_data()
scaler = StandardScaler()
x = scaler.fit_transform(x)
xt = scaler.transform(xt)
model = keras.Sequential([layers.Dense(64, activation='relu', input_shape=[13]), layers.Dense(64, activation='relu'), layers.Dense(1)])
model.compile(loss='mse', optimizer=keras.optimizers.RMSprop(0.001), metrics=['mae'])
model.fit(x, y, epochs=100, validation_split=0.2, verbose=0, callbacks=[keras.callbacks.EarlyStopping(patience=10)])
"#,
    ),
    (
        "table, yes or no",
        r#"
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from keras.models import Sequential
from keras.layers import Dense
df = pd.read_csv('churn.csv')
X = df.drop('churn', axis=1).values
y = df['churn'].values
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=7)
scaler = MinMaxScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)
classifier = Sequential()
classifier.add(Dense(units=6, kernel_initializer='uniform', activation='relu', input_dim=11))
classifier.add(Dense(units=6, kernel_initializer='uniform', activation='relu'))
classifier.add(Dense(units=1, kernel_initializer='uniform', activation='sigmoid'))
classifier.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])
classifier.fit(X_train, y_train, batch_size=10, epochs=100, validation_data=(X_test, y_test))
"#,
    ),
    (
        "autoencoder",
        r#"
from keras.layers import Input, Dense
from keras.models import Model
from keras.datasets import mnist
(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train.reshape((len(x_train), 784)) / 255.
x_test = x_test.reshape((len(x_test), 784)) / 255.
input_img = Input(shape=(784,))
encoded = Dense(32, activation='relu')(input_img)
decoded = Dense(784, activation='sigmoid')(encoded)
autoencoder = Model(input_img, decoded)
autoencoder.compile(optimizer='adam', loss='binary_crossentropy')
autoencoder.fit(x_train, x_train, epochs=50, batch_size=256, shuffle=True, validation_data=(x_test, x_test))
"#,
    ),
    (
        "autoencoder with squared error",
        r#"
import numpy as np
from tensorflow import keras
x = np.random.rand(1000, 30)
model = keras.Sequential([keras.layers.Dense(8, activation='relu', input_dim=30), keras.layers.Dense(30, activation='sigmoid')])
model.compile(optimizer='adam', loss='mse')
model.fit(x, x, epochs=40, validation_split=0.1)
"#,
    ),
    (
        "XOR",
        r#"
import numpy as np
from keras.models import Sequential
from keras.layers import Dense
from keras.optimizers import Adam
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
model = Sequential()
model.add(Dense(8, input_dim=2, activation='tanh'))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=Adam(0.01), metrics=['accuracy'])
model.fit(X, y, epochs=1000, batch_size=4)
"#,
    ),
    (
        "normalisation before activation",
        r#"
from keras.models import Sequential
from keras.layers import Dense, BatchNormalization, Activation, Dropout
model = Sequential()
for units in (256, 128):
    model.add(Dense(units, use_bias=False))
    model.add(BatchNormalization())
    model.add(Activation('relu'))
    model.add(Dropout(0.3))
model.add(Dense(20))
model.add(Activation('softmax'))
model.compile(loss='sparse_categorical_crossentropy', optimizer='nadam', metrics=['acc'])
model.fit(X_train, y_train, validation_data=(X_val, y_val), epochs=50, batch_size=64)
"#,
    ),
    (
        "multi-label",
        r#"
from keras.models import Sequential
from keras.layers import Dense
from sklearn.preprocessing import MultiLabelBinarizer
y = MultiLabelBinarizer().fit_transform(tags)
model = Sequential([Dense(128, activation='relu', input_dim=300), Dense(12, activation='sigmoid')])
model.compile(loss='binary_crossentropy', optimizer='adam')
model.fit(X, y, epochs=30, validation_split=0.2)
"#,
    ),
    (
        "residual, functional",
        r#"
from tensorflow.keras import layers, Model, Input, optimizers
def block(x, filters):
    shortcut = x
    x = layers.Conv2D(filters, 3, padding='same')(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(filters, 3, padding='same')(x)
    x = layers.add([x, shortcut])
    return layers.Activation('relu')(x)
inputs = Input((32, 32, 3))
x = layers.Rescaling(1 / 255)(inputs)
x = layers.Conv2D(32, 3, padding='same', activation='relu')(x)
for _ in range(3):
    x = block(x, 32)
x = layers.GlobalAveragePooling2D()(x)
model = Model(inputs, layers.Dense(10, activation='softmax')(x))
model.compile(optimizers.SGD(0.05, momentum=0.9), 'sparse_categorical_crossentropy', ['accuracy'])
model.fit(train_ds, validation_data=val_ds, epochs=30)
"#,
    ),
    (
        "transfer",
        r#"
from tensorflow.keras.applications import VGG16
from tensorflow.keras import layers, models, optimizers
from tensorflow.keras.preprocessing.image import ImageDataGenerator
base = VGG16(weights='imagenet', include_top=False, input_shape=(150, 150, 3))
base.trainable = False
model = models.Sequential([base, layers.Flatten(), layers.Dense(256, activation='relu'), layers.Dense(1, activation='sigmoid')])
gen = ImageDataGenerator(rescale=1./255, horizontal_flip=True)
train = gen.flow_from_directory('train', target_size=(150, 150), batch_size=20, class_mode='binary')
val = ImageDataGenerator(rescale=1./255).flow_from_directory('val', target_size=(150, 150), batch_size=20, class_mode='binary')
model.compile(loss='binary_crossentropy', optimizer=optimizers.RMSprop(learning_rate=2e-5), metrics=['acc'])
model.fit(train, steps_per_epoch=100, epochs=30, validation_data=val, validation_steps=50)
"#,
    ),
    (
        "stacked recurrent",
        r#"
from keras.models import Sequential
from keras.layers import LSTM, Dense, Dropout, TimeDistributed, Embedding, Bidirectional
vocab = 5000
model = Sequential()
model.add(Embedding(vocab, 100, input_length=50, mask_zero=True))
model.add(Bidirectional(LSTM(64, return_sequences=True)))
model.add(Dropout(0.3))
model.add(LSTM(64, return_sequences=True))
model.add(TimeDistributed(Dense(12, activation='softmax')))
model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
model.fit(X, y, batch_size=64, epochs=25, validation_data=(Xv, yv))
"#,
    ),
    (
        "forecast",
        r#"
import numpy as np
from keras.models import Sequential
from keras.layers import LSTM, Dense
from sklearn.preprocessing import MinMaxScaler
series = MinMaxScaler().fit_transform(raw)
model = Sequential()
model.add(LSTM(50, activation='tanh', input_shape=(10, 1)))
model.add(Dense(1))
model.compile(optimizer='adam', loss='mean_squared_error')
model.fit(X, y, epochs=50, batch_size=32, shuffle=False, validation_data=(Xv, yv))
"#,
    ),
    (
        "schedule and classes of losses",
        r#"
import tensorflow as tf
lr = tf.keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=1000, decay_rate=0.9)
model = tf.keras.Sequential([
    tf.keras.layers.Flatten(input_shape=(28, 28)),
    tf.keras.layers.Dense(128, activation=tf.nn.relu),
    tf.keras.layers.Dense(10, activation=tf.nn.softmax)
])
model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=lr), loss=tf.keras.losses.SparseCategoricalCrossentropy(), metrics=[tf.keras.metrics.SparseCategoricalAccuracy()])
model.fit(train_images / 255.0, train_labels, epochs=10, validation_split=0.1)
"#,
    ),
    (
        "two units for two classes",
        r#"
from keras.utils import np_utils
y = np_utils.to_categorical(labels, 2)
model = Sequential()
model.add(Dense(32, input_dim=10))
model.add(Activation('relu'))
model.add(Dense(2))
model.add(Activation('softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(scale(X), y, nb_epoch=50, batch_size=16, validation_split=0.3)
"#,
    ),
    (
        "one linear unit",
        r#"
import numpy as np
import tensorflow as tf
xs = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
ys = np.array([-3.0, -1.0, 1.0, 3.0, 5.0, 7.0])
model = tf.keras.Sequential([tf.keras.layers.Dense(units=1, input_shape=[1])])
model.compile(optimizer='sgd', loss='mean_squared_error')
model.fit(xs, ys, epochs=500)
"#,
    ),
    (
        "with dense layers that feed an activation layer",
        r#"
from keras.layers import LeakyReLU, PReLU
model = Sequential()
model.add(Dense(64, input_dim=20))
model.add(LeakyReLU(alpha=0.1))
model.add(Dense(64))
model.add(PReLU())
model.add(Dense(5, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer=Adam(lr=1e-3), metrics=['accuracy'])
model.fit(X, Y, epochs=40, batch_size=32, validation_data=(Xv, Yv))
"#,
    ),
    (
        "PyTorch, convolutions",
        r#"
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
train_loader = DataLoader(datasets.MNIST('.', train=True, transform=transforms.ToTensor()), batch_size=64, shuffle=True)
test_loader = DataLoader(datasets.MNIST('.', train=False, transform=transforms.ToTensor()), batch_size=1000)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)
    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = torch.flatten(self.dropout(x), 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)
def train(model, loader, optimizer):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
def test(model, loader):
    model.eval()
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
def main():
    model = Net()
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    for epoch in range(1, 15):
        train(model, train_loader, optimizer)
        test(model, test_loader)
if __name__ == '__main__':
    main()
"#,
    ),
    (
        "PyTorch, LSTM",
        r#"
import torch
from torch import nn
class Tagger(nn.Module):
    def __init__(self, vocab, dim=64, hidden=128, classes=5):
        super(Tagger, self).__init__()
        self.emb = nn.Embedding(vocab, dim, padding_idx=0)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(2 * hidden, classes)
    def forward(self, x, lengths=None):
        x = self.emb(x)
        out, (h, c) = self.lstm(x)
        return self.fc(self.drop(out[:, -1, :]))
model = Tagger(10000)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = torch.utils.data.DataLoader(train, batch_size=32, shuffle=True)
for epoch in range(20):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x).argmax(1) == y).sum() for x, y in val_loader)
"#,
    ),
    (
        "PyTorch, regression",
        r#"
import torch
x = torch.linspace(-1, 1, 100).unsqueeze(1)
y = x.pow(2)
net = torch.nn.Sequential(torch.nn.Linear(1, 20), torch.nn.ReLU(), torch.nn.Linear(20, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
loss_func = torch.nn.MSELoss()
for t in range(500):
    prediction = net(x)
    loss = loss_func(prediction, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"#,
    ),
    (
        "PyTorch, yes or no",
        r#"
import torch, torch.nn as nn
model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())
opt = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
loss_fn = nn.BCELoss()
loader = torch.utils.data.DataLoader(ds, batch_size=16, shuffle=True)
for epoch in range(100):
    for xb, yb in loader:
        loss = loss_fn(model(xb).squeeze(), yb)
        opt.zero_grad(); loss.backward(); opt.step()
"#,
    ),
    (
        "PyTorch, residual",
        r#"
import torch.nn as nn, torch
class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a = nn.Conv2d(c, c, 3, padding=1)
        self.bn = nn.BatchNorm2d(c)
        self.b = nn.Conv2d(c, c, 3, padding=1)
    def forward(self, x):
        return torch.relu(x + self.b(torch.relu(self.bn(self.a(x)))))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 3)
        self.blocks = nn.ModuleList([Block(64) for _ in range(4)])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 100)
    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.fc(self.pool(x).flatten(1))
net = Net().cuda()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
ce = nn.CrossEntropyLoss()
loader = torch.utils.data.DataLoader(train, 128, True)
for epoch in range(60):
    net.train()
    for x, y in loader:
        opt.zero_grad()
        ce(net(x.cuda()), y.cuda()).backward()
        opt.step()
    net.eval()
"#,
    ),
    (
        "Lightning",
        r#"
import torch
from torch import nn
import torch.nn.functional as F
import pytorch_lightning as pl
class Lit(pl.LightningModule):
    def __init__(self, lr=1e-3):
        super().__init__()
        self.lr = lr
        self.l1 = nn.Linear(28 * 28, 128)
        self.l2 = nn.Linear(128, 10)
    def forward(self, x):
        return self.l2(torch.relu(self.l1(x.view(x.size(0), -1))))
    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        return loss
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)
train_loader = torch.utils.data.DataLoader(ds, batch_size=64, shuffle=True)
trainer = pl.Trainer(max_epochs=10)
trainer.fit(Lit(), train_loader, val_loader)
"#,
    ),
    (
        "an own loop in TensorFlow",
        r#"
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.layers.Dense(64, activation='relu'), tf.keras.layers.Dense(10)])
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam(1e-3)
for epoch in range(10):
    for x, y in dataset:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
"#,
    ),
    (
        "self-normalising",
        r#"
from keras.models import Sequential
from keras.layers import Dense, AlphaDropout
model = Sequential()
model.add(Dense(100, activation='selu', kernel_initializer='lecun_normal', input_dim=30))
model.add(AlphaDropout(0.1))
model.add(Dense(100, activation='selu', kernel_initializer='lecun_normal'))
model.add(Dense(4, activation='softmax'))
model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
model.fit(X, y, epochs=60, batch_size=32, validation_split=0.2)
"#,
    ),
    (
        "tanh for targets between -1 and 1",
        r#"
import numpy as np
x = np.linspace(0, 10, 1000)
y = np.sin(x)
model = Sequential()
model.add(Dense(50, activation='relu', input_dim=1))
model.add(Dense(50, activation='relu'))
model.add(Dense(1, activation='tanh'))
model.compile(loss='mse', optimizer='adam')
model.fit(x / 10, y, epochs=200, batch_size=32)
"#,
    ),
];

#[test]
fn nothing_above_a_note() {
    let mut alarms = String::new();
    for (name, text) in HEALTHY {
        let found = serious(text);
        if !found.is_empty() {
            alarms += &format!("{name}:\n{}", listed(&found));
        }
    }
    assert!(alarms.is_empty(), "{alarms}");
}

#[test]
fn every_one_is_read() {
    for (name, text) in HEALTHY {
        let all = traceward_doctor::read::script(std::path::Path::new("train.py"), text);
        assert_eq!(all.len(), 1, "{name}");
        let network = all[0].network.as_ref().unwrap_or_else(|| panic!("{name}: no network"));
        assert!(!network.layers.is_empty(), "{name}: no layers");
        assert!(
            network.compile.as_ref().is_some_and(|compile| compile.loss.value.given().is_some()),
            "{name}: no loss"
        );
        assert!(all[0].fit.as_ref().is_some_and(|fit| fit.epochs.value.is_written()), "{name}: no epochs");
        assert!(all[0].reading.is_empty(), "{name}");
    }
}
