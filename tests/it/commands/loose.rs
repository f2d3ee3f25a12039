//! Loose forms of the commands, buttons that send data, and the command *privacy*, on one machine and on Lambda.

use emulator::line::{Message, phone::postback_event};
use serde_json::{Value, json};
use worker::clock::wall_clock;

use super::english;
use crate::harness::{
    chat::{Chat, SLOW, is_asked, prompts, said, says, story},
    local::USER,
};

story!(a_loose_forget_asks_and_its_button_forgets_what_was_said_since_too);
story!(who_keeps_the_conversation_loses_nothing);
story!(a_tapped_forget_overtakes_the_answer_under_way);
story!(a_tap_that_line_delivers_twice_is_done_once);
story!(who_has_reached_the_limit_may_forget_all_the_same, "ANSWERS_PER_DAY" = "1");
story!(
    who_is_not_on_the_list_may_forget_and_nothing_else,
    "ALLOWED_USERS" = "U4af4980629000000000000000000000b"
);
story!(data_of_others_and_absurd_data_is_skipped);
story!(what_is_typed_is_never_data);
story!(loose_words_act_at_once);
story!(privacy_tells_what_is_kept_and_the_persons_id, "HISTORY_TTL_DAYS" = "30", "ANSWERS_PER_DAY" = "1");

/// Makes the webhook of a tap in a private chat.
fn taps(user: &str, data: &str) -> Value {
    json!({ "destination": "U0", "events": [postback_event(data, user, (wall_clock())())] })
}

async fn hears(chat: &dyn Chat, webhook: Value) {
    chat.takes(webhook).await;
    chat.drains().await;
}

/// Returns the newest message of the bot.
fn newest(chat: &dyn Chat) -> Message {
    chat.line().sent().pop().unwrap().messages.pop().unwrap()
}

/// Returns the data of the button with this label below the newest message.
fn data(chat: &dyn Chat, label: &str) -> String {
    let message = newest(chat);
    let button = message.buttons.iter().find(|button| button.label == label);
    button.unwrap_or_else(|| panic!("{message:?}")).data.clone().unwrap()
}

mod told {
    use super::*;

    pub(super) async fn a_loose_forget_asks_and_its_button_forgets_what_was_said_since_too(chat: &dyn Chat) {
        hears(chat, says("my name is Momotaro-five")).await;
        hears(chat, says("ぜんぶ忘れて！！")).await;
        assert_eq!(newest(chat).text, english().ask_forget);
        let labels: Vec<_> = newest(chat).buttons.into_iter().map(|button| button.label).collect();
        assert_eq!(labels, [english().labels.delete, english().labels.keep]);
        let delete = data(chat, english().labels.delete);
        hears(chat, says("I am Momotaro-six now")).await;
        assert!(chat.kept().await.contains("Momotaro-five"), "nothing is forgotten yet");
        hears(chat, taps(USER, &delete)).await;
        assert_eq!(newest(chat).text, english().forgotten);
        assert!(!chat.kept().await.contains("Momotaro"), "{}", chat.kept().await);
        hears(chat, says("who am I?")).await;
        assert_eq!(prompts(chat).last().unwrap()[..], ["who am I?"]);
        assert_eq!((chat.model().asked().len(), chat.letters().await), (3, 0));
    }

    pub(super) async fn who_keeps_the_conversation_loses_nothing(chat: &dyn Chat) {
        hears(chat, says("one")).await;
        hears(chat, says("please forget 🙏")).await;
        let keep = data(chat, english().labels.keep);
        hears(chat, taps(USER, &keep)).await;
        assert_eq!(newest(chat).text, english().kept);
        hears(chat, says("two")).await;
        assert_eq!(prompts(chat).last().unwrap()[..], ["one", "answer to one", "two"]);
        assert_eq!(chat.model().asked().len(), 2);
    }

