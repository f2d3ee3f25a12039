//! The images that people send: their order in a set, and which questions get them again. Pure.

use std::time::Duration;

use shared::job::MessageId;

use super::{
    conversation::{Message, Role},
    message_kind::MessageKind,
    waiting::WAIT_MAX,
};

/// The time for which the next question gets images again, in milliseconds from when they were sent.
const IN_VIEW_MS: i64 = 600_000;

/// An image of a conversation, which LINE keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentImage {
    /// The message that is the image.
    pub(crate) message_id: MessageId,
    /// LINE's id of the set that it was sent in.
    set: Option<String>,
    /// The place in the set, if LINE told it.
    index: Option<u32>,
    /// The time when it was sent, by LINE's clock in milliseconds.
    sent_at: Option<i64>,
}

impl SentImage {
    /// Returns the image of a message with these words in this set, if it is one. The words tell its place.
    pub fn of(
        kind: MessageKind,
        words: &str,
        set: Option<&str>,
        message_id: impl FnOnce() -> Option<MessageId>,
        sent_at: Option<i64>,
    ) -> Option<Self> {
        if kind != MessageKind::Image {
            return None;
        }
        let place = words.strip_prefix("[image ").and_then(|words| words.split_once(" of "));
        let index = place.and_then(|(index, _)| index.parse().ok());
        Some(Self { message_id: message_id()?, set: set.map(ToOwned::to_owned), index, sent_at })
    }

    /// Whether it is in view of a question that was asked then.
    fn is_in_view(&self, asked_at: Option<i64>) -> bool {
        let ago = asked_at.zip(self.sent_at).map(|(at, sent_at)| at.saturating_sub(sent_at));
        ago.is_some_and(|ago| ago <= IN_VIEW_MS)
    }

    /// Whether it was sent so shortly before words that both were one question.
    pub(crate) fn is_just_before(&self, said_at: Option<i64>) -> bool {
        let ago = said_at.zip(self.sent_at).map(|(at, sent_at)| at.saturating_sub(sent_at));
        ago.and_then(|ago| u64::try_from(ago).ok()).is_some_and(|ago| Duration::from_millis(ago) <= WAIT_MAX)
    }

    /// Whether both were sent in one set.
    pub(crate) fn is_in_set_of(&self, other: &Self) -> bool {
        self.set.is_some() && self.set == other.set
    }
}

/// An image that the model gets with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownImage {
    /// The message that is the image.
    pub(crate) message_id: MessageId,
    /// Whether the question itself is about it. Otherwise it was sent before the question.
    pub(crate) is_own: bool,
}

/// Returns at most so many images in the order in which the model gets them: those of a set by their places, if LINE told
/// all of them. The oldest of the earlier ones are left out.
pub(crate) fn shown(earlier: Vec<SentImage>, own: Vec<SentImage>, most: usize) -> Vec<ShownImage> {
    let left_out = (earlier.len() + own.len()).saturating_sub(most).min(earlier.len());
    let earlier = earlier.into_iter().skip(left_out).map(|image| (image, false));
    let mut all: Vec<_> = earlier.chain(own.into_iter().map(|image| (image, true))).collect();
    if all.iter().all(|(image, _)| image.index.is_some()) {
        all.sort_by_key(|(image, _)| image.index);
    }
    all.into_iter().map(|(image, is_own)| ShownImage { message_id: image.message_id, is_own }).collect()
}

/// The images of the two newest exchanges of a conversation, each oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastImages {
    newest: Vec<SentImage>,
    before: Vec<SentImage>,
    /// The number of exchanges that are complete.
    exchanges: u32,
    /// Whether the exchange has a question so far.
    has_question: bool,
}

impl LastImages {
    /// Adds a message. The newest message comes first.
    pub fn add(
        &mut self,
        message: &Message,
        set: Option<&str>,
        message_id: impl FnOnce() -> Option<MessageId>,
        said_at: Option<i64>,
    ) {
        if message.role == Role::Assistant {
            self.exchanges += u32::from(self.has_question);
            self.has_question = false;
            return;
        }
        self.has_question = true;
        let images = match self.exchanges {
            0 => &mut self.newest,
            1 => &mut self.before,
            _ => return,
        };
        images.splice(0..0, SentImage::of(message.kind, &message.content, set, message_id, said_at));
    }

