//! Trains, debugs and deploys classifiers of system-call traces.
