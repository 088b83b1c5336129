//! The record of a training that has no epochs: a recipe of n-grams, trees or a stack.
//!
//! The file is `traceward.toml` as for networks, with `[recipe]` where those have `[compile]`, `[fit]` and
//! `[model]`. The recipe stands in its own words: this crate knows none of them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use traceward_trace::split::SplitConfig;

use super::{ConfigError, DataRecord, Problem};

/// What a run directory keeps of such a training: all that repeats it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeRecord {
    /// The version of traceward that ran.
    pub version: String,
    /// The recipe's name: `recommended`, `svm`.
    pub model: String,
    /// Seed of everything random in it.
    pub seed: u64,
    /// How the data is cut.
    pub split: SplitConfig,
    /// The recipe, in full.
    pub recipe: Value,
    /// The data that it ran on.
    pub data: DataRecord,
}

impl RecipeRecord {
    /// Whether a file is such a record, going by its keys alone.
    pub fn is_one(path: &Path) -> bool {
        let table = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
        table.is_some_and(|table| table.contains_key("recipe"))
    }

    /// Reads the record at `path`.
    ///
    /// # Errors
    /// With the path, line and column, and what is allowed there.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(Problem::Io).map_err(ConfigError::at(path))?;
        toml::from_str(&text).map_err(|error| ConfigError::at(path)(Problem::Toml(error.to_string())))
    }

    /// The record as a file.
    ///
    /// # Errors
    /// If it holds what TOML cannot say: a seed of 2^63 or more.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        Ok(toml::to_string(self).map_err(|error| Problem::NoToml(error.to_string()))?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use traceward_trace::split::Method;

    use super::*;
    use crate::Preset;
    use crate::config::{DataSource, TrainConfig};

    fn record() -> RecipeRecord {
        RecipeRecord {
            version: "0.1.0".into(),
            model: "svm".into(),
            seed: 3,
            split: SplitConfig {
                method: Method::Grouped,
                validation_share: 0.2,
                seed: 3,
                shuffle_first: false,
            },
            recipe: json!({"linear": {"c": 1.5, "orders": [1, 2, 3]}}),
            data: DataRecord {
                source: DataSource::default(),
                name: "corpus".into(),
                fingerprint: "ab".into(),
                traces: 10,
                classes: vec!["normal".into(), "a".into()],
                abi: "x86_64".into(),
                training_traces: 8,
                validation_traces: 2,
            },
        }
    }

    #[test]
    fn comes_back_as_it_was_and_is_told_from_a_networks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traceward.toml");
        std::fs::write(&path, record().to_toml().unwrap()).unwrap();
        assert_eq!(RecipeRecord::load(&path).unwrap(), record());
        assert!(RecipeRecord::is_one(&path));
        Preset::Article5.config().save(&path).unwrap();
        assert!(!RecipeRecord::is_one(&path));
        assert!(TrainConfig::load(&path).is_ok());
    }

    #[test]
    fn a_key_that_nobody_reads_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traceward.toml");
        std::fs::write(&path, format!("sed = 4\n{}", record().to_toml().unwrap())).unwrap();
        let error = RecipeRecord::load(&path).unwrap_err().to_string();
        assert!(error.contains("sed"), "{error}");
    }
}
