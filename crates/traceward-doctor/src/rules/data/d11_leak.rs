//! D11: one call gives a class away
//!
//! What it sees: a call that occurs in 99 of 100 items of a class, and of whose items 99 in 100 are of that
//! class.
//!
//! Why it is bad: whoever knows this one call knows the class, and a network learns it in the first epoch,
//! and nothing else. It may be what the class does. Often it is what recording it left behind: the
//! recorder's own calls, another kernel, a program that ran only that day. Such a model is perfect on its
//! own data and useless on a host.
//!
//! Example:
//!
//! ```text
//! ptrace occurs in all 176 items of hydra_ssh, and in no other
//! ```
//!
//! Treatment: look where the call comes from; leave it out, if it is not what the class does, and see
//! what is left.
//!
//! Source: UMLAUT (Schoop et al., CHI 2021), "suspiciously good"; Arp et al., "Dos and Don'ts of Machine
//! Learning in Computer Security", USENIX Security 2022, pitfall P4 (spurious correlations).

use traceward_trace::profile::numerals::count;

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D11", name: "one call gives a class away", file: include_str!("d11_leak.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    if data.labels.is_none() && data.lengths.is_none() {
        return Err(Missing(Need::Sequences));
    }
    let Some(call) = &data.telling else { return Ok(Vec::new()) };
    let symptom = format!(
        "{} occurs in {:.1} of 100 of the {} items of {}, and {:.1} of 100 items with it are {3}",
        call.name,
        call.recall * 100.0,
        count(call.items),
        call.class,
        call.precision * 100.0
    );
    Ok(vec![
        Finding::new("D11", Level::Warning, symptom)
            .cause(
                Cause::new(CauseKind::Leak, 0.45, "recording left a mark that gives the class away")
                    .although("it may be what the class does"),
            )
            .treat(Treatment::advice(format!(
                "look where {} comes from, and leave it out if it is not what the class does",
                call.name
            ))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, SequenceFacts, TellingToken};

    #[test]
    fn a_call_that_tells() {
        let telling = TellingToken {
            name: "ptrace".into(),
            class: "hydra_ssh".into(),
            items: 176,
            precision: 1.0,
            recall: 0.994,
        };
        let mut data = Data { lengths: Some(SequenceFacts::default()), ..Data::default() };
        let of = |data: &Data| check(&Evidence { data: Some(data.clone()), ..Evidence::default() });
        assert_eq!(of(&data), Ok(Vec::new()));
        data.telling = Some(telling);
        assert_eq!(
            of(&data).unwrap()[0].symptom,
            "ptrace occurs in 99.4 of 100 of the 176 items of hydra_ssh, and 100.0 of 100 items with it are hydra_ssh"
        );
        assert_eq!(of(&Data::default()), Err(Missing(Need::Sequences)));
    }
}
