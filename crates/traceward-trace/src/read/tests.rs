//! What readers promise whatever the format, on small inputs in memory and in temporary folders.

use std::fs;
use std::io::Write;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;
use crate::{ReadReport, Trace, write};

fn lenient() -> ReadOptions {
    ReadOptions::default()
}

fn strict() -> ReadOptions {
    ReadOptions { strict: true, ..ReadOptions::default() }
}

fn limited(limits: Limits) -> ReadOptions {
    ReadOptions { limits, ..ReadOptions::default() }
}

/// A zip archive of small files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(data).unwrap();
    gzip.finish().unwrap()
}

/// Writes files below a temporary folder.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, data) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, data).unwrap();
    }
    root
}

fn names(data: &Dataset, trace: &Trace) -> String {
    trace.calls.iter().map(|&id| data.calls.name(id)).collect::<Vec<_>>().join(" ")
}

/// A data set as text: a line a trace, `class group part: calls`.
fn shown(data: &Dataset) -> String {
    let mut out = format!("{}: {}\n", data.abi, data.classes.join(", "));
    for trace in &data.traces {
        let class = trace.class.map_or("-", |c| &data.classes[usize::from(c)]);
        let (group, part) = (trace.group.as_deref().unwrap_or("-"), trace.part.as_deref().unwrap_or("-"));
        out += &format!("{class} {group} {part}: {}\n", names(data, trace));
    }
    out
}

fn skipped(report: &ReadReport) -> Vec<String> {
    report.skipped.iter().map(|s| format!("{}: {}", s.source, s.reason)).collect()
}

// ADFA-LD

/// As the archive is laid out, the list of another architecture's calls included.
const ADFA: &[(&str, &[u8])] = &[
    (
        "ADFA-LD/ADFA-LD+Syscall+List.txt",
        b"#define __NR_io_setup 0\n#define __NR_io_cancel 3\n#define __NR_dup 23\n#define __NR_openat 56\n",
    ),
    ("ADFA-LD/Attack_Data_Master/Hydra_FTP_2/UAD-Hydra-FTP-2-1.txt", b"102 3 3 "),
    ("ADFA-LD/Attack_Data_Master/Adduser_1/UAD-Adduser-1-1.txt", b"5 3 195 192 "),
    ("ADFA-LD/Training_Data_Master/UTD-0002.txt", b"3 3 6 "),
    ("ADFA-LD/Training_Data_Master/UTD-0001.txt", b"265 168 3 "),
    ("ADFA-LD/Validation_Data_Master/UVD-0001.txt", b"4 6 "),
    ("__MACOSX/ADFA-LD/Training_Data_Master/._UTD-0001.txt", b"\0\0"),
];

const ADFA_SHOWN: &str = "\
i386: normal, Adduser, Hydra_FTP
normal - training: clock_gettime poll read
normal - training: read read close
normal - validation: write close
Adduser Adduser_1 attack: open read stat64 mmap2
Hydra_FTP Hydra_FTP_2 attack: socketcall read read
";

