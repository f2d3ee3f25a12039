//! The stories that run at every boundary: the acts of people, the answers of the model, and the rows at the end.

use std::time::Duration;

use axum::body::Bytes;
use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{Line, PUSH, phone, said},
    model::{COMPLETIONS, Model, hear},
};
use serde_json::{Value, json};
use worker::clock::wall_clock;

use crate::{handoff::STAFF, harness::local::USER, media::jpeg};

#[derive(Clone)]
pub struct Story {
    pub variables: &'static [(&'static str, &'static str)],
    /// The webhooks of LINE; each is posted after all work on the ones before it.
    pub webhooks: fn(&Line) -> Vec<Value>,
    /// Whether an operator redrives every dead letter at the end.
    pub redrives: bool,
    /// The faults of LINE and the model.
    pub faults: fn(&Line, &Model),
    /// The people's messages that are stored at the end, in order.
    pub kept: &'static [&'static str],
    /// The number of questions that the model is asked, if each is asked alone.
    pub asks: usize,
    /// The text that the bot repeats of the question before its answer.
    pub says_back: &'static str,
    pub ends: Ends,
}

/// The end of a story, with every fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Every question has an answer, and it was sent.
    Answered,
    /// The same, or nothing was sent and a dead letter keeps the answer, because a push of unknown outcome went before.
    AnsweredOrWaits,
    /// Every question has an answer at the end; before it the user may have got one apology.
    AnsweredAfterAll,
    /// One notice was sent, and nothing is stored.
    Noticed,
    /// The answer was sent and then forgotten; this is the number of all messages that were sent.
    Forgotten(usize),
    /// There is a dead letter, and the user got an apology.
    Refused,
    /// The staff were told once, and the person got one notice of it. Nothing is stored.
    HandedOff,
}

/// A user whose conversation sorts after the other user's.
const NEIGHBOUR: &str = "Uf0000000000000000000000000000000";
const GROUP: &str = "Caf9a0c8de0b7f4d3a1d2c3b4a5968778";
/// A question whose answer does not fit into one request.
const TELL_MUCH: &str = "tell me much";

/// Returns the model's answer to this question, whatever it quotes.
pub fn answer(question: &str) -> String {
    let quoting = question.strip_prefix("[quotes ").and_then(|rest| rest.split_once("]\n"));
    let question = quoting.map_or(question, |(_, words)| words);
    if question == TELL_MUCH {
        "word ".repeat(6_000).trim().to_owned()
    } else {
        format!("answer to {question}")
    }
}

pub fn a_question_is_answered() -> Story {
    Story {
        variables: &[],
        webhooks: |_| vec![webhook_of("hello", USER)],
        redrives: false,
        faults: |_, _| {},
        kept: &["hello"],
        asks: 1,
        says_back: "",
        ends: Ends::Answered,
    }
}

pub fn a_second_question_is_answered_after_the_first() -> Story {
    Story {
        webhooks: |_| vec![webhook_of("hello", USER), webhook_of("again", USER)],
        kept: &["hello", "again"],
        asks: 2,
        ..a_question_is_answered()
    }
}

pub fn what_is_quoted_is_looked_up() -> Story {
    Story {
        webhooks: |_| {
            let (first, mut second) = (webhook_of("hello", USER), webhook_of("again", USER));
            let quoted = first["events"][0]["message"]["id"].as_str();
            second["events"][0]["message"] = said::quoting(said::text("again"), quoted);
            vec![first, second]
        },
        ..a_second_question_is_answered_after_the_first()
    }
}

pub fn a_long_answer_is_said_in_several_pushes() -> Story {
    Story { webhooks: |_| vec![webhook_of(TELL_MUCH, USER)], kept: &[TELL_MUCH], ..a_question_is_answered() }
}

pub fn a_message_is_marked_as_read() -> Story {
    Story {
        webhooks: |_| {
            let mut said = webhook_of("hello", USER);
            said["events"][0]["message"]["markAsReadToken"] = "read".into();
            vec![said]
        },
        ..a_question_is_answered()
    }
}

pub fn a_free_reply_carries_the_answer() -> Story {
    Story { variables: &[("DELIVERY", "reply-first")], ..a_question_is_answered() }
}

pub fn a_free_reply_is_followed_by_pushes() -> Story {
    Story { variables: &[("DELIVERY", "reply-first")], ..a_long_answer_is_said_in_several_pushes() }
}

