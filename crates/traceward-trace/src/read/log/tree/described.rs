//! What stands beside recordings about them: LID-DS 2021's `.json`, LID-DS 2019's `runs.csv`.

use std::collections::HashMap;
use std::io::Read;

use serde::Deserialize;

use super::super::Attack;
use crate::read::tree::Tree;

/// The longest description of a recording, in bytes.
const LONGEST_DESCRIPTION: u64 = 16 << 20;

/// Seconds before the start that `runs.csv` gives from which calls count as the attack's: the data set's own
/// reader allows 2 seconds for the start, which was noted in whole seconds.
const EARLY: f64 = 2.0;

/// What a recording's `.json` says of it.
#[derive(Deserialize)]
struct Description {
    exploit: bool,
    #[serde(default)]
    time: Times,
}

#[derive(Default, Deserialize)]
struct Times {
    #[serde(default)]
    exploit: Vec<Moment>,
}

#[derive(Deserialize)]
struct Moment {
    /// Seconds since 1970.
    absolute: f64,
}

impl Description {
    /// An attack begins at its first exploit, or is all of the recording if that is not said.
    fn attack(&self) -> Attack {
        let first = self.time.exploit.iter().map(|moment| moment.absolute).min_by(f64::total_cmp);
        if self.exploit { Attack::At(first.map_or(0, nanoseconds)) } else { Attack::None }
    }
}

fn nanoseconds(seconds: f64) -> u128 {
    (seconds.max(0.0) * 1e9) as u128
}

/// The recordings that the `runs.csv` of a tree list, by folder and name.
#[derive(Debug, Default)]
pub(super) struct Runs(HashMap<String, Attack>);

impl Runs {
    /// Reads every `runs.csv` of a tree; what cannot be read describes nothing.
    pub(super) fn of(tree: &mut Tree<'_>) -> Self {
        let mut runs = Self::default();
        for index in 0..tree.len() {
            let path = tree.path(index).to_owned();
            let (folder, name) = parted(&path);
            if name != "runs.csv" {
                continue;
            }
            let mut text = Vec::new();
            let Ok(input) = tree.open(index) else { continue };
            if input.take(LONGEST_DESCRIPTION).read_to_end(&mut text).is_ok() {
                runs.add(folder, &String::from_utf8_lossy(&text));
            }
        }
        runs
    }

    /// `image_name, scenario_name, is_executing_exploit, warmup_time, recording_time, exploit_start_time`:
    /// times are in seconds, the start from the recording's beginning, -1 without an exploit.
    fn add(&mut self, folder: &str, text: &str) {
        let mut lines = text.lines().map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
        let Some(header) = lines.next() else { return };
        let column = |name: &str| header.iter().position(|known| *known == name);
        let (Some(name), Some(exploit)) = (column("scenario_name"), column("is_executing_exploit")) else {
            return;
        };
        let start = column("exploit_start_time");
        for row in lines {
            let (Some(name), Some(exploit)) = (row.get(name), row.get(exploit)) else { continue };
            let start = start.and_then(|start| row.get(start)?.parse::<f64>().ok()).unwrap_or(0.0);
            let attack = if exploit.eq_ignore_ascii_case("true") {
                Attack::After(nanoseconds(start - EARLY))
            } else {
                Attack::None
            };
            self.0.insert(format!("{folder}{name}"), attack);
        }
    }

    /// Whether `path` is a list of runs, and no recording.
    pub(super) fn is_list(path: &str) -> bool {
        parted(path).1 == "runs.csv"
    }
}

/// A path's folder with its slash, and its name.
fn parted(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// What is said of the recording `path`, if anything is.
pub(super) fn described(tree: &mut Tree<'_>, runs: &Runs, path: &str) -> Option<Attack> {
    if let Some(stem) = path.strip_suffix(".txt") {
        return runs.0.get(stem).copied();
    }
    let stem = path.strip_suffix(".sc")?;
    let index = tree.find(&format!("{stem}.json"))?;
    let mut text = Vec::new();
    tree.open(index).ok()?.take(LONGEST_DESCRIPTION).read_to_end(&mut text).ok()?;
    let description: Description = serde_json::from_slice(&text).ok()?;
    Some(description.attack())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_tells_when_the_exploit_began() {
        let parse = |text: &str| serde_json::from_str::<Description>(text).unwrap().attack();
        assert_eq!(
            parse(r#"{"exploit": false, "time": {"container_ready": {"absolute": 1.0}}}"#),
            Attack::None
        );
        assert_eq!(
            parse(r#"{"exploit": true, "time": {"exploit": [{"absolute": 2.5}, {"absolute": 2.0}]}}"#),
            Attack::At(2_000_000_000)
        );
        assert_eq!(parse(r#"{"exploit": true}"#), Attack::At(0));
    }

    #[test]
    fn a_list_of_runs_tells_of_each() {
        let mut runs = Runs::default();
        runs.add(
            "bruteforce/",
            "image_name, scenario_name, is_executing_exploit, warmup_time, recording_time, exploit_start_time\n\
             victim:latest, sweet_greider_4408, False, 10, 50, -1\n\
             victim:latest, ripe_faraday_5596, True, 10, 35, 24\r\n\
             short\n",
        );
        assert_eq!(runs.0.get("bruteforce/sweet_greider_4408"), Some(&Attack::None));
        assert_eq!(runs.0.get("bruteforce/ripe_faraday_5596"), Some(&Attack::After(22_000_000_000)));
        assert_eq!(runs.0.len(), 2);
        runs.add("", "a,b\n1,2\n");
        assert_eq!(runs.0.len(), 2);
    }
}
