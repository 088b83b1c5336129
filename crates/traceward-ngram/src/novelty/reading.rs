//! A trace against what training traces hold, call by call.

use super::sets::{Growing, Sets};
use super::trie::{State, Trie};
use super::{Figure, NoveltyConfig, NoveltyError};

/// The longest frame: its windows are bits of a word.
pub(super) const LONGEST_FRAME: u8 = 64;

/// What training traces hold.
#[derive(Clone, Debug)]
pub(super) struct Usual {
    pub(super) trie: Trie,
    pub(super) sets: Sets,
}

impl Usual {
    pub(super) fn new(
        traces: &[&[u32]],
        vocabulary: usize,
        config: &NoveltyConfig,
    ) -> Result<Self, NoveltyError> {
        let trie = Trie::new(traces, vocabulary, config.longest(), usize::from(config.order))?;
        Ok(Self { trie, sets: Sets::new(traces, vocabulary) })
    }

    /// The figures of a whole trace.
    pub(super) fn figures(&self, config: &NoveltyConfig, trace: &[u32]) -> Vec<f32> {
        let mut reading = Reading::new(self, config);
        trace.iter().for_each(|&token| reading.push(token));
        reading.figures()
    }
}

/// What was read of a trace.
#[derive(Clone, Debug)]
pub(super) struct Reading<'a> {
    usual: &'a Usual,
    config: &'a NoveltyConfig,
    state: State,
    /// The calls read that were seen in training, and those that were not.
    known: u64,
    unknown: u64,
    bits: f64,
    unseen: u64,
    /// The last windows, one bit each: never seen? And the most such in a frame.
    frame: u64,
    frame_most: u32,
    surprises: Option<Surprises>,
    growing: Option<Growing>,
}

/// Bits of the last calls, and the greatest sum of a whole frame of them.
#[derive(Clone, Debug)]
struct Surprises {
    ring: [f32; LONGEST_FRAME as usize],
    sum: f64,
    most: f64,
}

impl<'a> Reading<'a> {
    pub(super) fn new(usual: &'a Usual, config: &'a NoveltyConfig) -> Self {
        let asked = |figures: &[Figure]| figures.iter().any(|figure| config.figures.contains(figure));
        let none = Surprises { ring: [0.0; LONGEST_FRAME as usize], sum: 0.0, most: 0.0 };
        Self {
            usual,
            config,
            state: State::default(),
            known: 0,
            unknown: 0,
            bits: 0.0,
            unseen: 0,
            frame: 0,
            frame_most: 0,
            surprises: asked(&[Figure::SurpriseFrame]).then_some(none),
            growing: asked(&[Figure::Calls, Figure::RareCalls]).then(|| usual.sets.start()),
        }
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.usual, self.config);
    }

    pub(super) fn unknown(&self) -> u64 {
        self.unknown
    }

    #[inline]
    pub(super) fn push(&mut self, token: u32) {
        let Some(seen) = self.usual.trie.step(&mut self.state, token) else {
            self.unknown += 1;
            return;
        };
        let frame = u32::from(self.config.frame);
        if let Some(surprises) = &mut self.surprises {
            surprises.push(seen.bits, self.known, u64::from(frame));
        }
        self.known += 1;
        self.bits += f64::from(seen.bits);
        if self.known >= u64::from(self.config.window) {
            let unseen = seen.length < u32::from(self.config.window);
            self.unseen += u64::from(unseen);
            self.frame = (self.frame << 1 | u64::from(unseen)) & (u64::MAX >> (u64::BITS - frame));
            self.frame_most = self.frame_most.max(self.frame.count_ones());
        }
        if let Some(growing) = &mut self.growing {
            self.usual.sets.step(growing, token);
        }
    }

    /// The figures that the configuration asks for, in its order. A trace of no known call is as far from all
    /// sets as can be, its calls as surprising as any, and it has no window.
    pub(super) fn figures(&self) -> Vec<f32> {
        let uniform = self.usual.trie.uniform_bits();
        let mean = |sum: f64, of: u64| if of > 0 { (sum / of as f64) as f32 } else { uniform };
        let windows = (self.known + 1).saturating_sub(u64::from(self.config.window));
        let frame = u64::from(self.config.frame);
        let distances = self.growing.as_ref().map_or([0.0; 2], |growing| self.usual.sets.distances(growing));
        let figure = |figure: &Figure| match figure {
            Figure::Unseen if windows == 0 => 0.0,
            Figure::Unseen => self.unseen as f32 / windows as f32,
            Figure::UnseenFrame => self.frame_most as f32 / frame as f32,
            Figure::Surprise => mean(self.bits, self.known),
            Figure::SurpriseFrame => match &self.surprises {
                Some(surprises) if self.known >= frame => mean(surprises.most, frame),
                _ => mean(self.bits, self.known),
            },
            Figure::Calls => distances[0],
            Figure::RareCalls => distances[1],
        };
        self.config.figures.iter().map(figure).collect()
    }
}

impl Surprises {
    /// Takes in the bits of a call, before which there were `before`.
    #[inline]
    fn push(&mut self, bits: f32, before: u64, frame: u64) {
        let slot = &mut self.ring[(before % frame) as usize];
        self.sum += f64::from(bits) - f64::from(*slot);
        *slot = bits;
        if before + 1 >= frame {
            self.most = self.most.max(self.sum);
        }
    }
}
