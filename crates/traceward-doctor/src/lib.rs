//! The doctor: what is wrong with a training run, why, and what would cure it.
//!
//! [`Evidence`] is all that can be looked at: a network, how it is fitted, its data, its curves, what was
//! seen inside it, what probes found. Any part may be missing. [`rules`] look at it, one file each, and
//! report [`Finding`]s: a symptom, computed and with its numbers and place; causes, ranked hypotheses with
//! what speaks for and against each; treatments, changes that a program can apply. A rule that lacks
//! evidence says what it needs, and is never taken for "fine". [`diagnose()`] runs them all and sorts what
//! they found into one [`Diagnosis`].
//!
//! Nothing here trains. A trial of a treatment is a closure that the caller brings.

pub mod curve;
mod data;
pub mod debug;
pub mod diagnose;
pub mod evidence;
pub mod facts;
pub mod finding;
pub mod fingerprint;
pub mod inside;
pub mod label;
pub mod names;
pub mod place;
pub mod plan;
pub mod process;
pub mod read;
pub mod record;
pub mod rule;
pub mod rules;
mod stage;
pub mod treat;
pub mod trial;
pub mod watch;

pub use diagnose::{Diagnosis, diagnose};
pub use evidence::{Evidence, Missing, Need};
pub use finding::{Cause, CauseKind, Change, Finding, Label, Level, Repair, Treatment};
pub use place::{Place, Source};
pub use rule::Rule;
