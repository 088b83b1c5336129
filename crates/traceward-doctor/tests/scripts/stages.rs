//! The diary's five stages as scripts, rebuilt, slips included.

use traceward_doctor::facts::{Argument, Layer};
use traceward_doctor::{CauseKind, Level};

use super::{diagnoses, line_of, listed, only, serious};

const STAGES: [&str; 5] = [
    include_str!("../stages/stage1.py"),
    include_str!("../stages/stage2.py"),
    include_str!("../stages/stage3.py"),
    include_str!("../stages/stage4.py"),
    include_str!("../stages/stage5.py"),
];

fn line_with(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn stage_1_is_read_through_its_broken_line() {
    let evidence = only(STAGES[0]);
    let network = evidence.network.unwrap();
    let classes: Vec<_> = network.layers.iter().map(|layer| layer.class_name.as_str()).collect();
    assert_eq!(classes, ["Embedding", "Bidirectional", "Dense", "Dense", "Activation"]);
    assert_eq!(network.layers[1].innermost().class_name, "LSTM");
    assert_eq!(network.layers[0].number("input_dim"), Some(400.0));
    assert_eq!(network.layers[2].units, Argument::Given(64));
    assert!(network.is_recurrent());
    let compile = network.compile.unwrap();
    assert_eq!(compile.learning_rate.value, Argument::Given(0.01));
    assert_eq!(compile.optimizer.value, Argument::Given("adam".into()));
    assert_eq!(evidence.fit.unwrap().epochs.value, Argument::Given(20));
    assert_eq!(evidence.stated.classes.value, Some(7));
    assert_eq!(evidence.stated.one_hot, Some(true));
}

#[test]
fn stage_1_has_its_bracket_its_misspelt_name_and_what_they_hid() {
    let text = STAGES[0];
    let all: Vec<_> = diagnoses(text).into_iter().flat_map(|diagnosis| diagnosis.findings).collect();
    let said = |rule: &str| {
        all.iter()
            .find(|finding| finding.rule == rule)
            .unwrap_or_else(|| panic!("no {rule}:\n{}", listed(&all)))
    };

    let bracket = said("S00");
    assert_eq!(line_of(bracket, text), Some(line_with(text, "Dense(64)")));
    assert!(bracket.symptom.contains("never closed"), "{}", bracket.symptom);
    let repair = bracket.treatments[0].repair.as_ref().unwrap();
    assert_eq!(repair.text, ")");

    let name = said("S07");
    assert_eq!(line_of(name, text), Some(line_with(text, "sigmond")));
    assert!(name.treatments.iter().any(|treatment| treatment.text.contains("sigmoid")), "{name:#?}");

    let output = said("S01");
    assert!(output.causes.iter().any(|cause| cause.kind == CauseKind::OutputActivation), "{output:#?}");

    let hidden: Vec<_> = all.iter().filter(|finding| finding.rule == "S05").collect();
    assert_eq!(hidden.len(), 1, "Dense(7) has its activation in the next layer:\n{}", listed(&all));
    assert_eq!(line_of(hidden[0], text), Some(line_with(text, "Dense(64)")));

    let rate = said("S09");
    assert!(rate.level >= Level::Warning);
    assert_eq!(line_of(rate, text), Some(line_with(text, "Adam(0.01)")));
}

#[test]
fn stage_2_has_only_its_step_left() {
    let found = serious(STAGES[1]);
    assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["S09"], "{}", listed(&found));
}

#[test]
fn stages_3_to_5_are_fine_as_far_as_a_script_shows() {
    for text in &STAGES[2..] {
        let found = serious(text);
        assert!(found.is_empty(), "{}", listed(&found));
    }
    assert_eq!(only(STAGES[3]).fit.unwrap().epochs.value, Argument::Given(200));
    assert!(only(STAGES[4]).network.unwrap().layers.iter().any(Layer::is_dropout));
}
