//! What is said of a trace: normal, a known family, an unknown attack, novel, or abstain.
