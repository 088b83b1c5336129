//! The ways out, opened: alerts' outputs, the recorder, the file of verdicts, and the server of metrics.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use traceward_capture::Recorder;
use traceward_guard::ModelId;
use traceward_guard::http::{Health, Server};
use traceward_guard::metrics::Metrics;
use traceward_guard::outputs::Outputs;

use super::plan::Plan;
use crate::error::Failure;
use crate::output::Output;

/// A scoring loop that is silent for longer is not well.
const SILENT: Duration = Duration::from_secs(10);

/// All of them. Their threads keep the rights that they are started with.
pub(super) struct Ways {
    pub(super) outputs: Outputs,
    pub(super) recorder: Option<Recorder>,
    pub(super) verdicts: Option<BufWriter<File>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    /// Serves until it is dropped.
    pub(super) _server: Option<Server>,
}

impl Ways {
    /// Opens them.
    pub(super) fn open(plan: &Plan<'_>, model: &ModelId, output: Output) -> Result<Self, Failure> {
        let (recorder, verdicts) = (plan.recorder()?, plan.verdicts()?);
        let outputs = Outputs::open(&plan.targets, &plan.outputs).map_err(Failure::new)?;
        let metrics = Arc::new(Metrics::default());
        metrics.model(model.clone());
        metrics.outputs(outputs.statuses());
        let health = Arc::new(Health::new(Instant::now(), SILENT));
        health.model(true);
        let serve =
            |address| Server::start(address, plan.token.clone(), Arc::clone(&metrics), Arc::clone(&health));
        let server = plan.address()?.map(serve).transpose().map_err(Failure::new)?;
        if let Some(server) = &server {
            output.note(format_args!("metrics at http://{}/metrics", server.address()));
        }
        Ok(Self { outputs, recorder, verdicts, metrics, health, _server: server })
    }
}
