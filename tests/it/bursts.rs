//! People send three short messages instead of one: the bot answers them together where this is set, and only once,
//! whatever happens.

use std::time::Duration;

use emulator::{
    faults::Fault,
    line::PUSH,
    model::{COMPLETIONS, Model},
};
use serde_json::{Value, json};

use crate::harness::{
    chat::{Chat, is_asked, prompts, said, says, story},
    local::Bot,
};

mod taken_back;

story!(each_message_is_answered_unless_it_is_wanted_otherwise);
story!(what_waits_together_is_answered_together_once, "BURST" = "merge", "ANSWERS_PER_DAY" = "2");
story!(a_command_stands_alone, "BURST" = "merge");
story!(at_most_ten_are_answered_together, "BURST" = "merge");
story!(one_that_is_refused_spoils_no_other, "BURST" = "merge");
story!(a_model_that_fails_for_a_while_is_asked_again_about_all_of_them, "BURST" = "merge");
story!(
    a_model_that_fails_for_good_has_each_of_them_given_up_and_redriven,
    "BURST" = "merge",
    "MAX_ATTEMPTS" = "1"
);
story!(what_brings_no_answer_together_is_paid_for_three_times, "BURST" = "merge");
story!(a_wait_that_does_not_fit_ends_each_of_them, "BURST" = "merge");
story!(
    what_is_too_long_together_is_asked_apart,
    "BURST" = "merge",
    "CONTEXT_TOKENS" = "270",
    "MAX_TOKENS" = "100"
);
story!(a_limit_is_told_as_ever, "BURST" = "merge", "QUESTION_MAX_CHARACTERS" = "5");
story!(asked_again_all_of_them_are_answered, "BURST" = "merge");
story!(an_answer_that_line_refuses_is_redriven_alone, "BURST" = "merge");
story!(what_line_delivers_again_is_silence, "BURST" = "merge");
story!(the_free_reply_is_the_last_ones, "BURST" = "merge", "DELIVERY" = "reply-first");

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Posts all these texts while the model is busy with another question; then the model does these faults.
async fn meanwhile(chat: &dyn Chat, texts: &[&str], faults: impl IntoIterator<Item = Fault>) -> Vec<Value> {
    let asked = prompts(chat).len();
    chat.model().plan_fault(Fault::Hang);
    chat.takes(says("hold")).await;
    is_asked(chat, asked + 1).await;
    let said: Vec<_> = texts.iter().map(|text| says(text)).collect();
    for message in &said {
        chat.takes(message.clone()).await;
    }
    chat.model().faults.set_fault(COMPLETIONS, None, false);
    // The model is asked first about the question whose call broke off.
    chat.model().plan_fault(Fault::After(Duration::ZERO));
    faults.into_iter().for_each(|fault| chat.model().plan_fault(fault));
    said
}

fn refuses() -> Fault {
    error(400, "content_policy_violation")
}

fn error(status: u16, code: &str) -> Fault {
    let error =
        json!({ "message": "on purpose", "type": "invalid_request_error", "param": null, "code": code });
    Fault::Respond(status, vec![], json!({ "error": error }).to_string())
}

/// Returns the prompts, without those of the question that was held up.
fn asked(chat: &dyn Chat) -> Vec<Vec<String>> {
    let new = |prompt: Vec<String>| {
        let from = prompt.iter().rposition(|text| text.starts_with("answer to ")).map_or(0, |at| at + 1);
        prompt[from..].to_vec()
    };
    prompts(chat).into_iter().map(new).filter(|prompt| *prompt != ["hold"]).collect()
}

/// Tests this on one machine only: on Lambda the third attempt would be forty seconds later.
#[tokio::test]
async fn what_failed_together_twice_is_asked_apart() {
    let chat = Bot::with(&[("BURST", "merge")], |_| {}).await;
    meanwhile(&chat, &["one", "two"], (0..6).map(|_| error(500, "server_error"))).await;
    chat.drains().await;
    let apart = [words(&["one"]), words(&["two"])];
    assert_eq!(asked(&chat), [&vec![words(&["one", "two"]); 6][..], &apart].concat());
    assert_eq!(said(&chat)[1..], ["answer to one", "answer to two"]);
}

