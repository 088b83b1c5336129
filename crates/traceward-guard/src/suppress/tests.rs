use std::io::Write as _;

use super::*;
use crate::example::alert;

fn load(text: &str) -> Result<Suppressions, SuppressError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Suppressions::load(file.path())
}

/// The error without the folder.
fn error(text: &str) -> String {
    let error = load(text).unwrap_err().to_string();
    error.split_once(", line").map_or(error.clone(), |(_, rest)| format!("line{rest}"))
}

#[test]
fn all_that_a_rule_names_must_be_so() {
    let mut rules = load(
        r#"
        [[suppress]]
        exe = "/usr/sbin/*"
        uid = 0
        family = "adduser"
        reason = "another family"

        [[suppress]]
        exe = "/usr/sbin/*"
        uid = 0
        container = "3f1c*"
        comm = "sshd"
        cmdline = "sshd: *"
        family = "hydra-ssh"
        verdict = "attack"
        reason = "the honeypot"
        until = 2026-11-23
        "#,
    )
    .unwrap();
    assert_eq!(rules.silences(&alert()), Some(2));
    let mut later = alert();
    later.time = "2026-11-24T00:00:00.000Z".into();
    assert_eq!(rules.silences(&later), None, "the day after");
    let uses: Vec<(usize, u64)> = rules.uses().map(|one| (one.rule, one.used)).collect();
    assert_eq!(uses, [(1, 0), (2, 1)]);
    assert_eq!(rules.expired("2026-11-24").collect::<Vec<_>>(), ["the honeypot"]);
}

#[test]
fn what_is_unknown_silences_nothing() {
    let mut unknown = alert();
    unknown.process = Default::default();
    unknown.family = None;
    for field in
        ["exe = '*'", "uid = 0", "container = '*'", "comm = '*'", "cmdline = '*'", "family = 'hydra-ssh'"]
    {
        let mut rules = load(&format!("[[suppress]]\n{field}\nreason = 'r'")).unwrap();
        assert_eq!(rules.silences(&unknown), None, "{field}");
        assert_eq!(rules.silences(&alert()), Some(1), "{field}");
    }
}

#[test]
fn errors_name_line_and_key_and_what_to_do() {
    let all = [
        error("[[suppress]]\nexe = '/a'\n"),
        error("[[suppress]]\nexe = '/a'\nreason = ' '\n"),
        error("[[suppress]]\nexee = '/a'\nreason = 'r'\n"),
        error("[[suppress]]\nuid = 'root'\nreason = 'r'\n"),
        error("[[suppress]]\nexe = '/a['\nreason = 'r'\n"),
        error("[[suppress]]\nverdict = 'evil'\nreason = 'r'\n"),
        error("[[suppress]]\nexe = '/a'\nreason = 'r'\nuntil = 12:00:00\n"),
        error("[[suppress]]\nreason = 'r'\n"),
        error("[suppress]\nexe = '/a'\nreason = 'r'\n"),
        error("[[suppress]]\nexe = \n"),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_broken_file_changes_nothing() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[[suppress]]\nuid = 0\nreason = 'root'\n").unwrap();
    let mut rules = Suppressions::load(file.path()).unwrap();
    rules.silences(&alert());
    file.write_all(b"[[suppress]]\nuid = \n").unwrap();
    assert!(rules.reload().is_err());
    assert_eq!(rules.silences(&alert()), Some(1));
    std::fs::write(
        file.path(),
        "[[suppress]]\ncomm = 'x'\nreason = 'new'\n[[suppress]]\nuid = 0\nreason = 'root'\n",
    )
    .unwrap();
    assert_eq!(rules.reload().unwrap(), 2);
    assert_eq!(rules.silences(&alert()), Some(2));
    let uses: Vec<(String, u64)> = rules.uses().map(|one| (one.reason, one.used)).collect();
    assert_eq!(uses, [("new".into(), 0), ("root".into(), 3)], "a rule that stays goes on counting");
}
