//! Which track and which segment became which: from what is the same to what is merely in the
//! same place. How lists are matched by keys is left to `align`.

use super::align::{Pairs, key};
use super::piece::{Piece, Said};
use super::position;
use crate::draft::lookup::{self, TRACK_TYPE};
use crate::draft::model::Track;
use crate::draft::summary::Label;

pub(super) fn tracks(was: &[Track<'_>], is: &[Track<'_>]) -> Pairs {
    let mut pairs = Pairs::new(was.len(), is.len());
    pairs.ends(|a, b| was[a].as_json() == is[b].as_json());
    // Most films have one music, one title, and so on.
    let purpose = |track: Track<'_>| key((track.kind(), Label::of(track), track.name()));
    pairs.by_unique(|a| Some(purpose(was[a])), |b| Some(purpose(is[b])));
    let mut by = |of: &dyn Fn(Track<'_>) -> Option<u64>| pairs.by(|a| of(was[a]), |b| of(is[b]));
    let id = |track: Track<'_>| lookup::find(track.as_json(), lookup::ID, position::id);
    let count = |tracks: &[Track<'_>]| {
        position::count(tracks.iter().enumerate().map(|(at, track)| (at, track.as_json())))
    };
    // What changed while its id stayed is the same track; but not where ids only count.
    let ids_only_count = count(was) && count(is);
    if !ids_only_count {
        by(&id);
    }
    by(&|track| Some(position::key_without(track.as_json(), &[])));
    by(&|track| Some(position::key_without(track.as_json(), &[TRACK_TYPE])));
    by(&|track| {
        let words: Vec<_> = track.segments().map(|s| (s.text(), s.name())).collect();
        let says = words.iter().any(|(text, name)| text.or(*name).is_some());
        says.then(|| key((track.kind(), words)))
    });
    by(&id);
    by(&|track| Some(purpose(track)));
    by(&|track| Some(key((track.kind(), Label::of(track)))));
    by(&|track| track.role().is_none().then(|| key(track.kind())));
    pairs
}

pub(super) fn segments(was: &[Piece<'_>], is: &[Piece<'_>]) -> Pairs {
    let mut pairs = Pairs::new(was.len(), is.len());
    let equal = |a: usize, b: usize| was[a].json == is[b].json;
    pairs.ends(equal);
    pairs.by(|a| Some(key(was[a].json)), |b| Some(key(is[b].json)));
    pairs.neighbours(equal);
    let id = |piece: &Piece<'_>| lookup::find(piece.json, lookup::ID, position::id);
    let count = |pieces: &[Piece<'_>]| {
        position::count(pieces.iter().enumerate().map(|(at, piece)| (at, piece.json)))
    };
    let ids_only_count = count(was) && count(is);
    if !ids_only_count {
        pairs.by(|a| id(&was[a]), |b| id(&is[b]));
    }
    let content = |piece: &Piece<'_>| position::key_without(piece.json, &[]);
    pairs.by(|a| Some(content(&was[a])), |b| Some(content(&is[b])));
    pairs.neighbours(|a, b| content(&was[a]) == content(&is[b]));
    let says = |said: Said<'_>| said.text.or(said.name).map(|_| key(said));
    pairs.by(|a| says(was[a].said), |b| says(is[b].said));
    pairs.by(|a| id(&was[a]), |b| id(&is[b]));
    pairs.by_within_gaps(|a| Some(key(was[a].span)), |b| Some(key(is[b].span)));
    pairs.by_within_gaps(|_| Some(0), |_| Some(0));
    pairs
}
