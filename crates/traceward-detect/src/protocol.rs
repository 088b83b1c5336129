//! How traces are told apart into those that train and those that judge, so that the figures can be believed.