    /// Returns the set that this image was sent in.
    pub(crate) fn set_of(&self, id: &MessageId) -> Option<String> {
        let mut all = self.before.iter().chain(&self.newest);
        all.find(|image| image.message_id == *id)?.set.clone()
    }

    /// Returns the images that a question gets beside its own, which it asks at this time. Words get the images of the
    /// exchange before them, and images that come late get the others of their set. If the newest question is asked
    /// again, it gets what it had.
    pub(crate) fn in_view(&self, own: &[SentImage], asks_newest: bool, at: Option<i64>) -> Vec<SentImage> {
        let of = match (own.is_empty() || asks_newest, asks_newest && self.newest.is_empty()) {
            (false, _) => own,
            (true, true) => &self.before,
            (true, false) => &self.newest,
        };
        let is_seen = |image: &&SentImage| {
            let is_own = own.iter().any(|own| own.message_id == image.message_id);
            let is_of = of.iter().any(|other| image.is_in_set_of(other) || other == *image);
            is_of && !is_own && image.is_in_view(at)
        };
        self.before.iter().chain(&self.newest).filter(is_seen).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn image(words: &str, set: &str, id: &str, sent_at: i64) -> SentImage {
        let set = Some(set).filter(|set| !set.is_empty());
        SentImage::of(MessageKind::Image, words, set, || id.to_owned().try_into().ok(), Some(sent_at))
            .unwrap()
    }

    /// Returns the last images of these rows, which are oldest first: the bot's answer, or a message of a person with the
    /// name of its set at this second.
    fn last(rows: &[(&str, &str, i64)]) -> LastImages {
        let mut last = LastImages::default();
        for (words, set, at) in rows.iter().rev() {
            let (role, kind) = match *words {
                "answer" => (Role::Assistant, MessageKind::Text),
                words if words.starts_with("[image") => (Role::User, MessageKind::Image),
                _ => (Role::User, MessageKind::Text),
            };
            let message = Message { role, kind, content: (*words).to_owned(), speaker: None };
            let set = Some(*set).filter(|set| !set.is_empty());
            last.add(&message, set, || format!("m{at}").try_into().ok(), Some(1_000 * at));
        }
        last
    }

    fn ids(images: &[SentImage]) -> Vec<&str> {
        images.iter().map(|image| image.message_id.as_str()).collect()
    }

    #[test]
    fn the_words_of_an_image_tell_its_place() {
        for (words, index) in
            [("[image 2 of 3]", Some(2)), ("[image]", None), ("[image x of 3]", None), ("[image 2]", None)]
        {
            assert_eq!(image(words, "s", "m", 0).index, index, "{words}");
        }
        assert!(SentImage::of(MessageKind::Text, "[image]", None, || None, None).is_none());
    }

    #[test]
    fn a_set_is_shown_in_the_order_of_its_places_if_all_of_them_are_known() {
        let [one, two, some] = [("[image 1 of 2]", "1"), ("[image 2 of 2]", "2"), ("[image]", "3")]
            .map(|(words, id)| image(words, "s", id, 0));
        let order = |earlier: &[&SentImage], own: &[&SentImage], most| {
            let all = |images: &[&SentImage]| images.iter().map(|&image| image.clone()).collect();
            let shown = shown(all(earlier), all(own), most);
            let name =
                |image: &ShownImage| format!("{}{}", image.message_id, if image.is_own { "!" } else { "" });
            shown.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&[], &[&two, &one], 10), "1! 2!");
        assert_eq!(order(&[&two], &[&one], 10), "1! 2");
        assert_eq!(order(&[&two, &some], &[&one], 10), "2 3 1!");
        assert_eq!(order(&[&some, &two], &[&one], 2), "1! 2");
        assert_eq!(order(&[&some], &[&two, &one], 1), "1! 2!");
    }

