//! The files that people send: how long one is in view, and how the model gets it. Nothing here reads a PDF. Pure.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::sync::OwnedSemaphorePermit;

use shared::job::MessageId;

use crate::rules::{
    content::Content,
    conversation::Message,
    file_name::{name_of_file, words_of_file},
    image,
    message_kind::MessageKind,
    models::Encoding,
    tokens,
};

/// The largest file that is fetched, in bytes.
pub(crate) const BYTES_MAX: usize = image::BYTES_MAX;
/// The bytes of a PDF for one token of its estimate, and the least estimate. Models read a page as its text and as an
/// image, which are 3,000 tokens at most together (Anthropic, "PDF support"), and a page has about 30 KB. The number of
/// pages is not known, because PDFs are not read here. If a PDF needs more, the model reports that its context is full.
const BYTES_PER_TOKEN: usize = 10;
const TOKENS_MIN: usize = 3_000;

/// The time for which the next questions see a file, in milliseconds from when it was sent.
const IN_VIEW_MS: i64 = 600_000;
/// The most bytes of a text for one token of the context. The rest of a text is not held: no context has room for it.
const TEXT_BYTES_PER_TOKEN: usize = 16;
/// The part of the room beside the instruction and the words that a text may take, and the tokens for the lines around
/// it.
const SHARE: (usize, usize) = (3, 4);
const FRAME: usize = 100;

/// A file of a conversation, which LINE keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFile {
    /// The message that has it.
    pub message_id: MessageId,
    /// Its name, which is clean.
    pub name: String,
    /// The time when it was sent, by LINE's clock in milliseconds.
    pub sent_at: i64,
}

impl SentFile {
    /// Returns the file of a message, if it is one. The message was said at this time.
    pub fn of(
        Message { kind, content, .. }: &Message,
        message_id: impl FnOnce() -> Option<MessageId>,
        said_at: Option<i64>,
    ) -> Option<Self> {
        if *kind != MessageKind::File {
            return None;
        }
        Some(Self { message_id: message_id()?, name: name_of_file(content).to_owned(), sent_at: said_at? })
    }

    /// Whether a question that was asked then sees the file.
    pub(crate) fn is_in_view(&self, asked_at: Option<i64>) -> bool {
        asked_at.is_some_and(|at| (0..=IN_VIEW_MS).contains(&at.saturating_sub(self.sent_at)))
    }
}

/// A file as the model gets it. It is never stored and never logged. It holds its share of the memory for content until
/// it is dropped.
#[derive(Debug)]
pub(crate) enum File {
    /// A text, which stands before the words of the question.
    Text(TextFile),
    /// A PDF, which is a part of the message beside the words.
    Pdf(Pdf),
}

impl File {
    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Text(text) => &text.name,
            Self::Pdf(pdf) => &pdf.name,
        }
    }
}

/// A text file.
pub(crate) struct TextFile {
    pub(crate) name: String,
    /// The text, or as much of its beginning as any context has room for.
    text: Arc<str>,
    /// The number of characters of the whole text.
    characters: usize,
    _room: OwnedSemaphorePermit,
}

impl fmt::Debug for TextFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of {} characters", self.characters)
    }
}

impl TextFile {
    /// Makes a text file. Its beginning is held as far as a context of so many tokens may have room for it.
    pub(crate) fn new(name: String, text: &str, room: OwnedSemaphorePermit, context_tokens: usize) -> Self {
        let held = text.floor_char_boundary(context_tokens.saturating_mul(TEXT_BYTES_PER_TOKEN));
        Self { name, text: text[..held].into(), characters: text.chars().count(), _room: room }
    }

    /// Returns the text, or the beginning of it that is held.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns a handle with which the text can be cut on another thread.
    pub(crate) fn excerpt(&self) -> Excerpt {
        Excerpt { name: self.name.clone(), text: self.text.clone(), characters: self.characters }
    }
}

/// The text of a file that is to be cut to a context.
pub(crate) struct Excerpt {
    name: String,
    text: Arc<str>,
    characters: usize,
}

impl Excerpt {
    /// Whether the text is in a prompt without being counted: it surely fits into this many tokens.
    pub(crate) fn is_uncounted(&self, room: usize) -> bool {
        self.text.len() <= share(room)
    }

    /// Returns the marked block of the file for a prompt with this room beside the instruction and the words, in tokens.
    /// If the text is cut, the block says how much of it is left out.
    pub(crate) fn block(&self, encoding: Encoding, room: usize) -> String {
        let Self { name, text, characters } = self;
        let most = share(room);
        let end = if self.is_uncounted(room) { None } else { tokens::beginning(encoding, text, most) };
        let shown = &text[..end.unwrap_or(text.len())];
        let left_out = characters - shown.chars().count();
        let end = match left_out {
            0 => "[end of the file]".to_owned(),
            _ => format!("[The file goes on: {left_out} of its {characters} characters are left out here.]"),
        };
        format!("{}\n{shown}\n{end}\n\n", words_of_file(name))
    }
}

