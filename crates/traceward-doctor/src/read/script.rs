//! A training script as evidence: one for each network that it trains.

use std::path::Path;

use serde_json::Value as Json;

use super::interpret::{Interpreter, Model};
use super::{keras_object, repair, torch_call};
use crate::facts::{Layer, Network};
use crate::{Evidence, Place, Source};

/// A script with more trainings than this is a search; the first ones stand for all.
const MOST_TRAININGS: usize = 12;

/// Reads a Python script, broken ones too, or a notebook.
///
/// There is one piece of evidence for each network that is built or trained, in the order of the text, and
/// at least one. What was wrong with the text itself stands in the first one's
/// [`reading`](Evidence::reading). Places point into the first one's [`source`](Evidence::source), which
/// all share: for a notebook, its code cells one after another.
pub fn script(path: &Path, text: &str) -> Vec<Evidence> {
    let code = notebook(text);
    let text = code.as_deref().unwrap_or(text);
    let (statements, reading) = repair::parse(text);
    let mut interpreter = Interpreter::new(text);
    interpreter.run(&statements);

    let built = interpreter.models().iter().chain(&interpreter.elsewhere);
    let mut models: Vec<Model> = built.map(|model| (**model).clone()).collect();
    // A network that is built only to be a part of another is no training of its own.
    let trained = models.iter().any(|model| model.compile.is_some() || !model.fits.is_empty());
    models.retain(|model| {
        if trained { model.compile.is_some() || !model.fits.is_empty() } else { !model.layers.is_empty() }
    });
    models.extend(torch_call::trainings(&mut interpreter));

    let seeded = interpreter.seen.seeded;
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    let mut found: Vec<Evidence> = Vec::new();
    for model in models {
        let evidence = evidence(model, seeded, &source);
        let known = found.iter().any(|other| other.network == evidence.network && other.fit == evidence.fit);
        if !known && found.len() < MOST_TRAININGS {
            found.push(evidence);
        }
    }
    found.sort_by_key(|evidence| match evidence.network.as_ref().and_then(first_place) {
        Some(Place::Span(span)) => span.start,
        _ => usize::MAX,
    });
    if found.is_empty() {
        found.push(Evidence { source: Some(source), ..Evidence::default() });
    }
    found[0].reading = reading;
    found
}

fn first_place(network: &Network) -> Option<Place> {
    let compile = network.compile.as_ref().and_then(|compile| compile.place.clone());
    network.layers.first().and_then(|layer| layer.place.clone()).or(compile)
}

fn evidence(model: Model, seeded: bool, source: &Source) -> Evidence {
    let mut layers = model.layers;
    name_layers(&mut layers);
    let network =
        Network { framework: model.framework, layers, branched: model.branched, compile: model.compile };
    let known = !network.layers.is_empty() || network.compile.is_some();
    let (fit, stated) = match model.fits.into_iter().next() {
        Some(call) => (Some(call.fit), call.stated),
        None => (None, Default::default()),
    };
    let fit = fit.map(|mut fit| {
        fit.seeded = Some(seeded);
        fit
    });
    Evidence {
        source: Some(source.clone()),
        network: known.then_some(network),
        fit,
        stated,
        ..Evidence::default()
    }
}

/// Keras' default names; places in the text stay.
fn name_layers(layers: &mut [Layer]) {
    let places: Vec<_> =
        layers.iter().map(|layer| (layer.place.clone(), layer.activation.place.clone())).collect();
    keras_object::place_layers(layers);
    for (layer, (place, activation)) in layers.iter_mut().zip(places) {
        layer.place = place;
        layer.activation.place = activation;
    }
}

/// Whether a text reads like a training script, in Python or as a notebook.
pub fn is_script(text: &str) -> bool {
    if notebook(text).is_some() {
        return true;
    }
    text.lines().any(|line| {
        let line = line.trim();
        line.starts_with("import ")
            || line.starts_with("from ") && line.contains(" import ")
            || line.starts_with("def ") && line.ends_with(':')
            || line.starts_with("model.add(")
            || line.starts_with("model = ")
            || line.starts_with("model.compile(")
    })
}

/// The bytes of a script as text. What is not UTF-8 is read as Latin-1, so that no line is lost.
pub fn script_text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The code of a notebook, cell after cell; `None` if it is none.
fn notebook(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let document: Json = serde_json::from_str(text).ok()?;
    let worksheets = document.pointer("/worksheets/0/cells");
    let cells = document.get("cells").or(worksheets)?.as_array()?;
    let mut code = String::new();
    for cell in cells.iter().filter(|cell| cell["cell_type"] == "code") {
        match cell.get("source").or_else(|| cell.get("input")) {
            Some(Json::String(lines)) => code.push_str(lines),
            Some(Json::Array(lines)) => {
                code.extend(lines.iter().filter_map(Json::as_str));
            }
            _ => {}
        }
        if !code.ends_with('\n') {
            code.push('\n');
        }
    }
    Some(code)
}
