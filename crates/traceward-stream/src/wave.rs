//! What moves through the layers at one time: the newest call of each of several sessions.
//!
//! All states lie in one slice, session after session, [`States`]; a wave names the sessions whose call it
//! carries. A layer that answers only every so many calls takes sessions out of the wave.

/// The states of some sessions: `len` numbers each, one after the other.
pub(crate) struct States<'a> {
    pub(crate) numbers: &'a mut [f32],
    pub(crate) len: usize,
}

impl States<'_> {
    /// What a layer keeps of a session: `size` numbers from `offset` on.
    pub(crate) fn of(&mut self, session: u32, offset: usize, size: usize) -> &mut [f32] {
        &mut self.numbers[session as usize * self.len + offset..][..size]
    }
}

/// One call of each of several sessions, no session twice.
#[derive(Debug, Default)]
pub(crate) struct Wave {
    pub(crate) sessions: Vec<u32>,
    /// The calls, for layers that read calls; of the sessions in the wave.
    pub(crate) tokens: Vec<u32>,
    /// What the layer before made of them, `[sessions, width]`.
    pub(crate) rows: Vec<f32>,
    pub(crate) width: usize,
    spare: Vec<f32>,
}

impl Wave {
    /// Begins with these calls.
    pub(crate) fn begin(&mut self, sessions: &[u32], tokens: &[u32]) {
        self.sessions.clear();
        self.sessions.extend_from_slice(sessions);
        self.tokens.clear();
        self.tokens.extend_from_slice(tokens);
        (self.width, self.rows) = (0, std::mem::take(&mut self.rows));
        self.rows.clear();
    }

    /// Begins as another one stands.
    pub(crate) fn begin_as(&mut self, other: &Self) {
        self.begin(&other.sessions, &other.tokens);
        self.rows.extend_from_slice(&other.rows);
        self.width = other.width;
    }

    /// Rows of `width` numbers become rows of `to`: `make` gets the old ones and the new ones to be written.
    pub(crate) fn remake(&mut self, to: usize, make: impl FnOnce(&[u32], &[u32], &[f32], &mut [f32])) {
        self.spare.resize(self.sessions.len() * to, 0.0);
        make(&self.sessions, &self.tokens, &self.rows, &mut self.spare);
        std::mem::swap(&mut self.rows, &mut self.spare);
        self.rows.truncate(self.sessions.len() * to);
        self.width = to;
    }

    /// Keeps the sessions of which `stays` says so, asked in their order with their row's place.
    pub(crate) fn keep(&mut self, mut stays: impl FnMut(u32) -> bool) {
        let (mut kept, width) = (0, self.width);
        for place in 0..self.sessions.len() {
            if stays(self.sessions[place]) {
                self.sessions[kept] = self.sessions[place];
                self.tokens[kept] = self.tokens[place];
                self.rows.copy_within(place * width..(place + 1) * width, kept * width);
                kept += 1;
            }
        }
        self.sessions.truncate(kept);
        self.tokens.truncate(kept);
        self.rows.truncate(kept * width);
    }
}

/// Memory to read in, reusable; it holds nothing between calls.
#[derive(Debug, Default)]
pub struct Scratch {
    waves: Vec<Wave>,
    pub(crate) kernel: traceward_kernel::Scratch,
    pub(crate) outputs: Vec<f32>,
    pub(crate) cells: Vec<f32>,
    pub(crate) rows: [Vec<f32>; 2],
    pub(crate) row: Vec<f32>,
}

impl Scratch {
    pub(crate) fn lend(&mut self) -> Wave {
        self.waves.pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&mut self, wave: Wave) {
        self.waves.push(wave);
    }
}
