use std::collections::BTreeSet;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn open(folder: &TempDir, disk: u64) -> (Spool, Found) {
    Spool::open(&folder.path().join("spool"), Bounds { disk, memory: 1000 }).unwrap()
}

fn json(n: usize) -> String {
    format!("{{\"id\":\"host-{n}\",\"text\":\"{}\"}}", "x".repeat(n % 50))
}

fn append(spool: &mut Spool, n: usize) -> Kept {
    spool.append(&format!("host-{n}"), &json(n))
}

fn pending(spool: &mut Spool) -> Vec<String> {
    spool.peek(usize::MAX, usize::MAX).into_iter().map(|entry| entry.id).collect()
}

/// The file that is written to.
fn last_file(folder: &TempDir) -> PathBuf {
    let files = fs::read_dir(folder.path().join("spool")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| segment::number(path).is_some());
    files.sort();
    files.pop().unwrap()
}

#[test]
fn what_is_not_acknowledged_is_there_again_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, found) = open(&folder, 1 << 20);
    assert_eq!(found, Found::default());
    for n in 0..5 {
        assert_eq!(append(&mut spool, n), Kept::OnDisk);
    }
    let first = spool.peek(2, usize::MAX);
    assert_eq!((first[1].id.as_str(), first[1].json.clone()), ("host-1", json(1)));
    spool.acknowledge(first[1].number);
    drop(spool);
    let (mut spool, found) = open(&folder, 1 << 20);
    assert_eq!(found, Found { pending: 3, damaged: 0, torn: false });
    assert_eq!(pending(&mut spool), ["host-2", "host-3", "host-4"]);
    append(&mut spool, 5);
    let all = spool.peek(usize::MAX, usize::MAX);
    spool.acknowledge(all[3].number);
    assert!(spool.is_empty());
}

#[test]
fn a_batch_has_at_least_one_and_no_more_bytes_than_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(&folder, 1 << 20);
    for n in 0..4 {
        append(&mut spool, n);
    }
    assert_eq!(spool.peek(10, 1).len(), 1);
    assert_eq!(spool.peek(10, json(0).len() + json(1).len()).len(), 2);
    assert_eq!(spool.peek(3, usize::MAX).len(), 3);
}

#[test]
fn two_guards_do_not_share_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, _) = open(&folder, 1 << 20);
    let second = Spool::open(&folder.path().join("spool"), Bounds::default());
    assert!(matches!(second, Err(SpoolError::InUse(_))), "{second:?}");
}

#[test]
fn a_full_spool_refuses_the_newest_and_gives_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(&folder, 4096);
    let kept = (0..1000).take_while(|&n| append(&mut spool, n) == Kept::OnDisk).count();
    assert!((30..100).contains(&kept), "{kept}");
    assert!(spool.bytes() <= 4096);
    assert_eq!(pending(&mut spool)[0], "host-0");
    let half = spool.peek(kept / 2, usize::MAX).pop().unwrap();
    spool.acknowledge(half.number);
    assert_eq!(append(&mut spool, 2000), Kept::OnDisk, "old files are gone");
    drop(spool);
    let (mut spool, found) = open(&folder, 4096);
    assert_eq!(found.pending, kept - kept / 2 + 1);
    assert_eq!(pending(&mut spool).last().unwrap(), "host-2000");
}

#[test]
fn nothing_grows_while_all_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(&folder, 1 << 20);
    let long = "y".repeat(10_000);
    for n in 0..200 {
        assert_eq!(spool.append(&format!("host-{n}"), &long), Kept::OnDisk);
        let entry = spool.peek(1, usize::MAX).pop().unwrap();
        spool.acknowledge(entry.number);
        assert!(spool.bytes() < CLEAR + 11_000);
    }
}

/// A disk that takes nothing is played by a file that is open for reading only.
#[test]
fn a_full_disk_is_waited_for_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(&folder, 1 << 20);
    append(&mut spool, 0);
    let path = last_file(&folder);
    spool.segments[0].file = File::open(&path).unwrap();
    assert!(matches!(append(&mut spool, 1), Kept::InMemory(_)));
    assert!(matches!(append(&mut spool, 2), Kept::InMemory(_)));
    assert_eq!(pending(&mut spool), ["host-0", "host-1", "host-2"]);
    assert_eq!(spool.append("long", &"x".repeat(1000)), Kept::Refused, "memory is bounded");
    let two = spool.peek(2, usize::MAX);
    spool.acknowledge(two[1].number);
    assert_eq!(pending(&mut spool), ["host-2"]);
    spool.segments[0].file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    assert_eq!(append(&mut spool, 3), Kept::OnDisk);
    assert_eq!(spool.in_memory(), 0);
    drop(spool);
    let (mut spool, found) = open(&folder, 1 << 20);
    assert_eq!(
        pending(&mut spool),
        ["host-0", "host-2", "host-3"],
        "the note on the first could not be written"
    );
    assert_eq!(found.damaged, 0);
}

