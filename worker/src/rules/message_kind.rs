//! The kind of a message, which rows keep beside its words, and the image or audio that the message is about. Pure.

use shared::job::{Content, JobKind, MessageId};

/// The words in the row of an image, for the prompt and for programs that do not know kinds.
pub(crate) const IMAGE: &str = "[image]";
/// The words in the row of an audio message.
const AUDIO: &str = "[voice]";

/// The kind of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageKind {
    /// Words that a person wrote, or the words of an audio message.
    #[default]
    Text,
    /// An image. Its row has a placeholder instead of words.
    Image,
    /// An audio message that was not turned into words. Its row has a placeholder instead of words.
    Audio,
}

impl MessageKind {
    /// Returns the kind of the message that a job asks about.
    pub(crate) fn of(ask: &JobKind) -> Self {
        match ask {
            JobKind::Question { content: Some(Content::Image { .. }), .. } => Self::Image,
            JobKind::Question { content: Some(Content::Voice { .. }), .. } => Self::Audio,
            _ => Self::Text,
        }
    }

    /// Returns the kind of a row with this `kind` and these words. A row without a `kind` is a text. If its words are a
    /// placeholder, it was written before rows had kinds, and has the kind of the placeholder.
    pub fn of_row(kind: Option<&str>, content: &str) -> Self {
        match (kind, content) {
            (Some("image"), _) | (None, IMAGE) => Self::Image,
            (Some("audio"), _) | (None, AUDIO) => Self::Audio,
            _ => Self::Text,
        }
    }

    /// Returns the `kind` for a row with these words, or `None` for a text that cannot be confused with a placeholder.
    pub fn for_row(self, content: &str) -> Option<&'static str> {
        (Self::of_row(None, content) != Self::Text || self != Self::Text).then(|| self.as_str())
    }

    /// Returns the word in rows.
    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
        }
    }

    /// Returns the words for a row of this kind, if the message itself has no words.
    pub(crate) fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Image => Some(IMAGE),
            Self::Audio => Some(AUDIO),
        }
    }
}

/// The image or audio that a question is about.
#[derive(Clone)]
pub(crate) enum Attachment {
    /// The message is an image.
    Image(MessageId),
    /// The message is audio.
    Voice(MessageId),
    /// The message is a text that quotes this message, which may be an image.
    Quoted(MessageId),
}

impl Attachment {
    /// Returns the attachment of the question in a job.
    pub(crate) fn of(ask: &JobKind) -> Option<Self> {
        let JobKind::Question { message_id, quotes, content, .. } = ask else { return None };
        match content {
            None => quotes.clone().map(Self::Quoted),
            Some(Content::Image { .. }) => message_id.clone().map(Self::Image),
            Some(Content::Voice { .. }) => message_id.clone().map(Self::Voice),
            Some(Content::File { .. } | Content::Video) => None,
        }
    }

    /// Returns the attachment of a message of this kind that is asked again.
    pub(crate) fn of_kind(kind: MessageKind, message_id: Option<&MessageId>) -> Option<Self> {
        match kind {
            MessageKind::Text => None,
            MessageKind::Image => message_id.cloned().map(Self::Image),
            MessageKind::Audio => message_id.cloned().map(Self::Voice),
        }
    }

    /// Returns the kind of a message with this attachment.
    pub(crate) fn kind(attached: Option<&Self>) -> MessageKind {
        match attached {
            Some(Self::Image(_)) => MessageKind::Image,
            Some(Self::Voice(_)) => MessageKind::Audio,
            Some(Self::Quoted(_)) | None => MessageKind::Text,
        }
    }
}

/// Returns the words that the history keeps of a question without an answer: its own words, or a placeholder.
pub(crate) fn kept(ask: &JobKind) -> Option<&str> {
    let JobKind::Question { text, .. } = ask else { return None };
    Some(MessageKind::of(ask).placeholder().unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_its_kind_and_only_one_that_does_not_is_known_by_its_words() {
        for kind in [MessageKind::Text, MessageKind::Image, MessageKind::Audio] {
            for content in ["hello", IMAGE, AUDIO] {
                assert_eq!(MessageKind::of_row(Some(kind.as_str()), content), kind);
                assert_eq!(MessageKind::of_row(kind.for_row(content), content), kind);
            }
            assert_eq!(MessageKind::of_row(None, kind.placeholder().unwrap_or("hello")), kind);
        }
        assert_eq!(MessageKind::of_row(Some("video"), IMAGE), MessageKind::Text, "of a newer version");
    }
    fn id(id: &str) -> Option<MessageId> {
        id.to_owned().try_into().ok()
    }

    #[test]
    fn a_question_is_about_its_own_content_or_about_what_it_quotes() {
        let voice = Content::Voice { duration_ms: None };
        for (content, quotes, kind, kept_words, attached) in [
            (None, None, MessageKind::Text, "hello", None),
            (None, id("m0"), MessageKind::Text, "hello", Some("quotes m0")),
            (Some(Content::IMAGE), None, MessageKind::Image, IMAGE, Some("image m1")),
            (Some(voice), id("m0"), MessageKind::Audio, AUDIO, Some("voice m1")),
        ] {
            let (text, quote_token) = ("hello".to_owned(), None);
            let message_id = id("m1");
            let ask = JobKind::Question {
                text,
                message_id,
                quote_token,
                quotes,
                content,
                only_if_quoting_bot: false,
                by_button: false,
            };
            assert_eq!((MessageKind::of(&ask), kept(&ask)), (kind, Some(kept_words)));
            let attachment = Attachment::of(&ask);
            assert_eq!(attachment.as_ref().map(shown).as_deref(), attached);
            assert_eq!(Attachment::kind(attachment.as_ref()), kind);
        }
        let follow = JobKind::Follow { is_unblocked: false };
        assert!(Attachment::of(&follow).is_none() && kept(&follow).is_none());
    }

    #[test]
    fn a_message_that_is_asked_again_is_fetched_again_where_it_was_no_text() {
        for (kind, attached) in [
            (MessageKind::Text, None),
            (MessageKind::Image, Some("image m1")),
            (MessageKind::Audio, Some("voice m1")),
        ] {
            let attachment = Attachment::of_kind(kind, id("m1").as_ref());
            assert_eq!(attachment.as_ref().map(shown).as_deref(), attached);
            assert!(Attachment::of_kind(kind, None).is_none(), "LINE did not name it");
        }
    }

    #[test]
    fn a_row_of_a_text_says_its_kind_only_where_it_could_be_taken_for_a_placeholder() {
        for (kind, content, word) in [
            (MessageKind::Text, "hello", None),
            // A person may write a placeholder.
            (MessageKind::Text, IMAGE, Some("text")),
            (MessageKind::Image, IMAGE, Some("image")),
            (MessageKind::Audio, AUDIO, Some("audio")),
        ] {
            assert_eq!(kind.for_row(content), word, "{content}");
        }
    }

    fn shown(attachment: &Attachment) -> String {
        match attachment {
            Attachment::Image(id) => format!("image {id}"),
            Attachment::Voice(id) => format!("voice {id}"),
            Attachment::Quoted(id) => format!("quotes {id}"),
        }
    }
}
