//! Messages that quote others: the model is told which, on one machine and on Lambda.

use emulator::{
    faults::Fault,
    line::{
        PUSH, content_path,
        phone::{BOT, Source, User, edited_event, message_event},
        said::{image, quoting, text, text_in_group},
    },
    model::COMPLETIONS,
};
use serde_json::{Value, json};
use worker::clock::wall_clock;

use crate::{
    harness::chat::{
        Chat, SLOW, forgets, is_asked, is_unsent, notes_ids, prompts, said, says, story, takes_back, until,
    },
    media::{jpeg, looks},
};

const GROUP: &str = "Caf9a0c8de0b7f4d3a1d2c3b4a5968778";
const AOI: &str = "Uaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const REN: &str = "Ubbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const UNSEEN: &str = "[quotes a message that you cannot see]\n";

story!(the_words_of_a_person_are_told_where_they_are_quoted);
story!(a_quoted_message_that_nobody_knows_is_told_to_be_unseen);
story!(the_words_of_an_answer_are_told_where_it_is_quoted);
story!(the_words_of_a_free_reply_are_told_where_it_is_quoted, "DELIVERY" = "reply-first");
story!(an_answer_whose_receipt_was_lost_is_known_where_it_is_quoted);
story!(of_a_long_answer_the_quoted_bubble_is_told);
story!(a_question_without_an_answer_is_known_where_it_is_quoted);
story!(in_a_group_the_words_said_to_the_bot_are_told_with_their_speaker, "GROUP_PREFIX" = "bot");
story!(words_that_were_taken_back_or_forgotten_are_not_told);
story!(words_that_are_taken_back_while_they_are_used_are_in_no_answer);
story!(a_question_that_is_asked_again_quotes_what_it_quoted);
story!(a_picture_that_was_answered_is_seen_where_it_is_quoted, "GPT_MODEL" = "gpt-4o");
story!(a_quote_that_does_not_fit_is_left_out);

/// Makes a message that quotes the message with this id.
fn quotes(words: &str, id: &str) -> Value {
    let mut webhook = says(words);
    webhook["events"][0]["message"] = quoting(text(words), Some(id));
    webhook
}

fn id_of(webhook: &Value) -> &str {
    webhook["events"][0]["message"]["id"].as_str().unwrap()
}

async fn hears(chat: &dyn Chat, webhook: &Value) {
    chat.takes(webhook.clone()).await;
    chat.drains().await;
}

/// Returns the last question that the model got.
fn asked(chat: &dyn Chat) -> String {
    prompts(chat).pop().unwrap().pop().unwrap()
}

/// Posts the webhooks of a fixture, and waits until no job is left after each.
async fn happens(chat: &dyn Chat, fixture: &str) {
    let webhooks: Vec<Value> = serde_json::from_str(fixture).unwrap();
    for webhook in webhooks {
        hears(chat, &webhook).await;
    }
    assert_eq!(chat.letters().await, 0);
}

mod told {
    use super::*;

    pub(super) async fn the_words_of_a_person_are_told_where_they_are_quoted(chat: &dyn Chat) {
        for answer in ["表です", "良いですね"] {
            chat.model().plan_answer(answer);
        }
        happens(chat, include_str!("../fixtures/line-events/quotes-own-words.json")).await;
        let quoted = "[quotes a person's earlier message: “来週の予定を表で見せて”]\nこれはどう？";
        assert_eq!(asked(chat), quoted);
        assert!(chat.line().faults.seen(&content_path("5941")).is_empty(), "it is known to be no picture");
        assert!(!chat.kept().await.contains("[quotes"), "the words are kept once");
        hears(chat, &says("ほかには？")).await;
        let prompt = prompts(chat).pop().unwrap();
        assert_eq!(prompt[2], "これはどう？");
    }

    pub(super) async fn a_quoted_message_that_nobody_knows_is_told_to_be_unseen(chat: &dyn Chat) {
        happens(chat, include_str!("../fixtures/line-events/quotes-what-is-unknown.json")).await;
        assert_eq!(asked(chat), format!("{UNSEEN}これはどう？"));
        // A notice of the bot is no part of the conversation.
        let ids = notes_ids(chat);
        hears(chat, &says("help")).await;
        let notice = ids.lock().unwrap().pop().unwrap();
        hears(chat, &quotes("what?", &notice)).await;
        assert_eq!(asked(chat), format!("{UNSEEN}what?"));
    }

