//! The images that people send: their words in the history, their order in a set, and how long the last ones stay in
//! view. Pure.

use shared::job::MessageId;

use super::{
    conversation::{Message, Role},
    message_kind::MessageKind,
};

/// The time for which the next question sees images, in milliseconds from when they were sent.
const IN_VIEW_MS: i64 = 600_000;
/// The longest time between two images of one set, in milliseconds.
const SET_MS: i64 = 60_000;

/// An image of a conversation, which LINE keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentImage {
    /// The message that is the image.
    pub(crate) message_id: MessageId,
    /// The place in its set and the number of images in the set, if LINE told both.
    place: Option<(u32, u32)>,
    /// The time when it was sent, by LINE's clock in milliseconds.
    sent_at: Option<i64>,
}

impl SentImage {
    /// Returns the image of a message with these words, if it is one.
    pub fn of(
        kind: MessageKind,
        words: &str,
        message_id: impl FnOnce() -> Option<MessageId>,
        sent_at: Option<i64>,
    ) -> Option<Self> {
        if kind != MessageKind::Image {
            return None;
        }
        let place = words.strip_prefix("[image ").and_then(|words| words.strip_suffix(']'));
        let place = place.and_then(|place| place.split_once(" of "));
        let place = place.and_then(|(index, total)| Some((index.parse().ok()?, total.parse().ok()?)));
        Some(Self { message_id: message_id()?, place, sent_at })
    }

    /// Whether LINE told its place in a set.
    pub(crate) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// Whether it was sent within this time before the other moment.
    fn is_within(&self, ms: i64, at: Option<i64>) -> bool {
        let ago = at.zip(self.sent_at).map(|(at, sent_at)| at.saturating_sub(sent_at));
        ago.is_some_and(|ago| (-SET_MS..=ms).contains(&ago))
    }

    /// Whether both are of one set, as far as their words tell.
    pub(crate) fn is_in_set_of(&self, other: &Self) -> bool {
        let are_places =
            |((index, total), (other, of)): ((u32, u32), (u32, u32))| total == of && index != other;
        self.place.zip(other.place).is_some_and(are_places) && self.is_within(SET_MS, other.sent_at)
    }
}

/// Returns the images in the order of their set, or in their own order if one of them has no place.
pub(crate) fn in_order(mut images: Vec<SentImage>) -> Vec<SentImage> {
    if images.iter().all(|image| image.place.is_some()) {
        images.sort_by_key(|image| image.place);
    }
    images
}

/// The images of the two newest exchanges of a conversation, each oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastImages {
    newest: Vec<SentImage>,
    before: Vec<SentImage>,
    /// The number of answers so far.
    answers: u32,
}

impl LastImages {
    /// Adds a message. The newest message comes first.
    pub fn add(
        &mut self,
        message: &Message,
        message_id: impl FnOnce() -> Option<MessageId>,
        said_at: Option<i64>,
    ) {
        if message.role == Role::Assistant {
            self.answers += 1;
        }
        let images = match self.answers {
            0 | 1 => &mut self.newest,
            2 => &mut self.before,
            _ => return,
        };
        images.splice(0..0, SentImage::of(message.kind, &message.content, message_id, said_at));
    }

