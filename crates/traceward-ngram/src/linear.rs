//! Linear classifiers over n-gram weights: the support vector machine that networks must beat.
