//! Memory for the kernels: floats on cache-line boundaries.
//!
//! A vector of AVX-512 is as long as a cache line. Off the boundary each load and store touches two lines,
//! which halves the speed of the first-level cache; `Vec<f32>` promises four bytes only.

use std::ops::{Deref, DerefMut};

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; Line::FLOATS]);

impl Line {
    const FLOATS: usize = 16;
}

/// Floats that start on a cache line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub(crate) fn zeros(len: usize) -> Self {
        let mut buffer = Self::default();
        buffer.clear(len);
        buffer
    }

    /// Makes it `len` zeros, keeping its memory.
    pub(crate) fn clear(&mut self, len: usize) {
        self.lines.clear();
        self.len = 0;
        self.grow(len);
    }

    /// Makes it at least `len` long, whatever it holds.
    pub(crate) fn grow(&mut self, len: usize) {
        let lines = len.div_ceil(Line::FLOATS);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; Line::FLOATS]));
        }
        self.len = self.len.max(len);
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is 16 floats without padding, and `len` is at most 16 times the number of lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_on_a_line_and_keeps_what_it_holds() {
        let mut buffer = Buffer::zeros(17);
        assert_eq!(buffer.len(), 17);
        buffer[16] = 2.0;
        buffer.grow(5);
        assert_eq!(buffer.len(), 17);
        buffer.grow(1000);
        assert_eq!((buffer.len(), buffer[16], buffer[999]), (1000, 2.0, 0.0));
        assert!(buffer.as_ptr().addr().is_multiple_of(64));
        buffer.clear(3);
        assert_eq!(buffer[..], [0.0; 3]);
        assert!(Buffer::default().is_empty());
    }
}
