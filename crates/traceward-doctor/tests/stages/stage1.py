import pandas as pd
from keras.layers import LSTM, Activation, Bidirectional, Dense, Embedding
from keras.models import Sequential
from keras.optimizers import Adam
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils import to_categorical

max_features = 400
embed_size = 64
maxlen = 200

train = pd.read_csv("train.csv", error_bad_lines=False)
validation = pd.read_csv("validation.csv", error_bad_lines=False)
tokenizer = Tokenizer(num_words=max_features)
tokenizer.fit_on_texts(train["trace"])
x_train = pad_sequences(tokenizer.texts_to_sequences(train["trace"]), maxlen=maxlen)
x_val = pad_sequences(tokenizer.texts_to_sequences(validation["trace"]), maxlen=maxlen)
y_train = to_categorical(train["label"], 7)
y_val = to_categorical(validation["label"], 7)

model = Sequential()
model.add(Embedding(max_features, embed_size))
model.add(Bidirectional(LSTM(32, recurrent_dropout=0.1)))
model.add(Dense(64)
model.add(Dense(7))
model.add(Activation('sigmond'))
model.summary()

model.compile(loss='categorical_crossentropy', optimizer=Adam(0.01), metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=32, epochs=20, validation_data=(x_val, y_val))
