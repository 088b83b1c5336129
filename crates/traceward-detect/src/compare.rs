//! Two models on the same traces: is the difference more than luck?