pub fn a_free_reply_takes_the_place_of_a_push_where_the_month_is_used_up() -> Story {
    let faults = |line: &Line, _: &Model| line.set_messages_left(0);
    Story { faults, ends: Ends::AnsweredOrWaits, ..a_question_is_answered() }
}

pub fn a_redelivery_is_no_second_question() -> Story {
    Story {
        webhooks: |_| {
            let first = webhook_of("hello", USER);
            vec![first.clone(), redelivered(&first)]
        },
        ..a_question_is_answered()
    }
}

pub fn a_burst_is_answered() -> Story {
    Story {
        variables: &[("BURST", "merge")],
        webhooks: |_| {
            let event = |text| phone::message_event(said::text(text), USER, wall_clock()());
            vec![webhook(&[event("hello"), event("again")])]
        },
        ..a_second_question_is_answered_after_the_first()
    }
}

pub fn a_refusal_is_told_once() -> Story {
    Story {
        faults: |_, model| model.faults.set_fault(COMPLETIONS, Some(&refusal()), false),
        kept: &[],
        ends: Ends::Refused,
        ..a_question_is_answered()
    }
}

pub fn the_fallback_answers_for_a_model_that_is_gone() -> Story {
    Story {
        variables: &[("FALLBACK_MODEL", "gpt-6-luna")],
        faults: |_, model| {
            let gone = json!({ "error": { "code": "model_not_found" } });
            model.faults.plan_next(COMPLETIONS, Fault::Respond(404, vec![], gone.to_string()));
        },
        asks: 2,
        ..a_question_is_answered()
    }
}

pub fn a_refusal_is_mended_by_a_redrive() -> Story {
    Story {
        redrives: true,
        faults: |_, model| model.faults.plan_next(COMPLETIONS, refusal()),
        asks: 2,
        ends: Ends::AnsweredAfterAll,
        ..a_question_is_answered()
    }
}

pub fn what_line_refuses_is_pushed_after_a_redrive() -> Story {
    Story {
        redrives: true,
        faults: |line, _| line.faults.plan_next(PUSH, refusal()),
        ends: Ends::AnsweredAfterAll,
        ..a_question_is_answered()
    }
}

pub fn two_people_are_answered_at_once() -> Story {
    Story {
        webhooks: |_| {
            let event = |text, of: &str| phone::message_event(said::text(text), of, wall_clock()());
            vec![webhook(&[event("hello", USER), event("good morning", NEIGHBOUR)])]
        },
        // The delay keeps their commits apart in every run.
        faults: |_, model| model.faults.plan_next(COMPLETIONS, Fault::After(Duration::from_millis(300))),
        kept: &["hello", "good morning"],
        asks: 2,
        ..a_question_is_answered()
    }
}

pub fn a_new_friend_is_greeted() -> Story {
    Story {
        webhooks: |line| vec![webhook(&[line.follows(USER, true, wall_clock()())])],
        kept: &[],
        asks: 0,
        ends: Ends::Noticed,
        ..a_question_is_answered()
    }
}

pub fn a_persona_is_chosen() -> Story {
    Story { webhooks: |_| vec![webhook_of("/persona a pirate", USER)], ..a_new_friend_is_greeted() }
}

pub fn who_asks_for_the_staff_is_handed_over_once() -> Story {
    Story {
        variables: &[("HANDOFF_TO", STAFF)],
        webhooks: |_| ["talk to a person", "hello?"].map(|text| webhook_of(text, USER)).into(),
        ends: Ends::HandedOff,
        ..a_new_friend_is_greeted()
    }
}

pub fn what_is_taken_back_is_forgotten() -> Story {
    Story {
        webhooks: |line| {
            let said = webhook_of("hello", USER);
            let id = said["events"][0]["message"]["id"].as_str().unwrap().to_owned();
            vec![said, webhook(&[line.unsends(USER, &id, wall_clock()())])]
        },
        kept: &[],
        ends: Ends::Forgotten(1),
        ..a_question_is_answered()
    }
}

pub fn who_leaves_is_forgotten() -> Story {
    Story {
        webhooks: |line| {
            vec![webhook_of("hello", USER), webhook(&[line.follows(USER, false, wall_clock()())])]
        },
        ..what_is_taken_back_is_forgotten()
    }
}

