//! The edges of all words, by which an ordinary sentence is recognised before it is compared with hundreds of words. The
//! sets are made when the program is built. Pure.

use super::words::{ALL, Words};

/// The most characters of an edge.
const CHARS: usize = 3;
/// The bits of a set, which are many more than there are words.
const BITS: usize = 32_768;

/// The side of a text on which an edge is.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Start,
    End,
}

/// The first or the last characters of each word. A set may seem to have edges that no word has, because each is only a
/// bit at the place of its hash. It never lacks one.
pub(super) struct Edges {
    side: Side,
    bits: [u64; BITS / 64],
}

impl Edges {
    /// Makes the set of these words of commands, and of the words of all loose forms.
    pub(super) const fn of(exact: &[&[&str]], side: Side) -> Self {
        let mut edges = Self { side, bits: [0; BITS / 64] };
        let mut list = 0;
        while list < exact.len() {
            let mut at = 0;
            while at < exact[list].len() {
                edges.add(exact[list][at].as_bytes());
                at += 1;
            }
            list += 1;
        }
        list = 0;
        while list < ALL.len() {
            edges.add_each(ALL[list]);
            list += 1;
        }
        edges
    }

    const fn add_each(&mut self, words: &Words) {
        let (mut rest, mut at) = (words.text.as_bytes(), 0);
        while at < words.lengths.len() {
            let (word, others) = rest.split_at(words.lengths[at]);
            self.add(word);
            (rest, at) = (others, at + 1);
        }
    }

    const fn add(&mut self, word: &[u8]) {
        let (places, chars) = places(word, self.side);
        if chars > 0 {
            self.bits[places[chars - 1] / 64] |= 1 << (places[chars - 1] % 64);
        }
    }

    /// Whether a word may be on this side of the text. False if there is none for certain.
    pub(super) fn may_be_of(&self, text: &str) -> bool {
        let (places, chars) = places(text.as_bytes(), self.side);
        places[..chars].iter().any(|place| self.bits[place / 64] >> (place % 64) & 1 == 1)
    }
}

/// Returns the places of the edges of one character, of two and of three, and how many of these the text has.
const fn places(text: &[u8], side: Side) -> ([usize; CHARS], usize) {
    let (mut places, mut chars, mut hash) = ([0; CHARS], 0, 0x811c_9dc5_u32);
    let mut bytes = 0;
    while chars < CHARS && bytes < text.len() {
        let byte = match side {
            Side::Start => text[bytes],
            Side::End => text[text.len() - 1 - bytes],
        };
        bytes += 1;
        // This is the hash FNV-1a.
        hash = (hash ^ byte as u32).wrapping_mul(0x0100_0193);
        let is_whole = match side {
            Side::Start => bytes == text.len() || starts_char(text[bytes]),
            Side::End => starts_char(byte),
        };
        if is_whole {
            places[chars] = (hash >> 16) as usize % BITS;
            chars += 1;
        }
    }
    (places, chars)
}

/// Whether a byte of UTF-8 is the first one of a character.
const fn starts_char(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}
