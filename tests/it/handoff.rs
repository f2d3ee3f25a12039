//! Staff take over the chat of a person, who asks for them, or whom an operator gives to them: each story runs on one
//! machine and on Lambda.

use std::time::Duration;

use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{PUSH, REPLY, phone, said as says_what},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use worker::{
    clock::wall_clock,
    history::PauseChange,
    locale::{Locale, Words},
    rules::pause::{GAP, pause_from},
};

use crate::harness::{
    chat::{Chat, SLOW, busy, does, is_asked, job_of, prompts, said, says, story, until},
    local::{Bot, USER},
    operator::Operator,
};

/// A person of the staff.
pub const STAFF: &str = "U5555555555555555555555555555aaaa";

story!(a_person_is_handed_to_the_staff_and_comes_back, "HANDOFF_TO" = "U5555555555555555555555555555aaaa");
story!(where_the_staff_cannot_be_told_nothing_is_paused, "HANDOFF_TO" = "U5555555555555555555555555555aaaa");
story!(what_the_staff_may_have_got_is_told_them_once, "HANDOFF_TO" = "U5555555555555555555555555555aaaa");
story!(without_staff_the_words_are_a_question);
story!(an_answer_under_way_is_neither_stored_nor_said_in_a_pause);
story!(waiting_messages_get_no_answer_together_in_a_pause, "BURST" = "merge");
story!(an_answer_of_which_nothing_arrived_is_not_sent_in_a_pause);
story!(an_answer_of_which_a_part_arrived_is_sent_to_its_end_in_a_pause);
story!(
    the_reply_to_a_command_is_sent_in_a_pause_by_a_later_attempt,
    "HANDOFF_TO" = "U5555555555555555555555555555aaaa"
);
story!(
    who_asks_again_gets_two_hours_anew_and_the_staff_know,
    "HANDOFF_TO" = "U5555555555555555555555555555aaaa"
);
story!(a_pause_ends_whatever_clock_began_it, "HANDOFF_TO" = "U5555555555555555555555555555aaaa");
story!(a_redriven_letter_stays_while_its_chat_is_paused);
story!(a_pause_ends_by_itself_and_the_model_is_told_of_it);
story!(who_leaves_and_comes_back_is_not_paused);

fn words() -> &'static Words {
    Locale::En.words()
}

/// Returns the texts that the staff got.
fn told(chat: &dyn Chat) -> Vec<String> {
    chat.line().sent().into_iter().filter(|sent| sent.to == STAFF).flat_map(|sent| sent.texts).collect()
}

/// Returns the texts that the person got.
fn heard(chat: &dyn Chat) -> Vec<String> {
    chat.line().sent().into_iter().filter(|sent| sent.to != STAFF).flat_map(|sent| sent.texts).collect()
}

/// Posts these texts one after the other, and returns what the person got last.
async fn talks(chat: &dyn Chat, texts: &[&str]) -> String {
    for text in texts {
        chat.takes(says(text)).await;
        chat.drains().await;
    }
    heard(chat).pop().unwrap_or_default()
}

/// Whether a text is the notice that the staff know.
fn is_handed_off(text: &str) -> bool {
    let notice = (words().handed_off)("00:00");
    text.starts_with(notice.split("00:00").next().unwrap()) && text.len() == notice.len()
}

/// Pauses the chat as an operator does.
async fn pauses(chat: &dyn Chat, change: PauseChange) {
    chat.history().pause(&job_of(&says("")).conversation, change, wall_clock()()).await.unwrap();
}

/// Returns a pause that began so many hours ago.
fn begun(hours_ago: i64) -> PauseChange {
    begun_minutes_ago(60 * hours_ago)
}

/// Returns a pause that began so many minutes ago.
fn begun_minutes_ago(minutes: i64) -> PauseChange {
    let at = (wall_clock()() - SignedDuration::from_mins(minutes)).as_millisecond();
    PauseChange::Begins { at, until: pause_from(at), tells_staff: false }
}

mod told {
    use super::*;

