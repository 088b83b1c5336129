//! Readers against inputs made to break them: no panic, no endless loop, no memory without bound.
//!
//! Valid files of every format are cut, spliced and overwritten, and read from memory under small
//! limits. A counting allocator watches how much each read takes at most. The default is a few thousand
//! cases; for a long run:
//!
//! ```text
//! TRACEWARD_FUZZ_CASES=1000000 cargo test --release -p traceward-trace --test fuzz
//! ```
//!
//! A case depends on its number and `TRACEWARD_FUZZ_SEED` alone: what failed fails again.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy knows test functions only")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use traceward_trace::read::{self, Limits};
use traceward_trace::{Dataset, ReadOptions, write};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// Counts the bytes that are allocated, and the most there were at once.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn count(more: usize, less: usize) {
    let before = NOW.fetch_add(more, Ordering::Relaxed);
    PEAK.fetch_max(before + more, Ordering::Relaxed);
    NOW.fetch_sub(less, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a read may take at most, in bytes, whatever the input. The inputs are a few kilobytes; buffers
/// and the limits below account for most of it.
const MOST_BYTES: usize = 2 << 20;

const LIMITS: Limits =
    Limits { line_bytes: 4 << 10, trace_calls: 1000, total_calls: 100_000, unpacked_bytes: 256 << 10 };

/// Random numbers, the same everywhere (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What breaks parsers: ends of ranges, separators, magic.
const TOKENS: [&[u8]; 44] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b",",
    b";",
    b"\t",
    b"|",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"[[[[[[[[",
    b":",
    b"-1",
    b"0",
    b"4294967295",
    b"4294967296",
    b"99999999999999999999",
    b"3.5",
    b"1e9",
    b"#",
    b"null",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"PAR1",
    b"PK\x01\x02",
    b"ustar",
    b"<unfinished ...>",
    b"<... read resumed>",
    b"+++ exited with 0 +++",
    b" > ",
    b" < ",
    b"(",
    b"msg=audit(1.2:3): ",
    b" arch=40000003 ",
    b" pid=",
    b"[continued]: ",
];

fn mutate(random: &mut Random, mut bytes: Vec<u8>, seeds: &[(&str, Vec<u8>)]) -> Vec<u8> {
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(10) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.next() as u8;
                }
            }
            3 => {
                let token = *random.pick(&TOKENS);
                bytes.splice(at..at, token.iter().copied());
            }
            4 => {
                let token = *random.pick(&TOKENS);
                for (byte, new) in bytes[at..].iter_mut().zip(token) {
                    *byte = *new;
                }
            }
            5 => {
                let end = (at + 1 + random.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            6 => {
                let end = (at + 1 + random.below(200)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let times = 1 + random.below(20);
                bytes.splice(at..at, part.repeat(times));
            }
            7 if random.below(3) == 0 => bytes.truncate(at),
            7 => {
                let value = [0, 1, 0x7fff_ffff, 0xffff_ffff, random.next() as u32][random.below(5)];
                for (byte, new) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
                    *byte = new;
                }
            }
            8 => {
                let other = &random.pick(seeds).1;
                let start = random.below(other.len());
                let end = (start + random.below(300)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                let end = (at + random.below(16)).min(bytes.len());
                bytes[at..end].fill(*random.pick(&[0, 0xff, b'9', b' ', b'\n']));
            }
        }
    }
    bytes
}

fn noise(random: &mut Random) -> Vec<u8> {
    let magics: [&[u8]; 7] =
        [b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"{", b"label,trace\n", b"1 2\n1 3\n"];
    let alphabets: [Option<&[u8]>; 3] = [None, Some(b"0123456789 \n"), Some(b"{}[]\":,0123456789ac\n")];
    let (magic, alphabet) = (*random.pick(&magics), *random.pick(&alphabets));
    let mut bytes = magic.to_vec();
    for _ in 0..random.below(2000) {
        let byte = random.next() as u8;
        bytes.push(alphabet.map_or(byte, |a| a[usize::from(byte) % a.len()]));
    }
    bytes
}

