//! Rights that are not needed any more are given up: the programs are in the kernel, and what is left is reading.

use caps::{CapSet, Capability, CapsHashSet};

/// What reading `/proc` of other users' processes takes: without it their programs are `unknown`.
const KEPT: [Capability; 2] = [Capability::CAP_SYS_PTRACE, Capability::CAP_DAC_READ_SEARCH];

/// Gives up all rights but those that reading `/proc` takes, for this thread and those that it starts: to be
/// called before any other is. What is left, by name.
pub(super) fn drop() -> Result<Vec<String>, caps::errors::CapsError> {
    let had = caps::read(None, CapSet::Permitted)?;
    let kept: CapsHashSet = KEPT.into_iter().filter(|capability| had.contains(capability)).collect();
    caps::clear(None, CapSet::Ambient)?;
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    let mut names: Vec<String> = kept.iter().map(ToString::to_string).collect();
    names.sort();
    Ok(names)
}
