//! The table that Keras' `model.summary()` prints: names, classes, shapes and parameters of the layers.
//!
//! Two drawings are known: lines of `_` and `=` with columns parted by blanks, and the boxes of Keras 3. Long
//! names are cut by Keras; a class that lost its end stays as it stands there.

use serde::Serialize;

/// A model as its summary shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelSummary {
    /// The model's name, where it is printed.
    pub name: Option<String>,
    /// The layers, in the order of the table.
    pub layers: Vec<SummaryLayer>,
}

/// A layer as a summary shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SummaryLayer {
    /// Its own name: `dense_1`.
    pub name: String,
    /// Its class: `Dense`.
    pub class_name: String,
    /// The shape it gives, without the batch's axis; `None` where an axis is open.
    pub output_shape: Vec<Option<u64>>,
    /// How many weights it has.
    pub parameters: Option<u64>,
}

/// Picks summaries out of lines.
#[derive(Debug, Default)]
pub(super) struct Reader {
    done: Vec<ModelSummary>,
    now: Option<ModelSummary>,
    name: Option<String>,
}

impl Reader {
    /// Takes a line; returns whether it is part of a summary.
    pub(super) fn line(&mut self, text: &str) -> bool {
        let trimmed = text.trim();
        if let Some(name) = trimmed.strip_prefix("Model: ") {
            self.name = Some(name.trim_matches(['"', '\'']).to_owned());
            return true;
        }
        if trimmed.contains("Layer (type)") && trimmed.contains("Output Shape") {
            self.end();
            self.now = Some(ModelSummary { name: self.name.take(), layers: Vec::new() });
            return true;
        }
        let Some(now) = &mut self.now else { return false };
        if trimmed.starts_with("Total params") || trimmed.starts_with("Epoch ") {
            self.end();
            return trimmed.starts_with("Total params");
        }
        let ruled = trimmed.chars().all(|sign| {
            matches!(
                sign,
                '_' | '='
                    | '━'
                    | '─'
                    | '┏'
                    | '┓'
                    | '┳'
                    | '┡'
                    | '╇'
                    | '┩'
                    | '├'
                    | '┼'
                    | '┤'
                    | '└'
                    | '┴'
                    | '┘'
                    | '│'
                    | ' '
            )
        });
        if ruled {
            return true;
        }
        match layer(trimmed) {
            Some(layer) => now.layers.push(layer),
            // The rest of a name that did not fit in its column.
            None if trimmed.starts_with('│') || text.starts_with(' ') || trimmed.len() < 30 => {}
            None => {
                self.end();
                return false;
            }
        }
        true
    }

    fn end(&mut self) {
        self.done.extend(self.now.take().filter(|model| !model.layers.is_empty()));
    }

    pub(super) fn finish(mut self) -> Vec<ModelSummary> {
        self.end();
        self.done
    }
}

fn layer(line: &str) -> Option<SummaryLayer> {
    let line = line.replace('│', " ");
    let open = line.find('(')?;
    let name = line[..open].trim();
    let rest = &line[open + 1..];
    // The class, to its bracket or, where Keras cut it, to the next blank.
    let close = rest.find([')', ' '])?;
    let class_name = &rest[..close];
    let rest = rest[close..].trim_start_matches(')');
    let shape_open = rest.find(['(', '['])?;
    let shape_close = rest.rfind([')', ']'])?;
    let shape = rest.get(shape_open..shape_close)?.trim_matches(['(', '[', ')', ']']);
    let axes: Option<Vec<Option<u64>>> = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| if matches!(axis, "None" | "?") { Some(None) } else { axis.parse().ok().map(Some) })
        .collect();
    let parameters = rest[shape_close + 1..].split_whitespace().next()?.replace(',', "").parse().ok();
    let named = !name.is_empty() && !name.contains(' ') && !class_name.is_empty();
    named.then(|| SummaryLayer {
        name: name.to_owned(),
        class_name: class_name.to_owned(),
        output_shape: axes.unwrap_or_default().into_iter().skip(1).collect(),
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<ModelSummary> {
        let mut reader = Reader::default();
        for line in text.lines() {
            reader.line(line);
        }
        reader.finish()
    }

    #[test]
    fn both_drawings() {
        let old = "\
Model: \"sequential\"
_________________________________________________________________
Layer (type)                 Output Shape              Param #   
=================================================================
embedding_1 (Embedding)      (None, 400, 50)           250,000   
_________________________________________________________________
max_pooling2d_1 (MaxPooling2 (None, 1, 1, 32)          0         
_________________________________________________________________
dense_1 (Dense)              (None, 10)                1290      
=================================================================
Total params: 251,290";
        let new = "\
Model: \"sequential\"
┏━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)         ┃ Output Shape     ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)        │ (None, 4)        │            20 │
├──────────────────────┼──────────────────┼───────────────┤
│ dense_1 (Dense)      │ (None, 1)        │             5 │
└──────────────────────┴──────────────────┴───────────────┘
 Total params: 25 (100.00 B)";
        let layer = |name: &str, class_name: &str, shape: &[u64], parameters| SummaryLayer {
            name: name.into(),
            class_name: class_name.into(),
            output_shape: shape.iter().copied().map(Some).collect(),
            parameters: Some(parameters),
        };
        let old = read(old).remove(0);
        assert_eq!(old.name.as_deref(), Some("sequential"));
        assert_eq!(
            old.layers,
            [
                layer("embedding_1", "Embedding", &[400, 50], 250_000),
                layer("max_pooling2d_1", "MaxPooling2", &[1, 1, 32], 0),
                layer("dense_1", "Dense", &[10], 1290),
            ]
        );
        assert_eq!(
            read(new)[0].layers,
            [layer("dense", "Dense", &[4], 20), layer("dense_1", "Dense", &[1], 5)]
        );
    }

    proptest! {
        #[test]
        fn any_lines_are_read(text in "(Layer \\(type\\) Output Shape\n)?[a-z()\\[\\]│, 0-9é\n]{0,80}") {
            let _ = read(&text);
        }
    }
}
