//! The numbers under their names.

use std::fmt::Error;
use std::sync::PoisonError;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use traceward_detect::verdict::Word;

use super::{DeskSays, Durations, Metrics, lock, own};
use crate::outputs::{Fate, Status};

/// Puts metrics down one after the other.
struct Page<'a>(DescriptorEncoder<'a>);

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Page<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, u64, u64>(&value, None)
    }

    fn seconds_total(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, f64, u64>(&value, None)
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<'l>, u64)>,
    ) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, u64>(&value, None)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    fn of_outputs(
        &mut self,
        (name, help, unit): (&str, &str, Option<&Unit>),
        outputs: &[&Status],
        value: impl Fn(&Status) -> u64,
    ) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for output in outputs {
            metric.encode_family(&[("output", output.name())])?.encode_gauge(&value(output))?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, durations: &Durations) -> Result<(), Error> {
        let (sum, buckets) = durations.read();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let mut metric = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn info(&mut self, name: &str, help: &str, labels: &impl EncodeLabelSet) -> Result<(), Error> {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(labels)
    }
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let page = &mut Page(encoder);
        self.about(page)?;
        self.captured(page)?;
        self.judged(page)?;
        self.told(page)?;
        self.outputs_fare(page)
    }
}

impl Metrics {
    fn about(&self, page: &mut Page<'_>) -> Result<(), Error> {
        page.info("build", "The program.", &[("version", env!("CARGO_PKG_VERSION"))])?;
        let model = self.model.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*model {
            let labels = [("name", model.name.as_str()), ("id", model.id.as_str())];
            page.info("model", "The model, and how its file's SHA-256 begins.", &labels)?;
        }
        page.gauge(
            "calibrated",
            "1 if the threshold comes from normals that somebody calibrated with.",
            None,
            self.calibrated.get(),
        )?;
        page.gauge("calibrating", "1 while this host's normals are learnt.", None, self.calibrating.get())?;
        page.gauge(
            "drift_hints",
            "Hints that the host no longer looks as it did when the model was calibrated.",
            None,
            self.drift_hints.get(),
        )?;
        page.gauge(
            "process_start_time",
            "When the guard was started, since 1970.",
            Some(&Unit::Seconds),
            self.started().as_secs(),
        )?;
        if let Some(seconds) = own::cpu_seconds() {
            page.seconds_total("process_cpu", "CPU time of the guard itself.", seconds)?;
        }
        if let Some(bytes) = own::resident_bytes() {
            page.gauge("process_resident_memory", "Memory of the guard itself.", Some(&Unit::Bytes), bytes)?;
        }
        Ok(())
    }

    fn captured(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let losses = *lock(&self.losses);
        page.counter("events", "Events that the capture told of.", self.events.get())?;
        page.counter(
            "calls",
            "System calls that the capture counted, lost ones included.",
            self.calls.get(),
        )?;
        page.counters(
            "lost_calls",
            "System calls that nobody will hear of, by cause.",
            [
                (vec![("cause", "ring_full")], losses.ring_full),
                (vec![("cause", "no_memory")], losses.no_memory),
            ],
        )?;
        page.counter("lost_events", "Starts, executions and exits that were lost.", losses.events)?;
        page.gauge("threads", "Threads that are followed.", None, self.threads.get())?;
        page.counter(
            "thread_evictions",
            "Threads that were forgotten though they lived: room was needed.",
            self.evictions.get(),
        )?;
        let [used, size] = &self.ring;
        if size.get() > 0 {
            page.gauge("ring_used", "Bytes of the ring buffer in use.", Some(&Unit::Bytes), used.get())?;
            page.gauge("ring_size", "The ring buffer's size.", Some(&Unit::Bytes), size.get())?;
        }
        Ok(())
    }

    fn judged(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let guard = *lock(&self.guard);
        page.counter("scored_calls", "System calls that the model has read.", guard.calls)?;
        page.counter("traces", "Traces begun.", guard.traces)?;
        let verdicts = Word::ALL.iter().zip(guard.verdicts);
        page.counters(
            "verdicts",
            "Traces ended, by what was said of them.",
            verdicts.map(|(word, count)| (vec![("verdict", word.name())], count)),
        )?;
        page.counter("tainted_traces", "Traces ended whose verdict may be about a hole.", guard.tainted)?;
        page.counters(
            "findings",
            "What the guard found, before suppressions, folding and limits.",
            [
                (vec![("kind", "alarm")], guard.alarms),
                (vec![("kind", "update")], guard.updates),
                (vec![("kind", "end")], guard.ends),
            ],
        )?;
        page.gauge("open_traces", "Traces that are open now.", None, guard.sessions)?;
        page.gauge("open_traces_memory", "Memory set aside for them.", Some(&Unit::Bytes), guard.bytes)?;
        page.counter(
            "trace_evictions",
            "Open traces that were given up without a verdict: room was needed.",
            guard.evictions,
        )?;
        page.counter(
            "traces_without_calls",
            "Open traces whose calls were dropped: verdicts stand, reasons cannot be given.",
            guard.calls_dropped,
        )?;
        page.counter("looks", "How often the model was asked.", guard.looks)?;
        page.seconds_total("scoring", "Time spent with judging.", guard.score_nanoseconds as f64 * 1e-9)?;
        page.histogram("score_latency", "How long the model takes for an answer.", &self.score)?;
        page.histogram("lag", "From a call to its score.", &self.lag)
    }

    fn told(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let DeskSays { counts, pending, reasons } = lock(&self.desk).clone();
        page.counters(
            "alerts",
            "Findings, by what became of them.",
            [
                (vec![("decision", "told")], counts.told),
                (vec![("decision", "folded")], counts.folded),
                (vec![("decision", "limited")], counts.held),
                (vec![("decision", "suppressed")], counts.suppressed),
            ],
        )?;
        page.gauge("pending_alerts", "Alerts that wait for a window's or a limit's end.", None, pending)?;
        page.counters(
            "suppressions",
            "Alerts silenced, by the rule's reason.",
            reasons.iter().map(|(reason, used)| (vec![("reason", reason.as_str())], *used)),
        )?;
        page.counter(
            "reload_errors",
            "Reloads that failed because a file was broken; the old rules stayed.",
            self.reload_errors.get(),
        )
    }

    fn outputs_fare(&self, page: &mut Page<'_>) -> Result<(), Error> {
        let outputs = self.outputs.read().unwrap_or_else(PoisonError::into_inner);
        let outputs: Vec<&Status> = outputs.iter().map(|status| &**status).collect();
        let fates = outputs.iter().flat_map(|output| {
            let labels = |fate: Fate| vec![("output", output.name()), ("fate", fate.name())];
            Fate::ALL.map(|fate| (labels(fate), output.count(fate)))
        });
        page.counters("output_alerts", "Alerts by output and what became of them.", fates)?;
        let failing = |output: &Status| u64::from(output.trouble().is_some());
        page.of_outputs(("output_failing", "1 while an output does not work.", None), &outputs, failing)?;
        page.of_outputs(("output_queue", "Alerts that wait for an output.", None), &outputs, Status::queued)?;
        page.of_outputs(
            ("spool_alerts", "Alerts that wait in an output's spool.", None),
            &outputs,
            Status::spool_alerts,
        )?;
        page.of_outputs(
            ("spool_memory_alerts", "Of these, how many are in memory only: the disk takes none.", None),
            &outputs,
            Status::spool_memory,
        )?;
        page.of_outputs(
            ("spool", "Size of an output's spool on disk.", Some(&Unit::Bytes)),
            &outputs,
            Status::spool_bytes,
        )
    }
}
