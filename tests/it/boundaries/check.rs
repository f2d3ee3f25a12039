//! What must be so at the end of every story, whatever was done to which boundary.

use cli::standin::{
    line::{Line, REPLY},
    model::Model,
};

use super::{
    gate::Gate,
    store::Store,
    stories::{Ends, Story},
};

/// What is not as it must be.
pub async fn check(story: &Story, line: &Line, model: &Model, gate: &Gate, kept: &Store) -> Vec<String> {
    let mut wrong = vec![];
    let mut must = |what: &str, is_so: bool, seen: &dyn std::fmt::Debug| {
        if !is_so {
            wrong.push(format!("not so: {what}, but {seen:?}"));
        }
    };
    let said: Vec<String> = line.sent().into_iter().flat_map(|sent| sent.texts).collect();
    let (messages, unfinished, letters) =
        (kept.messages().await, kept.unfinished().await, kept.letters().await);
    let of = |role: &str| -> Vec<&str> {
        messages.iter().filter(|(of, _)| of == role).map(|(_, content)| content.as_str()).collect()
    };

    let asked = model.asked().len();
    must("no more questions than one too many", asked <= story.asks + 1, &asked);
    must("what is stored is not paid for again", gate.paid_twice().is_empty(), &gate.paid_twice());
    must("every question is kept once", of("user") == story.kept, &messages);
    let told: Vec<_> =
        letters.iter().map(|letter| (letter["reason"].clone(), letter["state"].clone())).collect();
    let named: Vec<_> = letters.iter().map(|letter| letter["event"].as_str().unwrap().to_owned()).collect();
    must("whatever is not over has a letter", unfinished == named, &(&unfinished, &letters));
    let letter = |reason: &str, state: &str| told == [(reason.into(), state.into())];
    // A reply has no key by which LINE could tell later what became of it.
    let may_be_unknown = gate.record().had_passed(REPLY) && letter("delivery_unknown", "delivery_unknown");
    match story.ends {
        Ends::Answered => {
            let (heard, stored) = (without_spaces(&said), without_spaces(&of("assistant")));
            let expected = without_spaces(&[story.says_back]) + &stored;
            // After what is unknown nothing more is said, and nothing is said twice.
            let is_begun = may_be_unknown && !heard.is_empty() && expected.starts_with(&heard);
            let is_said = heard == expected || is_begun;
            must("what is stored was said, once and in order", is_said, &(&said, &messages));
            let is_answered = messages.last().is_some_and(|(role, _)| role == "assistant");
            must("the last word is the bot's", is_answered, &messages);
            must("no letter but of what is unknown", told.is_empty() || may_be_unknown, &letters);
        }
        Ends::Forgotten(messages_sent) => {
            let is_said = said.len() == messages_sent && said.iter().any(|text| text == "answer to hello");
            must("it was answered once", is_said, &said);
            must("no answer is kept", messages.is_empty(), &messages);
            must("no letter but of what is unknown", told.is_empty() || may_be_unknown, &letters);
        }
        Ends::Refused => {
            must("no answer is kept", messages.is_empty(), &messages);
            must("the user was told once", said.len() == 1 && said[0].starts_with("Sorry"), &said);
            must("one letter", letter("model_refused", "unanswered"), &letters);
        }
    }
    wrong
}

fn without_spaces(texts: &[impl AsRef<str>]) -> String {
    texts.iter().flat_map(|text| text.as_ref().split_whitespace()).collect()
}
