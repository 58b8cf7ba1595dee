//! How to make one tree out of another, exactly. It knows nothing of drafts: whatever the words
//! for people say, following the recipe gives the newer tree.

use std::ops::Range;

use super::align::{Pairs, key};
use crate::draft::json::{Json, Object, Text};

/// What to do with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Recipe {
    /// Put this in its place.
    Whole(Json),
    /// Make an array out of the array.
    Array(Vec<Step<Json>>),
    /// Make an object out of the object.
    Object(Vec<Step<(Text, Json)>>),
}

/// What comes next in a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step<T> {
    /// These of the older items, as they are.
    Keep(Range<usize>),
    /// This older item, changed.
    Change(usize, Recipe),
    /// Something new.
    New(T),
}

impl Recipe {
    pub(super) fn between(older: &Json, newer: &Json) -> Self {
        match (older, newer) {
            (Json::Array(older), Json::Array(newer)) => {
                let mut pairs = Pairs::new(older.len(), newer.len());
                let equal = |a: usize, b: usize| older[a] == newer[b];
                pairs.ends(equal);
                pairs.by(|at| Some(key(&older[at])), |at| Some(key(&newer[at])));
                pairs.neighbours(equal);
                pairs.by_within_gaps(|_| Some(0), |_| Some(0));
                Self::Array(steps(&pairs, older, newer, |a, b| Some(Self::between(a, b))))
            }
            (Json::Object(older), Json::Object(newer)) => {
                let (older, newer) = (older.entries(), newer.entries());
                let mut pairs = Pairs::new(older.len(), newer.len());
                pairs.ends(|a, b| older[a].0 == newer[b].0);
                pairs.by(|at| Some(key(&older[at].0)), |at| Some(key(&newer[at].0)));
                Self::Object(steps(&pairs, older, newer, |a, b| {
                    (a.0 == b.0).then(|| Self::between(&a.1, &b.1))
                }))
            }
            _ => Self::Whole(newer.clone()),
        }
    }

    /// `None` when this is no tree that the recipe was made for.
    pub(super) fn follow(&self, older: &Json) -> Option<Json> {
        match (self, older) {
            (Self::Whole(newer), _) => Some(newer.clone()),
            (Self::Array(steps), Json::Array(older)) => {
                follow(steps, older, |item, recipe| recipe.follow(item)).map(Json::Array)
            }
            (Self::Object(steps), Json::Object(older)) => {
                let entry = |(key, value): &(Text, Json), recipe: &Self| {
                    Some((key.clone(), recipe.follow(value)?))
                };
                let entries = follow(steps, older.entries(), entry)?;
                Some(Json::Object(entries.into_iter().collect::<Object>()))
            }
            _ => None,
        }
    }
}

fn steps<T: Clone + PartialEq>(
    pairs: &Pairs,
    older: &[T],
    newer: &[T],
    change: impl Fn(&T, &T) -> Option<Recipe>,
) -> Vec<Step<T>> {
    let mut steps = Vec::new();
    for (item, at) in newer.iter().zip(&pairs.older) {
        let Some(at) = *at else {
            steps.push(Step::New(item.clone()));
            continue;
        };
        if older[at] != *item {
            steps.push(match change(&older[at], item) {
                Some(recipe) => Step::Change(at, recipe),
                None => Step::New(item.clone()),
            });
        } else if let Some(Step::Keep(range)) = steps.last_mut()
            && range.end == at
        {
            range.end += 1;
        } else {
            steps.push(Step::Keep(at..at + 1));
        }
    }
    steps
}

fn follow<T: Clone>(
    steps: &[Step<T>],
    older: &[T],
    change: impl Fn(&T, &Recipe) -> Option<T>,
) -> Option<Vec<T>> {
    let mut made = Vec::new();
    for step in steps {
        match step {
            Step::Keep(range) => made.extend_from_slice(older.get(range.clone())?),
            Step::Change(at, recipe) => made.push(change(older.get(*at)?, recipe)?),
            Step::New(item) => made.push(item.clone()),
        }
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_deep_in_a_tree_is_small() {
        let json = |text: &str| text.parse::<Json>().unwrap();
        let older = json(r#"{"a":[{"b":1,"c":[1,2,3]},{"b":2},{"b":2}],"z":{}}"#);
        let newer = json(r#"{"a":[{"b":1,"c":[1,9,2,3]},{"b":2},{"b":2}],"z":{}}"#);
        let recipe = Recipe::between(&older, &newer);
        let inserted =
            Recipe::Array(vec![Step::Keep(0..1), Step::New(Json::from(9)), Step::Keep(1..3)]);
        let first = Recipe::Object(vec![Step::Keep(0..1), Step::Change(1, inserted)]);
        let list = Recipe::Array(vec![Step::Change(0, first), Step::Keep(1..3)]);
        assert_eq!(recipe, Recipe::Object(vec![Step::Change(0, list), Step::Keep(1..2)]));
        assert_eq!(recipe.follow(&older), Some(newer));
        assert_eq!(recipe.follow(&json("[]")), None);
    }
}
