//! One of several messages that are answered together is unsent, or all are forgotten: before the model answers,
//! before the answer arrives, and later.

use std::time::Duration;

use emulator::{faults::Fault, line::PUSH, model::COMPLETIONS};
use serde_json::Value;

use super::{asked, meanwhile, words};
use crate::harness::chat::{
    Chat, SLOW, forgets, is_asked, is_unsent, prompts, said, says, story, takes_back, until,
};

story!(one_taken_back_meanwhile_is_left_out, "BURST" = "merge");
story!(forgotten_meanwhile_none_of_them_is_asked_again, "BURST" = "merge");
story!(one_taken_back_later_takes_the_answer_along, "BURST" = "merge");
story!(one_taken_back_before_the_answer_arrived_costs_the_others_none, "BURST" = "merge");
story!(the_last_taken_back_before_the_answer_arrived_has_the_others_told, "BURST" = "merge");
story!(asked_anew_for_the_others_no_limit_holds, "BURST" = "merge", "ANSWERS_PER_DAY" = "2");
story!(of_two_taken_back_one_while_the_model_thinks_again_neither_is_said, "BURST" = "merge");
story!(one_taken_back_while_nobody_knows_is_an_operators, "BURST" = "merge");
story!(one_taken_back_within_an_attempt_costs_the_others_none, "BURST" = "merge");
story!(the_last_taken_back_within_an_attempt_has_the_others_told, "BURST" = "merge");
story!(the_last_taken_back_while_it_is_pushed_is_an_operators, "BURST" = "merge");

/// The wait that LINE asks for, in seconds: the first is longer than an attempt waits, the second is not.
const BETWEEN: &str = "6";
const WITHIN: &str = "5";

mod told {
    use super::*;

    /// Unsends one of three messages while LINE refuses their answer for the moment.
    async fn takes_back_unpushed(
        chat: &dyn Chat,
        which: usize,
        before: Option<Fault>,
        pause: &str,
    ) -> Vec<Value> {
        let limited = r#"{"message":"The API rate limit has been exceeded. Try again later."}"#;
        let limited = Fault::Respond(429, vec![("retry-after", pause.to_owned())], limited.to_owned());
        let faults: Vec<_> =
            [Fault::After(Duration::ZERO)].into_iter().chain(before).chain([limited]).collect();
        let tries = faults.len();
        for fault in faults {
            chat.line().faults.plan_next(PUSH, fault);
        }
        let messages = meanwhile(chat, &["one", "two", "three"], []).await;
        until("LINE is not asked", || chat.line().faults.seen(PUSH).len() >= tries).await;
        chat.takes(takes_back(&messages[which])).await;
        is_unsent(chat, &messages[which]).await;
        messages
    }

