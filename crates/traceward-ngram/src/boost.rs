//! Gradient boosting of trees over n-gram counts.
