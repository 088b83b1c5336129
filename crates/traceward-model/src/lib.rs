//! From a written spec to a network that runs: burn modules, the recurrent kernel as a burn backend extension, weights in and out.
