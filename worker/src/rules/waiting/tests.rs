#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::slice::from_ref;

use shared::job::{ConversationId, GroupId};

use super::*;

const NOW: i64 = 1_800_000_000_000;

fn job(id: &str, kind: JobKind, accepted_ms_ago: i64) -> Job {
    let of = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let accepted_at = Some(NOW - accepted_ms_ago);
    Job { accepted_at, ..Job::new(id.to_owned().try_into().unwrap(), of, kind) }
}

fn with(id: &str, content: Content, accepted_ms_ago: i64) -> Job {
    let mut kind = JobKind::question("", id.to_owned().try_into().ok());
    if let JobKind::Question { content: own, .. } = &mut kind {
        *own = Some(content);
    }
    job(id, kind, accepted_ms_ago)
}

fn image(id: &str, set: Option<(&str, Option<u32>)>, accepted_ms_ago: i64) -> Job {
    let set = set.map(|(id, total)| ImageSet { id: id.to_owned(), index: None, total });
    with(id, Content::Image { set }, accepted_ms_ago)
}

fn text(words: &str) -> Job {
    let id = words.replace(|char: char| !char.is_alphanumeric(), "");
    job(&id, JobKind::question(words, id.clone().try_into().ok()), 0)
}

fn wait_ms(jobs: &[Job]) -> u128 {
    wait(jobs, false, Timestamp::from_millisecond(NOW).unwrap()).as_millis()
}

#[test]
fn the_images_of_a_set_are_answered_together_and_with_the_words_behind_them() {
    let set = Some(("s", Some(3)));
    let (one, two) = (image("1", set, 0), image("2", set, 0));
    let file = |name: &str| with("f", Content::File { name: name.to_owned(), size_bytes: None }, 0);
    assert!(joins(from_ref(&one), &two, false));
    for (before, next, is_joined) in [
        (&one, text("what is it?"), true),
        (&one, text("help"), false),
        (&one, image("3", Some(("t", Some(3))), 0), false),
        (&one, image("3", None, 0), false),
        (&one, image("1", set, 0), false),
        (&image("3", None, 0), image("4", None, 0), false),
        (&image("3", None, 0), text("what is it?"), true),
        (&file("a.png"), text("what is it?"), true),
        (&file("a.pdf"), text("what is it?"), false),
        (&one, Job { run: Some("letter".to_owned()), ..two.clone() }, false),
        (&one, job("t", JobKind::tap("forget".to_owned()), 0), false),
        (&text("look at this"), two.clone(), false),
    ] {
        assert_eq!(joins(from_ref(before), &next, false), is_joined, "{next:?}");
    }
    // Words that quote a message are about that message.
    let mut quoting = text("and that?");
    if let JobKind::Question { quotes, .. } = &mut quoting.kind {
        *quotes = "m".to_owned().try_into().ok();
    }
    assert!(!joins(from_ref(&one), &quoting, false));
    let ten: Vec<Job> = (0..10).map(|n| image(&n.to_string(), set, 0)).collect();
    assert!(joins(&ten[..9], &ten[9], false) && !joins(&ten, &two, false));
}

#[test]
fn texts_are_answered_together_only_where_it_is_set() {
    let (one, two) = (text("one"), text("two"));
    assert!(!joins(from_ref(&one), &two, false));
    assert!(joins(from_ref(&one), &two, true));
    let set = image("1", None, 0);
    assert!(joins(&[set.clone(), one.clone()], &two, true) && !joins(&[set, one.clone()], &two, false));
    let group = |job: &Job| Job {
        conversation: ConversationId::Group(GroupId::try_from("C1".to_owned()).unwrap()),
        ..job.clone()
    };
    assert!(!joins(&[group(&one)], &group(&two), true), "nobody knows whether one person said both");
}

#[test]
fn an_image_waits_two_seconds_for_words_and_a_set_three_for_its_next_image() {
    let (three, unknown) = (Some(("s", Some(3))), Some(("s", None)));
    for (jobs, waits) in [
        (vec![image("1", None, 0)], 2_000),
        (vec![image("1", None, 1_999)], 1),
        (vec![image("1", None, 2_000)], 0),
        (vec![image("1", three, 500)], 2_500),
        (vec![image("1", unknown, 500)], 2_500),
        (vec![image("1", three, 500), image("2", three, 100)], 2_900),
        (vec![image("1", three, 500), image("2", three, 100), image("3", three, 0)], 2_000),
        // Four seconds in all, though each image renews the wait.
        (vec![image("1", unknown, 3_500), image("2", unknown, 100)], 500),
        (vec![image("1", unknown, 5_000), image("2", unknown, 100)], 0),
        // A set that claims to be larger than any is waited for like others.
        (vec![image("1", Some(("s", Some(u32::MAX))), 0)], 3_000),
        (vec![image("1", Some(("s", Some(0))), 0)], 2_000),
        // Nothing waits that is no image, or that has its words.
        (vec![text("one")], 0),
        (vec![image("1", three, 0), text("what is it?")], 0),
        (vec![with("v", Content::Video, 0)], 0),
        // A clock that is a little ahead is right, and one that is far ahead says nothing.
        (vec![image("1", None, -10)], 2_000),
        (vec![image("1", None, -1_001)], 0),
        ((0..10).map(|n| image(&n.to_string(), unknown, 0)).collect(), 0),
    ] {
        assert_eq!(wait_ms(&jobs), waits, "{jobs:?}");
    }
    let one = image("1", None, 0);
    assert_eq!(wait_ms(&[Job { run: Some("letter".to_owned()), ..one.clone() }]), 0);
    assert_eq!(wait_ms(&[Job { accepted_at: None, ..one.clone() }]), 0);
    assert!(wait(&[one], true, Timestamp::from_millisecond(NOW).unwrap()).is_zero());
}

#[test]
fn jobs_behind_decide_about_an_image_and_where_it_is_set_about_a_text() {
    let (one, words) = (image("1", None, 0), text("one"));
    let group = ConversationId::of_known_id("C1".to_owned()).unwrap();
    for (job, merges, is_joined) in [
        (&one, false, true),
        (&one, true, true),
        (&words, false, false),
        (&words, true, true),
        (&text("help"), true, false),
        (&Job { conversation: group, ..one.clone() }, false, false),
    ] {
        assert_eq!(may_be_joined(job, merges), is_joined, "{job:?}");
    }
    assert!(has_images(&[one.clone(), words.clone()]) && !has_images(&[words, one]) && !has_images(&[]));
}