    pub(super) async fn a_person_is_handed_to_the_staff_and_comes_back(chat: &dyn Chat) {
        assert!(is_handed_off(&talks(chat, &["hello", "人と話す"]).await), "{:?}", heard(chat));
        let [staff] = &told(chat)[..] else { panic!("{:?}", told(chat)) };
        assert!(staff.contains("\nhttps://chat.line.biz/\n"), "{staff}");
        let back = &chat.line().sent().pop().unwrap().messages[0].buttons;
        assert_eq!(back[0].text, "back to the AI");

        // While it is paused, nothing is said, whatever the person sends.
        let before = said(chat);
        talks(chat, &["are you there?", "retry", "persona: a pirate"]).await;
        let sticker = phone::message_event(says_what::sticker(0).unwrap(), USER, wall_clock()());
        chat.takes(json!({ "destination": phone::BOT, "events": [sticker] })).await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (before, 1));
        for text in ["help", "talk to a person"] {
            assert!(is_handed_off(&talks(chat, &[text]).await), "{text}");
        }
        assert_eq!(told(chat).len(), 1);

        assert_eq!(talks(chat, &["AIに戻る"]).await, words().handed_back);
        talks(chat, &["what now?", "and then?"]).await;
        let [_, now, then] = &prompts(chat)[..] else { panic!("{:?}", prompts(chat)) };
        let gap = format!("{GAP}what now?");
        assert_eq!(now[..], ["hello", "answer to hello", &gap]);
        assert_eq!((&then[..3], &then[4]), (&now[..], &"and then?".to_owned()));
        assert!(!chat.kept().await.contains("are you there?"));

