//! How unlike all training traces a trace is: n-grams never seen (STIDE) and unlikely ones (Markov).
