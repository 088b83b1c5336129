//! Several models, and how much each is believed: weights and class biases learnt on inner folds.
//!
//! Whether a trace is an attack and which family it is of are two questions, and the models that answer one
//! best do not answer the other best. So a stack blends twice:
//!
//! - *detection*: the weighted mean of the members' log-odds of attack. The weights are the recipe's: scales and
//!   weights fitted anew on each training side make no single one better, and their scores comparable with no
//!   other's (on ADFA-LD, AUC .976 pooled over folds, against .984);
//! - *families*: the members' margins of the attack families, less their mean, each on its own scale, in a
//!   conditional logit: one weight a member, one bias a family (McFadden 1974).
//!
//! P(normal) is one minus the first; P(family) the first times the second. What the blends are fitted on are
//! the members' answers to traces that they were not trained on (`fit`): the training traces are dealt into
//! inner folds, groups whole, as the honest protocol deals the outer ones. Where no class means normal, or
//! all traces are normal or none is, there are only families.

mod blend;
mod fit;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Kind, Seen, Shape};
use crate::novelty::NoveltyConfig;
use crate::parts::{PartsError, Reader, Writer};
use crate::probability::{Temperature, softmax};
use crate::recipe::Recipe;

/// Several models, and how they are blended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackRecipe {
    /// Inner folds; at least 2.
    pub folds: u8,
    /// A novelty model beside it, for what no family covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<NoveltyConfig>,
    /// The models.
    pub members: Vec<Member>,
}

/// A model of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its weight in detection; 0 for no part in it.
    #[serde(default)]
    pub detection: f64,
    /// Whether it has a part in telling families apart; how much is fitted.
    #[serde(default)]
    pub families: bool,
    /// What it is trained on.
    #[serde(default)]
    pub trained: Trained,
    /// What it is.
    pub recipe: Recipe,
}

/// What a member is trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trained {
    /// All training traces.
    #[default]
    OnAll,
    /// Attacks only: it can tell families apart, and nothing else.
    OnAttacks,
}

/// A trained stack.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    /// The class that is told from all others by detection, if there is one.
    normal: Option<u16>,
    members: Vec<Voter>,
    /// What is added to the mean log-odds of attack.
    offset: f32,
    /// What is added to the weighted margins of each class.
    biases: Vec<f32>,
}

/// A trained member.
#[derive(Clone, Debug)]
struct Voter {
    kind: Kind,
    /// Its share in detection; 0 if it has none.
    detection: f32,
    /// What makes its margins log-probabilities, up to a constant.
    temperature: Temperature,
    /// What its margins are multiplied by; 0 if it has no part in telling families apart.
    families: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    normal: Option<u16>,
    offset: f32,
    biases: Vec<f32>,
    members: Vec<MemberDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberDocument {
    detection: f32,
    temperature: Temperature,
    families: f32,
    model: Value,
}

impl Stack {
    pub(crate) fn kinds_mut(&mut self) -> impl Iterator<Item = &mut Kind> {
        self.members.iter_mut().map(|member| &mut member.kind)
    }

    /// The class probabilities of a trace.
    pub(crate) fn predict_into(&self, seen: &Seen<'_>, into: &mut [f32]) {
        let mut margins = vec![0.0; into.len()];
        into.copy_from_slice(&self.biases);
        let mut attack = self.offset;
        for member in &self.members {
            member.kind.margins_into(seen, &mut margins);
            if let Some(normal) = self.normal {
                attack += member.detection * blend::log_odds(&margins, normal, member.temperature);
            }
            let centre = blend::centre(&margins, self.normal);
            into.iter_mut().zip(&margins).for_each(|(sum, m)| *sum += member.families * (m - centre));
        }
        let Some(normal) = self.normal else { return softmax(into) };
        into[usize::from(normal)] = f32::NEG_INFINITY;
        softmax(into);
        // Both ways from the log-odds, so that neither loses its digits near 1.
        let of_attack = 1.0 / (1.0 + (-attack).exp());
        into.iter_mut().for_each(|p| *p *= of_attack);
        into[usize::from(normal)] = 1.0 / (1.0 + attack.exp());
    }

    /// See [`Kind::contributions`]. For normal, what the members of detection lay to each n-gram; for a
    /// family, less that, and what the others lay to it against other families.
    pub(crate) fn contributions(
        &self,
        seen: &Seen<'_>,
        class: usize,
        times: f32,
        by_gram: &mut [f32],
    ) -> Option<()> {
        for member in &self.members {
            let detection = times * member.detection;
            let families = times * member.families;
            match self.normal.map(usize::from) {
                Some(normal) => {
                    let sign = if class == normal { 1.0 } else { -1.0 };
                    if detection != 0.0 {
                        member.kind.contributions(seen, normal, sign * detection, by_gram)?;
                    }
                    if class != normal && families != 0.0 {
                        member.kind.contributions(seen, class, families, by_gram)?;
                    }
                }
                None => member.kind.contributions(seen, class, families, by_gram)?,
            }
        }
        Some(())
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) -> Value {
        let members = self.members.iter().enumerate().map(|(number, member)| MemberDocument {
            detection: member.detection,
            temperature: member.temperature,
            families: member.families,
            model: member.kind.write(&mut into.part(&format!("member-{number}"))),
        });
        let members = members.collect();
        json!(Document { normal: self.normal, offset: self.offset, biases: self.biases.clone(), members })
    }

    pub(crate) fn read(document: &Value, from: &Reader<'_>, shape: Shape) -> Result<Self, PartsError> {
        let Document { normal, offset, biases, members } = from.document(document)?;
        if biases.len() != shape.classes || normal.is_some_and(|n| usize::from(n) >= shape.classes) {
            return Err(from.damaged("another number of classes than its model has"));
        }
        let voter = |(number, member): (usize, MemberDocument)| {
            if member.model.get("stack").is_some() {
                return Err(from.damaged("a stack in a stack"));
            }
            let kind = Kind::read(&member.model, &from.part(&format!("member-{number}")), shape)?;
            let MemberDocument { detection, temperature, families, .. } = member;
            Ok(Voter { kind, detection, temperature, families })
        };
        let members: Vec<Voter> = members.into_iter().enumerate().map(voter).collect::<Result<_, _>>()?;
        let numbers = members.iter().flat_map(|m| [m.detection, m.families]).chain(biases.iter().copied());
        if !numbers.chain([offset]).all(f32::is_finite) {
            return Err(from.damaged("a weight that is no number"));
        }
        Ok(Self { normal, members, offset, biases })
    }
}

#[cfg(test)]
mod tests;
