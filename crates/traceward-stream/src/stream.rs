//! A network ready to be read call by call, one session and the whole trace.

use std::fmt;
use std::path::Path;

use rayon::prelude::*;
use traceward_kernel::Isa;
use traceward_run::classifier::{Classifier, Session, Unreadable};
use traceward_run::model_file::RawModel;
use traceward_run::tensors::TensorRef;
use traceward_run::{ModelSpec, Scores};
use traceward_trace::Vocabulary;

use crate::branch::Branch;
use crate::carries::carries;
use crate::error::StreamError;
use crate::plan::{Arrays, Planner};
use crate::wave::{Scratch, States};

/// Traces that [`Stream::predict`] reads side by side: as many as a step of the kernel takes at a time.
const SIDE_BY_SIDE: usize = 4;

/// The most tokens of a vocabulary: an `f32` holds each.
const MOST_TOKENS: usize = 1 << 24;

/// A network of one direction, its weights prepared; shared by all sessions.
#[derive(Clone)]
pub struct Stream {
    isa: Isa,
    vocabulary: usize,
    classes: usize,
    network: Branch,
    /// The state before the first call; its first number counts the calls.
    initial: Vec<f32>,
}

/// Its sizes; the numbers are many.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { isa, vocabulary, classes, initial, .. } = self;
        write!(
            f,
            "Stream({isa:?}, {vocabulary} tokens, {classes} classes, {} numbers a session)",
            initial.len()
        )
    }
}

impl Stream {
    /// Prepares `spec` with its weights for a vocabulary of `vocabulary` tokens (padding and unknown included)
    /// and `classes` classes.
    ///
    /// # Errors
    /// If a layer looks ahead or cannot be carried ([`StreamError::Layer`] says why), does not fit, or a
    /// weight is missing or of another shape.
    pub fn new<'a>(
        spec: &ModelSpec,
        vocabulary: usize,
        classes: usize,
        weights: impl IntoIterator<Item = TensorRef<'a>>,
    ) -> Result<Self, StreamError> {
        carries(spec)?;
        spec.check(vocabulary, classes)?;
        let spec = spec.resolve(vocabulary, classes);
        let (facts, names) = (spec.facts()?, spec.names());
        let known = spec.tokens_known().unwrap_or(vocabulary);
        if known > MOST_TOKENS {
            let reason = format!("it has {known} tokens, and a session can carry {MOST_TOKENS}");
            return Err(StreamError::Weight { name: "embeddings".into(), reason });
        }
        let isa = Isa::detect();
        let mut planner = Planner { isa, arrays: Arrays::new(weights), initial: vec![0.0] };
        let network = planner.network(&spec.layers, &names, &facts)?;
        Ok(Self { isa, vocabulary: known, classes, network, initial: planner.initial })
    }

    /// Prepares the network of a model file.
    ///
    /// # Errors
    /// As [`Stream::new`]; and if the file cannot be read or holds another kind of model.
    pub fn load(path: &Path) -> Result<Self, StreamError> {
        let raw = RawModel::read(path)?;
        let (spec, about): (ModelSpec, _) = (raw.part(Some("spec"))?, raw.about()?);
        let weights = raw.tensors.iter().map(|(name, shape, values)| TensorRef { name, shape, values });
        Self::new(&spec, about.vocabulary.size(), about.classes.len(), weights)
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many tokens it knows; others count as [`Vocabulary::UNKNOWN`].
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// How many numbers a session's state has, of four bytes each. It does not grow with the trace.
    pub fn state_len(&self) -> usize {
        self.initial.len()
    }

    /// The state before the first call.
    pub fn initial(&self) -> &[f32] {
        &self.initial
    }

    /// Reads one call in each of the sessions `sessions`, none of them twice. Session `s` owns the numbers
    /// from `s * state_len` on of `states`, which [`Stream::initial`] fills before the first call. A token that the network does not know counts as
    /// [`Vocabulary::UNKNOWN`].
    ///
    /// # Panics
    /// If there is not one token a session, or a session is outside `states`.
    pub fn advance(&self, scratch: &mut Scratch, states: &mut [f32], sessions: &[u32], tokens: &[u32]) {
        assert_eq!(sessions.len(), tokens.len(), "one call a session");
        let mut states = States { numbers: states, len: self.initial.len() };
        for &session in sessions {
            states.of(session, 0, 1)[0] += 1.0;
        }
        let mut wave = scratch.lend();
        wave.begin(sessions, tokens);
        for token in &mut wave.tokens {
            *token = self.known(*token);
        }
        self.network.advance(self.isa, scratch, &mut wave, &mut states);
        scratch.give_back(wave);
    }

    /// Class probabilities of the calls that a session has read, from its `state` (`[state_len]`). Before
    /// the first call all classes are alike.
    ///
    /// # Panics
    /// If `state` or `into` is not of its length.
    pub fn scores(&self, scratch: &mut Scratch, state: &[f32], into: &mut [f32]) {
        assert!(state.len() == self.initial.len() && into.len() == self.classes, "lengths of state and row");
        if state[0] == 0.0 {
            into.fill(1.0 / self.classes as f32);
            return;
        }
        let mut row = std::mem::take(&mut scratch.row);
        row.clear();
        self.network.finish(self.isa, state, &mut row, scratch);
        into.copy_from_slice(&row);
        scratch.row = row;
    }

    /// A session of its own.
    pub fn begin(&self) -> Reading<'_> {
        Reading { stream: self, state: self.initial.clone(), scratch: Scratch::default() }
    }

    fn known(&self, token: u32) -> u32 {
        if (token as usize) < self.vocabulary {
            token
        } else {
            Vocabulary::UNKNOWN.min(self.vocabulary as u32 - 1)
        }
    }

    fn check(&self, traces: &[&[u32]]) -> Result<(), Unreadable> {
        for (trace, tokens) in traces.iter().enumerate() {
            if tokens.is_empty() {
                return Err(Unreadable { trace, reason: "it holds no call".into() });
            }
            if let Some(token) = tokens.iter().find(|&&token| token as usize >= self.vocabulary) {
                let reason =
                    format!("token {token} is not among the {} that the network knows", self.vocabulary);
                return Err(Unreadable { trace, reason });
            }
        }
        Ok(())
    }

    /// Reads the traces `members` of `traces` side by side and writes their rows.
    fn read(&self, traces: &[&[u32]], members: &[usize], rows: &mut [f32]) {
        let mut scratch = Scratch::default();
        let mut states = self.initial.repeat(members.len());
        let (mut sessions, mut tokens) = (Vec::new(), Vec::new());
        let longest = members.iter().map(|&trace| traces[trace].len()).max().unwrap_or(0);
        for call in 0..longest {
            sessions.clear();
            tokens.clear();
            for (session, &trace) in members.iter().enumerate() {
                if let Some(&token) = traces[trace].get(call) {
                    sessions.push(session as u32);
                    tokens.push(token);
                }
            }
            self.advance(&mut scratch, &mut states, &sessions, &tokens);
        }
        let states = states.chunks_exact(self.initial.len());
        for (state, row) in states.zip(rows.chunks_exact_mut(self.classes)) {
            self.scores(&mut scratch, state, row);
        }
    }
}