pub fn who_wishes_so_is_forgotten_and_told() -> Story {
    Story {
        webhooks: |_| vec![webhook_of("hello", USER), webhook_of("forget", USER)],
        ends: Ends::Forgotten(2),
        ..what_is_taken_back_is_forgotten()
    }
}

pub fn a_picture_is_looked_at() -> Story {
    Story {
        variables: &[("GPT_MODEL", "gpt-4o")],
        webhooks: |line| {
            let message = said::image(&line.holds("image/jpeg", jpeg(1_000)));
            vec![webhook(&[phone::message_event(message, USER, wall_clock()())])]
        },
        kept: &["[image]"],
        ..a_question_is_answered()
    }
}

pub fn a_set_of_images_is_one_question() -> Story {
    Story {
        webhooks: |line| {
            let held = |size| said::image(&line.holds("image/jpeg", jpeg(size)));
            let images = said::image_set(vec![held(1_000), held(1_001)]);
            let events = images.into_iter().map(|image| phone::message_event(image, USER, wall_clock()()));
            vec![webhook(&events.collect::<Vec<_>>())]
        },
        kept: &["[image 1 of 2]", "[image 2 of 2]"],
        ..a_picture_is_looked_at()
    }
}

pub fn the_next_question_sees_the_picture_again() -> Story {
    Story {
        webhooks: |line| {
            [(a_picture_is_looked_at().webhooks)(line), vec![webhook_of("again", USER)]].concat()
        },
        kept: &["[image]", "again"],
        asks: 2,
        ..a_picture_is_looked_at()
    }
}

pub fn a_file_is_read_again() -> Story {
    Story {
        webhooks: |line| {
            let message = said::file(&line.holds("text/plain", Bytes::from_static(b"hello")), "a.txt", 5);
            let file = webhook(&[phone::message_event(message, USER, wall_clock()())]);
            vec![file, webhook_of("again", USER)]
        },
        kept: &["[file: a.txt]", "again"],
        asks: 2,
        ..a_question_is_answered()
    }
}

pub fn of_a_video_the_preview_is_seen() -> Story {
    Story {
        variables: &[("GPT_MODEL", "gpt-4o")],
        webhooks: |line| {
            let message = said::video(&line.holds("video/mp4", Bytes::from_static(b"video")), Some(1_000));
            vec![webhook(&[phone::message_event(message, USER, wall_clock()())])]
        },
        kept: &["[video]"],
        ..a_question_is_answered()
    }
}

pub fn a_voice_is_heard() -> Story {
    Story {
        variables: &[("TRANSCRIBE_MODEL", "whisper-1")],
        webhooks: |line| {
            let message = said::voice(&line.holds("audio/x-m4a", hear::sample("hello", 1)), Some(1_000));
            vec![webhook(&[phone::message_event(message, USER, wall_clock()())])]
        },
        says_back: "🎤 “hello”",
        ..a_question_is_answered()
    }
}

pub fn a_change_of_what_a_group_was_answered_is_remembered() -> Story {
    Story {
        webhooks: |line| {
            line.add_group(GROUP, &[USER]);
            line.add_bot(GROUP, wall_clock()());
            let source = || phone::Source::of(GROUP, Some(USER));
            let said =
                phone::message_event(said::text_in_group("@Henji hello", &[]), source(), wall_clock()());
            let id = said["message"]["id"].as_str().unwrap().to_owned();
            let words = said::text_in_group("@Henji good morning", &[]);
            let changed = phone::edited_event(&id, words, source(), wall_clock()());
            vec![webhook(&[said]), webhook(&[changed])]
        },
        kept: &["good morning"],
        ..a_question_is_answered()
    }
}

/// Makes a refusal that no retry can change.
fn refusal() -> Fault {
    let error = json!({ "message": "on purpose", "error": { "message": "on purpose", "code": null } });
    Fault::Respond(400, vec![], error.to_string())
}

fn webhook(events: &[Value]) -> Value {
    json!({ "destination": phone::BOT, "events": events })
}

/// Makes the redelivery of a webhook that got no 200 from the bot.
pub fn redelivered(webhook: &Value) -> Value {
    let mut again = webhook.clone();
    for event in again["events"].as_array_mut().unwrap() {
        event["deliveryContext"]["isRedelivery"] = true.into();
    }
    again
}
