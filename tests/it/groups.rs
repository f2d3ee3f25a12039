//! Groups and rooms, on one machine and on Lambda.

use std::time::Duration;

use emulator::{
    faults::Fault,
    line::{
        LOADING, PUSH,
        phone::{BOT, Source, User, edited_event, message_event},
        said::{quoting, text, text_in_group},
    },
};
use serde_json::{Value, json};
use worker::clock::wall_clock;

use crate::harness::chat::{Chat, is_asked, notes_ids, prompts, said, story};

mod buttons;
mod changes;

const GROUP: &str = "Caf9a0c8de0b7f4d3a1d2c3b4a5968778";
const AOI: &str = "Uaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const REN: &str = "Ubbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

story!(only_what_is_said_to_the_bot_is_answered_and_who_said_it_is_known, "GROUP_PREFIX" = "ボット");
story!(who_quotes_the_bot_speaks_to_it_and_who_quotes_somebody_else_does_not, "DELIVERY" = "reply-first");
story!(an_answer_whose_receipt_was_lost_can_be_quoted_all_the_same);
story!(a_group_and_a_private_chat_are_strangers);
story!(the_webhook_says_what_is_a_group_whatever_letter_its_id_begins_with);
story!(coming_in_it_says_how_it_is_called_and_leaving_it_forgets, "GROUP_PREFIX" = "bot");
story!(a_persona_is_not_for_everybody_in_a_group_to_change, "ANSWERS_PER_DAY" = "9");
story!(who_is_allowed_changes_a_groups_persona, "GROUP_PERSONA" = "on");
story!(limits_are_each_persons_own, "ANSWERS_PER_DAY" = "1");
story!(of_what_waits_in_a_group_one_persons_messages_are_answered_together, "BURST" = "merge");
story!(a_message_of_a_group_that_is_taken_back_is_not_answered);
story!(a_group_that_was_left_is_silence_and_no_dead_letter, "DELIVERY" = "push");

/// Makes the webhook of an event.
fn webhook(event: Value) -> Value {
    json!({ "destination": BOT, "events": vec![event] })
}

/// Makes a group of two people and the bot.
fn gathers(chat: &dyn Chat) {
    for (id, name) in [(AOI, "Aoi"), (REN, "Ren\n\u{202e}x")] {
        let user = User { id: id.into(), name: name.into(), language: "ja".into(), follows: false };
        chat.line().add_user(user);
    }
    chat.line().add_group(GROUP, &[AOI, REN]);
    chat.line().add_bot(GROUP, (wall_clock())());
}

/// Makes the event of a message in the group; `@` names in it become mentions.
fn writes(user: &str, words: &str) -> Value {
    message_event(text_in_group(words, &[]), Source::of(GROUP, Some(user)), (wall_clock())())
}

/// Makes the event of an edit.
fn changes(message: &Value, words: &str) -> Value {
    let id = message["message"]["id"].as_str().unwrap();
    let user = message["source"]["userId"].as_str().unwrap();
    edited_event(id, text_in_group(words, &[]), Source::of(GROUP, Some(user)), (wall_clock())())
}

async fn hears(chat: &dyn Chat, event: Value) {
    chat.takes(webhook(event)).await;
    chat.drains().await;
}

/// The time that the model takes where something has to happen meanwhile.
const SLOW: Fault = Fault::After(Duration::from_secs(2));

mod told {
    use super::*;

    pub(super) async fn of_what_waits_in_a_group_one_persons_messages_are_answered_together(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        chat.takes(webhook(writes(REN, "@Henji hold"))).await;
        is_asked(chat, 1).await;
        let changed = writes(AOI, "@Henji three");
        for (user, words) in [(AOI, "@Henji one"), (AOI, "@Henji two"), (REN, "@Henji beside")] {
            chat.takes(webhook(writes(user, words))).await;
        }
        chat.takes(webhook(changed.clone())).await;
        chat.takes(webhook(writes(AOI, "@Henji four"))).await;
        chat.takes(webhook(changes(&changed, "@Henji drei"))).await;
        chat.drains().await;
        let answers = ["hold", "two", "beside"].map(|text| said(chat).iter().any(|it| it.ends_with(text)));
        assert_eq!(answers, [true; 3], "{:?}", said(chat));
        assert!(!said(chat).iter().any(|it| it.ends_with("one")), "{:?}", said(chat));
        let prompts = prompts(chat);
        let together = prompts.iter().find(|prompt| prompt.last().unwrap() == "Aoi: two").unwrap();
        assert_eq!(together[together.len() - 2..], ["Aoi: one", "Aoi: two"]);
        // A message that was edited while it waited is answered in its newest text, and once.
        let count = |text: &str| prompts.last().unwrap().iter().filter(|it| *it == text).count();
        assert_eq!((count("Aoi: drei"), count("Aoi: three")), (1, 0), "{prompts:?}");
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn only_what_is_said_to_the_bot_is_answered_and_who_said_it_is_known(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, writes(AOI, "PRIVATE lunch?")).await;
        hears(chat, writes(AOI, "@All PRIVATE lunch?")).await;
        hears(chat, writes(AOI, "@Henji what is ramen?")).await;
        hears(chat, writes(REN, "ﾎﾞｯﾄ、and soba?")).await;
        let nobody =
            message_event(text_in_group("@Henji and udon?", &[]), Source::of(GROUP, None), (wall_clock())());
        hears(chat, nobody).await;
        assert_eq!(
            prompts(chat).last().unwrap()[..],
            [
                "Aoi: what is ramen?",
                "answer to Aoi: what is ramen?",
                "Ren x: and soba?",
                "answer to Ren x: and soba?",
                "and udon?"
            ]
        );
        let system = chat.model().asked()[0].body["messages"][0]["content"].as_str().unwrap().to_owned();
        assert!(system.contains("group chat"), "{system}");
        let kept = chat.kept().await;
        assert!(kept.contains("what is ramen?") && !kept.contains("PRIVATE"), "{kept}");
        assert!(chat.line().faults.seen(LOADING).is_empty(), "groups have no animation");
        let sent = chat.line().sent();
        assert_eq!(sent.len(), 3);
        let answers = sent.iter().flat_map(|sent| &sent.messages);
        assert!(answers.clone().all(|answer| answer.quotes.is_some()), "each quotes what it answers");
        let buttons: Vec<_> = answers.flat_map(|answer| &answer.buttons).collect();
        assert!(buttons.iter().all(|button| button.data.is_some()), "a text would call nobody: {buttons:?}");
    }

