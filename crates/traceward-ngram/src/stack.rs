//! Several models, and how much each is believed: weights and class biases learnt on inner folds.
