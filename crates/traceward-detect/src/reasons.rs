//! Why a trace got its verdict: the calls and n-grams that moved it, and the training trace most like it.