/// What a recording knows beside its traces is written, and passed over by readers of data sets.
#[test]
fn extra_columns_stand_beside_the_traces() {
    let data = crate::sample::dataset(&[("open read", "normal", "", ""), ("close", "normal", "", "")]);
    let extra = [
        write::Extra { name: "exe", values: write::Values::Text(vec![Some("/bin/ls"), None]) },
        write::Extra { name: "pid", values: write::Values::Whole(vec![None, Some(7)]) },
    ];
    let mut lines = Vec::new();
    write::json_lines_to(&data, &extra, &mut lines).unwrap();
    let text = String::from_utf8(lines.clone()).unwrap();
    assert!(text.lines().next().unwrap().ends_with(r#""exe":"/bin/ls"}"#), "{text}");
    assert!(text.lines().nth(1).unwrap().ends_with(r#""pid":7}"#), "{text}");
    assert_eq!(content(&bytes("j", &lines, &strict()).unwrap()), content(&data));
    let mut parquet = Vec::new();
    write::parquet_to(&data, &extra, &mut parquet).unwrap();
    assert_eq!(content(&bytes("p", &parquet, &strict()).unwrap()), content(&data));
}

#[test]
fn adfa_ld_is_i386_whatever_the_list_beside_it_says() {
    let data = bytes("a.zip", &zipped(ADFA), &strict()).unwrap();
    assert_eq!(shown(&data), ADFA_SHOWN);
    assert_eq!(data.report.format, Some(Format::AdfaLd));
    let guess = data.report.abi_guess.as_ref().unwrap();
    assert!(guess.evidence[0].contains("recorded on i386"), "{:?}", guess.evidence);
    assert_eq!(data.report.notes.len(), 2, "{:?}", data.report.notes);
    assert!(data.report.notes[0].contains("Syscall+List"));
    assert_eq!(
        &*data.traces[3].source.file,
        "a.zip!ADFA-LD/Attack_Data_Master/Adduser_1/UAD-Adduser-1-1.txt"
    );
}

#[test]
fn adfa_ld_reads_the_same_from_a_folder() {
    let root = folder(ADFA);
    assert_eq!(shown(&read(root.path(), &strict()).unwrap()), ADFA_SHOWN);
    assert_eq!(shown(&read(&root.path().join("ADFA-LD"), &strict()).unwrap()), ADFA_SHOWN);
}

#[test]
fn adfa_ld_under_another_abi_is_read_as_told() {
    let options = ReadOptions { abi: Some(Abi::X86_64), ..strict() };
    let data = bytes("a.zip", &zipped(ADFA), &options).unwrap();
    assert_eq!(data.abi, Abi::X86_64);
    assert_eq!(names(&data, &data.traces[1]), "close close lstat");
}

#[test]
fn a_bad_file_is_named_counted_and_skipped_or_ends_it() {
    let mut files = ADFA.to_vec();
    files.push(("ADFA-LD/Training_Data_Master/UTD-0003.txt", b"3 6 oops! 3"));
    files.push(("ADFA-LD/Training_Data_Master/UTD-0004.txt", b" \n"));
    files.push(("ADFA-LD/Attack_Data_Master/stray.txt", b"3 3"));
    let data = bytes("a.zip", &zipped(&files), &lenient()).unwrap();
    assert_eq!(shown(&data), ADFA_SHOWN);
    assert_eq!(data.report.skipped_count, 3);
    assert_eq!(
        skipped(&data.report),
        [
            "a.zip!ADFA-LD/Training_Data_Master/UTD-0003.txt: \"oops!\" is neither the number nor the name of a call.",
            "a.zip!ADFA-LD/Training_Data_Master/UTD-0004.txt: The trace is empty.",
            "a.zip!ADFA-LD/Attack_Data_Master/stray.txt: It lies in the attack folder itself, not in the folder of a run.",
        ]
    );
    let error = bytes("a.zip", &zipped(&files), &strict()).unwrap_err();
    assert!(matches!(error, Error::Bad { .. }), "{error}");
    assert!(error.to_string().contains("UTD-0003.txt: \"oops!\""), "{error}");
}

// Numbers, names, ABIs

#[test]
fn numbers_outside_the_table_become_calls_of_their_own() {
    let options = ReadOptions { abi: Some(Abi::X86_64), ..strict() };
    let data = bytes("t", b"0 340 1 340 9999", &options).unwrap();
    assert_eq!(names(&data, &data.traces[0]), "read #340 write #340 #9999");
    assert_eq!(data.report.outside_table, [(340, 2), (9999, 1)]);
}

#[test]
fn names_and_numbers_of_one_call_are_one_call() {
    let options = ReadOptions { abi: Some(Abi::X86_64), ..strict() };
    let data = bytes("t", b"read 0 close 3", &options).unwrap();
    assert_eq!(names(&data, &data.traces[0]), "read read close close");
    assert_eq!(data.calls.len(), 2);
}

#[test]
fn an_abi_that_nobody_names_is_guessed_aloud() {
    let data = bytes("t", b"59 12 21 9 257 5 9 3 257 0 262 9 9 3 158 10 11 1 1 231", &strict()).unwrap();
    assert_eq!(data.abi, Abi::X86_64);
    assert!(data.report.notes[0].starts_with("The numbers were read as x86_64's. As x86_64, 100.0 %"));
    let named = bytes("t", b"59 12 21", &ReadOptions { abi: Some(Abi::I386), ..strict() }).unwrap();
    assert_eq!((named.abi, named.report.abi_guess, named.report.notes), (Abi::I386, None, vec![]));
}

#[test]
fn traces_of_another_abi_are_skipped_with_advice() {
    let text = br#"{"calls": ["read"], "abi": "x86_64"}
{"calls": ["read"], "abi": "aarch64"}
{"calls": ["write"]}
"#;
    let data = bytes("a.jsonl", text, &lenient()).unwrap();
    assert_eq!(data.abi, Abi::X86_64);
    assert_eq!(data.traces.len(), 2);
    assert!(skipped(&data.report)[0].starts_with("a.jsonl:2: The trace is aarch64, the data set x86_64"));
    let other = ReadOptions { abi: Some(Abi::Aarch64), ..lenient() };
    assert_eq!(bytes("a.jsonl", text, &other).unwrap().report.skipped_count, 1);
    assert!(bytes("a.jsonl", text, &strict()).is_err());
}

#[test]
fn normal_classes_come_first_and_the_others_as_they_appear() {
    let text = b"label,trace\nweb,3 4\nBenign,3 4\nadduser,5 5\nweb,6 6\n";
    let data = bytes("t.csv", text, &lenient()).unwrap();
    assert_eq!(data.classes, ["Benign", "web", "adduser"]);
    assert_eq!(data.traces.iter().map(|t| t.class.unwrap()).collect::<Vec<_>>(), [1, 0, 2, 1]);
}

// CSV

#[test]
fn the_articles_pair_of_files_gives_two_parts() {
    let files: &[(&str, &[u8])] = &[
        ("validation.csv", b"label,trace\n1,5 5 6\n"),
        ("train.csv", b"label,trace\n0,3 4 6\n1,5 3 6\n"),
        ("README.md", b"Two files, as the article has them."),
    ];
    let options = ReadOptions { abi: Some(Abi::I386), ..lenient() };
    let expected = "i386: 0, 1\n0 - train: read write close\n1 - train: open read close\n1 - validation: open open close\n";
    let root = folder(files);
    assert_eq!(shown(&read(root.path(), &options).unwrap()), expected);
    assert_eq!(shown(&bytes("a.zip", &zipped(files), &options).unwrap()), expected);
    let pair =
        read_pair(&root.path().join("train.csv"), &root.path().join("validation.csv"), &options).unwrap();
    assert_eq!(shown(&pair), expected);
    assert_eq!(pair.name, "train.csv + validation.csv");
    assert_eq!(&*pair.traces[0].source.file, root.path().join("train.csv").to_str().unwrap());
    assert_eq!(pair.traces[0].source.line, Some(2));
}

#[test]
fn bad_rows_of_csv_are_named_by_line() {
    let text = b"label;trace\r\n0;3 4\r\n0;3;4\r\n1;\r\n0;3 x! 4\r\n1;4 \xff\r\n0;4 \0 4\r\n\r\n1;5 5\r\n";
    let data = bytes("t.csv", text, &lenient()).unwrap();
    assert_eq!(data.traces.len(), 2);
    assert_eq!(data.traces[1].source.line, Some(9));
    assert_eq!(
        skipped(&data.report),
        [
            "t.csv:3: It has 3 fields where 2 were expected.",
            "t.csv:4: The trace is empty.",
            "t.csv:5: \"x!\" is neither the number nor the name of a call.",
            "t.csv:6: It is not valid UTF-8.",
            "t.csv:7: It holds a NUL byte, so it is not text.",
        ]
    );
}

#[test]
fn lists_and_index_columns_of_pandas_read() {
    let text = b",label,trace,group\n0,normal,\"[3, 5, 6]\",run_1\n1,attack,\"['open', 'read']\",run_2\n2,attack,\"[5, 3]\",run_2\n";
    let options = ReadOptions { abi: Some(Abi::I386), ..strict() };
    let data = bytes("t.csv", text, &options).unwrap();
    assert_eq!(
        shown(&data),
        "i386: normal, attack\nnormal run_1 -: read open close\nattack run_2 -: open read\nattack run_2 -: open read\n"
    );
}

#[test]
fn an_unlabelled_row_has_no_class() {
    let data = bytes("t.csv", b"label,trace\n,3 4\nx,3 3\n", &strict()).unwrap();
    assert_eq!(data.traces[0].class, None);
    assert_eq!(data.traces[1].class, Some(0));
}

#[test]
fn a_missing_column_is_an_error_that_names_those_there_are() {
    let options = ReadOptions { label_column: Some("kind".into()), ..lenient() };
    let error = bytes("t.csv", b"label,trace\n0,3 4\n", &options).unwrap_err();
    assert!(error.to_string().contains("no column \"kind\"; there are label, trace"), "{error}");
}

// JSON Lines

#[test]
fn json_lines_read_names_numbers_and_strings() {
    let text = br##"{"calls": ["openat", 0, "#9999"], "class": "normal", "group": 7, "part": "train", "abi": "x86_64", "source": "a.txt", "line": 3, "more": [{"x": 1}]}

{"trace": "openat read", "label": 1}
{"label": null, "calls": [1]}
"##;
    let data = bytes("a.jsonl", text, &strict()).unwrap();
    assert_eq!(
        shown(&data),
        "x86_64: normal, 1\nnormal 7 train: openat read #9999\n1 - -: openat read\n- - -: write\n"
    );
    assert_eq!(data.traces[0].source, Source { file: "a.txt".into(), line: Some(3) });
    assert_eq!(data.traces[1].source, Source { file: "a.jsonl".into(), line: Some(3) });
}

#[test]
fn bad_lines_of_json_say_what_is_wrong_with_them() {
    let text = br#"{"calls": ["read"]}
{"calls": ["read"]
{"calls": [-1]}
{"calls": [3.5]}
{"calls": [4294967296]}
{"calls": []}
{"class": "normal"}
{"calls": ["a b"]}
{"calls": [3], "calls": [4]}
{"calls": [3], "class": ["x"]}
[3, 4]
{"calls": [3]} {"calls": [4]}
{"calls": ["\u0000"]}
"#;
    let data = bytes("a.jsonl", text, &lenient()).unwrap();
    assert_eq!(data.traces.len(), 1);
    assert_eq!(data.report.skipped_count, 12);
    insta::assert_snapshot!(skipped(&data.report).join("\n"));
}

#[test]
fn deep_json_is_refused_without_a_stack_overflow() {
    let text = format!("{{\"calls\": [3], \"x\": {}", "[".repeat(1 << 20));
    assert!(matches!(bytes("a.jsonl", text.as_bytes(), &lenient()), Err(Error::Empty { .. })));
}

// UNM

const UNM: &[(&str, &[u8])] = &[
    ("normal-data/sendmail.log.int", b"12 4  \n12 2  \n13 1  \n12 5  \nnonsense\n13 0  \n"),
    ("normal-data/result-sendmail-log.txt", b"12   open\n12   read\n13   fork\n12   close\n13   exit\n"),
    ("Intrusion-trace-data/sm-280.int", b"282 4\n282 9\n"),
    ("syscallMap.txt", b"0 exit\n1 fork\n2 read\n3 write\n4 open\n5 close\n"),
    ("README", b"Traces of sendmail, recorded in 1996.\n"),
];

#[test]
fn unm_recordings_come_apart_into_processes_with_the_names_of_their_map() {
    let root = folder(UNM);
    let data = read(root.path(), &lenient()).unwrap();
    let name = root.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(
        shown(&data),
        format!(
            "unm-{name}: normal, intrusion\n\
             intrusion Intrusion-trace-data/sm-280.int -: open #9\n\
             normal normal-data/sendmail.log.int -: open read close\n\
             normal normal-data/sendmail.log.int -: fork exit\n"
        )
    );
    assert_eq!(data.report.outside_table, [(9, 1)]);
    assert_eq!(data.traces[2].source.line, Some(3));
    assert!(skipped(&data.report)[0].contains("sendmail.log.int:5: The line is not a process and a call"));
    assert!(data.report.notes[0].contains("1 files hold in names"), "{:?}", data.report.notes);
    assert!(data.report.notes[1].contains("README"), "{:?}", data.report.notes);
}

#[test]
fn unm_in_a_tar_of_gzips_reads_and_linux_numbers_are_guessed() {
    let trace = b"460 90\n460 125\n460 106\n460 5\n460 3\n460 6\n460 45\n460 4\n".repeat(4);
    let tar =
        super::tar::tests::archive(&[("ps.trace_1.int.gz", &gzipped(&trace)), ("x/ps.2.int", b"1 5\n1 3\n")]);
    for packed in [tar.clone(), gzipped(&tar)] {
        let data = bytes("ps-live-normal.tar", &packed, &strict()).unwrap();
        assert_eq!(data.abi, Abi::I386);
        assert_eq!(data.traces.len(), 2);
        assert_eq!(names(&data, &data.traces[1]), "open read");
        assert_eq!(data.classes, ["normal"]);
    }
}

#[test]
fn a_mapping_can_be_named_for_any_format() {
    let root = folder(&[
        ("map.txt", b"zero\none\ntwo\n"),
        ("t.csv", b"label,trace\na,0 1 2\n"),
        ("bad.txt", b"0 a b\n"),
    ]);
    let with = |name: &str| ReadOptions { mapping: Some(root.path().join(name)), ..strict() };
    let data = read(&root.path().join("t.csv"), &with("map.txt")).unwrap();
    assert_eq!(shown(&data), "t.csv: a\na - -: zero one two\n");
    let error = read(&root.path().join("t.csv"), &with("bad.txt")).unwrap_err();
    assert!(error.to_string().contains("line 1 is neither"), "{error}");
}

// Class folders

#[test]
fn folders_are_classes_and_groups() {
    let files: &[(&str, &[u8])] = &[
        ("normal/host-1/a.txt", b"read write"),
        ("normal/host-1/day-2/b.txt", b"read"),
        ("web/c.txt", b"open\nread\r\nclose\n"),
        ("web/prose.txt", b"It is, however, no trace."),
        ("LICENSE", b"Public domain"),
        (".git/config", b"x"),
    ];
    let expected = "x86_64: normal, web\nnormal host-1 -: read write\nnormal host-1/day-2 -: read\nweb - -: open read close\n";
    let root = folder(files);
    let data = read(root.path(), &lenient()).unwrap();
    assert_eq!(shown(&data), expected);
    assert_eq!(data.report.skipped_count, 1);
    assert!(data.report.notes.iter().any(|n| n.contains("LICENSE")), "{:?}", data.report.notes);
    let wrapped: Vec<(String, &[u8])> =
        files.iter().map(|(name, data)| (format!("corpus/{name}"), *data)).collect();
    let wrapped: Vec<(&str, &[u8])> = wrapped.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    assert_eq!(shown(&bytes("c.zip", &zipped(&wrapped), &lenient()).unwrap()), expected);
}

#[test]
fn plaids_and_dongtings_folders_mean_classes() {
    let plaid = zipped(&[
        ("PLAID/attack/cve_2017_1/77.txt", b"openat read close"),
        ("PLAID/attack/cve_2017_1/78.txt", b"read read"),
        ("PLAID/baseline/nginx/9.txt", b"openat close"),
    ]);
    let data = bytes("plaid.zip", &plaid, &strict()).unwrap();
    assert_eq!(data.classes, ["normal", "attack"]);
    let groups: Vec<_> = data.traces.iter().map(|t| (t.class, t.group.as_deref())).collect();
    assert_eq!(
        groups,
        [(Some(1), Some("cve_2017_1")), (Some(1), Some("cve_2017_1")), (Some(0), Some("nginx"))]
    );
    let dongting = zipped(&[
        ("Abnormal_data/5.1/sy_bug.log", b"openat|read|close"),
        ("Abnormal_data/5.1/ml_bug.log", b"257|0|3"),
        ("Normal_data/ltp/ml_test.log", b"257|257|3\n"),
    ]);
    let data = bytes("dt.zip", &dongting, &strict()).unwrap();
    assert_eq!(
        (data.classes.as_slice(), &data.abi),
        (["normal".to_owned(), "attack".to_owned()].as_slice(), &Abi::X86_64)
    );
    let calls: Vec<_> = data.traces.iter().map(|trace| (trace.class, names(&data, trace))).collect();
    assert_eq!(
        calls,
        [(Some(1), "openat read close".to_owned()), (Some(0), "openat openat close".to_owned())]
    );
    assert!(data.report.notes.iter().any(|note| note.contains("in numbers")), "{:?}", data.report.notes);
}

#[test]
fn one_call_a_column_is_refused_by_name() {
    let rows = b"12,5,7,AdWare\n3,5,9,Clean\n";
    for (name, file) in
        [("010_2.csv", rows.to_vec()), ("a.zip", zipped(&[("010_2.csv", rows), ("020_2.csv", rows)]))]
    {
        let error = bytes(name, &file, &lenient()).unwrap_err().to_string();
        assert!(error.contains("AWSCTD"), "{error}");
    }
}

#[test]
fn a_folder_of_files_holds_traces_without_labels() {
    let root = folder(&[("b.txt", b"read write"), ("a.txt", b"read")]);
    let data = read(root.path(), &strict()).unwrap();
    assert_eq!(shown(&data), "x86_64: \n- - -: read\n- - -: read write\n");
}

#[cfg(unix)]
#[test]
fn loops_of_links_end() {
    let root = folder(&[("normal/a.txt", b"read write"), ("outside.txt", b"close")]);
    std::os::unix::fs::symlink(root.path(), root.path().join("normal/loop")).unwrap();
    std::os::unix::fs::symlink(root.path().join("outside.txt"), root.path().join("normal/link.txt")).unwrap();
    std::os::unix::fs::symlink(root.path().join("nowhere"), root.path().join("normal/dangling.txt")).unwrap();
    let data = read(root.path(), &lenient()).unwrap();
    assert_eq!(shown(&data), "x86_64: normal\nnormal - -: read write\nnormal - -: close\n");
}

#[test]
fn what_is_not_there_or_nothing_says_so() {
    let error = read(Path::new("/nowhere/at/all"), &lenient()).unwrap_err();
    assert!(error.to_string().contains("cannot read /nowhere/at/all"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(read(empty.path(), &lenient()), Err(Error::UnknownFormat { .. })));
    assert!(matches!(bytes("x", b"", &lenient()), Err(Error::UnknownFormat { .. })));
    assert!(matches!(bytes("x", b"PK\x05\x06junk", &lenient()), Err(Error::Bad { .. })));
    let error = bytes("x", b"Dear all, here it is.", &lenient()).unwrap_err();
    assert!(
        error.to_string().contains("no trace in it (1 rows skipped; the first: x: \"all,\" is neither"),
        "{error}"
    );
}

#[test]
fn folders_that_lie_too_deep_are_told_of() {
    let deep = format!("normal/{}a.txt", "x/".repeat(40));
    let root = folder(&[("normal/a.txt", b"read write"), (&deep, b"close")]);
    let data = read(root.path(), &lenient()).unwrap();
    assert_eq!(data.traces.len(), 1);
    assert!(data.report.notes[0].contains("deeper than 32 folders"), "{:?}", data.report.notes);
}

// Limits

#[test]
fn a_zip_bomb_is_stopped_while_it_unpacks() {
    let zeros = vec![b'3'; 4 << 20];
    let bomb = zipped(&[
        ("normal/a.txt", b"3 4"),
        ("normal/b.txt", &b"3 ".repeat(2 << 20)),
        ("normal/c.txt", &zeros),
    ]);
    assert!(bomb.len() < 100_000);
    let options = limited(Limits { unpacked_bytes: 1 << 20, ..Limits::default() });
    let error = bytes("a.zip", &bomb, &options).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { limit, .. } if limit == "1048576 bytes"), "{error}");
    let gzip = gzipped(&b"3 ".repeat(4 << 20));
    assert!(matches!(bytes("a.gz", &gzip, &options), Err(Error::TooLarge { .. })));
}

#[test]
fn a_header_that_lies_about_the_size_changes_nothing() {
    let mut zip = zipped(&[("normal/a.txt", &b"3 ".repeat(1 << 20))]);
    // The unpacked size stands in both headers; both are made to promise ten bytes.
    for (magic, field) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = zip.windows(4).position(|w| w == magic).unwrap() + field;
        zip[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
    }
    let options = limited(Limits { unpacked_bytes: 1 << 16, ..Limits::default() });
    assert!(bytes("a.zip", &zip, &options).is_err());
}

#[test]
fn long_lines_and_long_traces_are_skipped_and_large_sets_refused() {
    let text = format!("{{\"calls\": [3]}}\n{{\"calls\": [{}3]}}\n{{\"calls\": [5]}}\n", "3,".repeat(1000));
    let short_lines = limited(Limits { line_bytes: 100, ..Limits::default() });
    let data = bytes("a.jsonl", text.as_bytes(), &short_lines).unwrap();
    assert_eq!(skipped(&data.report), ["a.jsonl:2: The line is longer than 100 bytes."]);
    let short_traces = limited(Limits { trace_calls: 10, ..Limits::default() });
    let data = bytes("a.jsonl", text.as_bytes(), &short_traces).unwrap();
    assert!(skipped(&data.report)[0].contains("more than 10 calls"), "{:?}", data.report);
    let small = limited(Limits { total_calls: 500, ..Limits::default() });
    assert!(matches!(bytes("a.jsonl", text.as_bytes(), &small), Err(Error::TooLarge { .. })));
    let interleaved = b"1 3\n1 3\n2 4\n1 3\n".repeat(5);
    let data = bytes("a.int", &interleaved, &short_traces).unwrap();
    assert_eq!((data.traces.len(), data.report.skipped_count), (1, 1));
    assert!(matches!(
        bytes("a.int", &interleaved, &limited(Limits { total_calls: 15, ..Limits::default() })),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn a_word_without_end_is_not_held() {
    let error = bytes("t", &[b'7'; 1 << 20], &lenient()).unwrap_err();
    assert!(error.to_string().contains("longer than 64 bytes"), "{error}");
}

#[test]
fn too_many_names_refuse_the_rows_that_bring_them_and_no_others() {
    let mut text = String::from("{\"calls\": [\"read\"]}\n{\"calls\": [\"x\"");
    for i in 0..70_000 {
        text += &format!(",\"n{i}\"");
    }
    text += "]}\n{\"calls\": [\"write\", \"close\"]}\n";
    let data = bytes("a.jsonl", text.as_bytes(), &lenient()).unwrap();
    assert_eq!(data.calls.names().iter().map(|n| &**n).collect::<Vec<_>>(), ["read", "write", "close"]);
    assert!(skipped(&data.report)[0].contains("65535"), "{:?}", data.report);
}

#[test]
fn labels_that_are_no_labels_are_refused() {
    let long = "x".repeat(300);
    let text = format!(
        "{{\"calls\":[3],\"class\":\"{long}\"}}\n{{\"calls\":[3],\"group\":\"a\\u0007\"}}\n{{\"calls\":[3],\"class\":\"  ok \"}}\n"
    );
    let data = bytes("a.jsonl", text.as_bytes(), &lenient()).unwrap();
    assert_eq!(data.classes, ["ok"]);
    assert_eq!(
        skipped(&data.report),
        ["a.jsonl:1: The class is longer than 256 bytes.", "a.jsonl:2: The group holds control characters."]
    );
}

#[test]
fn only_the_first_reasons_are_kept() {
    let text = "{\"calls\": [3]}\n".to_owned() + &"nonsense\n".repeat(1000);
    let data = bytes("a.jsonl", text.as_bytes(), &lenient()).unwrap();
    assert_eq!((data.report.skipped_count, data.report.skipped.len()), (1000, ReadReport::KEPT));
}

// Parquet

#[test]
fn parquet_that_is_cut_off_says_so() {
    let data = bytes("a.zip", &zipped(ADFA), &strict()).unwrap();
    let mut file = Vec::new();
    write::parquet_to(&data, &[], &mut file).unwrap();
    file.truncate(file.len() - 9);
    let error = bytes("a.parquet", &file, &lenient()).unwrap_err();
    assert!(error.to_string().contains("was it cut off?"), "{error}");
}

/// A data set as readers give it: names of calls, classes in order, no trace empty.
fn datasets() -> impl Strategy<Value = Dataset> {
    let call = prop_oneof![
        4 => prop::sample::select(vec!["read", "openat", "close", "stat64", "#999", "futex"]).prop_map(str::to_owned),
        1 => "[a-z_][a-z0-9_]{0,12}",
    ];
    let word = || prop::option::of("[A-Za-z][A-Za-z0-9_ ,;\"'\u{e9}-]{0,8}[a-z]");
    let trace = (prop::collection::vec(call, 1..20), word(), word(), word(), prop::option::of(1u64..1000));
    (prop::collection::vec(trace, 1..20), prop::sample::select(vec!["i386", "x86_64", "aarch64", "my-table"]))
        .prop_map(|(rows, abi)| {
            let options = ReadOptions::default();
            let mut into = Collector::new(Path::new("made"), &options);
            for (calls, class, group, part, line) in rows {
                let at = Source { file: "made".into(), line };
                into.row(&at, |row| {
                    for call in &calls {
                        row.token(call.as_bytes())?;
                    }
                    Ok(Labels {
                        class: class.map(Into::into),
                        group: group.map(Into::into),
                        part: part.map(Into::into),
                        abi: Some(abi.into()),
                        source: None,
                        lost: line.map_or(0, |line| line % 3),
                    })
                })
                .unwrap();
            }
            into.finish("made".into()).unwrap()
        })
}

/// Everything but the name and the report, which tell of the reading.
fn content(data: &Dataset) -> (&Abi, &crate::CallTable, &[String], &[Trace]) {
    (&data.abi, &data.calls, &data.classes, &data.traces)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(data in datasets()) {
        let mut parquet = Vec::new();
        write::parquet_to(&data, &[], &mut parquet).unwrap();
        let back = bytes("p", &parquet, &strict()).unwrap();
        prop_assert_eq!(content(&back), content(&data));

        let mut lines = Vec::new();
        write::json_lines_to(&data, &[], &mut lines).unwrap();
        let back = bytes("j", &lines, &strict()).unwrap();
        prop_assert_eq!(content(&back), content(&data));
    }

    #[test]
    fn the_articles_csv_keeps_labels_and_calls(data in datasets()) {
        let all: Vec<u32> = (0..data.traces.len() as u32).collect();
        let mut csv = Vec::new();
        write::article_csv_to(&data, &all, write::Calls::Names, &mut csv).unwrap();
        let options = ReadOptions { abi: Some(data.abi.clone()), ..strict() };
        let back = bytes("t.csv", &csv, &options).unwrap();
        prop_assert_eq!(&back.classes, &data.classes);
        prop_assert_eq!(&back.calls, &data.calls);
        for (a, b) in back.traces.iter().zip(&data.traces) {
            prop_assert_eq!((&a.calls, a.class), (&b.calls, b.class));
        }
    }
}

#[test]
fn numbers_are_written_by_the_abi_and_what_has_none_is_named() {
    let options = ReadOptions { abi: Some(Abi::I386), ..strict() };
    let data = bytes("t", b"read stat64 #999", &options).unwrap();
    let mut csv = Vec::new();
    write::article_csv_to(&data, &[0], write::Calls::Numbers, &mut csv).unwrap();
    assert_eq!(String::from_utf8(csv).unwrap(), "label,trace\n,3 195 999\n");
    let data = bytes("t", b"read sbreak", &options).unwrap();
    let error = write::article_csv_to(&data, &[0], write::Calls::Numbers, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the call \"sbreak\" has no number in the table of i386");
    let error = write::article_csv_to(&data, &[7], write::Calls::Names, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("no trace 7"), "{error}");
}

#[test]
fn the_articles_files_read_as_a_pair_again() {
    let data = bytes("a.zip", &zipped(ADFA), &strict()).unwrap();
    let root = tempfile::tempdir().unwrap();
    write::article_csv(&data, &[4, 0, 2], &[1, 3], root.path(), write::Calls::Numbers).unwrap();
    let train = fs::read_to_string(root.path().join("train.csv")).unwrap();
    assert_eq!(train, "label,trace\nHydra_FTP,102 3 3\nnormal,265 168 3\nnormal,4 6\n");
    let options = ReadOptions { abi: Some(Abi::I386), ..strict() };
    let back = read(root.path(), &options).unwrap();
    assert_eq!(back.traces.len(), 5);
    assert_eq!(back.traces[4].part.as_deref(), Some("validation"));
    assert_eq!(names(&back, &back.traces[4]), "open read stat64 mmap2");
}
