//! ADFA-LD, where this machine has it.

use std::path::{Path, PathBuf};

use traceward_trace::{Dataset, ReadOptions};

/// The whole data set, or `None` (saying so).
#[expect(clippy::print_stdout, reason = "who runs the tests should see what they left out")]
pub(crate) fn adfa_ld() -> Option<Dataset> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let zip = root.join("adfa-ld/ADFA-LD.zip");
    if !zip.is_file() {
        println!("skipped: {} is not there; set TRACEWARD_DATA to a folder that has it", zip.display());
        return None;
    }
    Some(traceward_trace::read(&zip, &ReadOptions::default()).unwrap())
}
