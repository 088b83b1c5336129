//! Writes warnings down as alerts.

use std::fs;

use nix::unistd::gethostname;
use traceward_capture::{Tail, clock};

use super::{Alert, Extent, ModelId, Origin};
use crate::explain::Explainer;
use crate::finding::Warning;
use crate::techniques::technique;

/// Pids that are above everything: what they begot has nothing in common. 2 is the kernel's own threads'.
const ROOTS: [u32; 3] = [0, 1, 2];

/// Writes a guard's warnings down, with reasons, and with ids that no other guard gives, here or elsewhere, now
/// or after a restart.
pub struct Scribe<'a> {
    host: String,
    boot: String,
    /// What all ids begin with.
    prefix: u64,
    model: ModelId,
    explainer: Explainer<'a>,
}

impl<'a> Scribe<'a> {
    /// For this host and this run.
    pub fn here(model: ModelId, explainer: Explainer<'a>) -> Self {
        let host = gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let started = format!("{} {}", clock::wall(), std::process::id());
        Self::new(host, boot.trim().to_owned(), &started, model, explainer)
    }

    /// For a host with this name and boot id, and a run that nothing but `started` tells from others.
    pub fn new(host: String, boot: String, started: &str, model: ModelId, explainer: Explainer<'a>) -> Self {
        let prefix = hash(&[&host, &boot, started]);
        Self { host, boot, prefix, model, explainer }
    }

    /// The host's name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How many alerts went without reasons because there were too many at once.
    pub fn unexplained(&self) -> u64 {
        self.explainer.skipped()
    }

    /// An alert that says what a warning says.
    pub fn alert(&mut self, warning: &Warning) -> Alert {
        let time = clock::rfc3339(clock::wall_of(warning.at));
        self.alert_at(warning, time)
    }

    /// The same of a time written as RFC 3339 has it.
    pub fn alert_at(&mut self, warning: &Warning, time: String) -> Alert {
        let Warning { verdict, head, tail, process, .. } = warning;
        let mut reasons = verdict.reasons.clone();
        reasons.extend(self.explainer.reasons(warning));
        let family = verdict.family_name().map(str::to_owned);
        let lost_after = tail.map_or(0, |Tail { lost, .. }| lost);
        Alert {
            id: self.id(warning.number),
            alarm: self.id(warning.alarm),
            kind: warning.kind,
            time,
            host: self.host.clone(),
            verdict: verdict.word,
            technique: family.as_deref().and_then(technique),
            family,
            p_attack: verdict.p_attack,
            score: verdict.score,
            score_at: verdict.score_at,
            first_alarm: verdict.first_alarm,
            threshold: verdict.threshold,
            p_value: verdict.p_value,
            novelty: verdict.novelty,
            reasons,
            tainted: verdict.tainted,
            unknown_share: verdict.unknown_share,
            foreign_abi: warning.foreign_abi,
            process: process.clone(),
            trace: Extent {
                task: head.task.0,
                first: head.first,
                calls: verdict.calls,
                joined: head.joined,
                lost: head.lost + lost_after,
            },
            model: self.model.clone(),
            folded: 0,
            incident: self.incident(process),
        }
    }

    fn id(&self, number: u64) -> String {
        format!("{:016x}-{number}", self.prefix)
    }

    /// What related alerts have in common: the container, or else the oldest ancestor that is not everybody's.
    fn incident(&self, process: &Origin) -> Option<String> {
        let parts = match &process.container {
            Some(container) => ["container", container.as_str()].map(str::to_owned),
            None => {
                let oldest = process.ancestors.iter().rev().map(|ancestor| ancestor.pid);
                let root = oldest.chain(process.pid).find(|pid| !ROOTS.contains(pid))?;
                ["process".to_owned(), root.to_string()]
            }
        };
        Some(format!("{:016x}", hash(&[&self.host, &self.boot, &parts[0], &parts[1]])))
    }
}

/// FNV-1a of 64 bits over all parts, mixed as SplitMix64 does: the same for the same parts for ever, and unlike
/// for unlike ones. It keeps no secret.
fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
