//! What outlives the watch: what it learnt of this host.

use std::fs;
use std::path::{Path, PathBuf};

use traceward_detect::calibrate::Calibration;
use traceward_trace::write::atomically;

use crate::error::Failure;

/// The folder that `--state` names.
#[derive(Clone, Debug)]
pub(super) struct StateDir(PathBuf);

impl StateDir {
    /// Makes it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path)
            .map_err(|error| Failure::new(format_args!("cannot make {}: {error}", path.display())))?;
        Ok(Self(path.to_owned()))
    }

    /// Where alerts wait that are not sent yet.
    pub(super) fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// What was learnt of this host is of one model: another's scores mean something else.
    pub(super) fn calibration_file(&self, model: &str) -> PathBuf {
        self.0.join(format!("calibration-{model}.json"))
    }

    /// What was learnt for the model of this id, if anything was.
    pub(super) fn calibration(&self, model: &str) -> Result<Option<Calibration>, Failure> {
        let path = self.calibration_file(model);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::new(format_args!("cannot read {}: {error}", path.display())));
            }
        };
        let bad = |error: String| {
            Failure::new(format_args!("{}: {error}", path.display()))
                .hint("learn this host anew: --calibrate 1h --recalibrate")
        };
        let value = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        Calibration::from_json(&value).map(Some).map_err(|error| bad(error.to_string()))
    }

    /// Keeps what was learnt, all or nothing.
    pub(super) fn keep(&self, model: &str, calibration: &Calibration) -> Result<PathBuf, Failure> {
        let path = self.calibration_file(model);
        let text = serde_json::to_vec(&calibration.to_json())?;
        atomically(&path, |out| out.write_all(&text))?;
        Ok(path)
    }
}