fn zipped(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in files {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(data).unwrap();
    gzip.finish().unwrap()
}

/// A V7 tar archive of small files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in files {
        let mut block = [0u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|&b| u64::from(b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&block);
        out.extend_from_slice(data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// Parquet as other writers lay it out: plain or in a dictionary, pages of either version, no packing.
fn foreign_parquet(version: WriterVersion, dictionary: bool, numbers: bool) -> Vec<u8> {
    let element = if numbers { "int32" } else { "binary" };
    let schema = format!(
        "message m {{ optional group calls (LIST) {{ repeated group list {{ optional {element} element; }} }} optional binary label; }}"
    );
    let properties =
        WriterProperties::builder().set_writer_version(version).set_dictionary_enabled(dictionary).build();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for _ in 0..2 {
        let mut group = file.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        // Rows: three calls, null, one call, two calls of which one is null.
        let (definition, repetition) = ([3, 3, 3, 0, 3, 3, 2], [0, 1, 1, 0, 0, 0, 1]);
        if numbers {
            column
                .typed::<Int32Type>()
                .write_batch(&[3, 5, 6, 3, 4], Some(&definition), Some(&repetition))
                .unwrap();
        } else {
            let calls = ["read", "openat", "close", "read", "write"].map(ByteArray::from);
            column
                .typed::<ByteArrayType>()
                .write_batch(&calls, Some(&definition), Some(&repetition))
                .unwrap();
        }
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let labels = ["normal", "web", "web"].map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&labels, Some(&[1, 1, 1, 0]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    file.into_inner().unwrap()
}

const STRACE: &[u8] = b"\
7 02:40:41.031682 [  59] execve(\"/bin/a\", [\"a\"], 0x7 /* 39 vars */) = 0 <0.000189>
7 02:40:41.031683 clone3({flags=CLONE_VM}strace: Process 8 attached
7 02:40:41.031684 <... clone3 resumed> => {parent_tid=[8]}, 88) = 8
[pid     8] futex(0x7f, FUTEX_WAIT, <unfinished ...>
8 --- SIGCHLD {si_signo=SIGCHLD} ---
8 <... futex resumed>) = 0
7 +++ superseded by execve in pid 8 +++
8 +++ exited with 0 +++
";

const AUDITD: &[u8] = b"\
type=DAEMON_START msg=audit(1492037289.295:9): op=start ver=3.0.9
type=SYSCALL msg=audit(1492037289.295:4294967295): arch=c000003e syscall=42 success=no exit=-115 ppid=1 pid=11 comm=\"a\"
type=PATH msg=audit(1492037289.295:4294967295): item=0 name=\"/bin/a\"
node=b type=SYSCALL msg=audit(1492037289.295:1): arch=40000003 syscall=5 ppid=1 pid=12 comm=\"a\"
[ 12.3] audit: type=1300 audit(1492037289.296:3): arch=c000003e syscall=231 ppid=1 pid=11 comm=\"a\"
audit: audit_lost=3 audit_rate_limit=0 audit_backlog_limit=64
type=SYSCALL msg=audit(04/12/2017 18:48:09.295:49) : arch=x86_64 syscall=connect ppid=1 pid=11 comm=a
";

const PERF: &[u8] = b"\
         ? (         ): sh/77  ... [continued]: execve())  = 0
     0.012 ( 0.004 ms): sh/77 brk() = 0x55
     0.310 (         ): sh/77 wait4(upid: -1)  ...
LOST 12 events!
  1000.390 (1000.1 ms): sh/77  ... [continued]: wait4())  = 78 (sleep)
";

const TRACEE: &[u8] = br#"{"timestamp":2,"processId":9,"hostThreadId":41,"eventName":"openat","args":[],"container":{"id":"c1"}}
{"timestamp":1,"processId":9,"hostThreadId":41,"eventName":"execve","container":{"id":"c1"}}
{"timestamp":3,"processId":9,"hostThreadId":41,"eventName":"sched_process_exit"}
"#;

const TETRAGON: &[u8] = br#"{"process_tracepoint":{"process":{"pid":9,"tid":41,"docker":"d1"},"subsys":"raw_syscalls","event":"sys_enter","args":[{"syscall_id":{"id":59,"abi":"x64"}}]}}
{"process_kprobe":{"process":{"pid":9,"tid":41},"function_name":"__x64_sys_openat","args":[]}}
{"process_exit":{"process":{"pid":9,"tid":41}}}
"#;

const NGIDS: &[u8] = b"\
date,time,pro_id,path,sys_call,event_id,attack_cat,attack_subcat,label
11/03/2016,2:45:01,1803,/usr/bin/compiz,168,72295,normal,normal,0
11/03/2016,2:45:02,99,/usr/bin/x,5,72297,Exploits,Browser,1
";

const BETH: &[u8] = b"\
timestamp,processId,threadId,parentProcessId,userId,mountNamespace,processName,hostName,eventId,eventName,stackAddresses,argsNum,returnValue,args,sus,evil
1809.4,381,7337,1,100,4026532231,close,ip-10,157,openat,\"[140, 15]\",5,0,\"[{'name': 'x', 'value': 1}]\",1,0
1809.5,381,7337,1,100,4026532231,close,ip-11,3,close,\"[140, 15]\",5,0,\"[]\",1,1
";

/// Valid files of every format.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let adfa: &[(&str, &[u8])] = &[
        ("ADFA-LD/Training_Data_Master/UTD-0001.txt", b"6 6 63 6 42 120 6 195 "),
        ("ADFA-LD/Validation_Data_Master/UVD-0001.txt", b"265 168 265 3 "),
        ("ADFA-LD/Attack_Data_Master/Adduser_1/UAD-1.txt", b"5 3 3 6 195 "),
        ("ADFA-LD/ADFA-LD+Syscall+List.txt", b"#define __NR_io_setup 0\n"),
    ];
    let folders: &[(&str, &[u8])] = &[
        ("normal/a/1.txt", b"openat read close"),
        ("web/b/2.txt", b"openat\nread\nwrite\n"),
        ("web/3.txt", b"1 2 3"),
    ];
    let unm: &[(&str, &[u8])] = &[
        ("normal-data/a.int", b"12 4\n12 2\n13 1\n12 5\n"),
        ("intrusion/b.int", b"7 4\n7 9\n"),
        ("syscallMap.txt", b"0 exit\n1 fork\n2 read\n3 write\n4 open\n5 close\n"),
    ];
    let csv = b"label,trace\n0,6 6 63 6 42\n1,\"3, 4, 5\"\nAdduser,open read close\n0,3 3 3\n".to_vec();
    let lines = br#"{"calls": ["openat", "read", 3], "class": "normal", "group": "g", "part": "train", "abi": "x86_64", "source": "f", "line": 3}
{"trace": "3 4 5", "label": 1, "more": {"x": [1, 2.5, null, true]}}
{"calls": ["\u0072ead"], "label": null}
"#
    .to_vec();
    let data = read::bytes("lines", &lines, &ReadOptions::default()).unwrap();
    let mut ours = Vec::new();
    write::parquet_to(&data, &[], &mut ours).unwrap();
    let recording = zipped(
        CompressionMethod::Deflated,
        &[
            ("a.sc", b"1631209047762064269 33 37 apache2 41 open > a\n1631209047762064270 33 37 apache2 41 open < b\n"),
            ("a.json", br#"{"exploit": true, "time": {"exploit": [{"absolute": 1631209047.7}]}}"#),
        ],
    );
    let lid_ds: &[(&str, &[u8])] =
        &[("training/a.zip", &recording), ("test/normal_and_attack/b.zip", &recording)];
    let lid_ds_2019: &[(&str, &[u8])] = &[
        ("a.txt", b"1 23:59:59.123456789 0 33 apache2 41 < open fd=9\n2 00:00:01.123456790 0 33 apache2 41 > read fd=9\n"),
        ("runs.csv", b"image_name, scenario_name, is_executing_exploit, warmup_time, recording_time, exploit_start_time\nx, a, True, 10, 35, 24\n"),
    ];
    let dongting: &[(&str, &[u8])] =
        &[("Abnormal_data/5.1/sy_a.log", b"openat|read|close"), ("Abnormal_data/5.1/ml_a.log", b"257|0|3")];
    let tables: &[(&str, &[u8])] =
        &[("train.csv", &csv), ("validation.csv", b"label,trace\n0,5 5\n"), ("more.parquet", &ours)];
    vec![
        ("ADFA-LD, stored", zipped(CompressionMethod::Stored, adfa)),
        ("ADFA-LD, deflated", zipped(CompressionMethod::Deflated, adfa)),
        ("class folders in a zip", zipped(CompressionMethod::Stored, folders)),
        ("tables in a zip", zipped(CompressionMethod::Stored, tables)),
        ("UNM in a zip", zipped(CompressionMethod::Stored, unm)),
        ("UNM in a tar", tar(unm)),
        ("UNM in a gzipped tar", gzipped(&tar(unm))),
        ("UNM", b"12 4\n12 2\n13 1\n12 5\n13 0\n12 read\n".to_vec()),
        ("CSV", csv.clone()),
        ("CSV, gzipped", gzipped(&csv)),
        (
            "CSV of lists",
            b",label,trace,group\n0,normal,\"[3, 5, 6]\",a\n1,web,\"['open', 'read']\",b\n".to_vec(),
        ),
        ("CSV without header", b"3 5 6;normal\r\n4 4;web\r\n".to_vec()),
        ("JSON Lines", lines),
        ("LID-DS 2021", zipped(CompressionMethod::Stored, lid_ds)),
        ("LID-DS 2019", zipped(CompressionMethod::Stored, lid_ds_2019)),
        ("DongTing", zipped(CompressionMethod::Stored, dongting)),
        ("strace", STRACE.to_vec()),
        ("auditd", AUDITD.to_vec()),
        ("perf trace", PERF.to_vec()),
        ("perf script", b"dd 7 [001]  1.5: raw_syscalls:sys_enter: NR 0 (0)\ndd 7/8 [001]  1.6: raw_syscalls:sys_enter: NR 1 (1)\n".to_vec()),
        ("Tracee", TRACEE.to_vec()),
        ("Tetragon", TETRAGON.to_vec()),
        ("NGIDS-DS", NGIDS.to_vec()),
        ("BETH", BETH.to_vec()),
        ("trace file", b"\xef\xbb\xbf6 6 63 6 42 120 open read".to_vec()),
        ("our Parquet", ours),
        ("Parquet of names, version 1", foreign_parquet(WriterVersion::PARQUET_1_0, true, false)),
        ("plain Parquet of names", foreign_parquet(WriterVersion::PARQUET_1_0, false, false)),
        ("Parquet of numbers, version 2", foreign_parquet(WriterVersion::PARQUET_2_0, true, true)),
        ("plain Parquet of numbers", foreign_parquet(WriterVersion::PARQUET_1_0, false, true)),
    ]
}

/// What must hold of anything that was read.
fn check(data: &Dataset) {
    assert!(!data.traces.is_empty());
    assert!(data.call_count() <= LIMITS.total_calls);
    for trace in &data.traces {
        assert!(!trace.calls.is_empty() && trace.calls.len() <= LIMITS.trace_calls);
        assert!(trace.calls.iter().all(|&id| usize::from(id) < data.calls.len()));
        assert!(trace.class.is_none_or(|class| usize::from(class) < data.classes.len()));
    }
    for name in data.calls.names() {
        assert!(
            !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_graphic()),
            "{name:?}"
        );
    }
    for class in &data.classes {
        assert!(!class.is_empty() && !class.chars().any(char::is_control), "{class:?}");
    }
}

/// Says which case it was, should it panic.
struct Case<'a> {
    number: u64,
    kind: &'a str,
    bytes: &'a [u8],
}

#[expect(clippy::print_stderr, reason = "the test harness shows it beside the panic")]
impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "case {} ({}), {} bytes: {:?}",
                self.number,
                self.kind,
                self.bytes.len(),
                String::from_utf8_lossy(self.bytes)
            );
        }
    }
}

