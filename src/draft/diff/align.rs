//! Which item of one list became which of another, in near-linear time. It knows items only by
//! their number and by what the caller says of them; what a match means is the caller's.
//!
//! The rule is the same at every stage: items that share a key are matched when there are as many
//! of them on both sides, in their order. Callers go from strict keys to loose ones, so that what
//! did not change holds the lists together and only what is left is guessed.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// A key for [`Pairs::by`]. Two values may share one by accident: a match is never proof.
pub(super) fn key(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// The matches so far.
#[derive(Debug)]
pub(super) struct Pairs {
    /// For each older item the newer one.
    pub(super) newer: Vec<Option<usize>>,
    /// For each newer item the older one.
    pub(super) older: Vec<Option<usize>>,
}

impl Pairs {
    pub(super) fn new(older: usize, newer: usize) -> Self {
        Self { newer: vec![None; older], older: vec![None; newer] }
    }

    fn pair(&mut self, older: usize, newer: usize) {
        self.newer[older] = Some(newer);
        self.older[newer] = Some(older);
    }

    fn are_free(&self, older: usize, newer: usize) -> bool {
        self.newer.get(older) == Some(&None) && self.older.get(newer) == Some(&None)
    }

    /// Matches what is equal at both ends: all there is to do for most edits, and what makes one
    /// more among equals one insertion.
    pub(super) fn ends(&mut self, equal: impl Fn(usize, usize) -> bool) {
        let shorter = self.newer.len().min(self.older.len());
        let head = (0..shorter).take_while(|&at| equal(at, at)).count();
        (0..head).for_each(|at| self.pair(at, at));
        let (older, newer) = (self.newer.len(), self.older.len());
        let back = |at| (older - 1 - at, newer - 1 - at);
        let tail = (0..shorter - head).take_while(|&at| equal(back(at).0, back(at).1)).count();
        (0..tail).for_each(|at| self.pair(back(at).0, back(at).1));
    }

    /// Matches what is still free and has the same key, as often on both sides.
    pub(super) fn by(
        &mut self,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        self.by_at_most(usize::MAX, older, newer);
    }

    /// Matches what is still free and alone has its key.
    pub(super) fn by_unique(
        &mut self,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        self.by_at_most(1, older, newer);
    }

    fn by_at_most(
        &mut self,
        most: usize,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        let keyed = |matches: &[Option<usize>], key: &dyn Fn(usize) -> Option<u64>| {
            let mut keyed: Vec<_> = free(matches).filter_map(|at| Some((key(at)?, at))).collect();
            keyed.sort_unstable();
            keyed
        };
        let older = keyed(&self.newer, &older);
        if older.is_empty() {
            return;
        }
        let newer = keyed(&self.older, &newer);
        let same = |a: &(u64, usize), b: &(u64, usize)| a.0 == b.0;
        let mut groups = newer.chunk_by(same).peekable();
        for older in older.chunk_by(same) {
            while groups.next_if(|newer| newer[0].0 < older[0].0).is_some() {}
            let newer = groups.next_if(|newer| same(&newer[0], &older[0])).unwrap_or_default();
            if older.len() == newer.len() && older.len() <= most {
                older.iter().zip(newer).for_each(|(older, newer)| self.pair(older.1, newer.1));
            }
        }
    }

    /// As [`by`](Self::by), among those that stand between the same two matches.
    pub(super) fn by_within_gaps(
        &mut self,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        let steady = self.steady();
        let gaps = |steady: &mut dyn Iterator<Item = bool>| -> Vec<usize> {
            let count = |gap: &mut usize, steady| {
                *gap += usize::from(steady);
                Some(*gap)
            };
            steady.scan(0, count).collect()
        };
        let older_gaps = gaps(&mut self.newer.iter().map(|at| at.is_some_and(|at| steady[at])));
        let newer_gaps = gaps(&mut steady.iter().copied());
        self.by(
            |at| older(at).map(|of| key((of, older_gaps[at]))),
            |at| newer(at).map(|of| key((of, newer_gaps[at]))),
        );
    }

    /// Matches equal neighbours of what is matched, which keys that are not unique could not.
    pub(super) fn neighbours(&mut self, equal: impl Fn(usize, usize) -> bool) {
        for newer in 1..self.older.len() {
            if let Some(older) = self.older[newer - 1].map(|older| older + 1)
                && self.are_free(older, newer)
                && equal(older, newer)
            {
                self.pair(older, newer);
            }
        }
        for newer in (1..self.older.len()).rev() {
            if let Some(older) = self.older[newer].and_then(|older| older.checked_sub(1))
                && self.are_free(older, newer - 1)
                && equal(older, newer - 1)
            {
                self.pair(older, newer - 1);
            }
        }
    }

    /// For each newer item whether it kept its place among the others: the longest run of matches
    /// that are in order on both sides. What is matched and not in it has moved.
    pub(super) fn steady(&self) -> Vec<bool> {
        // Patience sorting: the best run of each length ends as early as it can.
        let mut ends: Vec<(usize, usize)> = Vec::new();
        let mut before: Vec<Option<usize>> = vec![None; self.older.len()];
        for (newer, older) in self.older.iter().enumerate() {
            let Some(older) = *older else { continue };
            let length = ends.partition_point(|&(end, _)| end < older);
            before[newer] = length.checked_sub(1).map(|shorter| ends[shorter].1);
            if length == ends.len() {
                ends.push((older, newer));
            } else {
                ends[length] = (older, newer);
            }
        }
        let mut steady = vec![false; self.older.len()];
        let mut at = ends.last().map(|&(_, newer)| newer);
        while let Some(newer) = at {
            steady[newer] = true;
            at = before[newer];
        }
        steady
    }
}

fn free(matches: &[Option<usize>]) -> impl Iterator<Item = usize> {
    matches.iter().enumerate().filter_map(|(at, matched)| matched.is_none().then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(older: &str, newer: &str) -> Pairs {
        let (older, newer): (Vec<_>, Vec<_>) = (older.chars().collect(), newer.chars().collect());
        let mut pairs = Pairs::new(older.len(), newer.len());
        pairs.ends(|a, b| older[a] == newer[b]);
        pairs.by(|at| Some(key(older[at])), |at| Some(key(newer[at])));
        pairs.neighbours(|a, b| older[a] == newer[b]);
        pairs
    }

    #[test]
    fn one_more_among_equals_is_one_insertion() {
        let pairs = pairs("aaaa", "aaaaa");
        assert_eq!(pairs.older.iter().filter(|at| at.is_none()).count(), 1);
        assert_eq!(pairs.newer.iter().filter(|at| at.is_none()).count(), 0);
    }

    #[test]
    fn only_what_was_carried_has_moved() {
        assert_eq!(pairs("abcdef", "bcdefa").steady(), [true, true, true, true, true, false]);
        assert_eq!(pairs("abcd", "xbcda").older, [None, Some(1), Some(2), Some(3), Some(0)]);
    }

    #[test]
    fn what_is_left_between_two_matches_belongs_together() {
        let mut pairs = pairs("a1b2c", "axbyc");
        assert_eq!(pairs.older, [Some(0), None, Some(2), None, Some(4)]);
        pairs.by_within_gaps(|_| Some(0), |_| Some(0));
        assert_eq!(pairs.older, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }
}