    /// Returns the images that a question sees beside its own, which it asks at this time: the images just before it, or
    /// for images that come late, the others of their set. If the newest question is asked anew, they are its own
    /// images, or those that it saw.
    pub(crate) fn in_view(&self, own: &[SentImage], asks_anew: bool, at: Option<i64>) -> Vec<SentImage> {
        let is_own = |image: &SentImage| own.iter().any(|own| own.message_id == image.message_id);
        let newest = if asks_anew && self.newest.is_empty() { &self.before } else { &self.newest };
        let all = self.before.iter().chain(&self.newest);
        let seen = all.filter(|image| {
            let is_of_set = |other: &[SentImage]| other.iter().any(|other| image.is_in_set_of(other));
            let is_seen = if own.is_empty() || asks_anew {
                newest.contains(image) || is_of_set(newest)
            } else {
                is_of_set(own)
            };
            is_seen && !is_own(image) && image.is_within(IN_VIEW_MS, at)
        });
        seen.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::ImageSet;

    use super::*;
    use crate::rules::message_kind::words_of_image;

    fn image(words: &str, id: &str, sent_at: i64) -> SentImage {
        SentImage::of(MessageKind::Image, words, || id.to_owned().try_into().ok(), Some(sent_at)).unwrap()
    }

    /// Returns the last images of these rows, which are oldest first: a bot's answer, or a message of a person at this
    /// second.
    fn last(rows: &[(&str, i64)]) -> LastImages {
        let mut last = LastImages::default();
        for (words, at) in rows.iter().rev() {
            let (role, kind) = match *words {
                "answer" => (Role::Assistant, MessageKind::Text),
                words if words.starts_with("[image") => (Role::User, MessageKind::Image),
                _ => (Role::User, MessageKind::Text),
            };
            let message = Message { role, kind, content: (*words).to_owned(), speaker: None };
            last.add(&message, || format!("m{at}").try_into().ok(), Some(1_000 * at));
        }
        last
    }

    fn ids(images: &[SentImage]) -> Vec<&str> {
        images.iter().map(|image| image.message_id.as_str()).collect()
    }

    #[test]
    fn an_image_says_its_place_in_its_set_where_line_told_it() {
        let set = |index, total| ImageSet { id: "s".to_owned(), index, total };
        for (set, words, place) in [
            (None, "[image]", None),
            (Some(set(Some(2), Some(3))), "[image 2 of 3]", Some((2, 3))),
            (Some(set(None, Some(3))), "[image]", None),
            (Some(set(Some(2), None)), "[image]", None),
            (Some(set(Some(4), Some(3))), "[image]", None),
            (Some(set(Some(0), Some(3))), "[image]", None),
        ] {
            assert_eq!(words_of_image(set.as_ref()), words);
            assert_eq!(image(words, "m", 0).place, place, "{words}");
        }
        assert_eq!(image("[image of a cat]", "m", 0).place, None);
    }

    #[test]
    fn a_set_is_in_the_order_of_its_places_if_all_of_them_are_known() {
        let [one, two, some] =
            [image("[image 1 of 2]", "1", 9), image("[image 2 of 2]", "2", 0), image("[image]", "3", 1)];
        assert_eq!(ids(&in_order(vec![two.clone(), one.clone()])), ["1", "2"]);
        assert_eq!(ids(&in_order(vec![two, some, one])), ["2", "3", "1"]);
    }

    #[test]
    fn the_next_question_sees_the_images_just_before_it_once_and_for_ten_minutes() {
        for (rows, at, seen) in [
            (&[("[image]", 1), ("answer", 1)][..], 2, &["m1"][..]),
            (&[("[image]", 1), ("[image]", 2), ("what?", 3), ("answer", 3)], 601, &["m1", "m2"]),
            (&[("[image]", 1), ("[image]", 2), ("answer", 3)], 602, &["m2"]),
            (&[("[image]", 1), ("answer", 1), ("what?", 2), ("answer", 2)], 3, &[]),
            (&[("[image]", 1), ("answer", 1), ("[image]", 2), ("answer", 2)], 3, &["m2"]),
            (&[("hello", 1), ("answer", 1)], 2, &[]),
            (&[], 2, &[]),
        ] {
            assert_eq!(ids(&last(rows).in_view(&[], false, Some(1_000 * at))), seen, "{rows:?}");
        }
        let some = last(&[("[image]", 1), ("answer", 1)]);
        assert!(some.in_view(&[], false, None).is_empty(), "nobody knows how long ago it was");
    }

    #[test]
    fn an_image_that_comes_late_sees_the_others_of_its_set() {
        let set = [("[image 3 of 3]", 1), ("[image 1 of 3]", 2), ("answer", 2)];
        let late = image("[image 2 of 3]", "late", 6_000);
        let seen = |rows: &[(&str, i64)], late: &SentImage| {
            let seen = last(rows).in_view(std::slice::from_ref(late), false, late.sent_at);
            ids(&in_order([seen, vec![late.clone()]].concat())).join(" ")
        };
        assert_eq!(seen(&set, &late), "m2 late m1");
        // It may have been sent before the others.
        assert_eq!(seen(&set, &image("[image 2 of 3]", "late", 0)), "m2 late m1");
        assert_eq!(seen(&set, &image("[image 2 of 2]", "late", 6_000)), "late");
        assert_eq!(seen(&set, &image("[image]", "late", 6_000)), "late");
        assert_eq!(seen(&set, &image("[image 2 of 3]", "late", 70_000)), "late");
        // The question after it sees the whole set.
        let rows = [&set[..], &[("[image 2 of 3]", 6), ("answer", 7)]].concat();
        assert_eq!(ids(&last(&rows).in_view(&[], false, Some(9_000))), ["m1", "m2", "m6"]);
    }

    #[test]
    fn a_question_that_is_asked_anew_sees_what_it_saw() {
        let own = image("[image 2 of 2]", "m2", 2_000);
        let set = last(&[("[image 1 of 2]", 1), ("[image 2 of 2]", 2), ("answer", 2)]);
        assert_eq!(ids(&set.in_view(std::slice::from_ref(&own), true, Some(3_000))), ["m1"]);
        let words = last(&[("[image]", 1), ("answer", 1), ("what?", 2), ("answer", 2)]);
        assert_eq!(ids(&words.in_view(&[], true, Some(3_000))), ["m1"]);
        let both = last(&[("[image]", 1), ("answer", 1), ("[image]", 2), ("what?", 3), ("answer", 3)]);
        assert_eq!(ids(&both.in_view(&[], true, Some(4_000))), ["m2"]);
    }
}