    pub(super) async fn the_words_of_an_answer_are_told_where_it_is_quoted(chat: &dyn Chat) {
        let ids = notes_ids(chat);
        for words in ["one", "two", "three"] {
            hears(chat, &says(words)).await;
        }
        let first = ids.lock().unwrap()[0].clone();
        hears(chat, &quotes("why?", &first)).await;
        assert_eq!(asked(chat), "[quotes your earlier message: “answer to one”]\nwhy?");
        assert!(chat.line().faults.seen(&content_path(&first)).is_empty());
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn the_words_of_a_free_reply_are_told_where_it_is_quoted(chat: &dyn Chat) {
        the_words_of_an_answer_are_told_where_it_is_quoted(chat).await;
        assert!(chat.line().faults.seen(PUSH).is_empty());
    }

    pub(super) async fn an_answer_whose_receipt_was_lost_is_known_where_it_is_quoted(chat: &dyn Chat) {
        let ids = notes_ids(chat);
        chat.line().faults.plan_next(PUSH, Fault::Lose);
        hears(chat, &says("one")).await;
        let own = ids.lock().unwrap()[0].clone();
        hears(chat, &quotes("why?", &own)).await;
        assert_eq!(asked(chat), "[quotes your earlier message: “answer to one”]\nwhy?");
    }

    pub(super) async fn of_a_long_answer_the_quoted_bubble_is_told(chat: &dyn Chat) {
        let ids = notes_ids(chat);
        chat.model().plan_answer(&["one ", "two ", "six "].map(|word| word.repeat(1_200)).join("\n\n"));
        hears(chat, &says("count")).await;
        let bubbles = ids.lock().unwrap().clone();
        assert_eq!(bubbles.len(), 3);
        hears(chat, &quotes("this?", &bubbles[1])).await;
        let asked = asked(chat);
        let told = asked.strip_prefix("[quotes your earlier message: “two two ").unwrap();
        assert!(told.ends_with("…”]\nthis?") && told.chars().count() < 1_010, "{told}");
    }

    pub(super) async fn a_question_without_an_answer_is_known_where_it_is_quoted(chat: &dyn Chat) {
        chat.model().plan_error(400, "content_filter");
        let first = says("please answer");
        hears(chat, &first).await;
        assert_eq!(chat.letters().await, 1);
        hears(chat, &quotes("well?", id_of(&first))).await;
        assert_eq!(asked(chat), "[quotes a person's earlier message: “please answer”]\nwell?");
    }

    pub(super) async fn in_a_group_the_words_said_to_the_bot_are_told_with_their_speaker(chat: &dyn Chat) {
        for (id, name) in [(AOI, "Aoi"), (REN, "Ren")] {
            let user = User { id: id.into(), name: name.into(), language: "ja".into(), follows: false };
            chat.line().add_user(user);
        }
        chat.line().add_group(GROUP, &[AOI, REN]);
        chat.line().add_bot(GROUP, (wall_clock())());
        let ids = notes_ids(chat);
        let in_group = |event: Value| json!({ "destination": BOT, "events": [event] });
        let writes = |user: &str, message: Value| {
            in_group(message_event(message, Source::of(GROUP, Some(user)), (wall_clock())()))
        };
        let (first, beside) = (writes(AOI, text("bot one")), writes(REN, text("PRIVATE")));
        for webhook in [&first, &beside] {
            hears(chat, webhook).await;
        }
        let own = ids.lock().unwrap()[0].clone();
        for (quoted, line) in [
            (id_of(&first), "[quotes a person's earlier message: “Aoi: one”]\n"),
            (&own, "[quotes your earlier message: “answer to Aoi: one”]\n"),
            (id_of(&beside), UNSEEN),
        ] {
            hears(chat, &writes(REN, quoting(text("bot why?"), Some(quoted)))).await;
            assert_eq!(asked(chat), format!("Ren: {line}why?"));
        }
        assert!(!chat.kept().await.contains("PRIVATE"));
        // The newest words of an edited message are told.
        let asked_before = prompts(chat).len();
        chat.model().plan_fault(SLOW);
        hears_later(chat, &writes(REN, text("bot hold")), asked_before + 1).await;
        let changed = writes(AOI, text("bot old words"));
        chat.takes(changed.clone()).await;
        let newer = text_in_group("bot new words", &[]);
        let source = Source::of(GROUP, Some(AOI));
        hears(chat, &in_group(edited_event(id_of(&changed), newer, source, (wall_clock())()))).await;
        hears(chat, &writes(REN, quoting(text("bot why?"), Some(id_of(&changed))))).await;
        assert_eq!(asked(chat), "Ren: [quotes a person's earlier message: “Aoi: new words”]\nwhy?");
    }

    /// Posts this webhook, and waits until the model is asked.
    async fn hears_later(chat: &dyn Chat, webhook: &Value, times: usize) {
        chat.takes(webhook.clone()).await;
        is_asked(chat, times).await;
    }

    pub(super) async fn words_that_were_taken_back_or_forgotten_are_not_told(chat: &dyn Chat) {
        let ids = notes_ids(chat);
        let (first, second) = (says("my secret is wisteria"), says("and hydrangea"));
        for webhook in [&first, &second, &takes_back(&first)] {
            hears(chat, webhook).await;
        }
        let own = ids.lock().unwrap().clone();
        for quoted in [id_of(&first), &own[0]] {
            hears(chat, &quotes("what?", quoted)).await;
            assert_eq!(asked(chat), format!("{UNSEEN}what?"));
        }
        hears(chat, &quotes("what?", &own[1])).await;
        assert!(asked(chat).contains("hydrangea"));
        forgets(chat).await;
        let kept = chat.kept().await;
        assert!(!kept.contains("hydrangea"), "{kept}");
        for id in ids.lock().unwrap().iter() {
            assert!(!kept.contains(id.as_str()), "the ids go with the words: {id} {kept}");
        }
        for quoted in [id_of(&second), &own[1]] {
            hears(chat, &quotes("what?", quoted)).await;
            assert_eq!(asked(chat), format!("{UNSEEN}what?"));
        }
    }

    pub(super) async fn words_that_are_taken_back_while_they_are_used_are_in_no_answer(chat: &dyn Chat) {
        let ids = notes_ids(chat);
        let first = says("my secret is wisteria");
        hears(chat, &first).await;
        let own = ids.lock().unwrap()[0].clone();
        chat.model().plan_fault(SLOW);
        chat.takes(quotes("what is it?", &own)).await;
        is_asked(chat, 2).await;
        assert!(asked(chat).contains("wisteria"));
        chat.takes(takes_back(&first)).await;
        is_unsent(chat, &first).await;
        chat.drains().await;
        until("the question is not asked anew", || asked(chat) == format!("{UNSEEN}what is it?")).await;
        assert_eq!(said(chat)[1..], [format!("answer to {UNSEEN}what is it?")]);
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
    }

    pub(super) async fn a_question_that_is_asked_again_quotes_what_it_quoted(chat: &dyn Chat) {
        let first = says("one");
        for webhook in [&first, &says("two"), &quotes("why?", id_of(&first))] {
            hears(chat, webhook).await;
        }
        let quoted = "[quotes a person's earlier message: “one”]\nwhy?";
        for _ in 0..2 {
            hears(chat, &says("retry")).await;
            assert_eq!(asked(chat), quoted);
        }
        hears(chat, &takes_back(&first)).await;
        hears(chat, &says("retry")).await;
        assert_eq!(asked(chat), format!("{UNSEEN}why?"));
        // A question without an answer is asked again in the same way.
        let third = says("three");
        hears(chat, &third).await;
        chat.model().plan_error(400, "content_filter");
        hears(chat, &quotes("and this?", id_of(&third))).await;
        assert_eq!(chat.letters().await, 1);
        hears(chat, &says("retry")).await;
        assert_eq!(asked(chat), "[quotes a person's earlier message: “three”]\nand this?");
    }

    pub(super) async fn a_picture_that_was_answered_is_seen_where_it_is_quoted(chat: &dyn Chat) {
        let picture = image(&chat.line().holds("image/jpeg", jpeg(100)));
        let id = picture["id"].as_str().unwrap();
        let mut shown = says("");
        shown["events"][0]["message"] = picture.clone();
        hears(chat, &shown).await;
        hears(chat, &quotes("what is it?", id)).await;
        assert_eq!((asked(chat).as_str(), looks(chat, &picture)), ("what is it?", 2));
        assert!(said(chat)[1].ends_with("[image/jpeg, 100 bytes]"));
        hears(chat, &says("retry")).await;
        assert!(said(chat)[2].ends_with("what is it? [image/jpeg, 100 bytes]"), "it is fetched again");
        chat.line().faults.set_fault(
            &content_path(id),
            Some(&Fault::Respond(404, vec![], "{}".into())),
            false,
        );
        hears(chat, &quotes("and now?", id)).await;
        assert_eq!(asked(chat), "[quotes a picture that you cannot see]\nand now?");
    }

    pub(super) async fn a_quote_that_does_not_fit_is_left_out(chat: &dyn Chat) {
        let first = says("one");
        hears(chat, &first).await;
        let body =
            json!({ "error": { "message": "too long", "code": "context_length_exceeded" } }).to_string();
        for _ in 0..2 {
            chat.model().faults.plan_next(COMPLETIONS, Fault::Respond(400, vec![], body.clone()));
        }
        hears(chat, &quotes("why?", id_of(&first))).await;
        assert_eq!(said(chat)[1..], [format!("answer to {UNSEEN}why?")]);
    }
}
