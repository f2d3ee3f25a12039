//! The kind of a message, which rows keep beside its words, and the content that the message is about. Pure.

use std::borrow::Cow;

use shared::job::{Content, ImageSet, JobKind, MessageId};

use super::file_name::{FileKind, clean_name, name_of_file, words_of_file};

/// The words in the row of an image, for the prompt and for programs that do not know kinds.
pub(crate) const IMAGE: &str = "[image]";
/// The words in the row of an audio message.
const AUDIO: &str = "[voice]";
/// The words in the row of a video.
pub(crate) const VIDEO: &str = "[video]";

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
    /// A file that is no image. Its row has its name in a placeholder.
    File,
    /// A video. Its row has a placeholder instead of words.
    Video,
}

impl MessageKind {
    /// Returns the kind of the message that a job asks about.
    pub(crate) fn of(ask: &JobKind) -> Self {
        let JobKind::Question { content, .. } = ask else { return Self::Text };
        match content {
            None => Self::Text,
            Some(Content::Image { .. }) => Self::Image,
            Some(Content::Voice { .. }) => Self::Audio,
            Some(Content::Video) => Self::Video,
            Some(Content::File { name, .. }) if FileKind::of(name) == FileKind::Image => Self::Image,
            Some(Content::File { .. }) => Self::File,
        }
    }

    /// Returns the kind of a row with this `kind` and these words. A row without a `kind` is a text. If its words are a
    /// placeholder, it was written before rows had kinds, and has the kind of the placeholder.
    pub fn of_row(kind: Option<&str>, content: &str) -> Self {
        match (kind, content) {
            (Some("image"), _) | (None, IMAGE) => Self::Image,
            (Some("audio"), _) | (None, AUDIO) => Self::Audio,
            (Some("file"), _) => Self::File,
            (Some("video"), _) => Self::Video,
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
            Self::File => "file",
            Self::Video => "video",
        }
    }

    /// Returns the words for a row of this kind, if the message has no words and no name.
    fn placeholder(self) -> Option<&'static str> {
        match self {
            Self::Text | Self::File => None,
            Self::Image => Some(IMAGE),
            Self::Audio => Some(AUDIO),
            Self::Video => Some(VIDEO),
        }
    }
}

/// The content that a question is about.
#[derive(Clone)]
pub(crate) enum Attachment {
    /// The message is an image, or a file with one.
    Image(MessageId),
    /// The message is audio.
    Voice(MessageId),
    /// The message is a video.
    Video(MessageId),
    /// The message is a file with this name, which is clean.
    File(MessageId, String),
    /// The message is a text that quotes this message, which may be an image.
    Quoted(MessageId),
}

impl Attachment {
    /// Returns the attachment of the question in a job.
    pub(crate) fn of(ask: &JobKind) -> Option<Self> {
        let JobKind::Question { message_id, quotes, .. } = ask else { return None };
        let kind = MessageKind::of(ask);
        if kind == MessageKind::Text {
            return quotes.clone().map(Self::Quoted);
        }
        Self::of_kind(kind, &kept(ask)?, message_id.as_ref())
    }

    /// Returns the attachment of a message of this kind whose row has these words.
    pub(crate) fn of_kind(kind: MessageKind, words: &str, message_id: Option<&MessageId>) -> Option<Self> {
        let id = message_id.cloned();
        match kind {
            MessageKind::Text => None,
            MessageKind::Image => id.map(Self::Image),
            MessageKind::Audio => id.map(Self::Voice),
            MessageKind::Video => id.map(Self::Video),
            MessageKind::File => id.map(|id| Self::File(id, name_of_file(words).to_owned())),
        }
    }

    /// Returns the kind of a message with this attachment.
    pub(crate) fn kind(attached: Option<&Self>) -> MessageKind {
        match attached {
            Some(Self::Image(_)) => MessageKind::Image,
            Some(Self::Voice(_)) => MessageKind::Audio,
            Some(Self::Video(_)) => MessageKind::Video,
            Some(Self::File(..)) => MessageKind::File,
            Some(Self::Quoted(_)) | None => MessageKind::Text,
        }
    }
}

/// Returns the words of an image's row. They say the place in the set, for the model and for [`super::sent_image`].
pub(crate) fn words_of_image(set: Option<&ImageSet>) -> Cow<'static, str> {
    match set {
        Some(ImageSet { index: Some(index), total: Some(total), .. }) if (1..=*total).contains(index) => {
            format!("[image {index} of {total}]").into()
        }
        _ => IMAGE.into(),
    }
}