    pub(super) async fn who_quotes_the_bot_speaks_to_it_and_who_quotes_somebody_else_does_not(
        chat: &dyn Chat,
    ) {
        let ids = notes_ids(chat);
        gathers(chat);
        let first = writes(AOI, "@Henji one");
        let strangers = first["message"]["id"].as_str().unwrap().to_owned();
        hears(chat, first).await;
        let quotes = |words: &str, quoted: &str| {
            message_event(quoting(text(words), Some(quoted)), Source::of(GROUP, Some(REN)), (wall_clock())())
        };
        hears(chat, quotes("PRIVATE two", &strangers)).await;
        assert_eq!(said(chat), ["answer to Aoi: one"]);
        assert!(!chat.kept().await.contains("PRIVATE"));
        let own = ids.lock().unwrap()[0].clone();
        hears(chat, quotes("three", &own)).await;
        assert!(matches!(&said(chat)[1..], [it] if it.ends_with("three")), "{:?}", said(chat));
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn an_answer_whose_receipt_was_lost_can_be_quoted_all_the_same(chat: &dyn Chat) {
        let ids = notes_ids(chat);
        gathers(chat);
        chat.line().faults.plan_next(PUSH, Fault::Lose);
        hears(chat, writes(AOI, "@Henji one")).await;
        let own = ids.lock().unwrap()[0].clone();
        let quote =
            message_event(quoting(text("two"), Some(&own)), Source::of(GROUP, Some(AOI)), (wall_clock())());
        hears(chat, quote).await;
        assert!(matches!(&said(chat)[1..], [it] if it.ends_with("two")), "{:?}", said(chat));
    }

    pub(super) async fn a_group_and_a_private_chat_are_strangers(chat: &dyn Chat) {
        gathers(chat);
        let alone = |words: &str| message_event(text(words), AOI, (wall_clock())());
        hears(chat, alone("mine")).await;
        hears(chat, writes(AOI, "@Henji ours")).await;
        hears(chat, alone("and now?")).await;
        let elsewhere = Source::of("Rbf9a0c8de0b7f4d3a1d2c3b4a5968778", Some(AOI));
        hears(chat, message_event(text_in_group("@Henji a room", &[]), elsewhere, (wall_clock())())).await;
        let prompts = prompts(chat);
        assert_eq!(
            prompts[1..],
            [
                vec!["Aoi: ours".to_owned()],
                ["mine", "answer to mine", "and now?"].map(ToOwned::to_owned).to_vec(),
                vec!["Aoi: a room".to_owned()],
            ]
        );
        hears(chat, writes(REN, "@Henji forget")).await;
        let kept = chat.kept().await;
        assert!(!kept.contains("ours") && kept.contains("mine"), "{kept}");
    }

    pub(super) async fn the_webhook_says_what_is_a_group_whatever_letter_its_id_begins_with(chat: &dyn Chat) {
        gathers(chat);
        let (group, person) = ("Udf9a0c8de0b7f4d3a1d2c3b4a5968778", "Ccccccccccccccccccccccccccccccccc");
        chat.line().add_group(group, &[AOI]);
        chat.line().add_bot(group, (wall_clock())());
        let mut event =
            message_event(text_in_group("@Henji hello", &[]), Source::of(GROUP, Some(AOI)), (wall_clock())());
        event["source"] = json!({ "type": "group", "groupId": group, "userId": AOI });
        hears(chat, event).await;
        assert_eq!(prompts(chat).last().unwrap()[..], ["Aoi: hello"]);
        let asked = |path: &str| chat.line().faults.seen(path).len();
        assert_eq!(asked(&format!("/v2/bot/group/{group}/member/{AOI}")), 1);
        assert_eq!(asked(LOADING), 0, "groups have no animation");
        hears(chat, message_event(text("and I?"), person, (wall_clock())())).await;
        assert_eq!(prompts(chat).last().unwrap()[..], ["and I?"]);
        assert_eq!(asked(LOADING), 1);
        let sent = chat.line().sent();
        assert_eq!(sent.iter().map(|sent| sent.to.as_str()).collect::<Vec<_>>(), [group, person]);
    }

    pub(super) async fn coming_in_it_says_how_it_is_called_and_leaving_it_forgets(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, chat.line().add_bot(GROUP, (wall_clock())())).await;
        let hello = said(chat).remove(0);
        assert!(["@", "bot", "forget"].iter().all(|word| hello.contains(word)), "{hello}");
        hears(chat, writes(AOI, "@Henji SECRET")).await;
        assert!(chat.kept().await.contains("SECRET"));
        hears(chat, chat.line().remove_bot(GROUP, (wall_clock())())).await;
        assert!(!chat.kept().await.contains("SECRET"), "{}", chat.kept().await);
    }