/// Whole traces go through the very code that reads them call by call.
impl Classifier for Stream {
    fn classes(&self) -> usize {
        self.classes
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        self.check(traces)?;
        let mut order: Vec<usize> = (0..traces.len()).collect();
        order.sort_by_key(|&trace| traces[trace].len());
        let groups: Vec<&[usize]> = order.chunks(SIDE_BY_SIDE).collect();
        let read = |group: &&[usize]| {
            let mut rows = vec![0.0; group.len() * self.classes];
            self.read(traces, group, &mut rows);
            rows
        };
        let parts: Vec<Vec<f32>> = groups.par_iter().map(read).collect();
        let mut values = vec![0.0; traces.len() * self.classes];
        for (&trace, row) in order.iter().zip(parts.iter().flat_map(|part| part.chunks_exact(self.classes))) {
            values[trace * self.classes..][..self.classes].copy_from_slice(row);
        }
        Ok(Scores::new(self.classes, values))
    }

    fn session(&self) -> Option<Box<dyn Session + '_>> {
        Some(Box::new(self.begin()))
    }
}

/// One trace being read.
#[derive(Debug)]
pub struct Reading<'a> {
    stream: &'a Stream,
    state: Vec<f32>,
    scratch: Scratch,
}

impl Session for Reading<'_> {
    fn push(&mut self, token: u32) {
        self.stream.advance(&mut self.scratch, &mut self.state, &[0], &[token]);
    }

    fn scores(&mut self, into: &mut [f32]) {
        self.stream.scores(&mut self.scratch, &self.state, into);
    }

    fn reset(&mut self) {
        self.state.copy_from_slice(&self.stream.initial);
    }
}
