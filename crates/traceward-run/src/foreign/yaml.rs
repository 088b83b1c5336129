//! The plain scalars of `hparams.yaml` and W&B's and MLflow's files, without the rest of YAML.
//!
//! What is wanted is `lr: 0.001`, not a language: lines of `name: value` at the left margin, and the same one
//! level deep under a name of its own. Tags, anchors, lists and blocks are passed over.

use std::path::Path;

use serde_json::{Map, Value};

use super::value::json_number;
use super::{LoggedRun, number};

/// More than this is no file of settings.
const LARGEST: usize = 1 << 20;

/// Gives the runs the settings that Lightning keeps beside its metrics.
pub(super) fn beside(metrics: &Path, runs: &mut [LoggedRun]) {
    if let Some(text) = small_file(&metrics.with_file_name("hparams.yaml")) {
        let scalars = scalars(&text);
        for run in runs {
            run.hyperparameters.clone_from(&scalars);
        }
    }
}

/// The text of a file of settings, if it is one.
pub(super) fn small_file(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok().filter(|bytes| bytes.len() <= LARGEST)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The scalars of a text: `name: value`, and `outer.name` for those one level deeper.
pub(super) fn scalars(text: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let mut outer = String::new();
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.starts_with(['#', '-', '!', '?', '%']) {
            continue;
        }
        let Some((name, value)) =
            line.split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with(' '))
        else {
            continue;
        };
        let (name, value) = (name.trim().trim_matches(['"', '\'']), value.trim());
        if value.is_empty() {
            if !indented {
                name.clone_into(&mut outer);
            }
            continue;
        }
        if !indented {
            outer.clear();
        }
        if value.starts_with(['!', '&', '*', '|', '>', '[', '{']) {
            continue;
        }
        let name = if indented && !outer.is_empty() { format!("{outer}.{name}") } else { name.to_owned() };
        found.insert(name, scalar(value));
    }
    found
}

fn scalar(text: &str) -> Value {
    let quoted = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    if let Some(text) = quoted {
        return text.into();
    }
    let text = text.split(" #").next().unwrap_or(text).trim();
    match text {
        "null" | "~" => Value::Null,
        "true" | "True" => true.into(),
        "false" | "False" => false.into(),
        _ => number::parse(text).map_or_else(|| text.into(), json_number),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_scalars_only() {
        let text = "lr: 0.001\nname: \"a: b\"\nlayers:\n- 3\n- 4\nopt:\n  beta: 0.9\nx: !!python/object:y\n  z: 1\nok: true # yes\nepochs: 10\n";
        let found = serde_json::to_string(&scalars(text)).unwrap();
        assert_eq!(found, r#"{"lr":0.001,"name":"a: b","opt.beta":0.9,"z":1,"ok":true,"epochs":10}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[a-z:! \"'\n#é-]{0,60}") {
            let _ = scalars(&text);
        }
    }
}
