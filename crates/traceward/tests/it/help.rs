//! Help texts: one snapshot of them all, so that any change to the command line is seen in review.

use crate::harness::Dir;

#[test]
fn all_help() {
    let dir = Dir::new();
    let mut all = String::new();
    for command in [
        "",
        "train",
        "doctor",
        "debug",
        "eval",
        "score",
        "record",
        "data",
        "data inspect",
        "data convert",
        "data split",
        "data fetch",
        "model inspect",
        "runs list",
        "runs show",
    ] {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let said = dir.run(&args);
        assert_eq!(said.code, Some(0), "{said:?}");
        all.push_str(&format!("$ traceward {}\n{}\n", args.join(" "), said.stdout));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn no_command_shows_help_and_fails() {
    let said = Dir::new().run(&[]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("Usage: traceward"), "{said:?}");
}

#[test]
fn completions_name_the_commands() {
    let said = Dir::new().run(&["completions", "bash"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains("inspect"));
}
