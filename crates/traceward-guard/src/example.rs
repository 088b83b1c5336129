//! An alert for tests.

use traceward_detect::verdict::Word;

use crate::{Alert, Ancestor, Extent, Kind, ModelId, Origin, Technique};

/// The first alarm of a guessed password, everything known.
pub(crate) fn alert() -> Alert {
    Alert {
        id: "web-1-18f2c1a0-7".into(),
        alarm: "web-1-18f2c1a0-7".into(),
        kind: Kind::Alarm,
        time: "2026-11-23T15:40:12.345Z".into(),
        host: "web-1".into(),
        verdict: Word::Attack,
        family: Some("hydra-ssh".into()),
        technique: Some(Technique { id: "T1110.001", name: "Brute Force: Password Guessing" }),
        p_attack: Some(0.93),
        score: Some(0.97),
        score_at: Some(812),
        first_alarm: Some(512),
        threshold: Some(0.81),
        p_value: Some(0.002),
        novelty: Some(0.12),
        reasons: vec!["poll, read, write came 41 times where 3 are usual (calls 500 to 812).".into()],
        tainted: false,
        unknown_share: 0.0,
        foreign_abi: false,
        process: Origin {
            pid: Some(4242),
            tid: Some(4243),
            comm: Some("sshd".into()),
            exe: Some("/usr/sbin/sshd".into()),
            cmdline: Some("sshd: [accepted]".into()),
            uid: Some(0),
            container: Some("3f1c9ab27d60".into()),
            ancestors: vec![
                Ancestor { pid: 800, comm: "sshd".into(), exe: Some("/usr/sbin/sshd".into()) },
                Ancestor { pid: 1, comm: "systemd".into(), exe: None },
            ],
        },
        trace: Extent { task: 77, first: 0, calls: 812, joined: false, lost: 0 },
        model: ModelId { name: "live.safetensors".into(), id: "0123456789abcdef".into() },
        folded: 0,
        incident: Some("00c0ffee00c0ffee".into()),
    }
}

/// The same with an id and a program of its own.
pub(crate) fn of(id: &str, exe: &str) -> Alert {
    let mut alert = alert();
    alert.id = id.into();
    alert.alarm = id.into();
    alert.process.exe = Some(exe.into());
    alert
}