    pub(super) async fn one_taken_back_meanwhile_is_left_out(chat: &dyn Chat) {
        let messages = meanwhile(chat, &["one", "wisteria", "three"], [Fault::Hang]).await;
        is_asked(chat, 3).await;
        chat.takes(takes_back(&messages[1])).await;
        is_unsent(chat, &messages[1]).await;
        chat.model().faults.set_fault(COMPLETIONS, None, false);
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to one", "answer to three"]);
        assert!(!chat.kept().await.contains("wisteria"));
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn forgotten_meanwhile_none_of_them_is_asked_again(chat: &dyn Chat) {
        meanwhile(chat, &["wisteria", "two", "three"], [SLOW]).await;
        is_asked(chat, 3).await;
        forgets(chat).await;
        chat.drains().await;
        assert_eq!((said(chat), asked(chat).len()), (vec!["answer to hold".to_owned()], 1));
        assert_eq!((chat.kept().await.contains("wisteria"), chat.letters().await), (false, 0));
    }

    pub(super) async fn one_taken_back_later_takes_the_answer_along(chat: &dyn Chat) {
        let messages = meanwhile(chat, &["one", "wisteria", "three"], []).await;
        chat.drains().await;
        chat.takes(takes_back(&messages[1])).await;
        is_unsent(chat, &messages[1]).await;
        chat.drains().await;
        chat.takes(says("four")).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"));
        assert_eq!(prompts(chat).last().unwrap()[1..], ["answer to hold", "one", "three", "four"]);
    }

    pub(super) async fn one_taken_back_before_the_answer_arrived_costs_the_others_none(chat: &dyn Chat) {
        takes_back_unpushed(chat, 1, None, BETWEEN).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
        assert_eq!(asked(chat), [&["one", "two", "three"][..], &["one", "three"]].map(words));
        assert!(!chat.kept().await.contains("two"));
        chat.takes(says("four")).await;
        chat.drains().await;
        let all = ["answer to hold", "one", "three", "answer to three", "four"];
        assert_eq!((&prompts(chat).last().unwrap()[1..], chat.letters().await), (&words(&all)[..], 0));
    }

    pub(super) async fn the_last_taken_back_before_the_answer_arrived_has_the_others_told(chat: &dyn Chat) {
        takes_back_unpushed(chat, 2, None, BETWEEN).await;
        chat.drains().await;
        assert!(said(chat)[1].starts_with("Sorry"), "{:?}", said(chat));
        assert_eq!((said(chat).len(), asked(chat).len(), chat.letters().await), (2, 1, 1));
        assert!(!chat.kept().await.contains("three"), "the letter says nothing of it");
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat).len(), asked(chat).len()), (2, 1), "nobody is told twice");
        // The question that is left can be asked again, with the one before it.
        chat.takes(says("retry")).await;
        chat.drains().await;
        assert_eq!(asked(chat).last().unwrap(), &words(&["one", "two"]));
        assert_eq!(said(chat)[2..], ["answer to two"]);
    }

    pub(super) async fn asked_anew_for_the_others_no_limit_holds(chat: &dyn Chat) {
        takes_back_unpushed(chat, 0, None, BETWEEN).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
    }

    pub(super) async fn of_two_taken_back_one_while_the_model_thinks_again_neither_is_said(chat: &dyn Chat) {
        let messages = takes_back_unpushed(chat, 0, None, BETWEEN).await;
        chat.model().plan_fault(SLOW);
        is_asked(chat, 4).await;
        chat.takes(takes_back(&messages[1])).await;
        is_unsent(chat, &messages[1]).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
        assert_eq!(asked(chat), [&["one", "two", "three"][..], &["two", "three"], &["three"]].map(words));
        assert!(!chat.kept().await.contains("two"));
    }

    pub(super) async fn one_taken_back_within_an_attempt_costs_the_others_none(chat: &dyn Chat) {
        takes_back_unpushed(chat, 1, None, WITHIN).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
        assert_eq!(asked(chat), [&["one", "two", "three"][..], &["one", "three"]].map(words));
        assert_eq!((chat.line().faults.seen(PUSH).len(), chat.letters().await), (3, 0));
        assert!(!chat.kept().await.contains("two"));
    }

    pub(super) async fn the_last_taken_back_within_an_attempt_has_the_others_told(chat: &dyn Chat) {
        takes_back_unpushed(chat, 2, None, WITHIN).await;
        chat.drains().await;
        assert!(said(chat)[1].starts_with("Sorry"), "{:?}", said(chat));
        assert_eq!((said(chat).len(), asked(chat).len(), chat.letters().await), (2, 1, 1));
    }

    pub(super) async fn the_last_taken_back_while_it_is_pushed_is_an_operators(chat: &dyn Chat) {
        chat.line().faults.plan_next(PUSH, Fault::After(Duration::ZERO));
        chat.line().faults.plan_next(PUSH, Fault::Hang);
        let messages = meanwhile(chat, &["one", "two", "three"], []).await;
        until("LINE is not asked", || chat.line().faults.seen(PUSH).len() == 2).await;
        chat.takes(takes_back(&messages[2])).await;
        is_unsent(chat, &messages[2]).await;
        chat.line().faults.set_fault(PUSH, None, false);
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (words(&["answer to hold"]), 1));
        assert_eq!(chat.line().faults.seen(PUSH).len(), 2, "it is not pushed again");
    }

    pub(super) async fn one_taken_back_while_nobody_knows_is_an_operators(chat: &dyn Chat) {
        takes_back_unpushed(chat, 0, Some(Fault::Reset), BETWEEN).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (words(&["answer to hold"]), 1));
        assert!(!chat.kept().await.contains(r#""one""#));
    }
}