/// Returns the most tokens of a text for this room.
fn share(room: usize) -> usize {
    room.saturating_sub(FRAME) / SHARE.1 * SHARE.0
}

/// A PDF: a data URL in the request itself.
pub struct Pdf {
    /// Its name.
    pub(crate) name: String,
    url: String,
    bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl fmt::Debug for Pdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a PDF of {} bytes", self.bytes)
    }
}

impl Pdf {
    /// Makes a PDF of these bytes, if they begin like one.
    pub(crate) fn of(name: String, Content { bytes, room }: Content) -> Option<Self> {
        if !bytes.starts_with(b"%PDF-") {
            return None;
        }
        let mut url = "data:application/pdf;base64,".to_owned();
        url.reserve_exact(base64::encoded_len(bytes.len(), true)?);
        STANDARD.encode_string(&bytes, &mut url);
        Some(Self { name, url, bytes: bytes.len(), _room: room })
    }

    /// Returns the data URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the room that is kept for the PDF in a context with this room for prompts, in tokens: at most half,
    /// because the estimate must not refuse a question that the model may answer.
    pub(crate) fn tokens(&self, room: usize) -> usize {
        (self.bytes / BYTES_PER_TOKEN).max(TOKENS_MIN).min(room / 2)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn a_file_is_in_view_for_ten_minutes() {
        let message_id = "1".to_owned().try_into().unwrap();
        let file = SentFile { message_id, name: "a.txt".to_owned(), sent_at: 1_000 };
        for (asked_at, is_in_view) in [
            (None, false),
            (Some(999), false),
            (Some(1_000), true),
            (Some(601_000), true),
            (Some(601_001), false),
        ] {
            assert_eq!(file.is_in_view(asked_at), is_in_view, "{asked_at:?}");
        }
    }

    fn room() -> OwnedSemaphorePermit {
        Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()
    }

    #[test]
    fn a_text_is_one_block_that_says_how_much_of_it_is_left_out() {
        let block = |text: &str, context_tokens, room_tokens| {
            let file = TextFile::new("a.txt".to_owned(), text, room(), context_tokens);
            file.excerpt().block(Encoding::O200k, room_tokens)
        };
        assert_eq!(block("hello", 100, 1_000), "[file: a.txt]\nhello\n[end of the file]\n\n");
        let text = " because".repeat(1_000);
        assert_eq!(block(&text, 10_000, 2_000), format!("[file: a.txt]\n{text}\n[end of the file]\n\n"));
        let cut = block(&text, 10_000, 140);
        let kept = " because".repeat(30);
        let end = "[The file goes on: 7760 of its 8000 characters are left out here.]";
        assert_eq!(cut, format!("[file: a.txt]\n{kept}\n{end}\n\n"));
        // No more is held than a context has room for, and a character is not cut in two.
        let cut = block("あ".repeat(10).as_str(), 1, 1_000);
        assert_eq!(
            cut,
            "[file: a.txt]\nあああああ\n[The file goes on: 5 of its 10 characters are left out here.]\n\n"
        );
        assert!(block(&text, 10_000, 0).ends_with("8000 of its 8000 characters are left out here.]\n\n"));
        let file = TextFile::new("secret".to_owned(), "secret", room(), 9);
        assert_eq!(format!("{:?}", File::Text(file)), "Text(a text of 6 characters)");
    }

    fn pdf(bytes: &[u8]) -> Option<Pdf> {
        Pdf::of("a.pdf".to_owned(), Content { bytes: bytes.to_vec().into(), room: room() })
    }

    #[test]
    fn a_pdf_is_known_by_its_first_bytes_and_prints_only_its_size() {
        let small = pdf(b"%PDF-1.7").unwrap();
        assert_eq!(small.url(), "data:application/pdf;base64,JVBERi0xLjc=");
        assert_eq!(format!("{small:?}"), "a PDF of 8 bytes");
        for bytes in [&b""[..], b"%PDF", b" %PDF-1.7", b"PK\x03\x04"] {
            assert!(pdf(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn a_pdf_takes_room_by_its_size_and_never_all_of_it() {
        for (bytes, room, tokens) in [
            (100, 100_000, 3_000),
            (100, 4_000, 2_000),
            (300_000, 100_000, 30_000),
            (3_000_000, 100_000, 50_000),
            (100, 0, 0),
        ] {
            let bytes = [&b"%PDF-"[..], &vec![0; bytes - 5]].concat();
            assert_eq!(pdf(&bytes).unwrap().tokens(room), tokens, "{} {room}", bytes.len());
        }
    }
}