    pub(super) async fn a_persona_is_not_for_everybody_in_a_group_to_change(chat: &dyn Chat) {
        gathers(chat);
        for _ in 0..2 {
            hears(chat, writes(REN, "@Henji persona: a pirate")).await;
        }
        assert_eq!(said(chat).len(), 1, "told once: {:?}", said(chat));
        hears(chat, message_event(text("persona: a pirate"), REN, (wall_clock())())).await;
        assert!(said(chat)[1].contains("pirate"), "it is everybody's right in private");
        hears(chat, writes(AOI, "@Henji help")).await;
        let help = &said(chat)[2];
        assert!(help.contains("(@)") && help.contains("retry") && !help.contains("persona"), "{help}");
        hears(chat, writes(AOI, "@Henji who are you?")).await;
        assert!(!chat.model().asked()[0].body.to_string().contains("pirate"));
    }

    pub(super) async fn who_is_allowed_changes_a_groups_persona(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, writes(REN, "@Henji persona: a pirate")).await;
        hears(chat, writes(AOI, "@Henji who are you?")).await;
        assert!(chat.model().asked()[0].body.to_string().contains("pirate"));
        hears(chat, writes(REN, "@Henji help")).await;
        hears(chat, writes(REN, "@Henji persona")).await;
        let [help, ask] = &said(chat)[2..] else { panic!("{:?}", said(chat)) };
        assert!(help.contains("(@)") && help.contains("persona"), "{help}");
        assert!(
            ask.contains("Teacher, ") && !ask.contains("below"),
            "not all devices show the buttons: {ask}"
        );
    }

    pub(super) async fn limits_are_each_persons_own(chat: &dyn Chat) {
        gathers(chat);
        for event in [
            writes(AOI, "@Henji one"),
            writes(AOI, "@Henji two"),
            writes(REN, "@Henji three"),
            message_event(text("four"), AOI, (wall_clock())()),
        ] {
            hears(chat, event).await;
        }
        assert_eq!(chat.model().asked().len(), 2);
        assert_eq!(said(chat).len(), 3, "Aoi is told once: {:?}", said(chat));
    }

    pub(super) async fn a_message_of_a_group_that_is_taken_back_is_not_answered(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        let message = writes(AOI, "@Henji SECRET");
        chat.takes(webhook(message.clone())).await;
        is_asked(chat, 1).await;
        chat.takes(webhook(changes(&message, "@Henji SECRET too"))).await;
        let id = message["message"]["id"].as_str().unwrap();
        let unsent = chat.line().unsends(Source::of(GROUP, Some(AOI)), id, (wall_clock())());
        chat.takes(webhook(unsent)).await;
        chat.drains().await;
        assert!(said(chat).is_empty());
        assert!(!chat.kept().await.contains("SECRET"), "{}", chat.kept().await);
    }

    pub(super) async fn a_group_that_was_left_is_silence_and_no_dead_letter(chat: &dyn Chat) {
        gathers(chat);
        chat.model().plan_fault(SLOW);
        chat.takes(webhook(writes(AOI, "@Henji hello"))).await;
        is_asked(chat, 1).await;
        let leave = chat.line().remove_bot(GROUP, (wall_clock())());
        chat.drains().await;
        assert_eq!((chat.letters().await, said(chat).len()), (0, 0));
        hears(chat, leave).await;
        assert!(!chat.kept().await.contains("hello"), "{}", chat.kept().await);
        // A refusal while the bot is in the group still gives a dead letter.
        chat.line().add_bot(GROUP, (wall_clock())());
        chat.line().plan_error(PUSH, 400, "no");
        hears(chat, writes(AOI, "@Henji hello")).await;
        assert_eq!(chat.letters().await, 1);
    }
}