/// Returns the words that the history keeps of a question without an answer: its own words, or a placeholder.
pub(crate) fn kept(ask: &JobKind) -> Option<Cow<'_, str>> {
    let JobKind::Question { text, content, .. } = ask else { return None };
    Some(match (MessageKind::of(ask), content) {
        (MessageKind::File, Some(Content::File { name, .. })) => words_of_file(&clean_name(name)).into(),
        (_, Some(Content::Image { set })) => words_of_image(set.as_ref()),
        (kind, _) => kind.placeholder().unwrap_or(text).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_its_kind_and_only_one_that_does_not_is_known_by_its_words() {
        use MessageKind::{Audio, File, Image, Text, Video};
        for kind in [Text, Image, Audio, File, Video] {
            for content in ["hello", IMAGE, AUDIO, VIDEO, "[file: a.pdf]"] {
                assert_eq!(MessageKind::of_row(Some(kind.as_str()), content), kind);
                assert_eq!(MessageKind::of_row(kind.for_row(content), content), kind);
            }
        }
        // Rows before kinds were of these kinds only.
        for (words, kind) in
            [("hello", Text), (IMAGE, Image), (AUDIO, Audio), (VIDEO, Text), ("[file: a.pdf]", Text)]
        {
            assert_eq!(MessageKind::of_row(None, words), kind);
        }
        assert_eq!(MessageKind::of_row(Some("hologram"), IMAGE), MessageKind::Text, "of a newer version");
    }

    #[test]
    fn an_image_says_its_place_in_its_set_where_line_told_it() {
        let set = |index, total| ImageSet { id: "s".to_owned(), index, total };
        for (set, words) in [
            (None, "[image]"),
            (Some(set(Some(2), Some(3))), "[image 2 of 3]"),
            (Some(set(None, Some(3))), "[image]"),
            (Some(set(Some(2), None)), "[image]"),
            (Some(set(Some(4), Some(3))), "[image]"),
            (Some(set(Some(0), Some(3))), "[image]"),
        ] {
            assert_eq!(words_of_image(set.as_ref()), words);
        }
    }

    fn id(id: &str) -> Option<MessageId> {
        id.to_owned().try_into().ok()
    }

    #[test]
    fn a_question_is_about_its_own_content_or_about_what_it_quotes() {
        let voice = Content::Voice { duration_ms: None };
        let file = |name: &str| Some(Content::File { name: name.to_owned(), size_bytes: None });
        for (content, quotes, kind, kept_words, attached) in [
            (None, None, MessageKind::Text, "hello", None),
            (None, id("m0"), MessageKind::Text, "hello", Some("quotes m0")),
            (Some(Content::IMAGE), None, MessageKind::Image, IMAGE, Some("image m1")),
            (Some(voice), id("m0"), MessageKind::Audio, AUDIO, Some("voice m1")),
            (Some(Content::Video), None, MessageKind::Video, VIDEO, Some("video m1")),
            (file("a/b\n].pdf"), None, MessageKind::File, "[file: b ].pdf]", Some("file m1 b ].pdf")),
            (file(""), None, MessageKind::File, "[file: unnamed]", Some("file m1 unnamed")),
            (file("a.PNG"), None, MessageKind::Image, IMAGE, Some("image m1")),
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
            assert_eq!((MessageKind::of(&ask), kept(&ask).as_deref()), (kind, Some(kept_words)));
            let attachment = Attachment::of(&ask);
            assert_eq!(attachment.as_ref().map(shown).as_deref(), attached);
            assert_eq!(Attachment::kind(attachment.as_ref()), kind);
        }
        let follow = JobKind::Follow { is_unblocked: false };
        assert!(Attachment::of(&follow).is_none() && kept(&follow).is_none());
    }

    #[test]
    fn a_message_that_is_asked_again_is_fetched_again_where_it_was_no_text() {
        for (kind, words, attached) in [
            (MessageKind::Text, "[image]", None),
            (MessageKind::Image, IMAGE, Some("image m1")),
            (MessageKind::Audio, AUDIO, Some("voice m1")),
            (MessageKind::Video, VIDEO, Some("video m1")),
            (MessageKind::File, "[file: a].txt]", Some("file m1 a].txt")),
        ] {
            let attachment = Attachment::of_kind(kind, words, id("m1").as_ref());
            assert_eq!(attachment.as_ref().map(shown).as_deref(), attached);
            assert!(Attachment::of_kind(kind, words, None).is_none(), "LINE did not name it");
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
            (MessageKind::File, "[file: a]", Some("file")),
            (MessageKind::Text, "[file: a]", None),
        ] {
            assert_eq!(kind.for_row(content), word, "{content}");
        }
    }

    fn shown(attachment: &Attachment) -> String {
        match attachment {
            Attachment::Image(id) => format!("image {id}"),
            Attachment::Voice(id) => format!("voice {id}"),
            Attachment::Video(id) => format!("video {id}"),
            Attachment::File(id, name) => format!("file {id} {name}"),
            Attachment::Quoted(id) => format!("quotes {id}"),
        }
    }
}
