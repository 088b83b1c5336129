//! Standard output, for whoever reads a pipe.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;

use super::status::Fate;
use super::{Failure, Line, Output};

/// Something to write lines to.
#[derive(Debug)]
pub(super) struct Stdout<W> {
    out: W,
    /// Bytes of the current line that are written.
    written: usize,
}

/// Standard output without a buffer of its own, so that what is written is written.
pub(super) fn open() -> io::Result<Stdout<File>> {
    Ok(Stdout::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
}

impl<W: Write> Stdout<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, written: 0 }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        while self.written < line.len() {
            match self.out.write(&line[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.flush()?;
        self.written = 0;
        Ok(())
    }
}

impl<W: Write + Send> Output for Stdout<W> {
    fn send(&mut self, line: &Line) -> Result<Fate, Failure> {
        match self.write(format!("{}\n", line.text).as_bytes()) {
            Ok(()) => Ok(Fate::Sent),
            // Its reader, `head` perhaps, has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Closed),
            Err(error) => Err(Failure::Retry(format!("cannot be written: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::desk::Told;
    use crate::example::alert;
    use crate::outputs::Format;

    /// Takes some bytes at a time, and fails before each.
    struct Slow(Vec<u8>, bool);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.extend(&bytes[..bytes.len().min(100)]);
            Ok(bytes.len().min(100))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_could_not_be_written_at_once_is_one_line_in_the_end() {
        let line = Line::new(&Told::Alert(Box::new(alert())), Format::Json);
        let mut stdout = Stdout::new(Slow(Vec::new(), false));
        while stdout.send(&line).is_err() {}
        assert_eq!(String::from_utf8(stdout.out.0).unwrap(), format!("{}\n", line.text));
    }

    #[test]
    fn a_reader_that_has_gone_ends_it() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        let line = Line::new(&Told::Alert(Box::new(alert())), Format::Json);
        assert!(matches!(Stdout::new(here).send(&line), Err(Failure::Closed)));
    }
}
