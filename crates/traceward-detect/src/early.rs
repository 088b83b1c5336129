//! What a model says after 20, 50, 100 calls, and how many calls it takes to an alarm.
