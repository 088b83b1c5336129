//! Thresholds from a user's own normals, and probabilities that mean what they say.