        // A person who asks for the staff again gets them, and the staff are told once in ten minutes.
        assert!(is_handed_off(&talks(chat, &["人と話す"]).await));
        talks(chat, &["hello?"]).await;
        assert_eq!((told(chat).len(), prompts(chat).len(), chat.letters().await), (1, 3, 0));
        talks(chat, &["forget"]).await;
        assert_eq!(heard(chat).pop().unwrap(), words().forgotten);
        talks(chat, &["still there?", "back to the AI", "hi"]).await;
        assert_eq!(prompts(chat)[3..], [["hi"]], "what was forgotten is not spoken of");
    }

    pub(super) async fn where_the_staff_cannot_be_told_nothing_is_paused(chat: &dyn Chat) {
        for status in [400, 403, 429] {
            chat.line().plan_error(PUSH, status, "on purpose");
            if status == 429 {
                // LINE is asked again within the attempt.
                for _ in 0..2 {
                    chat.line().plan_error(PUSH, status, "on purpose");
                }
            }
            assert_eq!(talks(chat, &["talk to a person"]).await, words().handoff_failed, "{status}");
        }
        assert_eq!(talks(chat, &["hello"]).await, "answer to hello");
        assert_eq!((told(chat).len(), chat.letters().await), (0, 0));
        assert!(is_handed_off(&talks(chat, &["talk to a person"]).await));
        assert_eq!(told(chat).len(), 1);
    }

    pub(super) async fn what_the_staff_may_have_got_is_told_them_once(chat: &dyn Chat) {
        chat.line().faults.plan_next(PUSH, Fault::Lose);
        assert!(is_handed_off(&talks(chat, &["talk to a person"]).await), "{:?}", heard(chat));
        assert_eq!((told(chat).len(), chat.line().faults.seen(PUSH).len()), (1, 2));
    }

    pub(super) async fn without_staff_the_words_are_a_question(chat: &dyn Chat) {
        for text in ["talk to a person", "back to the AI"] {
            assert_eq!(talks(chat, &[text]).await, format!("answer to {text}"));
        }
        assert!(!talks(chat, &["help"]).await.contains("person of our staff"));
    }

    pub(super) async fn an_answer_under_way_is_neither_stored_nor_said_in_a_pause(chat: &dyn Chat) {
        chat.model().plan_fault(SLOW);
        chat.takes(says("the word is wisteria")).await;
        is_asked(chat, 1).await;
        pauses(chat, begun(0)).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
        // Without staff, too, the person can end a pause of the operator.
        assert_eq!(talks(chat, &["back to the AI"]).await, words().handed_back);
        assert_eq!(
            talks(chat, &["hello"]).await.trim_start_matches("answer to ").trim_start_matches(GAP),
            "hello"
        );
    }

    pub(super) async fn waiting_messages_get_no_answer_together_in_a_pause(chat: &dyn Chat) {
        pauses(chat, begun(0)).await;
        let event = |text: &str| phone::message_event(says_what::text(text), USER, wall_clock()());
        let events: Vec<Value> = ["one", "two", "three"].map(event).into();
        chat.takes(json!({ "destination": phone::BOT, "events": events })).await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len(), chat.letters().await), (vec![], 0, 0));
    }

    pub(super) async fn an_answer_of_which_nothing_arrived_is_not_sent_in_a_pause(chat: &dyn Chat) {
        // LINE is asked again within the attempt, or in another one.
        for seconds in ["2", "6"] {
            let before = chat.line().faults.seen(PUSH).len();
            chat.line().faults.plan_next(PUSH, busy(seconds));
            chat.takes(says(&format!("are you there after {seconds}?"))).await;
            until("LINE is not asked", || chat.line().faults.seen(PUSH).len() > before).await;
            pauses(chat, begun(0)).await;
            chat.drains().await;
            assert_eq!(chat.line().faults.seen(PUSH).len(), before + 1, "{seconds}");
            assert_eq!(talks(chat, &["back to the AI"]).await, words().handed_back);
        }
        assert_eq!((said(chat).len(), chat.letters().await), (2, 0));
        assert_eq!(
            talks(chat, &["hello"]).await.trim_start_matches("answer to ").trim_start_matches(GAP),
            "hello"
        );
    }

    pub(super) async fn an_answer_of_which_a_part_arrived_is_sent_to_its_end_in_a_pause(chat: &dyn Chat) {
        chat.model().plan_answer(&"a".repeat(30_000));
        chat.line().faults.plan_next(PUSH, Fault::After(Duration::ZERO));
        chat.line().faults.plan_next(PUSH, busy("6"));
        chat.takes(says("tell me all")).await;
        until("LINE is not asked", || chat.line().faults.seen(PUSH).len() == 2).await;
        pauses(chat, begun(0)).await;
        chat.drains().await;
        assert_eq!((said(chat).concat().len(), chat.letters().await), (30_000, 0));
    }

    pub(super) async fn the_reply_to_a_command_is_sent_in_a_pause_by_a_later_attempt(chat: &dyn Chat) {
        chat.line().plan_error(REPLY, 400, "Invalid reply token");
        chat.line().faults.plan_next(PUSH, Fault::After(Duration::ZERO));
        chat.line().faults.plan_next(PUSH, busy("6"));
        assert!(is_handed_off(&talks(chat, &["talk to a person"]).await), "{:?}", heard(chat));
        assert_eq!((told(chat).len(), chat.letters().await), (1, 0));
    }

    pub(super) async fn who_asks_again_gets_two_hours_anew_and_the_staff_know(chat: &dyn Chat) {
        let now = wall_clock()();
        let at = (now - SignedDuration::from_mins(100)).as_millisecond();
        pauses(chat, PauseChange::Begins { at, until: pause_from(at), tells_staff: true }).await;
        for _ in 0..2 {
            assert!(is_handed_off(&talks(chat, &["talk to a person"]).await), "{:?}", heard(chat));
        }
        assert_eq!(told(chat).len(), 1, "not twice in ten minutes");
        let job = job_of(&says(""));
        let pause = chat.history().conversation_changes(&job, now).await.unwrap().pause.unwrap();
        assert!(pause.since == at && pause.until >= pause_from(now.as_millisecond()), "{pause:?}");
        talks(chat, &["are you there?"]).await;
        assert_eq!(prompts(chat).len(), 0);
    }

    pub(super) async fn a_pause_ends_whatever_clock_began_it(chat: &dyn Chat) {
        // The clock that began it is a minute ahead of LINE's.
        pauses(chat, begun_minutes_ago(-1)).await;
        assert_eq!(talks(chat, &["back to the AI"]).await, words().handed_back);
        talks(chat, &["one"]).await;
        // So is the operator's, who ends it.
        pauses(chat, begun_minutes_ago(-2)).await;
        pauses(chat, PauseChange::Ends { at: None }).await;
        talks(chat, &["two"]).await;
        // LINE's clock is minutes ahead.
        for (text, millis) in [("talk to a person", 180_000), ("back to the AI", 181_000), ("three", 182_000)]
        {
            let mut webhook = says(text);
            let at = wall_clock()().as_millisecond() + millis;
            webhook["events"][0]["timestamp"] = at.into();
            chat.takes(webhook).await;
            chat.drains().await;
        }
        let asked: Vec<_> =
            prompts(chat).iter().map(|prompt| prompt.last().unwrap().replace(GAP, "")).collect();
        assert_eq!(asked, ["one", "two", "three"]);
    }

    pub(super) async fn a_redriven_letter_stays_while_its_chat_is_paused(chat: &dyn Chat) {
        // The first message is never answered, and LINE refuses the answer to the second one.
        chat.model().plan_error(400, "invalid_request_error");
        talks(chat, &["unanswered"]).await;
        chat.line().plan_error(PUSH, 400, "on purpose");
        talks(chat, &["unpushed"]).await;
        assert_eq!(chat.letters().await, 2);
        pauses(chat, begun(0)).await;
        let (before, asked) = (said(chat), prompts(chat).len());
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (before, asked));
        // On Lambda the old letters stay, because the harness redrives copies of them.
        assert!([2, 4].contains(&chat.letters().await));
    }

    pub(super) async fn a_pause_ends_by_itself_and_the_model_is_told_of_it(chat: &dyn Chat) {
        talks(chat, &["hello"]).await;
        // It was over before that message.
        pauses(chat, begun(3)).await;
        talks(chat, &["and now?"]).await;
        assert_eq!(said(chat).len(), 2);
        assert_eq!(prompts(chat)[1][0], format!("{GAP}hello"));
    }

    pub(super) async fn who_leaves_and_comes_back_is_not_paused(chat: &dyn Chat) {
        pauses(chat, begun(0)).await;
        for kind in ["unfollow", "follow"] {
            chat.takes(does(kind, &json!({}))).await;
            chat.drains().await;
        }
        assert_eq!(talks(chat, &["hello"]).await, "answer to hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_was_redriven_in_a_pause_is_answered_by_a_redrive_after_it() {
    let bot = Bot::start().await;
    told::a_redriven_letter_stays_while_its_chat_is_paused(&bot).await;
    let details = Chat::details(&bot).await;
    assert!(details.len() == 2 && details.iter().all(|it| it.contains("of the staff")), "{details:?}");
    assert_eq!(talks(&bot, &["back to the AI"]).await, words().handed_back);
    Chat::redrives(&bot).await;
    Chat::drains(&bot).await;
    let heard = heard(&bot);
    let said_at_last = |end: &str| heard[heard.len() - 2..].iter().any(|text| text.ends_with(end));
    assert!(said_at_last("unanswered") && said_at_last("answer to unpushed"), "{heard:?}");
    assert_eq!(Chat::letters(&bot).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_pauses_a_chat_and_resumes_it_while_the_bot_runs() {
    let mut bot = Bot::start().await;
    let operator = Operator::beside(&bot);
    for (args, says) in [
        (&["resume", USER][..], "not paused"),
        (&["pause", USER], "paused until 20"),
        (&["pause", USER], "https://chat.line.biz/"),
    ] {
        let ended = operator.runs(args).await;
        assert!(ended.code == 0 && ended.out.contains(says), "{}{}", ended.out, ended.err);
    }
    assert_eq!(bot.posts(webhook_of("hello", USER).to_string()).await, 200);
    bot.drain().await;
    bot.answers(&[]).await;
    let ended = operator.runs(&["resume", USER]).await;
    assert!(ended.code == 0 && ended.out.contains("not paused"), "{}{}", ended.out, ended.err);
    bot.hears("hello again").await;
    bot.drain().await;
    assert_eq!(Chat::model(&bot).asked().len(), 1);
    let audit = operator.audit();
    let actions: Vec<_> = audit.iter().map(|line| (&line["action"], &line["outcome"])).collect();
    assert_eq!(actions[..2], [(&json!("resume"), &json!("begun")), (&json!("resume"), &json!("done"))]);
    for group in ["C4af4980629000000000000000000000a", "not an id"] {
        assert_eq!(operator.runs(&["pause", group]).await.code, 1);
    }
}
