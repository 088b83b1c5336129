//! A file that grows by a line an alert.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::status::Fate;
use super::{Failure, Line, Output};

/// A file, opened to append.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    file: fs::File,
    /// Whether it can be cut back to what it was: not a pipe or a device.
    regular: bool,
    /// Bytes of the current line that are written and could not be taken back.
    written: usize,
    /// Whether something was written since the disk was last waited for.
    dirty: bool,
}

impl File {
    /// Opens a file, which is made if it is not there. A last line that a crash left without its end is ended,
    /// so that what follows is a line of its own.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Opened for reading, too, to look at the last byte; and a named pipe then needs nobody at its other end.
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
        let regular = file.metadata()?.is_file();
        if regular && file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Self { path: path.into(), file, regular, written: 0, dirty: false })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let before = if self.regular { self.file.metadata()?.len() } else { 0 };
        while self.written < line.len() {
            let written = match self.file.write(&line[self.written..]) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other,
            };
            match written {
                Ok(bytes) => self.written += bytes,
                Err(error) => {
                    // Half a line is worse than none: the disk is full, and whoever reads the file meets it.
                    if self.regular && self.file.set_len(before).is_ok() {
                        self.written = 0;
                    }
                    return Err(error);
                }
            }
        }
        self.written = 0;
        Ok(())
    }
}

impl Output for File {
    fn send(&mut self, line: &Line) -> Result<Fate, Failure> {
        self.write(format!("{}\n", line.text).as_bytes())
            .map_err(|error| Failure::Retry(format!("cannot be written: {error}")))?;
        self.dirty = true;
        Ok(Fate::Sent)
    }

    fn tick(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.dirty)
            && self.regular
            && let Err(error) = self.file.sync_data()
        {
            return Err(Failure::Retry(format!("cannot be brought to the disk: {error}")));
        }
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        let new = Self::open(&self.path)?;
        self.tick().ok();
        *self = new;
        Ok(())
    }

    fn finish(&mut self, _: std::time::Instant) {
        self.tick().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Told;
    use crate::example::of;
    use crate::outputs::Format;

    fn line(id: &str) -> std::sync::Arc<Line> {
        Line::new(&Told::Alert(Box::new(of(id, "/x"))), Format::Json)
    }

    fn ids(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        let id =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).map(|alert| alert["id"].clone());
        text.lines().map(|line| id(line).map_or(line.into(), |id| id.as_str().unwrap().into())).collect()
    }

    #[test]
    fn a_torn_last_line_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        fs::write(&path, "{\"id\":\"old\"}\n{\"id\":\"to").unwrap();
        File::open(&path).unwrap().send(&line("new")).unwrap();
        assert_eq!(ids(&path), ["old", "{\"id\":\"to", "new"]);
    }

    #[test]
    fn renamed_and_reopened() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("alerts.jsonl"), folder.path().join("alerts.jsonl.1"));
        let mut file = File::open(&path).unwrap();
        file.send(&line("a")).unwrap();
        fs::rename(&path, &old).unwrap();
        file.send(&line("b")).unwrap();
        file.reopen().unwrap();
        file.send(&line("c")).unwrap();
        file.tick().unwrap();
        assert_eq!((ids(&old), ids(&path)), (vec!["a".to_owned(), "b".into()], vec!["c".to_owned()]));
    }

    #[test]
    fn a_full_disk_is_a_reason_to_try_again() {
        let path = Path::new("/dev/full");
        if !path.exists() {
            println!("skipped: there is no /dev/full");
            return;
        }
        let failed = File::open(path).unwrap().send(&line("a"));
        assert!(matches!(failed, Err(Failure::Retry(_))), "{failed:?}");
    }
}
