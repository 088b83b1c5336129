//! What was typed, checked before anything starts.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use traceward_capture::{Recorder, clock, recording};
use traceward_guard::desk;
use traceward_guard::http;
use traceward_guard::outputs::{self, Target, WebhookOptions};
use traceward_guard::suppress::Suppressions;
use traceward_guard::token::Token;

use super::state::StateDir;
use crate::cli::{self, WatchArgs};
use crate::error::Failure;
use crate::output::Output;

/// What the watch writes where, and by which rules.
pub(super) struct Plan<'a> {
    args: &'a WatchArgs,
    pub(super) state: Option<StateDir>,
    pub(super) targets: Vec<Target>,
    pub(super) outputs: outputs::Options,
    pub(super) desk: desk::Options,
    pub(super) suppressions: Suppressions,
    /// Shown to whoever reads metrics.
    pub(super) token: Option<Token>,
}

impl<'a> Plan<'a> {
    /// Checks all that can be checked.
    pub(super) fn of(
        args: &'a WatchArgs,
        format: Option<cli::Format>,
        output: Output,
    ) -> Result<Self, Failure> {
        let state = args.state.as_deref().map(StateDir::open).transpose()?;
        let typed: &[String] = if args.alerts.is_empty() { &["stdout".to_owned()] } else { &args.alerts };
        let targets = typed.iter().map(|word| word.parse()).collect::<Result<Vec<Target>, _>>();
        let targets = targets.map_err(Failure::new)?;
        let hooks = targets.iter().any(|target| matches!(target, Target::Webhook(_)));
        if hooks && state.is_none() {
            return Err(Failure::new("a webhook needs a folder for alerts that it could not send yet")
                .hint("name one: --state /var/lib/traceward"));
        }
        let token =
            |path: &Option<PathBuf>| path.as_deref().map(Token::from_file).transpose().map_err(Failure::new);
        let webhook = WebhookOptions {
            spool: state.as_ref().map(StateDir::spool),
            token: token(&args.webhook_token)?,
            ..WebhookOptions::default()
        };
        let people = args.alerts.is_empty() && std::io::stdout().is_terminal();
        let written = match format {
            Some(cli::Format::Ecs) => outputs::Format::Ecs,
            Some(cli::Format::Text) => outputs::Format::Text,
            None if people => outputs::Format::Text,
            _ => outputs::Format::Json,
        };
        let outputs = outputs::Options {
            format: written,
            webhook,
            notice: Arc::new(move |said| output.warning(said)),
            ..outputs::Options::default()
        };
        let desk =
            desk::Options { window: args.fold, per_minute: args.alerts_a_minute, ..desk::Options::default() };
        let suppressions = match &args.suppress {
            Some(path) => Suppressions::load(path).map_err(Failure::new)?,
            None => Suppressions::none(),
        };
        Ok(Self { args, state, targets, outputs, desk, suppressions, token: token(&args.metrics_token)? })
    }

    /// Where metrics are served, if anywhere.
    pub(super) fn address(&self) -> Result<Option<SocketAddr>, Failure> {
        match self.args.metrics.as_deref() {
            Some("off") => Ok(None),
            None if !self.args.capture.command.is_empty() => Ok(None),
            None => Ok(Some(http::ADDRESS)),
            Some(typed) => typed.parse().map(Some).map_err(|_| {
                Failure::new(format_args!("{typed:?} is no address to serve metrics at"))
                    .hint("write ADDRESS:PORT, such as --metrics 127.0.0.1:9643, or --metrics off")
            }),
        }
    }

    /// The recorder, if what is watched is recorded.
    pub(super) fn recorder(&self) -> Result<Option<Recorder>, Failure> {
        let Some(folder) = &self.args.record else { return Ok(None) };
        let group = format!("watch-{}", clock::compact(clock::wall()));
        let target = recording::Target::Folder(folder.clone());
        Ok(Some(Recorder::new(recording::Options::new(target, group))?))
    }

    /// The file for verdicts, if there is to be one.
    pub(super) fn verdicts(&self) -> Result<Option<BufWriter<File>>, Failure> {
        self.args.verdicts.as_deref().map(append).transpose()
    }
}

fn append(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file =
        file.map_err(|error| Failure::new(format_args!("cannot write {}: {error}", path.display())))?;
    Ok(BufWriter::new(file))
}