mod told {
    use super::*;

    pub(super) async fn each_message_is_answered_unless_it_is_wanted_otherwise(chat: &dyn Chat) {
        meanwhile(chat, &["one", "two", "three"], []).await;
        chat.drains().await;
        assert_eq!(said(chat), ["hold", "one", "two", "three"].map(|text| format!("answer to {text}")));
    }

    pub(super) async fn what_waits_together_is_answered_together_once(chat: &dyn Chat) {
        meanwhile(chat, &["one", "two", "three"], []).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
        let all = ["hold", "answer to hold", "one", "two", "three"];
        assert_eq!(prompts(chat).last().unwrap(), &all);
        // Each message has a row of its own, and the answer counts once.
        assert!(chat.kept().await.contains("two"));
        chat.takes(says("four")).await;
        chat.drains().await;
        assert!(said(chat)[2].starts_with("We have talked a lot today"), "{:?}", said(chat));
    }

    pub(super) async fn a_command_stands_alone(chat: &dyn Chat) {
        meanwhile(chat, &["one", "two", "help", "three", "four", "retry"], []).await;
        chat.drains().await;
        let said = said(chat);
        assert_eq!((&*said[1], &*said[3], &*said[4]), ("answer to two", "answer to four", "answer to four"));
        assert_eq!(said.len(), 5);
        assert_eq!(asked(chat), [["one", "two"], ["three", "four"], ["three", "four"]].map(|it| words(&it)));
    }

    pub(super) async fn at_most_ten_are_answered_together(chat: &dyn Chat) {
        let texts: Vec<_> = (0..12).map(|n| format!("message {n}")).collect();
        meanwhile(chat, &texts.iter().map(String::as_str).collect::<Vec<_>>(), []).await;
        chat.drains().await;
        assert_eq!(asked(chat), [&texts[..10], &texts[10..]]);
        assert_eq!(said(chat)[1..], ["answer to message 9", "answer to message 11"]);
    }

    pub(super) async fn one_that_is_refused_spoils_no_other(chat: &dyn Chat) {
        meanwhile(chat, &["one", "bad", "three"], [refuses(), Fault::After(Duration::ZERO), refuses()]).await;
        chat.drains().await;
        let said = said(chat);
        assert!(said[2].starts_with("Sorry"), "{said:?}");
        assert_eq!((&*said[1], &*said[3], said.len()), ("answer to one", "answer to three", 4));
        assert_eq!(asked(chat), [&["one", "bad", "three"][..], &["one"], &["bad"], &["three"]].map(words));
        assert_eq!(chat.letters().await, 1);
    }

    pub(super) async fn a_model_that_fails_for_a_while_is_asked_again_about_all_of_them(chat: &dyn Chat) {
        // The model fails for as many calls as one attempt makes, and works in the next attempt.
        let fails = (0..3).map(|_| error(500, "server_error"));
        meanwhile(chat, &["one", "two"], fails).await;
        // On Lambda the next attempt would be ten seconds later.
        is_asked(chat, 2 + 3).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to two"]);
        assert_eq!(asked(chat), vec![words(&["one", "two"]); 4]);
    }

