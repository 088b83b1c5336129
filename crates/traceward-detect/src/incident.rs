//! Related traces judged together: an attack run, a recording, a process tree.
