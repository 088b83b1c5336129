//! Class weights as one number a class.

use traceward_run::config::ClassWeight;

use crate::Error;

/// The weight of each class, or `None` where all weigh alike.
pub(crate) fn weights(
    config: &ClassWeight,
    labels: &[u32],
    classes: &[String],
) -> Result<Option<Vec<f32>>, Error> {
    Ok(match config {
        ClassWeight::None => None,
        ClassWeight::Balanced | ClassWeight::SqrtBalanced => {
            let mut counts = vec![0usize; classes.len()];
            for &label in labels {
                if let Some(count) = counts.get_mut(label as usize) {
                    *count += 1;
                }
            }
            // A class without traces weighs on nothing.
            let weight = |&count: &usize| labels.len() as f32 / (classes.len() * count.max(1)) as f32;
            let balanced: Vec<f32> = counts.iter().map(weight).collect();
            if *config == ClassWeight::Balanced {
                return Ok(Some(balanced));
            }
            let roots: Vec<f32> = balanced.iter().map(|weight| weight.sqrt()).collect();
            let sum: f32 = roots.iter().zip(&counts).map(|(root, &count)| root * count as f32).sum();
            Some(roots.iter().map(|root| root * labels.len() as f32 / sum).collect())
        }
        ClassWeight::Given(given) => {
            if let Some(name) = given.keys().find(|&name| !classes.contains(name)) {
                return Err(Error::NoSuchClass { name: name.clone(), known: classes.to_vec() });
            }
            Some(classes.iter().map(|class| given.get(class).copied().unwrap_or(1.0)).collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<String> {
        ["normal", "hydra"].map(str::to_owned).into()
    }

    #[test]
    fn balanced_is_as_scikit_learn_has_it() {
        let found = weights(&ClassWeight::Balanced, &[0, 0, 0, 1], &classes()).unwrap();
        assert_eq!(found, Some(vec![4.0 / 6.0, 2.0]));
    }

    /// Balanced, the weights are 2/3 and 2; their roots, over a mean of (3 sqrt(2/3) + sqrt(2)) / 4.
    #[test]
    fn roots_have_a_mean_of_1_over_the_traces() {
        let found = weights(&ClassWeight::SqrtBalanced, &[0, 0, 0, 1], &classes()).unwrap().unwrap();
        assert!((found[0] - 0.845_299_5).abs() < 1e-6 && (found[1] - 1.464_101_6).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn an_unknown_name_is_refused_and_an_absent_one_weighs_one() {
        let given = |name: &str| ClassWeight::Given([(name.to_owned(), 5.0)].into());
        assert_eq!(weights(&given("hydra"), &[], &classes()).unwrap(), Some(vec![1.0, 5.0]));
        let error = weights(&given("hidra"), &[], &classes()).unwrap_err();
        assert_eq!(error.to_string(), r#"class_weight names "hidra", and the classes are normal, hydra"#);
    }
}