#[test]
fn a_damaged_line_is_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(&folder, 1 << 20);
    for n in 0..3 {
        append(&mut spool, n);
    }
    drop(spool);
    let path = last_file(&folder);
    let text = fs::read_to_string(&path).unwrap().replace("\"host-1\"", "\"host-X\"");
    fs::write(&path, text).unwrap();
    let (mut spool, found) = open(&folder, 1 << 20);
    assert_eq!(found, Found { pending: 2, damaged: 1, torn: false });
    assert_eq!(pending(&mut spool), ["host-0", "host-2"]);
}

#[test]
fn cut_at_any_byte_all_before_the_cut_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (mut spool, _) = open(&folder, 1 << 20);
    for n in 0..4 {
        append(&mut spool, n);
    }
    drop(spool);
    let path = last_file(&folder);
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|&&byte| byte == b'\n').count();
        let (mut spool, found) = open(&folder, 1 << 20);
        assert_eq!(found.pending, lines, "cut at {cut}");
        assert_eq!(append(&mut spool, 9), Kept::OnDisk);
        drop(spool);
        let (mut spool, found) = open(&folder, 1 << 20);
        assert_eq!((found.pending, found.torn, found.damaged), (lines + 1, false, 0), "cut at {cut}");
        assert_eq!(pending(&mut spool).last().unwrap(), "host-9");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Acknowledge(usize),
    /// The file's end is torn off anywhere after what was synced last, and rubbish may stand there.
    Crash(prop::sample::Index, Vec<u8>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0_usize..10_000).prop_map(Step::Append),
        3 => (1_usize..8).prop_map(Step::Acknowledge),
        1 => (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(at, rubbish)| Step::Crash(at, rubbish)),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever happens, what was synced and not acknowledged is there, in order; what is there besides was
    /// acknowledged, and the note of it lost.
    #[test]
    fn no_crash_loses_what_was_kept(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, _) = open(&folder, 6000);
        let mut expected: VecDeque<String> = VecDeque::new();
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut synced = None;
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(size) => {
                    let id = format!("host-{n}");
                    if spool.append(&id, &json(size)) == Kept::OnDisk {
                        expected.push_back(id);
                        synced = Some((last_file(&folder), spool.segments.back().unwrap().length));
                    }
                }
                Step::Acknowledge(some) => {
                    if let Some(last) = spool.peek(some, usize::MAX).pop() {
                        spool.acknowledge(last.number);
                        while let Some(id) = expected.pop_front() {
                            given.insert(id.clone());
                            if id == last.id {
                                break;
                            }
                        }
                    }
                }
                Step::Crash(at, rubbish) => {
                    drop(spool);
                    if let Some((path, length)) = &synced && path.exists() {
                        let mut bytes = fs::read(path).unwrap();
                        let from = usize::try_from(*length).unwrap().min(bytes.len());
                        bytes.truncate(from + at.index(bytes.len() - from + 1));
                        bytes.extend(rubbish.iter().filter(|&&byte| byte != b'\n'));
                        fs::write(path, bytes).unwrap();
                    }
                    spool = open(&folder, 6000).0;
                    // The notes that were lost: the receiver gets these again, and knows their ids.
                    let there = pending(&mut spool);
                    let again: Vec<&String> = there.iter().filter(|id| !expected.contains(id)).collect();
                    prop_assert!(again.iter().all(|id| given.contains(*id)), "{again:?} were never given");
                    let mut all = again.clone();
                    all.extend(&expected);
                    prop_assert_eq!(there.iter().collect::<Vec<_>>(), all);
                    expected = there.into();
                }
            }
            prop_assert_eq!(&pending(&mut spool), &Vec::from(expected.clone()));
            prop_assert!(spool.bytes() <= 6000 + 1000, "notes of acknowledgements come on top");
        }
    }
}