    pub(super) async fn a_model_that_fails_for_good_has_each_of_them_given_up_and_redriven(chat: &dyn Chat) {
        // In the only attempt each question is asked alone.
        let fails = (0..6).map(|_| error(500, "server_error"));
        meanwhile(chat, &["one", "two"], fails).await;
        chat.drains().await;
        assert_eq!(asked(chat), [["one"], ["one"], ["one"], ["two"], ["two"], ["two"]].map(|it| words(&it)));
        assert_eq!((said(chat).len(), chat.letters().await), (3, 2));
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat)[3..], ["answer to one", "answer to two"]);
    }

    pub(super) async fn what_brings_no_answer_together_is_paid_for_three_times(chat: &dyn Chat) {
        let nonsense = (0..9).map(|_| Fault::Respond(200, vec![], "<html>".into()));
        meanwhile(chat, &["one", "two"], nonsense).await;
        chat.drains().await;
        assert_eq!(asked(chat), vec![words(&["one", "two"]); 3]);
        assert_eq!((said(chat).len(), chat.letters().await), (3, 2));
        assert!(said(chat)[1..].iter().all(|text| text.starts_with("Sorry")), "{:?}", said(chat));
        chat.model().faults.behave();
        chat.redrives().await;
        chat.drains().await;
        // The first may be worked on before the second is put back.
        let answers = &said(chat)[3..];
        assert!(answers == ["answer to two"] || answers == ["answer to one", "answer to two"], "{answers:?}");
    }

    pub(super) async fn a_wait_that_does_not_fit_ends_each_of_them(chat: &dyn Chat) {
        let tomorrow = vec![("retry-after", "86400".to_owned())];
        meanwhile(chat, &["one", "two"], [Fault::Respond(429, tomorrow, String::new())]).await;
        chat.drains().await;
        assert_eq!(asked(chat), [words(&["one", "two"])]);
        assert_eq!((said(chat).len(), chat.letters().await), (3, 2));
    }

    pub(super) async fn what_is_too_long_together_is_asked_apart(chat: &dyn Chat) {
        let long = |word: &str| format!("{word} ").repeat(80).trim().to_owned();
        let (one, two) = (long("one"), long("two"));
        meanwhile(chat, &[&one, &two], []).await;
        chat.drains().await;
        assert_eq!(said(chat)[1..], [&one, &two].map(|text| format!("answer to {text}")));
        assert_eq!(prompts(chat).last().unwrap().last().unwrap(), &two);
    }

    pub(super) async fn a_limit_is_told_as_ever(chat: &dyn Chat) {
        meanwhile(chat, &["one", "this is too long", "three"], []).await;
        chat.drains().await;
        let said = said(chat);
        assert_eq!((&*said[1], &*said[3], said.len()), ("answer to one", "answer to three", 4));
        assert!(said[2].starts_with("Sorry, I can read 5 characters"), "{said:?}");
    }

    pub(super) async fn asked_again_all_of_them_are_answered(chat: &dyn Chat) {
        meanwhile(chat, &["one", "two", "three"], []).await;
        chat.drains().await;
        let again = |model: &Model| model.plan_answer("another answer");
        again(chat.model());
        for text in ["retry", "four"] {
            chat.takes(says(text)).await;
            chat.drains().await;
        }
        let prompts = prompts(chat);
        let all = ["hold", "answer to hold", "one", "two", "three"];
        assert_eq!(prompts[prompts.len() - 2], all);
        assert_eq!(prompts[prompts.len() - 1], [&all[..], &["another answer", "four"]].concat());
    }

    pub(super) async fn an_answer_that_line_refuses_is_redriven_alone(chat: &dyn Chat) {
        chat.line().faults.plan_next(PUSH, Fault::After(Duration::ZERO));
        chat.line().plan_error(PUSH, 400, "on purpose");
        meanwhile(chat, &["one", "two", "three"], []).await;
        chat.drains().await;
        assert!(said(chat)[1].starts_with("Sorry"), "{:?}", said(chat));
        assert_eq!((said(chat).len(), chat.letters().await), (2, 1));
        chat.redrives().await;
        chat.drains().await;
        assert_eq!(said(chat)[2..], ["answer to three"]);
        assert_eq!(asked(chat).len(), 1, "an answer that is stored is never asked for again");
    }

    pub(super) async fn what_line_delivers_again_is_silence(chat: &dyn Chat) {
        let messages = meanwhile(chat, &["one", "two", "three"], []).await;
        for _ in 0..2 {
            chat.drains().await;
            for message in &messages {
                chat.takes(message.clone()).await;
            }
        }
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
    }

    pub(super) async fn the_free_reply_is_the_last_ones(chat: &dyn Chat) {
        let messages = meanwhile(chat, &["one", "two", "three"], []).await;
        chat.drains().await;
        assert_eq!(said(chat), ["answer to hold", "answer to three"]);
        let replies = chat.line().faults.seen(emulator::line::REPLY);
        assert_eq!(replies.last().unwrap().body["replyToken"], messages[2]["events"][0]["replyToken"]);
        assert!(chat.line().faults.seen(PUSH).is_empty());
    }
}
