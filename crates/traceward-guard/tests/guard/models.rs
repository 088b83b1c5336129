//! Two small models: a network that is read call by call, and one that must see whole traces.

use std::sync::{Arc, LazyLock};

use serde_json::json;
use traceward_capture::Names;
use traceward_detect::calibrate::{Calibration, Options as Wanted, Temperature};
use traceward_guard::Model;
use traceward_run::classifier::Unreadable;
use traceward_run::spec::{Activation, Layer, NgramSketch};
use traceward_run::tensors::TensorRef;
use traceward_run::{About, Classifier, ModelSpec, Scores};
use traceward_stream::Stream;
use traceward_trace::Abi;
use traceward_trace::rng::Rng;

/// A model and all that belongs to it.
pub(crate) struct Kit {
    pub(crate) about: About,
    pub(crate) calibration: Calibration,
    stream: Option<Arc<Stream>>,
}

impl Kit {
    pub(crate) fn model(&self) -> Model<'_> {
        self.stream.as_ref().map_or(Model::Whole(&Whole), Model::Stream)
    }
}

pub(crate) static STREAM: LazyLock<Kit> = LazyLock::new(|| kit(Some(Arc::new(drawn()))));
pub(crate) static WHOLE: LazyLock<Kit> = LazyLock::new(|| kit(None));

/// Calls that the models know.
const KNOWN: usize = 8;

pub(crate) fn names() -> Names {
    Names::of(Abi::X86_64)
}

pub(crate) fn about() -> About {
    let names = names();
    let known: Vec<&str> = names.table().names().iter().take(KNOWN).map(|name| &**name).collect();
    serde_json::from_value(json!({
        "version": "0",
        "vocabulary": {"abi": names.abi(), "names": known},
        "classes": ["normal", "adduser", "hydra_ssh"],
    }))
    .unwrap()
}

fn kit(stream: Option<Arc<Stream>>) -> Kit {
    let about = about();
    let mut rng = Rng::new(9);
    let normals: Vec<Vec<u32>> = (0..150)
        .map(|_| (0..10 + rng.below(150)).map(|_| 1 + rng.below(KNOWN as u64 + 1) as u32).collect())
        .collect();
    let normals: Vec<&[u32]> = normals.iter().map(Vec::as_slice).collect();
    let wanted = Wanted {
        far: 0.2,
        data: "made up".into(),
        temperature: Temperature::new(1.3).unwrap(),
        vocabulary: about.vocabulary.size(),
    };
    let classifier: &dyn Classifier = match &stream {
        Some(stream) => &**stream,
        None => &Whole,
    };
    let calibration = Calibration::fit(classifier, 0, &normals, &wanted).unwrap();
    Kit { about, calibration, stream }
}

/// A network with drawn weights.
fn drawn() -> Stream {
    let (width, buckets, classes) = (4, 256, 3);
    let layers = [Layer::NgramSketch(NgramSketch::new(width, buckets)), Layer::dense(0, Activation::Softmax)];
    let spec = ModelSpec::new("", layers);
    let names = spec.names();
    let mut rng = Rng::new(3);
    let mut draw =
        |count: usize| -> Vec<f32> { (0..count).map(|_| (rng.uniform() * 4.0 - 2.0) as f32).collect() };
    let weights = [
        (format!("{}/embeddings", names[0]), vec![buckets, width], draw(buckets * width)),
        (format!("{}/idf", names[0]), vec![buckets], vec![1.0; buckets]),
        (format!("{}/kernel", names[1]), vec![width, classes], draw(width * classes)),
        (format!("{}/bias", names[1]), vec![classes], draw(classes)),
    ];
    let weights = weights.iter().map(|(name, shape, values)| TensorRef { name, shape, values });
    Stream::new(&spec, KNOWN + 2, classes, weights).unwrap()
}

/// Answers by what share of the calls are what: no call alone decides, nor does the last one.
#[derive(Debug)]
pub(crate) struct Whole;

impl Classifier for Whole {
    fn classes(&self) -> usize {
        3
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        let mut values = Vec::new();
        for (trace, calls) in traces.iter().enumerate() {
            let bad = |reason: &str| Unreadable { trace, reason: reason.into() };
            if calls.is_empty() || calls.iter().any(|&token| token as usize >= KNOWN + 2) {
                return Err(bad("it is empty, or of another vocabulary"));
            }
            let share =
                |token: u32| calls.iter().filter(|&&call| call == token).count() as f32 / calls.len() as f32;
            let (first, second) = ((4.0 * share(2)).min(0.9), share(3));
            let normal = 1.0 - 0.6 * first - 0.4 * second;
            values.extend([normal, (1.0 - normal) * first, (1.0 - normal) * (1.0 - first)]);
        }
        Ok(Scores::new(3, values))
    }

    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        let strange = |calls: &[u32]| calls.iter().filter(|&&call| call as usize == KNOWN + 1).count();
        Some(traces.iter().map(|calls| strange(calls) as f32 / calls.len() as f32).collect())
    }
}
