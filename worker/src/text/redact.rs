//! Removes a secret from a text that a server wrote, if the text repeats the secret whole or nearly whole: cut, with
//! characters missing, changed or inserted, in another case, or percent-encoded. Pure.
//!
//! A part of a text reveals the secret if pieces of the secret are close together and have enough of its characters.
//! Beginnings that keys share (`sk-proj-`) are not enough, and no word of a language is enough.

use std::{borrow::Cow, ops::Range};

use secrecy::{ExposeSecret, SecretString};

/// The text that replaces a secret.
pub const REDACTED: &str = "[redacted]";

/// The length of the shortest secret that is removed. A shorter secret is a word, such as `ollama` or `none`, which
/// people set for servers without keys.
const SHORTEST: usize = 10;
/// The number of characters that reveal a secret. Of a short secret, two thirds are enough.
const ENOUGH: usize = 12;
/// The most bytes between two pieces of one secret.
const GAP: usize = 8;
/// The length of the shortest piece that counts: for a secret as short as a hash, and for one of at least [`LONG`]
/// characters, which has longer pieces even after a few changes. The search is faster for longer pieces.
const PIECE: [usize; 2] = [4, 8];
const LONG: usize = 40;
/// The number of bytes by which a piece is found.
const GRAM: usize = 4;
/// The number of bits of a gram's hash. The table of grams has two to the power of this many bits, so that few grams of
/// other words are compared.
const BITS: u32 = 16;

/// Returns the text without the secret.
pub fn redacted<'a>(text: &'a str, secret: &SecretString) -> Cow<'a, str> {
    let secret = secret.expose_secret();
    // A request can only be sent with an ASCII secret.
    let enough = ENOUGH.min((secret.len() * 2).div_ceil(3));
    if secret.len() < SHORTEST || !secret.is_ascii() || text.len() < enough {
        return text.into();
    }
    let given_away = Needle::new(secret.as_bytes()).parts_of(text.as_bytes(), enough);
    if given_away.is_empty() {
        return text.into();
    }
    let (mut clear, mut at) = (String::with_capacity(text.len()), 0);
    for part in given_away {
        clear.push_str(&text[at..part.start]);
        clear.push_str(REDACTED);
        at = part.end;
    }
    clear.push_str(&text[at..]);
    clear.into()
}

/// Returns an identifier that a server wrote, or `?` if it reveals the secret, even a short one.
pub fn identifier<'a>(word: &'a str, secret: &SecretString) -> &'a str {
    let whole = secret.expose_secret();
    let is_told =
        !whole.is_empty() && word.contains(whole) || matches!(redacted(word, secret), Cow::Owned(_));
    if is_told { "?" } else { word }
}

/// A secret that is searched for.
struct Needle<'a> {
    secret: &'a [u8],
    piece: usize,
    /// The grams of the secret, as one bit for each hash.
    grams: [u64; 1 << (BITS - 6)],
}

impl<'a> Needle<'a> {
    fn new(secret: &'a [u8]) -> Self {
        let mut grams = [0; 1 << (BITS - 6)];
        for hash in secret.array_windows().copied().map(hash) {
            grams[hash >> 6] |= 1 << (hash & 63);
        }
        Self { secret, piece: PIECE[usize::from(secret.len() >= LONG)], grams }
    }

    /// Returns the parts of a text that reveal `enough` of the secret, in order. They begin and end with a character of
    /// the secret, which is ASCII, and therefore between characters of the text.
    fn parts_of(&self, text: &[u8], enough: usize) -> Vec<Range<usize>> {
        let (mut parts, mut part) = (vec![], 0..0);
        // The places of the secret that the part reveals. A repeated piece reveals nothing more.
        let mut told = vec![false; self.secret.len()];
        let found = |told: &[bool]| told.iter().filter(|told| **told).count();
        let mut at = 0;
        while let Some(gram) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let hash = hash(*gram);
            let may_be = self.grams[hash >> 6] >> (hash & 63) & 1 == 1;
            let Some((piece, place)) = may_be.then(|| self.piece_around(text, at, part.end)).flatten() else {
                // Each piece has a gram at one of the places that are read.
                at += self.piece - GRAM + 1;
                continue;
            };
            if part.is_empty() || piece.start - part.end > GAP {
                parts.extend((found(&told) >= enough).then_some(part.clone()));
                told.fill(false);
                part.start = piece.start;
            }
            told[place..place + piece.len()].fill(true);
            part.end = piece.end;
            at = piece.end;
        }
        parts.extend((found(&told) >= enough).then_some(part));
        parts
    }

    /// Returns the longest piece of the secret around this gram of a text, and its place in the secret, if the piece is
    /// long enough. The piece does not begin before `from`.
    fn piece_around(&self, text: &[u8], at: usize, from: usize) -> Option<(Range<usize>, usize)> {
        let is_same = |(a, b): &(&u8, &u8)| a.eq_ignore_ascii_case(b);
        let gram = &text[at..at + GRAM];
        let places = self.secret.windows(GRAM).enumerate().filter(|(_, it)| it.eq_ignore_ascii_case(gram));
        let pieces = places.map(|(place, _)| {
            let before = text[from..at].iter().rev().zip(self.secret[..place].iter().rev());
            let behind = text[at..].iter().zip(&self.secret[place..]);
            let before = before.take_while(is_same).count();
            (at - before..at + behind.take_while(is_same).count(), place - before)
        });
        pieces.max_by_key(|(piece, _)| piece.len()).filter(|(piece, _)| piece.len() >= self.piece)
    }
}

/// Returns a small number that is the same for upper and lower case letters.
fn hash(gram: [u8; GRAM]) -> usize {
    let word = u32::from_le_bytes(gram) | 0x2020_2020;
    (word.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as usize
}

#[cfg(test)]
mod tests;
