use super::*;

fn rule() -> IncidentRule {
    let normals: Vec<f64> = (0..1999).map(f64::from).collect();
    IncidentRule::choose(&normals, 0.001)
}

/// The score that has about this evidence among 1999 normals scoring 0, 1, 2, ….
fn score(evidence: f64) -> f64 {
    1999.0 - 2000.0 * (-evidence).exp()
}

fn member(id: u64, evidence: f64, probabilities: &[f32]) -> Member<'_> {
    Member { id, score: score(evidence), probabilities, calls: 100 }
}

#[test]
fn evidence_is_the_logarithm_of_a_p_value() {
    let rule = rule();
    assert!((rule.evidence(5000.0) - 2000.0_f64.ln()).abs() < 1e-12, "beyond all normals: 1 of 2000");
    assert!((rule.evidence(1998.0) - 1000.0_f64.ln()).abs() < 1e-12, "as much as one normal: 2 of 2000");
    assert!((rule.evidence(1997.5) - 1000.0_f64.ln()).abs() < 1e-12);
    assert!(rule.evidence(10.0) < DRIFT + FLOOR + 0.01, "an ordinary score has no evidence that matters");
    assert_eq!(rule.evidence(f64::NAN), 0.0);
    assert!(rule.tail.len() < 300, "only the tail is kept, {}", rule.tail.len());
}

#[test]
fn one_trace_beyond_all_normals_is_an_incident() {
    let mut incident = Incident::new(Some(0));
    assert!(incident.add(&rule(), &Member { id: 1, score: 1e9, probabilities: &[0.1, 0.2, 0.7], calls: 7 }));
    assert_eq!(incident.alarm(), Some(Alarm { traces: 1, calls: 7 }));
    assert_eq!(incident.family(), Some(2));
}

#[test]
fn rare_traces_add_up_and_ordinary_ones_do_not() {
    let rule = rule();
    let mut incident = Incident::new(Some(0));
    let mut alone = Incident::new(Some(0));
    for id in 0..500 {
        assert!(!incident.add(&rule, &member(id, 0.7, &[0.9, 0.1])), "process {id}");
    }
    assert_eq!((incident.level(), incident.carriers().len()), (0.0, 0));
    assert!(!alone.add(&rule, &member(0, 5.2, &[0.4, 0.6])));
    let raised: Vec<bool> = (500..504).map(|id| incident.add(&rule, &member(id, 5.2, &[0.4, 0.6]))).collect();
    assert_eq!(raised.iter().filter(|raised| **raised).count(), 1, "{raised:?}");
    assert_eq!(incident.traces(), 504);
    let carriers: Vec<u64> = incident.carriers().iter().map(|carrier| carrier.id).collect();
    assert_eq!(carriers, [500, 501, 502, 503]);
}

#[test]
fn a_process_that_goes_on_counts_once() {
    let rule = rule();
    let mut growing = Incident::new(Some(0));
    for evidence in [1.0, 4.0, 5.0, 4.5] {
        growing.add(&rule, &member(3, evidence, &[0.5, 0.5]));
    }
    let mut once = Incident::new(Some(0));
    once.add(&rule, &member(3, 4.5, &[0.5, 0.5]));
    assert!((growing.level() - once.level()).abs() < 1e-12);
    assert_eq!(growing.alarm(), None, "one process of evidence 5 is rare, not unheard of");
}

#[test]
fn ordinary_processes_have_no_say_in_the_family() {
    let rule = rule();
    let mut incident = Incident::new(Some(0));
    incident.add(&rule, &Member { id: 0, score: 1e9, probabilities: &[0.0, 0.3, 0.7], calls: 1 });
    for id in 1..50 {
        incident.add(&rule, &member(id, 0.5, &[0.98, 0.02, 0.0]));
    }
    assert_eq!(incident.family(), Some(2));
    assert!(incident.alarm().is_some());
}

#[test]
fn memory_is_bounded() {
    let rule = rule();
    let mut incident = Incident::new(Some(0));
    for id in 0..5_000 {
        incident.add(&rule, &member(id, 6.0, &[0.2, 0.3, 0.5]));
    }
    assert!(incident.carriers.len() <= REMEMBERED);
    assert_eq!((incident.traces(), incident.family()), (5_000, Some(2)));
    let json = serde_json::to_string(&incident).unwrap();
    let back: Incident = serde_json::from_str(&json).unwrap();
    assert_eq!((back.alarm(), back.family(), back.traces()), (incident.alarm(), incident.family(), 5_000));
}

/// The promise of the head: alone and in sessions of any length, at most one normal in a thousand.
#[test]
fn normals_raise_no_more_than_they_may() {
    let mut random = Rng::new(11);
    for calibration in [500, 2497, 20_000] {
        let normals: Vec<f64> = (0..calibration).map(|_| random.uniform()).collect();
        let rule = IncidentRule::choose(&normals, 0.001);
        let processes = 400_000;
        for session in [1, 12, 500] {
            let mut alarms = 0_u32;
            let mut level = 0.0_f64;
            for process in 0..processes {
                if process % session == 0 {
                    level = 0.0;
                }
                level = (level + step(rule.evidence(random.uniform()))).max(0.0);
                if level >= rule.alarm {
                    alarms += 1;
                    level = 0.0;
                }
            }
            let rate = f64::from(alarms) / f64::from(processes);
            // The calibration normals are a sample: beyond the greatest of them lies 1/n, give or take as much.
            let luck = 2.5 * (0.001 / f64::from(calibration)).sqrt();
            assert!(rate <= 0.001 + luck, "{calibration} normals, sessions of {session}: {rate}");
        }
    }
}

#[test]
fn a_run_that_is_known_to_be_an_attack_is_named_by_all_its_traces() {
    let rows: [&[f32]; 3] = [&[0.9, 0.06, 0.04], &[0.9, 0.06, 0.04], &[0.1, 0.2, 0.7]];
    assert_eq!(family_of(rows, Some(0)), Some(2), "a normal-looking trace rules nothing out");
    assert_eq!(family_of(rows, None), Some(0));
    assert_eq!(family_of([], Some(0)), None);
}