    #[test]
    fn the_next_question_sees_the_images_just_before_it_once_and_for_ten_minutes() {
        for (rows, at, seen) in [
            (&[("[image]", "", 1), ("answer", "", 1)][..], 2, &["m1"][..]),
            (
                &[("[image]", "", 1), ("[image]", "", 2), ("what?", "", 3), ("answer", "", 3)],
                601,
                &["m1", "m2"],
            ),
            (&[("[image]", "", 1), ("[image]", "", 2), ("answer", "", 3)], 602, &["m2"]),
            (&[("[image]", "", 1), ("answer", "", 1), ("what?", "", 2), ("answer", "", 2)], 3, &[]),
            (&[("[image]", "", 1), ("answer", "", 1), ("[image]", "", 2), ("answer", "", 2)], 3, &["m2"]),
            (&[("hello", "", 1), ("answer", "", 1)], 2, &[]),
            // The answer of the newest exchange was forgotten, and it is asked again.
            (&[("[image]", "", 1), ("answer", "", 1), ("what?", "", 2)], 3, &[]),
            (&[], 2, &[]),
        ] {
            assert_eq!(ids(&last(rows).in_view(&[], false, Some(1_000 * at))), seen, "{rows:?}");
        }
        let some = last(&[("[image]", "", 1), ("answer", "", 1)]);
        assert!(some.in_view(&[], false, None).is_empty(), "nobody knows how long ago it was");
    }

    #[test]
    fn an_image_that_comes_late_sees_the_others_of_its_set() {
        let set = [("[image 3 of 3]", "s", 1), ("[image 1 of 3]", "s", 2), ("answer", "", 2)];
        let late = |set| image("[image 2 of 3]", set, "late", 6_000);
        let seen = |rows: &[(&str, &str, i64)], late: &SentImage| {
            ids(&last(rows).in_view(std::slice::from_ref(late), false, late.sent_at)).join(" ")
        };
        assert_eq!(seen(&set, &late("s")), "m1 m2");
        // It may have been sent before the others.
        assert_eq!(seen(&set, &image("[image 2 of 3]", "s", "late", 0)), "m1 m2");
        assert_eq!(seen(&set, &late("t")), "", "an image of another set of three");
        assert_eq!(seen(&set, &late("")), "");
        // The question after it sees the whole set, and no other one.
        let rows = [&set[..], &[("[image 2 of 3]", "s", 6), ("answer", "", 7)]].concat();
        assert_eq!(ids(&last(&rows).in_view(&[], false, Some(9_000))), ["m1", "m2", "m6"]);
        let rows = [&set[..], &[("[image 2 of 3]", "t", 6), ("answer", "", 7)]].concat();
        assert_eq!(ids(&last(&rows).in_view(&[], false, Some(9_000))), ["m6"]);
    }

    #[test]
    fn words_belong_to_an_image_that_was_sent_four_seconds_before_them_at_most() {
        let image = image("[image]", "", "m", 10_000);
        for (said_at, belong) in [(9_999, false), (10_000, true), (14_000, true), (14_001, false)] {
            assert_eq!(image.is_just_before(Some(said_at)), belong, "{said_at}");
        }
        assert!(!image.is_just_before(None));
    }

    #[test]
    fn a_question_that_is_asked_again_sees_what_it_saw() {
        let own = image("[image 2 of 2]", "s", "m2", 2_000);
        let set = last(&[("[image 1 of 2]", "s", 1), ("[image 2 of 2]", "s", 2), ("answer", "", 2)]);
        assert_eq!(ids(&set.in_view(std::slice::from_ref(&own), true, Some(3_000))), ["m1"]);
        let two = last(&[("[image]", "s", 1), ("answer", "", 1), ("[image]", "t", 2), ("answer", "", 2)]);
        assert_eq!(two.set_of(&own.message_id).as_deref(), Some("t"));
        let words = last(&[("[image]", "", 1), ("answer", "", 1), ("what?", "", 2), ("answer", "", 2)]);
        assert_eq!(ids(&words.in_view(&[], true, Some(3_000))), ["m1"]);
        let both = last(&[
            ("[image]", "", 1),
            ("answer", "", 1),
            ("[image]", "", 2),
            ("what?", "", 3),
            ("answer", "", 3),
        ]);
        assert_eq!(ids(&both.in_view(&[], true, Some(4_000))), ["m2"]);
    }
}
