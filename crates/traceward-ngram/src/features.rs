//! From a trace to its n-gram counts: orders, skip-grams, and n-grams of its beginning and its end.
