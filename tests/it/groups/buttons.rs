//! Buttons in a group: they reach the bot without a call, and limits and rules count for the person who taps.

use emulator::line::{
    Message,
    phone::{Source, postback_event},
};
use serde_json::{Value, json};
use worker::{
    clock::wall_clock,
    locale::{Locale, Words},
};

use super::{AOI, GROUP, REN, gathers, hears, writes};
use crate::harness::chat::{Chat, prompts, said, story};

story!(a_tap_needs_no_call_and_counts_for_the_person_who_taps, "ANSWERS_PER_DAY" = "1");
story!(
    who_may_not_change_the_persona_does_not_by_a_button,
    "GROUP_PERSONA" = "Uaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
);
story!(a_loose_forget_of_a_group_asks_and_anybody_may_answer);
story!(a_question_without_an_answer_is_asked_again_by_its_button, "MAX_ATTEMPTS" = "1");
story!(privacy_tells_the_id_of_nobody_but_the_person_who_asks);

fn english() -> &'static Words {
    Locale::En.words()
}

/// Makes the event of a tap in the group.
fn taps(user: Option<&str>, data: &str) -> Value {
    postback_event(data, Source::of(GROUP, user), (wall_clock())())
}

fn newest(chat: &dyn Chat) -> Message {
    chat.line().sent().pop().unwrap().messages.pop().unwrap()
}

/// Returns the data of the buttons below the newest message; in a group each button has data.
fn buttons(chat: &dyn Chat) -> Vec<String> {
    newest(chat).buttons.into_iter().map(|button| button.data.unwrap()).collect()
}

mod told {
    use super::*;

    pub(super) async fn a_tap_needs_no_call_and_counts_for_the_person_who_taps(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, writes(AOI, "@Henji one")).await;
        assert_eq!(buttons(chat), ["henji:retry", "henji:help"]);
        hears(chat, taps(Some(REN), "henji:retry")).await;
        assert_eq!(prompts(chat), [["Aoi: one"], ["Aoi: one"]]);
        assert_eq!(buttons(chat), ["henji:retry", "henji:help"]);
        hears(chat, taps(Some(REN), "henji:help")).await;
        assert!(newest(chat).text.starts_with(english().help.lines().next().unwrap()));
        assert_eq!(buttons(chat), ["henji:retry", "henji:forget"]);
        // Each has the one answer of the day.
        for user in [AOI, REN, AOI] {
            hears(chat, taps(Some(user), "henji:retry")).await;
        }
        assert_eq!(chat.model().asked().len(), 2);
        assert_eq!(said(chat)[3..], [english().limit_answers; 2], "each is told once");
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn who_may_not_change_the_persona_does_not_by_a_button(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, writes(REN, "@Henji help")).await;
        assert_eq!(buttons(chat), ["henji:retry", "henji:forget"]);
        hears(chat, writes(AOI, "@Henji help")).await;
        assert_eq!(buttons(chat), ["henji:retry", "henji:persona", "henji:forget"]);
        hears(chat, taps(Some(AOI), "henji:persona")).await;
        let offered = buttons(chat);
        assert!(offered.contains(&"henji:persona:Teacher".to_owned()), "{offered:?}");
        for user in [Some(REN), None] {
            hears(chat, taps(user, "henji:persona:Teacher")).await;
            assert_eq!(newest(chat).text, english().group_persona);
        }
        hears(chat, writes(REN, "@Henji who are you?")).await;
        assert!(!chat.model().asked()[0].body.to_string().contains("patient teacher"));
        hears(chat, taps(Some(AOI), "henji:persona:Teacher")).await;
        assert_eq!(newest(chat).text, (english().persona_set)("Teacher"));
        hears(chat, writes(REN, "@Henji who are you?")).await;
        assert!(chat.model().asked()[1].body.to_string().contains("patient teacher"));
    }

    pub(super) async fn a_loose_forget_of_a_group_asks_and_anybody_may_answer(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, writes(AOI, "@Henji SECRET")).await;
        hears(chat, writes(AOI, "@Henji 全部忘れて🙏")).await;
        assert_eq!(newest(chat).text, english().ask_forget);
        assert_eq!(buttons(chat), ["henji:forget", "henji:keep"]);
        hears(chat, writes(AOI, "PRIVATE lunch?")).await;
        hears(chat, taps(None, "henji:forget")).await;
        assert_eq!(newest(chat).text, english().forgotten);
        assert!(!chat.kept().await.contains("SECRET"), "{}", chat.kept().await);
    }

    pub(super) async fn a_question_without_an_answer_is_asked_again_by_its_button(chat: &dyn Chat) {
        gathers(chat);
        for _ in 0..3 {
            chat.model().plan_error(500, "server_error");
        }
        hears(chat, writes(AOI, "@Henji one")).await;
        assert_eq!(
            (newest(chat).text.as_str(), &buttons(chat)[..]),
            (english().no_answer, &["henji:retry".to_owned()][..])
        );
        hears(chat, taps(Some(REN), "henji:retry")).await;
        assert_eq!(newest(chat).text, "answer to Aoi: one");
    }

    pub(super) async fn privacy_tells_the_id_of_nobody_but_the_person_who_asks(chat: &dyn Chat) {
        gathers(chat);
        hears(chat, writes(AOI, "@Henji hello")).await;
        for user in [Some(AOI), Some(REN), None] {
            hears(chat, taps(user, "henji:privacy")).await;
            let told = newest(chat).text;
            for id in [AOI, REN, GROUP] {
                assert_eq!(told.contains(id), user == Some(id), "{told}");
            }
        }
        assert_eq!(json!(buttons(chat)), json!(["henji:forget"]));
    }
}
