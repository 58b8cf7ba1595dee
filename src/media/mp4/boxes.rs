//! The boxes of which a file consists (ISO/IEC 14496-12, 4.2).

/// Size of the header of a box.
pub(crate) const HEADER: u64 = 8;

/// The identity, as a matrix of 16.16 and 2.30 numbers.
pub(crate) const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Returns a box.
pub(crate) fn atom(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let size = HEADER as usize + content.iter().map(|part| part.len()).sum::<usize>();
    let mut atom = Vec::with_capacity(size);
    atom.extend((size as u32).to_be_bytes());
    atom.extend(kind);
    content.iter().for_each(|part| atom.extend(*part));
    atom
}

/// Returns a box with a version, flags, and a number of entries.
pub(crate) fn list(kind: &[u8; 4], entries: usize, numbers: &[u32]) -> Vec<u8> {
    atom(kind, &[&[0; 4], &be(&[entries as u32]), &be(numbers)])
}

/// The index in parts: its long tables are not copied from box to box.
pub(crate) type Pieces<'n> = Vec<Piece<'n>>;

pub(crate) enum Piece<'n> {
    Bytes(Vec<u8>),
    Numbers(&'n [u32]),
}

pub(crate) fn length_of(pieces: &[Piece<'_>]) -> u64 {
    let length = |piece: &Piece<'_>| match piece {
        Piece::Bytes(bytes) => bytes.len(),
        Piece::Numbers(numbers) => 4 * numbers.len(),
    };
    pieces.iter().map(length).sum::<usize>() as u64
}

/// Returns a box like [`list`], with an entry for each number.
pub(crate) fn table<'n>(kind: &[u8; 4], numbers: &'n [u32]) -> Pieces<'n> {
    let count = be(&[0, numbers.len() as u32]);
    vec![Piece::Bytes(head(kind, 4 * numbers.len(), &count)), Piece::Numbers(numbers)]
}

/// Returns a box of boxes.
pub(crate) fn container<'n>(kind: &[u8; 4], boxes: Vec<Pieces<'n>>) -> Pieces<'n> {
    let content: Pieces<'n> = boxes.into_iter().flatten().collect();
    let mut pieces = vec![Piece::Bytes(head(kind, length_of(&content) as usize, &[]))];
    pieces.extend(content);
    pieces
}

/// Returns the start of a box that has `more` bytes behind it.
pub(crate) fn head(kind: &[u8; 4], more: usize, start: &[u8]) -> Vec<u8> {
    let size = HEADER as usize + start.len() + more;
    [&(size as u32).to_be_bytes()[..], kind, start].concat()
}

pub(crate) fn be(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}