fn number_from(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn readers_survive_what_was_made_to_break_them() {
    let seeds = seeds();
    let options = |random: &mut Random| ReadOptions {
        strict: random.below(8) == 0,
        limits: LIMITS,
        ..ReadOptions::default()
    };
    for (kind, bytes) in &seeds {
        let data = read::bytes(kind, bytes, &ReadOptions { limits: LIMITS, ..ReadOptions::default() })
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        check(&data);
    }
    let cases = number_from("TRACEWARD_FUZZ_CASES", 4000);
    let first = number_from("TRACEWARD_FUZZ_SEED", 0) << 32;
    let start = Instant::now();
    let (mut good, mut largest, mut slowest) = (0u64, (0, 0), (0.0, 0));
    for number in first..first + cases {
        let mut random = Random(number);
        let (kind, bytes) = if random.below(10) == 0 {
            ("noise", noise(&mut random))
        } else {
            let (kind, seed) = random.pick(&seeds);
            (*kind, mutate(&mut random, seed.clone(), &seeds))
        };
        let options = options(&mut random);
        let case = Case { number, kind, bytes: &bytes };
        let before = NOW.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let clock = Instant::now();
        let outcome = read::bytes("case", &bytes, &options);
        let taken = PEAK.load(Ordering::Relaxed).saturating_sub(before);
        slowest = if clock.elapsed().as_secs_f64() > slowest.0 {
            (clock.elapsed().as_secs_f64(), number)
        } else {
            slowest
        };
        largest = largest.max((taken, number));
        assert!(taken <= MOST_BYTES, "{taken} bytes were taken at once");
        match outcome {
            Ok(data) => {
                check(&data);
                good += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        drop(case);
    }
    println!(
        "{cases} cases in {:.1} s, {good} of them read; at most {} KiB at once (case {}), {:.1} ms at most (case {})",
        start.elapsed().as_secs_f64(),
        largest.0 >> 10,
        largest.1,
        1e3 * slowest.0,
        slowest.1
    );
}