    pub(super) async fn a_tapped_forget_overtakes_the_answer_under_way(chat: &dyn Chat) {
        chat.model().plan_fault(SLOW);
        chat.takes(says("Momotaro-seven")).await;
        is_asked(chat, 1).await;
        hears(chat, taps(USER, "henji:forget")).await;
        assert_eq!(said(chat), [english().forgotten]);
        assert!(!chat.kept().await.contains("Momotaro"), "{}", chat.kept().await);
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_tap_that_line_delivers_twice_is_done_once(chat: &dyn Chat) {
        hears(chat, says("one")).await;
        let tap = taps(USER, "henji:retry");
        hears(chat, tap.clone()).await;
        let mut again = tap;
        again["events"][0]["deliveryContext"]["isRedelivery"] = true.into();
        hears(chat, again).await;
        assert_eq!(said(chat), ["answer to one", "answer to one"]);
        assert_eq!(chat.model().asked().len(), 2);
    }

    pub(super) async fn who_has_reached_the_limit_may_forget_all_the_same(chat: &dyn Chat) {
        hears(chat, says("Momotaro-eight")).await;
        hears(chat, says("忘れてください")).await;
        assert_eq!(newest(chat).text, english().ask_forget);
        let delete = data(chat, english().labels.delete);
        hears(chat, taps(USER, &delete)).await;
        assert_eq!(newest(chat).text, english().forgotten);
        assert!(!chat.kept().await.contains("Momotaro"), "{}", chat.kept().await);
        for data in ["henji:retry", "henji:continue"] {
            hears(chat, taps(USER, data)).await;
        }
        assert_eq!(chat.model().asked().len(), 1);
        assert_eq!(said(chat).len(), 4, "the limit is told once: {:?}", said(chat));
    }

    pub(super) async fn who_is_not_on_the_list_may_forget_and_nothing_else(chat: &dyn Chat) {
        hears(chat, says("忘れて〜")).await;
        for data in ["henji:keep", "henji:forget", "henji:help", "henji:retry", "henji:privacy"] {
            hears(chat, taps(USER, data)).await;
        }
        assert_eq!(
            said(chat),
            [english().ask_forget, english().kept, english().forgotten, english().not_allowed]
        );
        assert!(chat.model().asked().is_empty());
    }

    pub(super) async fn data_of_others_and_absurd_data_is_skipped(chat: &dyn Chat) {
        let long = format!("henji:persona:{}", "x".repeat(1_000_000));
        for data in ["action=buy&itemid=111", "", "forget", "忘れて", "henji:", "henji:unknown", &long] {
            chat.takes(taps(USER, data)).await;
        }
        for odd in [Value::Null, json!({}), json!({ "data": 7 }), json!({ "data": ["henji:forget"] })] {
            let mut webhook = taps(USER, "henji:help");
            webhook["events"][0]["postback"] = odd;
            chat.takes(webhook).await;
        }
        hears(chat, taps(USER, "henji:help")).await;
        assert_eq!(said(chat), [english().help]);
        assert_eq!((chat.model().asked().len(), chat.letters().await), (0, 0));
    }

    pub(super) async fn what_is_typed_is_never_data(chat: &dyn Chat) {
        hears(chat, says("one")).await;
        hears(chat, says("henji:forget")).await;
        assert_eq!(prompts(chat).last().unwrap()[..], ["one", "answer to one", "henji:forget"]);
    }

    pub(super) async fn loose_words_act_at_once(chat: &dyn Chat) {
        hears(chat, says("one")).await;
        hears(chat, says("もう一回！！")).await;
        hears(chat, says("続きは？")).await;
        let prompt = prompts(chat).pop().unwrap();
        assert_eq!(prompt[..2], ["one", "answer to one"]);
        assert!(prompt[2].starts_with("Continue your last answer"), "{prompt:?}");
        hears(chat, says("try again please")).await;
        assert_eq!(prompts(chat).pop().unwrap(), prompt, "it goes on again from the same place");
        // The data of a button is in no prompt.
        hears(chat, taps(USER, "henji:continue")).await;
        hears(chat, says("two")).await;
        let all = format!("{:?}", prompts(chat));
        assert!(all.contains("\"continue\"") && !all.contains("henji:"), "{all}");
        let asked = chat.model().asked().len();
        hears(chat, says("使い方教えて〜")).await;
        assert_eq!((newest(chat).text.as_str(), chat.model().asked().len()), (english().help, asked));
    }

    pub(super) async fn privacy_tells_what_is_kept_and_the_persons_id(chat: &dyn Chat) {
        hears(chat, says("one")).await;
        for text in ["privacy", "プライバシー？", "個人情報"] {
            hears(chat, says(text)).await;
            let told = newest(chat).text;
            for fact in [USER, "30 days", "\"forget\"", "the company that runs the AI model"] {
                assert!(told.contains(fact), "{fact}: {told}");
            }
        }
        assert_eq!((said(chat).len(), chat.model().asked().len()), (4, 1));
    }
}
