//! Extremely randomised trees over n-gram counts.
